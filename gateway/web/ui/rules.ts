// SPDX-License-Identifier: Apache-2.0
//
// The dialog of who owns the board: who comes in, who draws and clears, its links, its name, and its end.
import { CLEARS, CODE_ENDS, DOOR, GIVEN, IDLE, LINKS_ALL, LINKS_BELOW } from "../net/deeds.ts";
import { Client } from "../net/client.ts";
import { copyTo } from "../net/copy.ts";
import { words } from "../strings/words.ts";
import { deleteBoard, makeBoard, socket } from "./api.ts";
import { myName, remember, sessionBytes } from "./device.ts";
import { $, button, setText, show } from "./dom.ts";
import { cleanName } from "./names.ts";
import { OWN } from "./pen-view.ts";
import { ask } from "./question.ts";

const BOXES: readonly (readonly [id: string, rule: number])[] = [
  ["ruleDoor", DOOR],
  ["ruleClears", CLEARS],
  ["ruleGiven", GIVEN],
  ["ruleIdle", IDLE],
  ["ruleCode", CODE_ENDS],
];

export class Rules {
  #client: Client;
  #board: string;
  #shown = "";
  #copied = ""; // how much of the board
  #said = "";

  constructor(client: Client, board: string) {
    this.#client = client;
    this.#board = board;
    $("rulesButton").onclick = () => this.#open();
    $("rulesClose").onclick = () => this.#dialog.close();
    for (const [id, rule] of BOXES) $(id).onchange = () => client.deeds.set(rule, $<HTMLInputElement>(id).checked);
    $("renameForm").onsubmit = (event) => {
      event.preventDefault();
      client.deeds.rename(cleanName($<HTMLInputElement>("rename").value));
    };
    $("endBelow").onclick = () => void this.#endLinks(LINKS_BELOW, words.endBelowQuestion);
    $("endAll").onclick = () => void this.#endLinks(LINKS_ALL, words.endAllQuestion);
    $("copyBoard").onclick = () => void this.#copy();
    $("deleteBoard").onclick = () => void this.#delete();
  }

  get #dialog(): HTMLDialogElement {
    return $<HTMLDialogElement>("rules");
  }

  get rules(): boolean {
    return this.#client.role === OWN && this.#client.canRule && this.#client.end === null;
  }

  /** Once a frame. */
  update(): void {
    show($("rulesButton"), this.rules);
    if (!this.#dialog.open) return;
    if (!this.rules) return this.#dialog.close();
    const { deeds } = this.#client;
    if (deeds.busy || this.#copied || this.#said) setText($("rulesState"), (this.#said = this.#copied || (deeds.busy ? words.saving : "")));
    if (!deeds.busy) for (const [id, rule] of BOXES) $<HTMLInputElement>(id).checked = deeds.has(rule);
    const { removed } = deeds.told;
    const shown = JSON.stringify(removed);
    if (shown === this.#shown) return;
    this.#shown = shown;
    show($("removedPart"), removed.length > 0);
    $("removed").replaceChildren(...removed.map(({ member, name }) => this.#removed(member, cleanName(name) || words.guest)));
  }

  #removed(member: string, name: string): HTMLElement {
    const ret = document.createElement("li");
    const who = document.createElement("span");
    who.className = "who";
    who.textContent = name;
    const back = button(words.letBack, () => this.#client.deeds.letIn(member));
    back.setAttribute("aria-label", words.letBackName(name));
    ret.append(who, back);
    return ret;
  }

  #open(): void {
    $<HTMLInputElement>("rename").value = cleanName(this.#client.board.name);
    this.#dialog.showModal();
    this.update();
  }

  async #endLinks(roles: number, question: string): Promise<void> {
    if (await ask(question, words.endLinks, words.keep, () => this.rules)) this.#client.deeds.endLinks(roles);
  }

  async #copy(): Promise<void> {
    const { board } = this.#client;
    const name = cleanName(words.copyOf(cleanName(board.name) || words.easel));
    const made = await makeBoard(name, "");
    if ("status" in made) return setText($("rulesState"), made.status === 401 ? words.makeKeyNeeded : words.makeFailed);
    const { own, draw, watch } = made.tokens;
    const one = remember(made.board, { name, role: OWN, token: own, links: { draw, watch }, last: Date.now() });
    const there = new Client({ token: own, board: made.board, session: sessionBytes(one.session), name: myName(), open: socket });
    $<HTMLButtonElement>("copyBoard").disabled = true;
    there.start();
    const done = await copyTo(there, board.strokes, (part) => (this.#copied = words.copying(words.percent(part))));
    there.stop();
    this.#copied = "";
    $<HTMLButtonElement>("copyBoard").disabled = false;
    if (done) location.assign(`/b/${made.board}`);
    else setText($("rulesState"), words.makeFailed);
  }

  async #delete(): Promise<void> {
    if (!(await ask(words.deleteQuestion, words.deleteBoard, words.keep, () => this.rules))) return;
    if (await deleteBoard(this.#board, this.#client.token)) this.#client.notFound();
    else setText($("rulesState"), words.serviceAway);
  }
}
