// SPDX-License-Identifier: Apache-2.0
//
// Boards with ten people each, through a balancer. On a third of the boards somebody draws all the time, on a
// third now and then, on a third once before each fault and once in the midst of it. On every second board the
// people want the pen, hand it over, and come and go; on the others only the owner draws, so nobody ever takes
// the pen from anybody.
import { until } from "../service/harness.mjs";
import { random } from "../service/strokes.mjs";
import { Person } from "./person.mjs";

const TICK_MS = 50;
/** How many are at a board, what each third of the boards is like, whether people come and go on every second
 *  one, how often somebody draws who draws all the time. */
const SCHOOL = { people: 10, habits: ["steady", "nowAndThen", "rarely"], social: true, steadyMs: 250 };
const NOW_AND_THEN = 0.005; // of the ticks
const LIVELY = 0.01; // of the ticks, on the boards whose people come and go
const WELL_MS = 15_000;
const YOUNG_MS = 2_000; // what is so new may be on its way

class Board {
  numbers = 0;
  drawnAt = new Map(); // number -> when
  #due = 0; // strokes that somebody shall draw
  #turn = 0;
  #pausedAt = 0;
  #stored = []; // what was told to be stored, from YOUNG_MS ago on

  constructor(school, index, made, url) {
    const { habits, social, people } = school.plan;
    Object.assign(this, { school, index, id: made.board, tokens: made.tokens, habit: habits[index % habits.length], social: social && index % 2 === 1 });
    this.next = random(school.seed * 1000 + index);
    this.people = Array.from({ length: people }, (_, i) => new Person(this, `${index}.${i}`, made.tokens[i === 0 ? "own" : i < 6 ? "draw" : "watch"], url));
  }

  get owner() {
    return this.people[0];
  }
  get drawer() {
    return this.people.find((person) => person.isHere && person.client.term !== 0);
  }

  // ---- what the people tell -----------------------------------------------------------------------

  saw(person, number) {
    const at = this.drawnAt.get(number);
    if (!(at > person.hereSince) || person.drawn.has(number)) return;
    person.sawOf = Math.max(person.sawOf ?? 0, at);
    this.school.waited("viewer", person, performance.now() - at);
  }

  saved(person, number) {
    const at = this.drawnAt.get(number);
    person.savedOf = Math.max(person.savedOf ?? 0, at);
    if (person.drawn.has(number)) this.school.waited("saved", person, performance.now() - at);
  }

  // ---- life ---------------------------------------------------------------------------------------

