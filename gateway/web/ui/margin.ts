// SPDX-License-Identifier: Apache-2.0
//
// Around the board: who draws, who asks for the pen, who is here, and one's own name.
import type { Member } from "../codec/messages.gen.ts";
import type { Client } from "../net/client.ts";
import { words } from "../strings/words.ts";
import { myName, setMyName } from "./device.ts";
import { $, button, icon, setText, show } from "./dom.ts";
import { cleanName } from "./names.ts";
import { People } from "./people.ts";
import { nameOf, type PenAct, type PenView, penView } from "./pen-view.ts";

const ICONS: Record<PenAct, string> = { ask: "pen", take: "pen", takeFrom: "pen", putDown: "down", cancel: "undo" };
const TWICE_MS = 500; // a double click, at most

export class Margin {
  /** Asks before the owner takes the pen from somebody. */
  onTakeFrom: (name: string) => void = () => {};

  #client: Client;
  #dismissed = new Set<string>();
  #asked = false; // for the pen that an earlier page of ours holds
  #penShown = "";
  #actsAt = 0; // when the buttons changed last
  #people: People;
  #named = false;

  constructor(client: Client) {
    this.#client = client;
    this.#people = new People(client);
    this.#people.onRename = (name) => this.#askName(name);
    $<HTMLInputElement>("yourName").onfocus = () => $<HTMLInputElement>("yourName").select(); // what one types takes its place
    $("nameForm").onsubmit = (event) => {
      event.preventDefault();
      this.#saveName();
    };
  }

  update(): void {
    const client = this.#client;
    const { state, board } = client;
    const age = performance.now() - client.stateAt;
    for (const id of this.#dismissed)
      if (!state?.members.some((member) => member.member === id && member.line > 0)) this.#dismissed.delete(id);
    const facts = {
      me: board.member,
      role: client.role,
      drawing: client.term !== 0,
      live: client.phase === "live",
      rules: client.canRule,
      given: client.penIsGiven,
      paused: client.paused !== null,
    };
    const all = { ...facts, state, age, dismissed: this.#dismissed };
    this.#showPen(penView(all), penView({ ...all, brief: true }).text);
    this.#people.update();
    this.#askAgain();
    this.#firstVisit(state?.members.find(({ member }) => member === board.member));
  }

  // ---- the pen ---------------------------------------------------------------------------------

  #act(act: PenAct, { detail }: MouseEvent): void {
    const client = this.#client;
    if (detail > 1 && performance.now() - this.#actsAt < TWICE_MS) return; // it was for the button that was there before
    if (act === "ask") client.ask();
    if (act === "cancel") client.cancel();
    if (act === "putDown") client.pass("");
    if (act === "takeFrom") this.onTakeFrom(nameOf(client.members.find((m) => m.member === client.state?.holder)));
  }

  /** After a reload the pen is still ours, but held by the page that is gone: ask, and get it. */
  #askAgain(): void {
    const { state, board, instance, term } = this.#client;
    const theirs = state !== null && state.holder === board.member && state.instance !== instance;
    if (!theirs || term) this.#asked = false;
    else if (!this.#asked && board.applied >= board.head) {
      this.#asked = true;
      this.#client.ask();
    }
  }

  #showPen(view: PenView, brief: string): void {
    const shape = JSON.stringify([view.acts, view.asker?.member]);
    setText($("penText"), brief);
    if ($("penText").title !== view.text) $("penText").title = view.text;
    const text = document.getElementById("askerText");
    if (text && view.asker) setText(text, view.asker.text);
    $("pen").classList.toggle("mine", this.#client.term !== 0);
    if (shape === this.#penShown) return;
    this.#penShown = shape;
    this.#actsAt = performance.now();
    const focused = $("pen").contains(document.activeElement) || $("askers").contains(document.activeElement);
    $("penButtons").replaceChildren(
      ...view.acts.map(({ act, label, primary }) => {
        const press = button("", (event) => this.#act(act, event), primary ? "primary" : "");
        const name = document.createElement("span");
        name.textContent = press.title = label;
        press.append(icon(ICONS[act]), name);
        return press;
      }),
    );
    $("askers").replaceChildren(...(view.asker ? [this.#asker(view.asker)] : []));
    if (focused) ($("penButtons").querySelector("button") ?? $("pen")).focus();
  }

  #asker({ member, text }: { member: string; text: string }): HTMLElement {
    const ret = document.createElement("div");
    ret.className = "asker";
    const sentence = document.createElement("p");
    sentence.id = "askerText";
    sentence.textContent = text;
    const buttons = document.createElement("div");
    buttons.className = "buttons";
    const notNow = (): void => {
      this.#dismissed.add(member);
      this.update();
    };
    const client = this.#client;
    buttons.append(
      button(words.handOver, () => (client.term ? client.pass(member) : client.deeds.give(member)), "primary"),
      button(words.notNow, notNow),
    );
    if (client.canRule) buttons.append(button(words.no, () => client.deeds.refuse(member)));
    ret.append(sentence, buttons);
    return ret;
  }

  // ---- the name --------------------------------------------------------------------------------

  /** Who never gave a name is a guest with a number, and may give one: a field, never a prompt. */
  #firstVisit(me: Member | undefined): void {
    if (this.#named || !me) return;
    this.#named = true;
    if (myName()) return;
    $<HTMLInputElement>("yourName").placeholder = nameOf(me);
    show($("nameForm"), true);
  }

  #askName(name: string): void {
    const field = $<HTMLInputElement>("yourName");
    field.value = myName();
    field.placeholder = name;
    show($("nameForm"), true);
    field.focus();
  }

  #saveName(): void {
    const name = cleanName($<HTMLInputElement>("yourName").value);
    if (!name) return;
    setMyName(name);
    this.#client.profile(name, document.hidden);
    show($("nameForm"), false);
  }
}
