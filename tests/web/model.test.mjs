// SPDX-License-Identifier: Apache-2.0
//
// The model against a rebuild from scratch, after each step of thousands of random sequences: events
// of others and our own, frames under way, marks, cuts, changes of the pen, reconnects.
import assert from "node:assert/strict";
import test from "node:test";
import { Board, visible } from "../../build/web-node/client.mjs";
import { randomOf } from "./random.mjs";
import { bytesOf, rebuild } from "./reference.mjs";

const SEQUENCES = Number(process.env.EASEL_TEST_SEQUENCES ?? 3000);
const STEPS = 200;
const ME = "me0000000000";
const OTHERS = ["ana000000000", "ben000000000"];
const INSTANCE = 7;

const pictureOf = (board) =>
  visible(board).map(({ term, cseq, tool, colour, size, points }) => ({
    term,
    cseq,
    tool,
    colour,
    size,
    points: [...points.xy.subarray(0, points.count * 2)],
    pressure: points.pressure && [...points.pressure.subarray(0, points.count)],
  }));
const keyOf = (stroke) => (stroke ? `${stroke.term}:${stroke.cseq}` : null);

/** A service of one board and one page, played by chance. */
class Play {
  constructor(seed) {
    this.random = randomOf(seed);
    this.log = []; // of the service; offset = index + 1
    this.stored = 0;
    this.sent = []; // our frames, as the service has them
    this.drawn = []; // all our frames
    this.lost = [];
    this.cseq = 0;
    this.term = 0;
    this.board = new Board();
    this.board.member = ME;
    this.board.onLost = (frames) => this.lost.push(...frames);
    this.board.reset(0);
    this.append({ kind: "ev_created", name: "Play" });
    this.append({ kind: "ev_open", replica: "b1" });
    this.grant();
  }

  append(event) {
    this.log.push({ ...event, offset: this.log.length + 1, time: 0 });
  }
  grantNow() {
    return this.log.findLast((event) => event.kind === "ev_grant");
  }
  lastOf(term) {
    return this.log.reduce((most, event) => (event.term === term ? Math.max(most, event.cseq) : most), 0);
  }

  points() {
    const { random } = this;
    return Array.from({ length: 1 + random.below(4) }, () => ({
      x: random.below(32001),
      y: random.below(20001),
      pressure: random.below(256),
    }));
  }
  /** Something that a drawer may send, sensible or not. */
  drawing(term, cseq, member) {
    const { random } = this;
    const open = this.log.findLast((event) => event.kind === "ev_begin");
    const known = this.log.filter((event) => event.kind === "ev_begin");
    const stroke = random.chance(0.1) || !known.length ? { term: 1, cseq: 99 } : random.pick(known.slice(-6));
    const pressure = ((open?.flags ?? 0) & 1) === 1;
    switch (random.below(8)) {
      case 0:
      case 1:
      case 2: {
        const flags = random.below(8);
        const points = bytesOf(this.points(), undefined, (flags & 1) === 1);
        return { kind: "begin", term, cseq, tool: random.below(3), colour: random.below(12), size: 80, shape: 1, flags, points };
      }
      case 3:
      case 4:
        return { kind: "points", term, cseq, flags: random.pick([0, 0, 4]), points: bytesOf(this.points(), undefined, pressure) };
      case 5:
        return { kind: "undo", term, cseq, stroke_term: stroke.term, stroke_cseq: stroke.cseq };
      case 6:
        return { kind: "redo", term, cseq, stroke_term: stroke.term, stroke_cseq: stroke.cseq };
      default:
        return random.chance(0.1)
          ? { kind: "clear", term, cseq, member }
          : { kind: "points", term, cseq, flags: 4, points: new Uint8Array(0) };
    }
  }

  // -- steps

