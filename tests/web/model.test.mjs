// SPDX-License-Identifier: Apache-2.0
//
// The model against a rebuild from scratch, after each step of thousands of random sequences: events
// of others and our own, frames under way, marks late and in time, cuts, changes of the pen, reconnects
// that lose what was under way, reloads.
import assert from "node:assert/strict";
import test from "node:test";
import { Board, visible } from "../../build/web-node/client.mjs";
import { randomOf } from "./random.mjs";
import { bytesOf, rebuild } from "./reference.mjs";

const SEQUENCES = Number(process.env.EASEL_TEST_SEQUENCES ?? 10_000);
const FIRST_SEED = Number(process.env.EASEL_TEST_SEED ?? 1);
const STEPS = 250;
const ME = "me0000000000";
const OTHERS = ["ana000000000", "ben000000000"];

const pictureOf = (board) =>
  visible(board).map(({ term, cseq, tool, colour, size, even, points }) => ({
    term,
    cseq,
    tool,
    colour,
    size,
    even,
    points: [...points.xy.subarray(0, points.count * 2)],
    pressure: points.pressure && [...points.pressure.subarray(0, points.count)],
  }));
const keyOf = (stroke) => (stroke ? `${stroke.term}:${stroke.cseq}` : null);
const lookOf = ({ points, ended, undone }) => `${points.count} points${ended ? "" : ", open"}${undone ? ", undone" : ""}`;

/** A service of one board and one page, played by chance. */
/** Where the picture of a log begins, and those that were cleared and can be restored. */
function pictures(log) {
  const under = [];
  let base = 0;
  for (const event of log) {
    if (event.kind === "ev_clear") {
      under.push(base);
      base = event.offset;
    }
    if (event.kind === "ev_restore" && event.start !== null) base = under.pop();
  }
  return { base, under };
}

