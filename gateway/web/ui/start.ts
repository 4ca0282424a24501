// SPDX-License-Identifier: Apache-2.0
//
// The start page: make a board, join one, or go back to one that was open here before.
import { translate, words } from "../strings/words.ts";
import type { Refusal } from "./answers.ts";
import { makeBoard, watchToken, whyNoToken } from "./api.ts";
import { parseJoin } from "./code.ts";
import { boards, forget, type Known, remember, stored } from "./device.ts";
import { $, setText, show, stamp } from "./dom.ts";
import { cleanName } from "./names.ts";
import { OWN } from "./pen-view.ts";
import { ask } from "./question.ts";

const open = (board: string, token: string): void => location.assign(`/b/${board}${token && `#${token}`}`);

/** Runs `work` with the form's button switched off; whatever it returns is shown as the problem. */
function onSubmit(form: HTMLFormElement, problem: HTMLElement, work: () => Promise<string>): void {
  const press = form.querySelector("button")!;
  const label = press.textContent ?? "";
  form.onsubmit = async (event) => {
    event.preventDefault();
    press.disabled = true;
    setText(problem, "");
    setText(press, words.making);
    try {
      setText(problem, await work());
    } finally {
      setText(press, label);
      press.disabled = false;
    }
  };
}

async function make(): Promise<string> {
  const name = cleanName($<HTMLInputElement>("name").value);
  const key = $<HTMLInputElement>("key").value.trim();
  const made = await makeBoard(name, key);
  if ("status" in made) return whyNotMade(made);
  const { own, draw, watch } = made.tokens;
  remember(made.board, { name, role: 2, token: own, links: { draw, watch }, last: Date.now(), fresh: true });
  open(made.board, stored(made.board) ? "" : own);
  return "";
}

function whyNotMade({ status, code, waitS }: Refusal): string {
  if (status === 403) return words.foreign;
  if (status === 401) {
    show($("keyRow"), true);
    $("key").focus();
    return words.makeKeyNeeded;
  }
  if (code === "boards_full") return words.makeNoRoom;
  if (status === 429) return words.makeTooMany(waitS);
  return status === 0 ? words.serviceAway : words.makeFailed;
}

async function join(): Promise<string> {
  const typed = parseJoin($<HTMLInputElement>("code").value, location.origin);
  if (typed.kind === "bad") return words.joinBad;
  if (typed.kind === "elsewhere") return words.joinElsewhere(typed.host);
  if (typed.kind === "link") {
    open(typed.board, typed.token);
    return "";
  }
  const token = await watchToken(typed.board);
  if (typeof token !== "string") return whyNoToken(token);
  open(typed.board, token);
  return "";
}

const when = new Intl.DateTimeFormat(words.locale, { dateStyle: "medium", timeStyle: "short" });

function row(one: Known): HTMLElement {
  const ret = stamp("boardRow");
  const name = cleanName(one.name) || words.unnamed;
  const link = ret.querySelector("a")!;
  link.href = `/b/${one.board}`; // copied, it lets others watch
  setText(link.querySelector("strong")!, name);
  setText(link.querySelector("span")!, `${words.roles[one.role] ?? ""} · ${when.format(one.last)}`);
  const press = ret.querySelector("button")!;
  press.setAttribute("aria-label", words.forgetBoard(name));
  press.onclick = async () => {
    const question = one.role === OWN ? words.forgetOwnQuestion(name) : words.forgetQuestion(name);
    if (!(await ask(question, words.forget, words.keep, () => true))) return;
    forget(one.board);
    list();
  };
  return ret;
}

function list(): void {
  const all = boards();
  $("boards").replaceChildren(...all.map(row));
  show($("noBoards"), all.length === 0);
}

translate();
if (location.pathname !== "/") {
  setText($("joinProblem"), words.nothingHere); // the service gives this page for what it does not know
  history.replaceState(null, "", "/");
}
onSubmit($<HTMLFormElement>("make"), $("makeProblem"), make);
onSubmit($<HTMLFormElement>("join"), $("joinProblem"), join);
addEventListener("pageshow", list); // also when it comes back from the browser's cache
addEventListener("storage", list); // another page opened a board, or forgot it
list();