  grant() {
    const before = this.grantNow();
    if (before && before.offset > this.stored) return; // no second grant before the first is stored
    const member = this.random.pick([ME, ME, ME, ...OTHERS, ""]);
    const ended = before?.offset ?? 0;
    this.append({ kind: "ev_grant", member, instance: member === ME ? INSTANCE : 1, name: "", ended, last: this.lastOf(ended) });
  }
  otherDraws() {
    const grant = this.grantNow();
    if (!grant || grant.offset > this.stored || !OTHERS.includes(grant.member)) return;
    const { kind, ...rest } = this.drawing(grant.offset, this.lastOf(grant.offset) + 1, grant.member);
    this.append({ kind: `ev_${kind}`, ...rest });
  }
  weDraw() {
    const { pen, mark } = this.board;
    if (pen.member !== ME || pen.offset > mark) return;
    if (this.term !== pen.offset) this.cseq = 0;
    this.term = pen.offset;
    const own = this.random.chance(0.5) ? this.board[this.random.pick(["undoable", "redoable"])]() : [];
    const [stroke] = own;
    const frame = stroke
      ? { kind: stroke.undone ? "redo" : "undo", term: this.term, cseq: ++this.cseq, stroke_term: stroke.term, stroke_cseq: stroke.cseq }
      : this.drawing(this.term, ++this.cseq, ME);
    this.board.draw(frame);
    this.drawn.push(frame);
    this.sent.push(frame);
  }
  serviceTakes() {
    const grant = this.grantNow();
    if (!grant || grant.offset > this.stored || grant.member !== ME) return;
    const cseq = this.lastOf(grant.offset) + 1;
    const frame = this.sent.find((other) => other.term === grant.offset && other.cseq === cseq);
    if (frame) this.append({ ...frame, kind: `ev_${frame.kind}`, ...(frame.kind === "clear" && { member: ME }) });
  }
  deliver() {
    for (let n = 1 + this.random.below(5); n > 0 && this.board.applied < this.log.length; n--) {
      const event = this.log[this.board.applied];
      const ours = this.log[(event.term ?? 0) - 1]?.instance === INSTANCE;
      if (!ours || this.random.chance(0.1)) assert.equal(this.board.event(event), "applied");
      else assert.equal(this.board.own(event.term, event.offset, event.cseq, 1), "applied");
    }
  }
  deliverRun() {
    const first = this.log[this.board.applied];
    if (!first?.term || this.log[first.term - 1].instance !== INSTANCE) return;
    let count = 0;
    while (this.log[this.board.applied + count]?.term === first.term) count++;
    const again = Math.min(this.random.below(3), first.cseq - 1); // the run may begin with repeats
    const before = this.log.slice(this.board.applied - again, this.board.applied);
    if (before.some((event) => event.term !== first.term)) return;
    const outcome = this.board.own(first.term, first.offset - again, first.cseq - again, count + again);
    assert.equal(outcome, "applied");
  }
  store() {
    this.stored += this.random.below(this.log.length - this.stored + 1);
  }
  tellMark() {
    this.board.marked(this.log.length, this.stored);
  }
  repeat() {
    const event = this.log[this.random.below(this.board.applied + 1) - 1];
    if (event) assert.equal(this.board.event(event), "old");
    const later = this.log[this.board.applied + 1];
    if (later && !later.term) assert.equal(this.board.event(later), "hole");
  }
  failover() {
    const keep = this.stored + this.random.below(this.log.length - this.stored + 1);
    this.log.length = keep;
    this.board.cut(this.random.pick([keep, this.stored, this.random.below(this.stored + 1)]));
    if (this.board.applied > keep) this.board.cut(keep);
    this.append({ kind: "ev_open", replica: "b2" });
    if (this.random.chance(0.3)) this.board.cut(this.stored); // repeats are harmless
  }
  reconnect() {
    this.board.cut(this.board.mark);
    for (const frame of this.board.pending()) assert.ok(this.sent.includes(frame));
  }

  check(seed, step) {
    const { board } = this;
    const seen = this.log.slice(0, board.applied);
    const inLog = new Set(seen.filter((event) => event.term).map(keyOf));
    const ended = seen.filter((event) => event.kind === "ev_grant" && event.offset <= board.mark).at(-1)?.offset ?? 0;
    const pending = this.drawn.filter((frame) => !inLog.has(keyOf(frame)) && frame.term >= ended);
    const want = rebuild([...seen, ...pending], ME);
    const where = `seed ${seed}, step ${step}`;
    assert.deepEqual(pictureOf(board), want.picture, where);
    assert.equal(keyOf(board.open), want.open, where);
    for (const stroke of board.strokes) assert.equal(stroke.ended, stroke !== board.open, where);
    assert.equal(board.pen.member, want.pen, where);
    assert.equal(keyOf(board.undoable()[0]), want.undo, where);
    assert.equal(keyOf(board.redoable()[0]), want.redo, where);
    const unstored = this.drawn.filter((frame) => !this.lost.includes(frame)).filter((frame) => {
      const at = seen.findIndex((event) => keyOf(event) === keyOf(frame));
      return at < 0 || at + 1 > board.mark;
    });
    assert.equal(board.unackedFrames, unstored.length, where);
    for (const frame of this.lost) assert.ok(!inLog.has(keyOf(frame)), `${where}: lost, yet in the log`);
  }
}