class Play {
  constructor(seed) {
    this.random = randomOf(seed);
    this.log = []; // of the service; offset = index + 1
    this.stored = 0;
    this.sent = []; // our frames, as the service has them
    this.drawn = []; // all frames of our instance
    this.lost = [];
    this.dropped = new Set(); // strokes that we took back for good
    this.shown = new Map(); // what somebody sees who looks again only at the strokes that changed
    this.counts = { cut: 0, own: 0, lost: 0, undone: 0, rejoined: 0, passed: 0, restored: 0, readAnew: 0, voided: 0 };
    this.instance = 7;
    this.term = this.cseq = this.passed = this.start = this.readTo = 0;
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
  isOwn(event) {
    return this.log[(event?.term ?? 0) - 1]?.instance === this.instance;
  }
  /** The page has it still: else it comes as it is. */
  comesAsOwn(event) {
    return this.isOwn(event) && event.offset > this.readTo && !["ev_restore", "ev_void"].includes(event.kind);
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
    switch (random.below(9)) {
      case 0:
      case 1:
      case 2: {
        const flags = random.below(16);
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
        return random.chance(0.3)
          ? { kind: "clear", term, cseq, member }
          : random.chance(0.5)
          ? { kind: "restore", term, cseq, clear: random.chance(0.9) ? pictures(this.log).base || 1 : 1 + random.below(9) }
          : { kind: "points", term, cseq, flags: 4, points: new Uint8Array(0) };
    }
  }

  // -- steps: of the service

  grant(last) {
    const before = this.grantNow();
    if (before && before.offset > this.stored) return; // no second grant before the first is stored
    const member = this.random.pick([ME, ME, ME, ...OTHERS, ""]);
    const ended = before?.offset ?? 0;
    const instance = member === ME && this.random.chance(0.9) ? this.instance : 1;
    this.append({ kind: "ev_grant", member, instance, name: "", ended, last: last ?? this.lastOf(ended) });
  }
  otherDraws() {
    const grant = this.grantNow();
    if (!grant || grant.offset > this.stored || grant.instance !== 1 || !grant.member) return;
    const { kind, ...rest } = this.drawing(grant.offset, this.lastOf(grant.offset) + 1, grant.member);
    this.append({ kind: `ev_${kind}`, ...rest, ...(kind === "restore" && this.restoring(rest)) });
  }
  serviceTakes() {
    const grant = this.grantNow();
    if (!grant || grant.offset > this.stored) return false;
    const cseq = this.lastOf(grant.offset) + 1;
    const frame = this.sent.find((other) => other.term === grant.offset && other.cseq === cseq);
    if (frame?.kind === "pass") this.grant(cseq);
    else if (frame && ["clear", "restore"].includes(frame.kind) && this.random.chance(0.2)) {
      this.append({ kind: "ev_void", term: frame.term, cseq }); // the rules do not allow it
      this.counts.voided++;
    } else if (frame) {
      const besides = frame.kind === "clear" ? { member: ME } : frame.kind === "restore" ? this.restoring(frame) : {};
      this.append({ ...frame, kind: `ev_${frame.kind}`, ...besides });
    }
    return frame !== undefined;
  }
  /** Where the picture begins again, which only the owner of the board can say. */
  restoring({ clear }) {
    const { base, under } = pictures(this.log);
    const start = clear === base && under.length ? under.at(-1) : null;
    if (start !== null) this.counts.restored++;
    return { start };
  }
  store() {
    this.stored += this.random.below(this.log.length - this.stored + 1);
  }
  /** The events that are not stored are gone; the page may hear of it with what it has. */
  failover() {
    const kept = this.random.chance(0.5) ? 0 : this.random.below(this.log.length - this.stored + 1);
    const keep = this.stored + kept;
    this.log.length = keep;
    this.counts.cut += this.board.applied > keep ? 1 : 0;
    this.board.cut(this.random.pick([keep, this.stored, this.random.below(this.stored + 1)]));
    if (this.board.applied > keep) this.board.cut(keep);
    this.append(this.random.chance(0.8) ? { kind: "ev_open", replica: "b2" } : { kind: "ev_released" });
    if (this.random.chance(0.3)) this.board.cut(this.stored); // repeats are harmless
  }

  // -- steps: of the page

  /** Numbers a frame, puts it on the picture and sends it. */
  draw(make) {
    const { pen, mark } = this.board;
    if (pen.instance !== this.instance || pen.member !== ME || pen.offset > mark || pen.offset === this.passed) return false;
    if (this.term !== pen.offset) this.cseq = 0;
    this.term = pen.offset;
    const frame = make(this.term, ++this.cseq);
    this.board.draw(frame);
    this.drawn.push(frame);
    this.sent.push(frame);
    return true;
  }
  weDraw() {
    this.draw((term, cseq) => this.drawing(term, cseq, ME));
  }
  weUndo() {
    const [stroke] = this.board[this.random.pick(["undoable", "redoable"])]();
    if (!stroke) return;
    const kind = stroke.undone ? "redo" : "undo";
    this.draw((term, cseq) => ({ kind, term, cseq, stroke_term: stroke.term, stroke_cseq: stroke.cseq }));
  }
  /** Undo takes a clear back when there is no stroke of ours to undo; redo clears again. */
  weRestore() {
    const clear = this.board.clearToUndo;
    if (clear) this.draw((term, cseq) => ({ kind: "restore", term, cseq, clear }));
    else if (this.board.clearToRedo) this.draw((term, cseq) => ({ kind: "clear", term, cseq, member: ME }));
  }
  /** A second finger, a palm or Esc takes the stroke back. */
  weDrop() {
    for (const stroke of this.board.undoable()) {
      this.board.drop(stroke);
      this.dropped.add(keyOf(stroke));
      this.draw((term, cseq) => ({ kind: "undo", term, cseq, stroke_term: stroke.term, stroke_cseq: stroke.cseq }));
    }
  }
  wePass() {
    if (this.random.chance(0.5) || !this.draw((term, cseq) => ({ kind: "pass", term, cseq, to: "" }))) return;
    this.passed = this.term;
    this.counts.passed++;
  }
  /** An own frame that comes back changes nothing that can be seen. */
  ownComes(...run) {
    assert.equal(this.board.own(...run), "applied");
    const seen = new Set(this.log.slice(0, this.board.applied).map(keyOf));
    const restores = this.drawn.some((frame) => frame.kind === "restore" && !seen.has(keyOf(frame)) && !this.lost.includes(frame));
    if (restores) return this.look(); // it may be of a clear in that run
    const { all, strokes } = this.board.takeChanges();
    assert.deepEqual([all, strokes.size], [false, 0]);
  }
  deliver(most = 1 + this.random.below(5)) {
    for (let n = most; n > 0 && this.board.applied < this.log.length; n--) {
      const event = this.log[this.board.applied];
      if (this.comesAsOwn(event) && this.random.chance(0.9)) this.ownComes(event.term, event.offset, event.cseq, 1);
      else assert.equal(this.board.event(event), "applied");
      this.look();
    }
  }
  deliverRun() {
    const first = this.log[this.board.applied];
    if (!this.comesAsOwn(first)) return;
    let count = 0;
    const inRun = (event) => event?.term === first.term && this.comesAsOwn(event);
    while (inRun(this.log[this.board.applied + count])) count++;
    const again = Math.min(this.random.below(3), first.cseq - 1); // the run may begin with repeats
    const before = this.log.slice(this.board.applied - again, this.board.applied);
    if (!before.every(inRun)) return;
    this.ownComes(first.term, first.offset - again, first.cseq - again, count + again);
  }
  /** A mark may be late, and say less than one before. */
  tellMark() {
    this.board.marked(this.log.length, this.random.chance(0.5) ? this.stored : this.random.below(this.stored + 1));
  }
  repeat() {
    const event = this.log[this.random.below(this.board.applied + 1) - 1];
    if (event) assert.equal(this.board.event(event), "old");
    const later = this.log[this.board.applied + 1];
    if (later && !later.term) assert.equal(this.board.event(later), "hole");
  }
  /** What was under way to the service is gone, or not. */
  reconnect() {
    this.board.cut(this.board.mark);
    if (this.random.chance(0.7)) this.sent = [];
    this.sent.push(...this.board.pending());
  }
  /** What was restored and is not here is read once more. */
  fetch() {
    const { missing } = this.board;
    if (missing === null) return;
    this.start = Math.max(0, missing - 1);
    this.counts.readAnew++;
    this.readTo = this.board.mark;
    this.keepUntil = this.board.applied;
    this.board.readAnew(this.start);
    this.reconnect();
    this.board.marked(this.log.length, this.stored);
  }
  /** The page is loaded again, as another instance, and begins where the stored picture begins. */
  rejoin() {
    if (this.random.chance(0.7)) return;
    this.start = Math.max(0, pictures(this.log.slice(0, this.stored)).base - 1);
    this.instance++;
    this.counts.rejoined++;
    this.board.reset(this.start);
    this.readTo = this.keepUntil = 0;
    this.drawn = []; // what the service has of them may still come to the log
    this.lost = [];
    this.board.marked(this.log.length, this.stored);
    this.deliver(1); // the clear itself
  }

  // -- what must be true

  look() {
    const { all, strokes } = this.board.takeChanges();
    if (all) this.shown = new Map(this.board.strokes.map((stroke) => [stroke, lookOf(stroke)]));
    for (const stroke of strokes) {
      if (stroke.gone) this.shown.delete(stroke);
      else this.shown.set(stroke, lookOf(stroke));
    }
  }

  check(where) {
    const { board } = this;
    const mark = Math.max(board.mark, this.readTo); // what it knew to be stored before it read once more
    const seen = this.log.slice(0, board.applied);
    const inLog = new Map(seen.filter((event) => event.term).map((event) => [keyOf(event), event.offset]));
    const ended = seen.findLast((event) => event.kind === "ev_grant" && event.offset <= mark)?.offset ?? 0;
    const pending = this.drawn.filter((frame) => !inLog.has(keyOf(frame)) && frame.term >= ended);
    if (board.applied < this.readTo) return this.look(); // it reads once more what it has known
    const want = rebuild([...seen, ...pending], ME, this.dropped, this.start, this.keepUntil);
    assert.equal(board.missing, want.missing, where);
    if (board.missing !== null) return this.look();
    assert.deepEqual(pictureOf(board), want.picture, where);
    assert.equal(keyOf(board.open), want.open, where);
    if (board.pen.offset || this.start === 0) assert.equal(board.pen.member, want.pen, where);
    assert.deepEqual(board.undoable().map(keyOf), want.undo, where);
    assert.deepEqual(board.redoable().map(keyOf), want.redo, where);
    assert.deepEqual([board.clearToUndo, board.clearToRedo], [want.clearToUndo, want.clearToRedo], where);

    this.look();
    assert.equal(this.shown.size, board.strokes.length, `${where}: strokes shown`);
    for (const stroke of board.strokes) {
      assert.equal(stroke.ended, stroke !== board.open, where);
      assert.equal(this.shown.get(stroke), lookOf(stroke), `${where}: ${keyOf(stroke)} is shown`);
    }

    const lost = new Set(this.lost);
    const unstored = this.drawn.filter((frame) => !lost.has(frame) && !(inLog.get(keyOf(frame)) <= mark));
    assert.equal(board.unackedFrames, unstored.length, where);
    for (const frame of lost) assert.ok(!inLog.has(keyOf(frame)), `${where}: lost, yet in the log`);
  }

  /** In peace all that we drew comes to be stored, or known to be lost. */
  settle(where) {
    this.stored = this.log.length;
    this.deliver(Infinity);
    this.board.marked(this.log.length, this.stored);
    this.reconnect();
    while (this.serviceTakes());
    this.deliver(Infinity);
    this.fetch();
    this.deliver(Infinity);
    this.stored = this.log.length;
    this.board.marked(this.log.length, this.stored);
    assert.equal(this.board.missing, null, `${where}: reading once more is enough`);
    this.check(where);
    const inLog = new Set(this.log.map(keyOf));
    const waiting = this.drawn.filter((frame) => !inLog.has(keyOf(frame)) && !this.lost.includes(frame));
    assert.deepEqual([waiting, this.board.unackedFrames, this.board.unackedBytes], [[], 0, 0], where);
    this.counts.lost = this.lost.length;
    this.counts.own = this.log.filter((event) => this.isOwn(event)).length;
    this.counts.undone = this.board.strokes.filter((stroke) => stroke.undone).length;
    return this.counts;
  }
}

const WEIGHTS = { grant: 1, otherDraws: 6, weDraw: 14, weUndo: 7, weDrop: 2, weRestore: 4, wePass: 1, serviceTakes: 18, deliver: 8, deliverRun: 4,
  store: 5, tellMark: 5, fetch: 3, repeat: 2, failover: 2, reconnect: 1, rejoin: 1 };
const MOVES = Object.entries(WEIGHTS).flatMap(([move, weight]) => Array(weight).fill(move));

test(`the model equals a rebuild from scratch in ${SEQUENCES} random sequences (seeds from ${FIRST_SEED})`, (t) => {
  const done = {};
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEQUENCES; seed++) {
    const play = new Play(seed);
    for (let step = 0; step < STEPS; step++) {
      const move = play.random.pick(MOVES);
      play[move]();
      play.check(`seed ${seed}, step ${step} ${move}`);
    }
    for (const [name, count] of Object.entries(play.settle(`seed ${seed}, at the end`))) done[name] = (done[name] ?? 0) + count;
  }
  t.diagnostic(JSON.stringify(done));
  // The sequences must reach what they are for.
  const atLeast = { cut: 1, own: 2, lost: 0.5, undone: 0.25, rejoined: 0.25, passed: 0.1, restored: 0.03, readAnew: 0.001 };
  for (const [name, each] of Object.entries(atLeast)) assert.ok(done[name] > each * SEQUENCES, `${name}: only ${done[name]}`);
});

test("an own event that comes back changes no stroke", () => {
  const play = new Play(1);
  play.board.event(play.log[0]);
  play.board.event(play.log[1]);
  play.append({ kind: "ev_grant", member: ME, instance: play.instance, name: "", ended: 0, last: 0 });
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

test("a stroke that its hand took back is passed over by redo", () => {
  const board = new Board();
  board.member = ME;
  board.reset(0);
  board.event({ kind: "ev_grant", offset: 1, time: 0, member: ME, instance: 1, name: "", ended: 0, last: 0 });
  board.marked(1, 1);
  const points = bytesOf([{ x: 1, y: 2 }], undefined, false);
  const begin = (cseq) => board.draw({ kind: "begin", term: 1, cseq, tool: 0, colour: 0, size: 80, shape: 1, flags: 4, points });
  const undo = (cseq, stroke) => board.draw({ kind: "undo", term: 1, cseq, stroke_term: 1, stroke_cseq: stroke });
  const redoable = () => board.redoable().map((stroke) => stroke.cseq);
  begin(1);
  undo(2, 1);
  assert.deepEqual(redoable(), [1]);
  begin(3);
  assert.deepEqual(redoable(), [], "there is something new");
  board.undoable().forEach((stroke) => board.drop(stroke));
  undo(4, 3);
  assert.deepEqual(redoable(), [1], "or was it nothing?");
  board.cut(1); // a failover: its frames come again
  assert.deepEqual(redoable(), [1]);
  begin(5);
  undo(6, 5);
  assert.deepEqual(redoable(), [5], "a stroke that is drawn and undone is another matter");
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

test("places beyond the board are shown at its edge, and the steps go on from where they led to", () => {
  const board = new Board();
  board.reset(0);
  const begin = (offset, points) =>
    board.event({ kind: "ev_begin", offset, time: 0, term: 1, cseq: offset, tool: 0, colour: 0, size: 80, shape: 1, flags: 0, points });
  const more = (offset, points) => board.event({ kind: "ev_points", offset, time: 0, term: 1, cseq: offset, flags: 0, points });
  const steps = (...list) => {
    const bytes = new DataView(new ArrayBuffer(list.length * 2));
    list.forEach((step, i) => bytes.setInt16(i * 2, step));
    return new Uint8Array(bytes.buffer);
  };
  const shown = () => visible(board).map(({ points }) => [...points.xy.subarray(0, points.count * 2)]);
  begin(1, steps(30_000, -10_000, 10_000, 20_000, -30_000, 32_000)); // 30000,-10000  40000,10000  10000,42000
  assert.deepEqual(shown(), [[30_000, 0, 32_000, 10_000, 10_000, 20_000]]);
  more(2, steps(0, -32_000, 0, 100)); // 10000,10000  10000,10100
  assert.deepEqual(shown()[0].slice(6), [10_000, 10_000, 10_000, 10_100]);
  board.cut(1);
  more(2, steps(0, -22_000)); // 10000,20000
  assert.deepEqual(shown()[0].slice(6), [10_000, 20_000], "also after a cut");
});

test("a stroke has 2,000 points at most, whatever the log holds", () => {
  const board = new Board();
  board.reset(0);
  const points = new Uint8Array(4 * 900);
  board.event({ kind: "ev_begin", offset: 1, time: 0, term: 1, cseq: 1, tool: 0, colour: 0, size: 80, shape: 1, flags: 0, points });
  for (let offset = 2; offset <= 45; offset++) board.event({ kind: "ev_points", offset, time: 0, term: 1, cseq: offset, flags: 0, points });
  const [{ points: shown }] = visible(board);
  assert.equal(shown.count, 2_000);
  assert.ok(shown.xy.length <= 8_000, "and takes no more room");
  board.cut(2);
  assert.equal(shown.count, 1_800);
});

test("a colour that its tool does not have is read as the first one of the tool", () => {
  const board = new Board();
  board.reset(0);
  const points = new Uint8Array(4);
  const colours = [[0, 7], [0, 8], [0, 11], [1, 11], [1, 8], [1, 7], [1, 0], [1, 12], [2, 9]];
  colours.forEach(([tool, colour], i) =>
    board.event({ kind: "ev_begin", offset: i + 1, time: 0, term: 1, cseq: i + 1, tool, colour, size: 80, shape: 1, flags: 4, points }));
  assert.deepEqual(visible(board).map(({ colour }) => colour), [7, 0, 0, 11, 8, 8, 8, 8, 9]);
});

/** A board that reads this log from `start` on, and once more from where it asks to; how often it did. */
function reads(log, start) {
  const board = new Board();
  board.reset(start);
  for (let times = 0; ; times++) {
    for (const event of log.slice(board.applied)) board.event({ time: 0, ...event });
    board.marked(log.length, log.length);
    if (board.missing === null || times === 9) return { strokes: visible(board).map(({ cseq }) => cseq), times };
    board.readAnew(Math.max(0, board.missing - 1));
  }
}

test("who comes after several clears were taken back sees the picture, and reads once more at most", () => {
  const points = new Uint8Array(4);
  const logOf = (kinds) =>
    kinds.map((kind, i) => ({ term: 1, cseq: i + 1, offset: i + 1, ...(kind === "begin"
      ? { kind: "ev_begin", tool: 0, colour: 0, size: 80, shape: 1, flags: 4, points }
      : kind === "clear" ? { kind: "ev_clear", member: ME } : { kind: "ev_restore", ...kind }) }));
  const twice = logOf(["begin", "clear", "begin", "clear", "begin", "clear", "begin", { clear: 6, start: 4 }, "begin", { clear: 4, start: 2 }]);
  for (const [start, times] of [[0, 0], [1, 0], [3, 1], [5, 1]]) assert.deepEqual(reads(twice, start), { strokes: [3, 5, 7, 9], times }, `from ${start}`);
  const often = logOf(["begin", ...Array(12).fill(["clear", "begin"]).flat(), { clear: 24, start: 0 }]);
  for (const start of [0, 1, 23]) assert.deepEqual(reads(often, start), { strokes: [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25], times: 1 }, `from ${start}`);
  const never = logOf(["begin", "clear", "begin", "clear", { clear: 4, start: 3 }]); // there is no clear
  assert.ok(reads(never, 0).times <= 1, "what no log can hold is not read for ever");
});
