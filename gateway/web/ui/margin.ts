// SPDX-License-Identifier: Apache-2.0
//
// Beside the board: who draws and who is here.
import type { Member } from "../codec/messages.gen.ts";
import type { Client } from "../net/client.ts";
import { words } from "../strings/words.ts";
import { myName, setMyName } from "./device.ts";
import { $, button, setText, show } from "./dom.ts";
import { cleanName } from "./names.ts";
import { AWAY, LOST, nameOf, type PenAct, penView } from "./pen-view.ts";

const TWICE_MS = 500; // a double click, at most

export class Margin {
  /** Asks before the owner takes the pen from somebody. */
  onTakeFrom: (name: string) => void = () => {};

  #client: Client;
  #dismissed = new Set<string>();
  #asked = false; // for the pen that an earlier page of ours holds
  #penShown = "";
  #actsAt = 0; // when the buttons changed last
  #peopleShown = "";
  #named = false;

  constructor(client: Client) {
    this.#client = client;
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
    const facts = { me: board.member, role: client.role, drawing: client.term !== 0, live: client.phase === "live" };
    this.#showPen(penView({ ...facts, state, age, dismissed: this.#dismissed }));
    this.#showPeople();
    this.#askAgain();
    if (state) this.#firstVisit(state.members.length);
  }

  // ---- the pen ---------------------------------------------------------------------------------

  #act(act: PenAct): void {
    const client = this.#client;
    if (performance.now() - this.#actsAt < TWICE_MS) return; // the second press of a double click was for the one before
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

  #showPen(view: ReturnType<typeof penView>): void {
    const shape = JSON.stringify([view.acts, view.asker?.member]);
    setText($("penText"), view.text);
    setText($("drawsNow"), view.text); // in the bar of a phone
    const text = document.getElementById("askerText");
    if (text && view.asker) setText(text, view.asker.text);
    $("pen").classList.toggle("mine", this.#client.term !== 0);
    if (shape === this.#penShown) return;
    this.#penShown = shape;
    this.#actsAt = performance.now();
    const focused = $("pen").contains(document.activeElement);
    $("penButtons").replaceChildren(
      ...view.acts.map(({ act, label, primary }) => button(label, () => this.#act(act), primary ? "primary" : "")),
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
    buttons.append(
      button(words.handOver, () => this.#client.pass(member), "primary"),
      button(words.notNow, notNow),
    );
    ret.append(sentence, buttons);
    return ret;
  }

  // ---- people ----------------------------------------------------------------------------------

  #showPeople(): void {
    const { state, seats, board } = this.#client;
    if (!state) return;
    const shown = JSON.stringify([state.members, state.holder, seats]);
    if (shown === this.#peopleShown) return;
    this.#peopleShown = shown;
    const here = state.members.length;
    setText($("count"), words.peopleCount(here, Math.max(seats, here)));
    setText($("countShort"), words.peopleCountShort(here, Math.max(seats, here)));
    const place = (member: Member): number =>
      member.member === state.holder ? 0 : member.line > 0 ? member.line : member.flags & LOST ? 200_000 : 100_000;
    const sorted = [...state.members].sort((a, b) => place(a) - place(b) || nameOf(a).localeCompare(nameOf(b)));
    const change = button(words.changeName, () => this.#askName(myName() || nameOf(sorted.find(({ member }) => member === board.member))), "link");
    $("people").replaceChildren(...sorted.map((member) => person(member, state.holder, board.member, change)));
  }

  // ---- the name --------------------------------------------------------------------------------

  /** Who never gave a name is a guest with a number, and may give one: a field, never a prompt. */
  #firstVisit(count: number): void {
    if (this.#named) return;
    this.#named = true;
    if (myName()) return;
    const taken = new Set(this.#client.members.map((member) => member.name));
    let n = count;
    while (taken.has(words.guestOf(n))) n++;
    $<HTMLInputElement>("yourName").value = words.guestOf(n);
    this.#client.profile(words.guestOf(n), document.hidden);
    show($("nameForm"), true);
  }

  #askName(name: string): void {
    const field = $<HTMLInputElement>("yourName");
    field.value = name;
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

function person(member: Member, holder: string, me: string, change: HTMLElement): HTMLElement {
  const name = nameOf(member);
  const ret = document.createElement("li");
  ret.className = [member.member === holder && "draws", member.flags & (AWAY | LOST) && "gone"].filter(Boolean).join(" ");
  const face = document.createElement("span");
  face.className = "face";
  face.setAttribute("aria-hidden", "true");
  face.textContent = /\d+$/.exec(name)?.[0].slice(-2) ?? [...name][0]!.toLocaleUpperCase();
  const who = document.createElement("span");
  who.className = "who";
  who.textContent = name;
  const tag = document.createElement("span");
  tag.className = "tag";
  tag.textContent = [
    member.member === holder && words.pen,
    member.member === me && words.you,
    member.line > 0 && words.lineOf(member.line),
    member.flags & LOST ? words.lost : member.flags & AWAY ? words.away : "",
  ]
    .filter(Boolean)
    .join(" · ");
  ret.append(face, who, tag);
  if (member.member === me) ret.append(change);
  return ret;
}