const WEIGHTS = { grant: 1, otherDraws: 6, weDraw: 14, serviceTakes: 14, deliver: 8, deliverRun: 4, store: 5, tellMark: 5,
  repeat: 2, failover: 1, reconnect: 1 };
const MOVES = Object.entries(WEIGHTS).flatMap(([move, weight]) => Array(weight).fill(move));

test(`the model equals a rebuild from scratch in ${SEQUENCES} random sequences`, () => {
  const done = { lost: 0, undone: 0, cut: 0, own: 0 };
  for (let seed = 1; seed <= SEQUENCES; seed++) {
    const play = new Play(seed);
    for (let step = 0; step < STEPS; step++) {
      const move = play.random.pick(MOVES);
      if (move === "failover") done.cut++;
      play[move]();
      play.check(seed, `${step} ${move}`);
    }
    done.lost += play.lost.length;
    done.own += play.log.filter((event) => play.log[event.term - 1]?.instance === INSTANCE).length;
    done.undone += play.board.strokes.filter((stroke) => stroke.undone).length;
  }
  // The sequences must reach what they are for.
  assert.ok(done.own > SEQUENCES * 5, `only ${done.own} own frames came to the log`);
  assert.ok(done.lost > SEQUENCES / 2, `only ${done.lost} frames were lost`);
  assert.ok(done.undone > SEQUENCES, `only ${done.undone} strokes undone`);
  assert.ok(done.cut > SEQUENCES, `only ${done.cut} failovers`);
});

test("an own event that comes back changes no stroke", () => {
  const play = new Play(1);
  play.board.event(play.log[0]);
  play.board.event(play.log[1]);
  play.append({ kind: "ev_grant", member: ME, instance: INSTANCE, name: "", ended: 0, last: 0 });
  play.board.event(play.log[2]);
  play.board.marked(3, 3);
  const points = bytesOf([{ x: 1, y: 2 }], undefined, false);
  play.board.draw({ kind: "begin", term: 3, cseq: 1, tool: 0, colour: 0, size: 80, shape: 1, flags: 4, points });
  play.board.takeChanges();
  assert.equal(play.board.own(3, 4, 1, 1), "applied");
  assert.deepEqual(play.board.takeChanges(), { all: false, strokes: new Set() });
});

test("undo takes all parts of a joined stroke, redo brings them back in order", () => {
  const board = new Board();
  board.member = ME;
  board.reset(0);
  board.event({ kind: "ev_grant", offset: 1, time: 0, member: ME, instance: 1, name: "", ended: 0, last: 0 });
  board.marked(1, 1);
  const points = bytesOf([{ x: 1, y: 2 }], undefined, false);
  const begin = (cseq, flags) => board.draw({ kind: "begin", term: 1, cseq, tool: 0, colour: 0, size: 80, shape: 1, flags, points });
  begin(1, 4);
  begin(2, 4);
  begin(3, 6);
  begin(4, 6);
  assert.deepEqual(board.undoable().map((stroke) => stroke.cseq), [4, 3, 2]);
  board.undoable().forEach(({ cseq }, i) => board.draw({ kind: "undo", term: 1, cseq: 5 + i, stroke_term: 1, stroke_cseq: cseq }));
  assert.deepEqual(board.undoable().map((stroke) => stroke.cseq), [1]);
  assert.deepEqual(board.redoable().map((stroke) => stroke.cseq), [2, 3, 4]);
  begin(8, 4);
  assert.deepEqual(board.redoable(), []);
});

test("a mark told before a cut says nothing about the events after it", () => {
  const board = new Board();
  board.reset(0);
  const open = (offset) => board.event({ kind: "ev_open", offset, time: 0, replica: "b1" });
  for (let offset = 1; offset <= 5; offset++) open(offset);
  board.marked(9, 9);
  board.cut(2);
  assert.equal(board.mark, 5);
  open(6);
  assert.equal(board.mark, 5);
  board.marked(9, 7);
  assert.equal(board.mark, 6);
});
