// SPDX-License-Identifier: Apache-2.0
//
// What happened, for eyes (a line that goes away by itself) and for screen readers: politely, or, when
// it is about one's own pen, at once.
import type { Client } from "../net/client.ts";
import { CLOSED } from "../net/deeds.ts";
import { words } from "../strings/words.ts";
import { Announcer } from "./announcer.ts";
import { $, setText, show } from "./dom.ts";
import { cleanName } from "./names.ts";
import { nameOf } from "./pen-view.ts";
import type { Status } from "./status.ts";

const SHOWN_MS = 5_000;
const KEPT_MS = 10_000;
const PEN_MS = 1_000; // at most once in so long one is told, at once, that one has the pen or not

export class Notices {
  #client: Client;
  #announcer = new Announcer();
  #keptUntil = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #drawing = false;
  #penToldAt = 0;
  #holder: string | null = null;
  #asking = "";
  #outside = new Set<string>();
  #status: Status | null = null;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Notices what changed since the last call. */
  update(status: Status): void {
    this.#penChanged();
    this.#peopleChanged();
    this.#outsideChanged();
    this.#statusChanged(status);
    const text = this.#announcer.take(performance.now());
    if (text) announce($("polite"), text);
  }

  show(text: string): void {
    if (performance.now() >= this.#keptUntil) this.#show(text, SHOWN_MS);
  }

  /** Bad news: nothing takes its place for a while. */
  lost(strokes: number, setBack: boolean): void {
    const text = setBack ? words.setBack(strokes) : words.notAdded(strokes);
    this.#keptUntil = performance.now() + KEPT_MS;
    this.#show(text, KEPT_MS);
    this.say(text);
  }

  #show(text: string, ms: number): void {
    const notice = $("notice");
    setText(notice, text);
    show(notice, true);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => show(notice, false), ms);
  }

  say(text: string): void {
    this.#announcer.say(text);
  }

  #penChanged(): void {
    const { state, term, board } = this.#client;
    if (!state) return;
    // While it changes hands, nobody knows yet with whom it will be.
    const drawing = term !== 0 || (this.#drawing && state.holder === board.member);
    const name = nameOf(state.members.find((member) => member.member === state.holder));
    if (drawing !== this.#drawing) {
      if (performance.now() - this.#penToldAt < PEN_MS) return; // it may go on changing hands
      this.#penToldAt = performance.now();
      const text = drawing ? words.youHavePenNow : state.holder ? words.penIsWith(name) : words.penIsFree;
      this.show(text);
      announce($("assertive"), text);
    } else if (this.#holder !== null && state.holder !== this.#holder && !drawing && state.holder !== board.member) {
      const next = state.members.find(({ line }) => line === 1);
      const text = state.holder ? words.hasPenNow(name) : next ? words.penGoesTo(nameOf(next)) : words.penIsFree;
      this.show(text);
      this.say(text);
    }
    this.#drawing = drawing;
    this.#holder = state.holder;
    this.#askingChanged(drawing);
  }

  #askingChanged(drawing: boolean): void {
    const next = this.#client.members.find((member) => member.line === 1);
    if (drawing && next && next.member !== this.#asking) this.say(words.asks(nameOf(next)));
    this.#asking = next?.member ?? "";
  }

  #peopleChanged(): void {
    const { state, board } = this.#client;
    if (!state) return;
    const others = state.members.filter(({ member }) => member !== board.member);
    this.#announcer.people(new Map(others.map((member) => [member.member, nameOf(member)])), performance.now());
  }

  /** For who owns the board: somebody came who cannot come in. */
  #outsideChanged(): void {
    const { outside } = this.#client.deeds.told;
    for (const { member, name, why } of outside) {
      if (this.#outside.has(member)) continue;
      const who = cleanName(name) || words.guest;
      const text = why === CLOSED ? words.waitsAtDoor(who) : words.foundNoPlace(who);
      this.show(text);
      this.say(text);
    }
    this.#outside = new Set(outside.map(({ member }) => member));
  }

  /** Trouble and its end. */
  #statusChanged(status: Status): void {
    const before = this.#status;
    this.#status = status;
    if (before && before.line !== status.line && (isTrouble(before) || isTrouble(status))) this.say(status.text);
  }
}

const isTrouble = ({ level }: Status): boolean => level === "warn" || level === "bad";

/** As a new line, so that the same words twice are said twice. */
function announce(region: HTMLElement, text: string): void {
  const line = document.createElement("p");
  line.textContent = text;
  region.replaceChildren(line);
}
