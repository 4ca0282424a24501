// SPDX-License-Identifier: Apache-2.0
//
// Whatever happened to a board, each tile of the ink was painted with the same fills in the same order
// as on a fresh page. (That equal fills give equal pixels is for tests/browser.)
import assert from "node:assert/strict";
import test from "node:test";
import { Board, Sheet, TILE } from "../../build/web-node/client.mjs";
import { InkPlay, MANY } from "./ink-play.mjs";
import { bytesOf } from "./reference.mjs";

/** A canvas that remembers, for each tile, what was filled since it was last made white. */
class Paper {
  fills = new Map();
  #clips = [];
  #clip = null;
  getContext() {
    return this;
  }
  save() {
    this.#clips.push(this.#clip);
  }
  restore() {
    this.#clip = this.#clips.pop();
  }
  beginPath() {}
  rect(x, y, width, height) {
    assert.ok(x % TILE === 0 && y % TILE === 0 && width === TILE && height === TILE, "the clip is a tile");
    this.#clip = `${x},${y}`;
  }
  clip() {}
  get canvas() {
    return this;
  }
  static copies = 0;
  drawImage(from, ...at) {
    if (at.length === 8) return; // only a look
    assert.deepEqual([at.join(), this.transform], ["0,0", "1 0 0 1 0 0"], "to the same place");
    this.fills.set(this.#clip, [...from.fills.get(this.#clip)]);
    Paper.copies++;
  }
  setTransform(...numbers) {
    this.transform = numbers.join(" ");
  }
  fillRect(x, y) {
    assert.equal(this.fillStyle, "#FFFFFF");
    if (this.#clip) assert.equal(`${x},${y}`, this.#clip, "only the tile itself is made white");
    this.fills.set(this.#clip ?? "all", []);
  }
  fill(path) {
    assert.notEqual(this.#clip, null, "no fill without a clip");
    if (!this.fills.has(this.#clip)) this.fills.set(this.#clip, []);
    this.fills.get(this.#clip).push([this.globalCompositeOperation, this.fillStyle, this.transform, path.text]);
  }
  /** Tiles with nothing on them look like tiles that were never touched. */
  get tiles() {
    return Object.fromEntries([...this.fills].filter(([tile, fills]) => tile !== "all" && fills.length).sort());
  }
}

globalThis.document = { createElement: () => new Paper() };
globalThis.Path2D = class {
  text = "";
  moveTo(...numbers) {
    this.text += `M${numbers}`;
  }
  quadraticCurveTo(...numbers) {
    this.text += `Q${numbers}`;
  }
  closePath() {
    this.text += "Z";
  }
};

const WIDTH = 1600;
const HEIGHT = 1000;
const never = () => false;

function fresh(board, width, height) {
  const sheet = new Sheet(width, height);
  sheet.change(board.strokes);
  sheet.work(never);
  return sheet.canvas.tiles;
}

/** Plays a board and paints it step by step; now and then each tile has the fills of a fresh page. */
function compare(seed, steps, { width = WIDTH, height = HEIGHT, every = steps, moves } = {}) {
  const play = new InkPlay(seed, moves);
  const { board, random } = play;
  let sheet = new Sheet(width, height);
  let seen = 0;
  /** As the painter does it; sometimes the time is up in the middle. */
  const paint = (over) => {
    const { all, strokes } = board.takeChanges();
    if (all) {
      sheet = new Sheet(width, height);
      sheet.change(board.strokes);
    }
    sheet.change(strokes);
    sheet.work(over);
  };
  for (let step = 1; step <= steps; step++) {
    play.step();
    let left = random.below(4);
    if (random.chance(0.5)) paint(() => left-- <= 0);
    if (step % every !== 0) continue;
    paint(never);
    assert.ok(sheet.done);
    assert.deepEqual(sheet.canvas.tiles, fresh(board, width, height), `seed ${seed}, step ${step}`);
    seen += Object.values(sheet.canvas.tiles).flat().length;
  }
  return seen;
}

test("after any history each tile has the fills of a fresh page", () => {
  let seen = 0;
  for (let seed = 1; seed <= 1000; seed++) seen += compare(seed, 60);
  assert.ok(seen > 1000, `only ${seen} fills were compared`);
});

test("also with so many strokes that the older ones of a tile have a canvas of their own", () => {
  for (let seed = 1; seed <= 4; seed++) compare(seed, 300, { width: TILE, height: 320, every: 30, moves: MANY });
  assert.ok(Paper.copies > 20, `only ${Paper.copies} times a tile was painted from there`);
});

test("a zoomed sheet paints what is in sight, moved there, and nothing else", () => {
  const board = new Board();
  board.reset(0);
  const dot = (x, y) => {
    const points = bytesOf([{ x: x * 32000, y: y * 20000 }], undefined, false);
    const offset = board.applied + 1;
    board.event({ kind: "ev_begin", offset, time: 0, term: 1, cseq: offset, tool: 0, colour: 0, size: 80, shape: 1, flags: 4, points });
  };
  for (const x of [0.1, 0.9]) for (const y of [0.1, 0.9]) dot(x, y);
  const sheet = new Sheet(WIDTH, HEIGHT, { x: 0.5, y: 0.5, w: 0.5, h: 0.5 });
  sheet.change(board.strokes);
  sheet.work(never);
  const { tiles } = sheet.canvas;
  assert.deepEqual(Object.keys(tiles), [`${2 * TILE},${TILE}`], "the last dot alone, at 1280, 800");
  assert.equal(tiles[`${2 * TILE},${TILE}`][0][2], "2 0 0 2 -1600 -1000");
});

/** A highlighter stroke in three parts, each goes on where the one before ended; and one of a pen. */
function inParts(tool) {
  const board = new Board();
  board.event({ kind: "ev_grant", offset: 1, time: 0, member: "ana", instance: 1, name: "Ana", ended: 0, last: 0 });
  const places = [[100, 100], [5_000, 100], [9_000, 100], [9_000, 5_000]].map(([x, y]) => ({ x, y }));
  for (let i = 0; i < 3; i++) {
    const points = bytesOf([places[i], places[i + 1]], undefined, false);
    board.event({ kind: "ev_begin", offset: 2 + i, time: 0, term: 1, cseq: 1 + i, tool, colour: tool ? 8 : 0, size: 600, shape: 1, flags: i ? 6 : 4, points });
  }
  const undo = (offset, part, kind = "ev_undo") =>
    board.event({ kind, offset, time: 0, term: 1, cseq: offset, stroke_term: 1, stroke_cseq: part });
  return { board, undo };
}

test("the parts of a highlighter stroke are one fill, so that no dot shows where they meet; those of a pen are three", () => {
  const fills = (board) => fresh(board, WIDTH, HEIGHT)["0,0"].map(([, , , text]) => text.split("Z").length - 1);
  assert.deepEqual(fills(inParts(1).board), [3]);
  assert.deepEqual(fills(inParts(0).board), [1, 1, 1]);
});

test("also while they come, one of them is undone and comes back, or the log is cut", () => {
  const { board, undo } = inParts(1);
  const sheet = new Sheet(WIDTH, HEIGHT);
  const painted = () => {
    sheet.change(board.takeChanges().strokes);
    sheet.work(never);
    assert.deepEqual(sheet.canvas.tiles, fresh(board, WIDTH, HEIGHT));
    return sheet.canvas.tiles["0,0"]?.length ?? 0;
  };
  assert.equal(painted(), 1);
  undo(5, 2);
  assert.equal(painted(), 2, "the first and the last");
  undo(6, 1);
  assert.equal(painted(), 1);
  undo(7, 1, "ev_redo");
  undo(8, 2, "ev_redo");
  assert.equal(painted(), 1, "all in one");
  board.cut(3);
  assert.equal(painted(), 1);
  assert.equal(board.strokes.length, 2);
});

test("a stroke across many tiles is painted one tile at a time when time is short", () => {
  const board = new Board();
  board.reset(0);
  const points = bytesOf([{ x: 100, y: 100 }, { x: 31_000, y: 19_000 }], undefined, false);
  board.event({ kind: "ev_begin", offset: 1, time: 0, term: 1, cseq: 1, tool: 0, colour: 0, size: 400, shape: 1, flags: 4, points });
  const sheet = new Sheet(WIDTH, HEIGHT);
  sheet.change(board.strokes);
  const filled = () => Object.keys(sheet.canvas.tiles).length;
  const all = Object.keys(fresh(board, WIDTH, HEIGHT)).length;
  assert.ok(all > 4, `${all} tiles`);
  for (let i = 1; i <= all; i++) {
    assert.equal(sheet.done, false);
    sheet.work(() => true);
    assert.equal(filled(), i);
  }
  assert.ok(sheet.done);
});

test("a stroke that is taken back goes whole, though it meets two tiles and time is short", () => {
  const board = new Board();
  board.event({ kind: "ev_grant", offset: 1, time: 0, member: "ana", instance: 1, name: "Ana", ended: 0, last: 0 });
  const across = bytesOf([{ x: 5_000, y: 5_000 }, { x: 15_000, y: 5_000 }], undefined, false);
  for (const cseq of [1, 2])
    board.event({ kind: "ev_begin", offset: 1 + cseq, time: 0, term: 1, cseq, tool: 0, colour: 0, size: 400, shape: 1, flags: 4, points: across });
  const sheet = new Sheet(WIDTH, HEIGHT);
  const work = (over) => {
    sheet.change(board.takeChanges().strokes);
    sheet.work(over);
    return Object.values(sheet.canvas.tiles).map(({ length }) => length);
  };
  assert.deepEqual(work(never), [2, 2]);
  board.event({ kind: "ev_undo", offset: 4, time: 0, term: 1, cseq: 3, stroke_term: 1, stroke_cseq: 1 });
  let left = 2; // looks at the clock: which tiles it meets is known, then the time is up
  assert.deepEqual(work(() => left-- <= 0), [1, 1]);
  assert.ok(sheet.done);
});