  tick(now) {
    this.#stored.push(this.stored);
    if (this.#stored.length > YOUNG_MS / TICK_MS) this.#stored.shift();
    if (this.habit === "steady" && now - this.#turn >= this.school.plan.steadyMs) this.#due = 1;
    if (this.habit === "nowAndThen" && this.next() < NOW_AND_THEN) this.#due = 1 + Math.floor(this.next() * 5);
    if (this.#due > 0) this.#drawDue(now);
    if (this.social && this.next() < LIVELY) this.#live();
  }

  /** Somebody who has the pen draws; if nobody has it, the owner wants it. */
  #drawDue(now) {
    const { drawer } = this;
    const number = drawer?.draw(this.numbers + 1) ?? null;
    if (number !== null) {
      this.numbers = number;
      this.drawnAt.set(number, performance.now());
      this.#due--;
      this.#turn = now;
      if (this.#pausedAt) this.school.waited("drawer", drawer, now - this.#pausedAt);
      this.#pausedAt = 0;
      return;
    }
    this.#pausedAt ||= now;
    if (!drawer && this.owner.isHere && this.owner.client.phase === "live" && now - (this.askedAt ?? 0) > 1000) {
      this.askedAt = now;
      this.owner.client.ask();
    }
  }

  drawOnce() {
    this.#due++;
  }

  #live() {
    const person = this.people[Math.floor(this.next() * this.people.length)];
    const { drawer } = this;
    const back = (ms, what) => setTimeout(() => this.school.open && what(), ms).unref();
    const deed = Math.floor(this.next() * 9);
    if (!person.isHere) return;
    if (deed <= 1) return person.client.ask();
    if (deed === 2) return person.client.cancel();
    if (deed === 3 && drawer?.mayDraw) return drawer.client.pass(person === drawer ? "" : (person.client.board.member ?? ""));
    if (deed === 4 && drawer?.mayDraw) return drawer.client.undo();
    if (deed === 5 && drawer?.mayDraw && this.next() < 0.3) return drawer.client.clear();
    if (deed === 6) return person.reload();
    if (deed === 7) {
      person.leave();
      return back(2000 + this.next() * 8000, () => person.comeBack());
    }
    if (deed === 8) {
      person.sleep();
      back(1000 + this.next() * 12_000, () => person.wake());
    }
  }

  // ---- is all well ----------------------------------------------------------------------------------

  /** What is wrong with the views of those who are here; [] when all is as it should be. */
  unwell(now) {
    const ret = [];
    const [goal = 0] = this.#stored;
    for (const person of this.people.filter((one) => one.isHere && (one.hereSince ?? 0) < now - YOUNG_MS)) {
      const { phase, end, full, board } = person.client;
      const late = [...person.drawn].some(([number, at]) => at < now - YOUNG_MS && !person.acked.has(number) && !person.forgone?.has(number));
      if (full) continue; // others have the places
      if (phase !== "live") ret.push(`${person.name} is ${end ?? phase}`);
      else if (board.mark < goal) ret.push(`${person.name}, at ${this.school.where(person)}, stands at ${board.mark} (applied ${board.applied}, head ${board.head}), not at ${goal}`);
      else if (late && board.unackedFrames > 0) ret.push(`${person.name} does not know what became of ${board.unackedFrames} frames`);
    }
    return ret;
  }

  /** What is not right: somebody is not live, or lacks what is stored. Where somebody draws all the time, also who
   *  has not seen what was drawn after `since`, and a drawer who does not know that it is saved. */
  amiss(since) {
    const goal = this.stored;
    const { drawer } = this;
    const ret = [];
    for (const person of this.people) {
      const { phase, board, keptStrokes } = person.client;
      const steady = this.habit === "steady";
      const news = !steady || (person === drawer ? person.savedOf : person.sawOf) > since;
      if (phase !== "live") ret.push(`${person.name} is ${phase}`);
      else if (board.mark < goal) ret.push(`${person.name} stands at ${board.mark}, not at ${goal}`);
      else if (!news) ret.push(`${person.name}${person === drawer ? ", who draws," : ""} has nothing new`);
      else if (!steady && board.unackedFrames + keptStrokes > 0) ret.push(`${person.name} does not know of ${board.unackedFrames} frames and ${keptStrokes} strokes`);
    }
    return ret;
  }

  /** The newest offset that anybody was told is stored. */
  get stored() {
    return Math.max(0, ...this.people.map(({ client }) => client.board.mark));
  }
}

export class School {
  boards = [];
  open = true;
  #windows = new Set(); // of faults under way

  constructor(seed, balancer, plan = {}) {
    Object.assign(this, { seed, balancer, url: balancer.url, plan: { ...SCHOOL, ...plan } });
  }

  where({ ws }) {
    return ws?._socket ? this.balancer.servedBy(ws._socket) : "nowhere";
  }

  async begin(cluster, count) {
    for (let i = 0; i < count; i++) {
      const made = await cluster.makeBoard(`Board ${i}`);
      this.boards.push(new Board(this, i, made, this.url));
    }
    for (const { people } of this.boards) for (const person of people) person.start();
    await until("everybody is there", () => this.people.every(({ arrived }) => arrived), 60_000);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    for (const board of this.boards) board.drawOnce();
  }
  #timer;

  get people() {
    return this.boards.flatMap(({ people }) => people);
  }

  #tick() {
    const now = performance.now();
    for (const board of this.boards) board.tick(now);
  }

  drawRarely() {
    for (const board of this.boards) if (board.habit === "rarely") board.drawOnce();
  }

  // ---- waits --------------------------------------------------------------------------------------

  /** What is waited for from now on counts for this fault. */
  watchWaits() {
    const window = { viewer: new Map(), drawer: new Map(), saved: new Map() };
    this.#windows.add(window);
    return window;
  }

  waited(role, person, ms) {
    for (const window of this.#windows) {
      if (ms > (window[role].get(person) ?? 0)) window[role].set(person, ms);
    }
  }

  endWaits(window) {
    this.#windows.delete(window);
    return Object.fromEntries(["viewer", "drawer", "saved"].map((role) => [role, [...window[role].values()]]));
  }

  // ---- is all well --------------------------------------------------------------------------------

  /** Resolves with what is not well within 15 s, how long it took until all was, and what was wrong last. */
  async becomesWell() {
    const begun = performance.now();
    let wrong = [];
    let last;
    do {
      last = wrong;
      await new Promise((done) => setTimeout(done, TICK_MS));
      wrong = this.boards.flatMap((board) => board.unwell(performance.now()));
    } while (wrong.length && performance.now() - begun < WELL_MS);
    return { wrong, last, ms: performance.now() - begun };
  }

  /** Nobody does anything any more. */
  async close() {
    this.open = false;
    clearInterval(this.#timer);
    for (const person of this.people) {
      if (person.gone) continue;
      person.wake();
    }
    await until("all that was drawn is settled", () =>
      this.people.every(({ gone, client }) => gone || client.full || (client.phase === "live" && client.board.unackedFrames === 0 && client.keptStrokes === 0)), 30_000).catch(() => {});
  }

  end() {
    for (const person of this.people) person.end();
  }
}
