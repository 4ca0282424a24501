// SPDX-License-Identifier: Apache-2.0
//
// A board played by chance for those who look at its ink: strokes of others and our own, undo, redo,
// clear, cuts. Runs in Node and, for the pixels, in a browser.
import { Board } from "../../build/web-node/client.mjs";
import { randomOf } from "./random.mjs";
import { bytesOf } from "./reference.mjs";

const ME = "me0000000000";
const ANA = "ana000000000";
const MOVES = ["begin", "begin", "begin", "points", "undo", "undo", "clear", "store", "cut", "pass", "ownComes", "ownComes"];
/** Moves that make a board with many strokes, where mostly the newest change. */
export const MANY = [...Array(16).fill("begin"), "undo", "undoNew", "undoNew", "undoNew", "store", "ownComes"];

export class InkPlay {
  constructor(seed, moves = MOVES) {
    this.moves = moves;
    this.random = randomOf(seed);
    this.board = new Board();
    this.board.member = ME;
    this.board.reset(0);
    this.frames = new Map(); // own frames in the log, by offset
    this.#grant(ME);
  }

  step() {
    const move = this.random.pick(this.moves);
    this[move]();
    return move;
  }

  #event(event) {
    if (this.board.event({ time: 0, ...event, offset: this.board.applied + 1 }) !== "applied") throw new Error("not applied");
  }
  #grant(member) {
    const { offset } = this.board.pen;
    this.#event({ kind: "ev_grant", member, instance: 1, name: "", ended: offset, last: this.cseq ?? 0 });
    this.cseq = 0;
  }
  /** By us (then it waits on top of the log) or by Ana. */
  #drawing(frame) {
    const { offset: term, member } = this.board.pen;
    const cseq = ++this.cseq;
    if (member === ME) this.board.draw({ ...frame, term, cseq });
    else this.#event({ ...frame, kind: `ev_${frame.kind}`, term, cseq, member });
  }
  #places() {
    const { random } = this;
    const [x, y, far] = [random.below(32001), random.below(20001), random.pick([100, 1500, 6000])];
    return Array.from({ length: random.pick([1, 2, 12]) }, (_, i) => ({
      x: Math.min(32000, Math.max(0, x + i * (random.below(far) - far / 3))),
      y: Math.min(20000, Math.max(0, y + i * (random.below(far) - far / 3))),
      pressure: random.below(256),
    }));
  }
  get #pressed() {
    return this.board.open?.points.pressure != null;
  }

  begin() {
    const { random } = this;
    const tool = random.below(3);
    const flags = random.pick([0, 1, 4, 5, 12]);
    const points = bytesOf(this.#places(), undefined, (flags & 1) === 1);
    this.#drawing({ kind: "begin", tool, colour: random.below(12), size: 20 + random.below(1600), shape: 1, flags, points });
  }
  points() {
    this.#drawing({ kind: "points", flags: this.random.pick([0, 4]), points: bytesOf(this.#places(), undefined, this.#pressed) });
  }
  undoNew() {
    this.undo(this.board.strokes.slice(-20));
  }
  undo(strokes = this.board.strokes) {
    const stroke = this.random.pick(strokes);
    if (!stroke) return;
    const kind = this.random.pick(["undo", "redo"]);
    this.#drawing({ kind, stroke_term: stroke.term, stroke_cseq: stroke.cseq });
  }
  clear() {
    if (this.random.chance(0.2)) this.#drawing({ kind: "clear" });
  }
  store() {
    this.board.marked(this.board.applied, this.random.below(this.board.applied + 1));
  }
  /** The pen changes hands; what we drew and is not in the log by then is lost. */
  pass() {
    if (this.random.chance(0.5)) return;
    this.#grant(this.board.pen.member === ME ? ANA : ME);
    this.board.marked(this.board.applied, this.board.applied);
  }
  ownComes() {
    const [first] = this.board.pending();
    if (first) this.board.own(first.term, this.board.applied + 1, first.cseq, 1 + this.random.below(this.board.pendingFrames));
  }
  cut() {
    const before = this.board.pen.offset;
    this.board.cut(this.random.below(this.board.applied + 1));
    if (this.board.pen.offset !== before) this.#grant(ANA); // whoever had it then sends no more
  }
}
