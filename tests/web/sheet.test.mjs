// SPDX-License-Identifier: Apache-2.0
//
// Whatever happened to a board, each tile of the ink was painted with the same fills in the same order
// as on a fresh page. (That equal fills give equal pixels is for tests/browser.)
import assert from "node:assert/strict";
import test from "node:test";
import { Board, Sheet, TILE } from "../../build/web-node/client.mjs";
import { randomOf } from "./random.mjs";
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
const ME = "me0000000000";
const never = () => false;

function fresh(board) {
  const sheet = new Sheet(WIDTH, HEIGHT);
  sheet.change(board.strokes);
  sheet.work(never);
  return sheet.canvas.tiles;
}

class Play {
  constructor(seed) {
    this.random = randomOf(seed);
    this.board = new Board();
    this.board.member = ME;
    this.board.reset(0);
    this.offset = this.cseq = 0;
    this.event({ kind: "ev_grant", member: ME, instance: 1, name: "", ended: 0, last: 0 });
    this.sheet = new Sheet(WIDTH, HEIGHT);
  }
  event(event) {
    assert.equal(this.board.event({ time: 0, ...event, offset: this.board.applied + 1 }), "applied");
  }
  drawing(event) {
    this.event({ term: 1, cseq: ++this.cseq, ...event });
  }
  places() {
    const [x, y] = [this.random.below(32000), this.random.below(20000)];
    return Array.from({ length: 1 + this.random.below(6) }, (_, i) => ({
      x: Math.min(32000, x + i * this.random.below(1500)),
      y: Math.min(20000, y + i * this.random.below(1500)),
    }));
  }
  begin() {
    const tool = this.random.below(3);
    const flags = this.random.pick([0, 4]);
    const points = bytesOf(this.places(), undefined, false);
    this.drawing({ kind: "ev_begin", tool, colour: this.random.below(12), size: 20 + this.random.below(1600), shape: 1, flags, points });
  }
  points() {
    this.drawing({ kind: "ev_points", flags: this.random.pick([0, 4]), points: bytesOf(this.places(), undefined, false) });
  }
  undo() {
    const stroke = this.random.pick(this.board.strokes);
    if (stroke) this.drawing({ kind: this.random.pick(["ev_undo", "ev_redo"]), stroke_term: stroke.term, stroke_cseq: stroke.cseq });
  }
  store() {
    this.board.marked(this.board.applied, this.random.below(this.board.applied + 1));
  }
  cut() {
    this.board.cut(this.random.below(this.board.applied + 1));
  }
  clear() {
    if (this.random.chance(0.3)) this.drawing({ kind: "ev_clear", member: ME });
  }
  /** As the painter does it; sometimes the time is up in the middle. */
  paint(whole) {
    const { all, strokes } = this.board.takeChanges();
    if (all) {
      this.sheet = new Sheet(WIDTH, HEIGHT);
      this.sheet.change(this.board.strokes);
    }
    this.sheet.change(strokes);
    let left = this.random.below(4);
    this.sheet.work(whole ? never : () => left-- <= 0);
  }
}

test("after any history each tile has the fills of a fresh page", () => {
  const moves = ["begin", "begin", "begin", "points", "undo", "undo", "store", "cut", "clear"];
  let seen = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const play = new Play(seed);
    for (let step = 0; step < 60; step++) {
      play[play.random.pick(moves)]();
      if (play.random.chance(0.5)) play.paint(false);
    }
    play.paint(true);
    assert.ok(play.sheet.done);
    assert.deepEqual(play.sheet.canvas.tiles, fresh(play.board), `seed ${seed}`);
    seen += Object.values(play.sheet.canvas.tiles).flat().length;
  }
  assert.ok(seen > 1000, `only ${seen} fills were compared`);
});

test("a zoomed sheet paints what is in sight, moved there, and nothing else", () => {
  const play = new Play(1);
  const dot = (x, y) => {
    const points = bytesOf([{ x: x * 32000, y: y * 20000 }], undefined, false);
    play.drawing({ kind: "ev_begin", tool: 0, colour: 0, size: 80, shape: 1, flags: 4, points });
  };
  for (const x of [0.1, 0.9]) for (const y of [0.1, 0.9]) dot(x, y);
  const sheet = new Sheet(WIDTH, HEIGHT, { zoom: 2, x: 0.5, y: 0.5 });
  sheet.change(play.board.strokes);
  sheet.work(never);
  const { tiles } = sheet.canvas;
  assert.deepEqual(Object.keys(tiles), [`${2 * TILE},${TILE}`], "the last dot alone, at 1280, 800");
  assert.equal(tiles[`${2 * TILE},${TILE}`][0][2], "2 0 0 2 -1600 -1000");
});
