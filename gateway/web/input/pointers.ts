// SPDX-License-Identifier: Apache-2.0
//
// What mice, fingers and pens mean: a stroke, a gesture, or nothing. Pure: events and their times come
// in, and a hand does what comes out. One pointer draws at a time.
//
// A finger is held back until it is clear that no second one follows. Once a pen was seen, fingers move
// the board and do not draw, and while the pen is near each touch is a palm.

export interface Contact {
  id: number;
  type: "mouse" | "pen" | "touch";
  x: number; // CSS pixels
  y: number;
  pressure: number; // 0..1
  width: number; // of what touches, in CSS pixels
  button: number; // that went down: 0 the first, 1 the middle one, 2 the second (of a pen: on its barrel), 5 the eraser's end
  buttons: number; // that are down, as a sum of 1, 4, 2 and 32
  alone: boolean; // nothing else of its type touches, as the system says
  time: number; // ms
}

export interface Hand {
  mayBegin(): boolean; // a stroke
  begin(at: Contact): void;
  move(through: readonly Contact[]): void;
  /** The stroke ends and stays; `at` is missing when the system took the pointer away. */
  end(at: Contact | null): void;
  /** The stroke was none: it is taken back. */
  drop(): void;
  /** Fingers moved the board by dx, dy and stretched it by `factor` around x, y. */
  gesture(x: number, y: number, dx: number, dy: number, factor: number): void;
}

const HOLD_PX = 6; // a finger is held back until it moved so far
const HOLD_MS = 80; // or for so long
const SECOND_MS = 250; // until then a second finger makes a gesture of a stroke
const PALM_PX = 40;
const PALM_MS = 500; // after the pen left
const HOVER_MS = 3_000; // a pen that says nothing for so long hovers no more
const MASKS: Record<number, number> = { 0: 1, 1: 4, 2: 2, 5: 32 }; // of buttons

/** Is it the end of a pen that erases? */
export const erases = (at: Contact): boolean => at.type === "pen" && (at.button === 5 || (at.buttons & 32) !== 0);

interface Drawing {
  id: number;
  type: Contact["type"];
  since: Contact;
  last: Contact;
  held: boolean; // nothing drawn yet
}

export class Pointers {
  /** Chosen by hand; null: fingers draw until a pen is seen. */
  fingerDraws: boolean | null = null;
  /** Space is down: the mouse moves the board. */
  grab = false;

  #hand: Hand;
  #drawing: Drawing | null = null;
  #grip = new Map<number, Contact>(); // what moves the board, at most two
  #pens = new Map<number, number>(); // that touch or hover, and when they last said so
  #penLeft = -Infinity;
  #penSeen = false;

  constructor(hand: Hand) {
    this.#hand = hand;
  }

  get fingersDraw(): boolean {
    return this.fingerDraws ?? !this.#penSeen;
  }

  /** When to call `tick`, if nothing happens before; null: never. */
  get due(): number | null {
    return this.#drawing?.held ? this.#drawing.since.time + HOLD_MS : null;
  }

  // ---- what happens ----------------------------------------------------------------------------

