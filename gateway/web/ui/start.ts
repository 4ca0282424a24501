// SPDX-License-Identifier: Apache-2.0
//
// The start page: make a board, join one, or go back to one that was open here before.
import { translate, words } from "../strings/words.ts";
import { makeBoard, watchToken } from "./api.ts";
import { parseJoin } from "./code.ts";
import { boards, forget, type Known, remember } from "./device.ts";
import { $, setText, show, stamp } from "./dom.ts";
import { cleanName } from "./names.ts";

const open = (board: string, token: string): void => location.assign(`/b/${board}#${token}`);

/** Runs `work` with the form's button switched off; whatever it returns is shown as the problem. */
function onSubmit(form: HTMLFormElement, problem: HTMLElement, work: () => Promise<string>): void {
  const press = form.querySelector("button")!;
  const label = press.textContent ?? "";
  form.onsubmit = async (event) => {
    event.preventDefault();
    press.disabled = true;
    setText(problem, "");
    setText(press, words.making);
    setText(problem, await work());
    setText(press, label);
    press.disabled = false;
  };
}

async function make(): Promise<string> {
  const name = cleanName($<HTMLInputElement>("name").value);
  const key = $<HTMLInputElement>("key").value.trim();
  const made = await makeBoard(name, key);
  if (made === 401 || made === 403) {
    show($("keyRow"), true);
    $("key").focus();
    return words.makeKeyNeeded;
  }
  if (made === 429) return words.makeTooMany;
  if (made === 0) return words.serviceAway;
  if (typeof made === "number") return words.makeFailed;
  const { own, draw, watch } = made.tokens;
  remember(made.board, { name, role: 2, token: own, links: { draw, watch }, last: Date.now() });
  open(made.board, own);
  return "";
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
  if (token === 404) return words.notFound;
  if (token === 429) return words.joinTooMany;
  if (typeof token === "number") return words.serviceAway;
  open(typed.board, token);
  return "";
}

const when = new Intl.DateTimeFormat(words.locale, { dateStyle: "medium", timeStyle: "short" });

function row(one: Known): HTMLElement {
  const ret = stamp("boardRow");
  const name = cleanName(one.name) || words.unnamed;
  const link = ret.querySelector("a")!;
  link.href = `/b/${one.board}#${one.token}`;
  setText(link.querySelector("strong")!, name);
  setText(link.querySelector("span")!, `${words.roles[one.role] ?? ""} · ${when.format(one.last)}`);
  const press = ret.querySelector("button")!;
  press.setAttribute("aria-label", words.forgetBoard(name));
  press.onclick = () => {
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
onSubmit($<HTMLFormElement>("make"), $("makeProblem"), make);
onSubmit($<HTMLFormElement>("join"), $("joinProblem"), join);
addEventListener("pageshow", list); // also when it comes back from the browser's cache
list();
