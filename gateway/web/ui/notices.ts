// SPDX-License-Identifier: Apache-2.0
//
// What happened, for eyes (a line that goes away by itself) and for screen readers: at most one polite
// message per three seconds, assertive only about one's own pen.
import type { Client } from "../net/client.ts";
import { words } from "../strings/words.ts";
import { $, setText, show } from "./dom.ts";
import { nameOf } from "./pen-view.ts";

const SHOWN_MS = 5_000;
const POLITE_MS = 3_000;

export class Notices {
  #client: Client;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #polite: string[] = [];
  #politeAt = 0;
  #drawing = false;
  #holder: string | null = null;
  #here: Map<string, string> | null = null;
  #asking = "";

  constructor(client: Client) {
    this.#client = client;
  }

  show(text: string): void {
    const notice = $("notice");
    setText(notice, text);
    show(notice, true);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => show(notice, false), SHOWN_MS);
  }

  /** Notices what changed since the last call. */
  update(): void {
    this.#penChanged();
    this.#peopleChanged();
    const now = Date.now();
    if (this.#polite.length && now - this.#politeAt > POLITE_MS) {
      this.#politeAt = now;
      setText($("polite"), this.#polite.join(" "));
      this.#polite = [];
    }
  }

  say(text: string): void {
    if (!this.#polite.includes(text)) this.#polite.push(text);
  }

  #penChanged(): void {
    const { state, term, board } = this.#client;
    if (!state) return;
    // While it changes hands, nobody knows yet with whom it will be.
    const drawing = term !== 0 || (this.#drawing && state.holder === board.member);
    const name = nameOf(state.members.find((member) => member.member === state.holder));
    if (drawing !== this.#drawing) {
      const text = drawing ? words.youHavePenNow : state.holder ? words.penIsWith(name) : words.penIsFree;
      this.show(text);
      setText($("assertive"), text);
    } else if (this.#holder !== null && state.holder !== this.#holder && !drawing && state.holder !== board.member) {
      const text = state.holder ? words.hasPenNow(name) : words.penIsFree;
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
    const here = new Map(state.members.map((member) => [member.member, nameOf(member)]));
    const before = this.#here;
    this.#here = here;
    if (!before) return;
    const came = [...here].filter(([id]) => !before.has(id) && id !== board.member).map(([, name]) => name);
    const left = [...before].filter(([id]) => !here.has(id)).map(([, name]) => name);
    if (came.length + left.length) this.say(words.cameAndWent(words.list(came), words.list(left)));
  }
}