  /** True when the pointer is of use: the caller may capture it. */
  down(at: Contact): boolean {
    this.near(at);
    this.#endUnseen(at);
    if (at.type === "touch") return !this.#isPalm(at) && this.#fingerDown(at);
    if (this.#drawing || this.#grip.size) return false;
    const draws = at.button === 0 || erases(at);
    const moves = at.button === 1 || (at.type === "pen" && at.button === 2); // the board
    if (!draws && !moves) return false;
    if (moves || this.grab || !this.#hand.mayBegin()) this.#grip.set(at.id, at);
    else this.#begin(at, false);
    return true;
  }

  /** What of the same type is still here though `at` comes alone has ended, and nobody said so. */
  #endUnseen(at: Contact): void {
    if (!at.alone) return;
    for (const [id, { type }] of this.#grip) if (type === at.type) this.#grip.delete(id);
    if (this.#drawing?.type === at.type) this.lost(this.#drawing.last);
  }

  /** `through` are the places since the last event, the newest is the last. */
  move(at: Contact, through: readonly Contact[] = [at]): void {
    this.near(at);
    const since = this.#drawing?.id === at.id ? this.#drawing.since : this.#grip.get(at.id);
    if (at.type === "mouse" && since && !(at.buttons & MASKS[since.button]!)) return this.up(at); // let go unseen
    if (this.#drawing?.id === at.id) {
      const { held, since } = this.#drawing;
      this.#drawing.last = at;
      if (held && Math.hypot(at.x - since.x, at.y - since.y) < HOLD_PX) return;
      this.#release();
      if (this.#drawing) this.#hand.move(through);
    } else if (this.#grip.has(at.id)) this.#pull(at);
  }

  up(at: Contact): void {
    this.#grip.delete(at.id);
    if (this.#drawing?.id !== at.id) return;
    this.#release(); // a tap of a finger is a dot
    if (this.#drawing) this.#hand.end(at);
    this.#drawing = null;
  }

  /** The system took the pointer: a pen's stroke is kept, a finger's was the start of something else. */
  cancel(at: Contact): void {
    this.#grip.delete(at.id);
    if (this.#drawing?.id !== at.id) return;
    if (at.type === "touch") return this.#takeBack();
    this.#drawing = null;
    this.#hand.end(null);
  }

  /** It speaks to something else now, and may be let go unseen. */
  lost(at: Contact): void {
    this.#grip.delete(at.id);
    if (this.#drawing?.id !== at.id) return;
    this.#release();
    if (this.#drawing) this.#hand.end(null);
    this.#drawing = null;
  }

  /** A pen moves somewhere on the page. */
  near(at: Contact): void {
    if (at.type === "pen") this.#penIsNear(at);
  }

  /** It left the page. */
  leave(at: Contact): void {
    if (at.type === "pen" && this.#pens.delete(at.id)) this.#penLeft = at.time;
  }

  /** Time passes. */
  tick(now: number): void {
    if (this.due !== null && now >= this.due) this.#release();
  }

  /** The stroke under way is over for another reason. */
  forget(): void {
    this.#drawing = null;
  }

  // ---- strokes ---------------------------------------------------------------------------------

  #begin(at: Contact, held: boolean): void {
    this.#drawing = { id: at.id, type: at.type, since: at, last: at, held };
    if (!held) this.#hand.begin(at);
  }

  /** The finger that was held back draws. */
  #release(): void {
    if (!this.#drawing?.held) return;
    this.#drawing.held = false;
    if (this.#hand.mayBegin()) this.#hand.begin(this.#drawing.since);
    else this.#drawing = null;
  }

  #takeBack(): void {
    const drawn = this.#drawing !== null && !this.#drawing.held;
    this.#drawing = null;
    if (drawn) this.#hand.drop();
  }

  // ---- fingers ---------------------------------------------------------------------------------

  #fingerDown(at: Contact): boolean {
    const first = this.#drawing;
    if (first) {
      if (first.type !== "touch" || at.time - first.since.time > SECOND_MS) return false;
      this.#takeBack();
      this.#grip.set(first.id, first.last);
    }
    if (this.#grip.size > 1 || [...this.#grip.values()].some(({ type }) => type !== "touch")) return false;
    if (this.#grip.size || !this.fingersDraw || !this.#hand.mayBegin()) this.#grip.set(at.id, at);
    else this.#begin(at, true);
    return true;
  }

  #isPalm(at: Contact): boolean {
    const hovers = [...this.#pens.values()].some((heard) => at.time - heard < HOVER_MS);
    const near = hovers || this.#drawing?.type === "pen" || at.time - this.#penLeft < PALM_MS;
    return near || (this.#penSeen && at.width > PALM_PX);
  }

  /** Whatever touches beside a pen is a palm, also what began before it. */
  #penIsNear(at: Contact): void {
    this.#penSeen = true;
    this.#pens.set(at.id, at.time);
    if (this.#drawing?.type === "touch") this.#takeBack();
    for (const [finger, { type }] of this.#grip) if (type === "touch") this.#grip.delete(finger);
  }

  #pull(at: Contact): void {
    const before = this.#measure();
    this.#grip.set(at.id, { ...at, button: this.#grip.get(at.id)!.button });
    const now = this.#measure();
    const factor = before.spread && now.spread ? now.spread / before.spread : 1;
    this.#hand.gesture(now.x, now.y, now.x - before.x, now.y - before.y, factor);
  }

  #measure(): { x: number; y: number; spread: number } {
    const [a, b] = [...this.#grip.values()] as [Contact, Contact?];
    if (!b) return { x: a.x, y: a.y, spread: 0 };
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, spread: Math.hypot(a.x - b.x, a.y - b.y) };
  }
}
