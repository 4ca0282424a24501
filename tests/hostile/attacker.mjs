// SPDX-License-Identifier: Apache-2.0
//
// One hostile client: it does the kinds of attacks in turns, in an order of its own, from its address. What
// a kind needs is here; what it does is in the files of the kinds.

import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { randomInstance } from "../../build/web-node/client.mjs";
import { Line, request } from "./line.mjs";

const LINES_MAX = 12; // open at a time
const SOON = 4_102_444_800_000; // in 2100
const BOUT_MS = [1_500, 5_000];

export class Attacker {
  #deck = [];
  #lines = new Set();

  /** camp: what all hostile clients share: gateways (ports), crowded (links), boards that they made, budget,
   *  note(kind, answer), until; link: of the honest board, {board, watch, draw}, where it has a seat, since it comes
   *  as one session mostly */
  constructor(camp, next, address, link) {
    Object.assign(this, { camp, next, address, link, session: randomBytes(16) });
  }

  /** Until the camp's time is up. */
  async attack(kinds) {
    while (performance.now() < this.camp.until) {
      const [kind, what] = this.#draw(kinds);
      this.kind = kind;
      this.camp.note(kind, "bouts");
      this.boutEnd = Math.min(this.camp.until, performance.now() + this.between(...BOUT_MS));
      while (!this.over) {
        await this.pace();
        await what(this);
        for (const line of this.#lines) line.go(this.pick(["reset", "fin"]));
        this.#lines.clear();
      }
    }
  }

  /** The next of the kinds; each comes once before any comes again. */
  #draw(kinds) {
    if (!this.#deck.length) this.#deck = [...kinds];
    return this.#deck.splice(this.between(0, this.#deck.length), 1)[0];
  }

  get over() {
    return performance.now() >= this.boutEnd;
  }

  pause(ms) {
    return setTimeout(Math.max(0, Math.min(ms, this.boutEnd - performance.now())));
  }

  /** Before each thing that costs something: so all of them together spend no more than they may. */
  async pace() {
    await setTimeout(1);
    await this.camp.budget.turn();
  }

  between(low, high) {
    return low + Math.floor(this.next() * (high - low));
  }

  pick(list) {
    return list[this.between(0, list.length)];
  }

  note(answer) {
    this.camp.note(this.kind, answer);
  }

  line(port = this.pick(this.camp.gateways)) {
    const { kind } = this;
    const line = new Line(port, this.address, (answer) => this.camp.note(kind, answer));
    this.#lines.add(line);
    if (this.#lines.size > LINES_MAX) this.leave([...this.#lines][0], "reset");
    return line;
  }

  leave(line, how) {
    line.go(how);
    this.#lines.delete(line);
  }

  /** Sends these bytes on a line of its own; resolves with what is answered as text. */
  async ask(bytes, port) {
    const line = this.line(port);
    line.send(bytes);
    await line.until(() => line.text.includes("\r\n\r\n"));
    this.leave(line, "fin");
    return line.text;
  }

  /** A line on which hello was said; null when there is no WebSocket. */
  async hello(token, fields = {}, port) {
    const line = this.line(port);
    if (!(await line.upgrade())) return null;
    line.say(this.helloFrame(token, fields));
    return line;
  }

  helloFrame(token, fields = {}) {
    const own = { session: this.session, instance: randomInstance(), conn: 1, name: "", from: null, since: null };
    return { kind: "hello", token, ...own, ...fields };
  }

  /** A board of their own, {board, tokens}: a new one while they are given some, else one they made before. */
  async ownBoard() {
    const text = await this.ask(request("POST", "/api/boards", { body: "{}" }));
    const body = text.match(/^HTTP\/1\.1 201[^]*?\r\n\r\n(\{.*\})/)?.[1];
    if (!body) return this.camp.boards.length ? this.pick(this.camp.boards) : null;
    const made = JSON.parse(body);
    this.camp.boards.push(made);
    return made;
  }

  /** A line that has the pen of a board of their own, with its `term`; null when it did not get it. */
  async drawer(board) {
    const line = board && (await this.hello(board.tokens.own, { since: SOON })); // so from the head on
    const welcome = line && (await line.welcomed());
    if (!welcome) return null;
    line.say({ kind: "take" });
    const ours = ({ kind, member }) => kind === "ev_grant" && member === welcome.member;
    const grant = await line.until(() => line.messages.findLast(ours));
    if (!grant) return null;
    const stored = () => line.messages.some(({ kind, mark }) => kind === "mark" && mark >= grant.offset);
    if (!(await line.until(stored))) return null;
    line.term = grant.offset;
    line.reading = false;
    return line;
  }
}
