// SPDX-License-Identifier: Apache-2.0
//
// What ink.test.mjs runs in a page: boards played by chance, painted step by step, and after each step
// compared, byte for byte, with the same board painted from scratch.
import { Painter } from "../../gateway/web/ink/painter.ts";
import { Sheet } from "../../gateway/web/ink/sheet.ts";
import { WHOLE } from "../../gateway/web/input/view.ts";
import { Board } from "../../gateway/web/model/board.ts";
import { InkPlay, MANY } from "../web/ink-play.mjs";
import { bytesOf } from "../web/reference.mjs";

const never = () => false;

function bytesOfCanvas(canvas) {
  const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  return new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
}

function fromScratch(board, width, height, part = WHOLE) {
  const sheet = new Sheet(width, height, part);
  sheet.change(board.strokes);
  sheet.work(never);
  return sheet.canvas;
}

/** How many pixels differ, and how many have ink. */
function compare(canvas, other) {
  const [one, two] = [bytesOfCanvas(canvas), bytesOfCanvas(other)];
  let [differing, inked] = [0, 0];
  for (let i = 0; i < one.length; i++) {
    if (one[i] !== two[i]) differing++;
    if (two[i] !== 0xffffffff) inked++;
  }
  return { differing, inked };
}

/** The sheets of a board that is played, as the painter keeps them; sometimes the time is up in the
 *  middle. Returns what went wrong first, or how much ink was compared. */
globalThis.playSheets = (seed, steps, width, height, many = false) => {
  const play = new InkPlay(seed, many ? MANY : undefined);
  const { board, random } = play;
  let sheet = new Sheet(width, height);
  let ink = 0;
  for (let step = 0; step < steps; step++) {
    const move = play.step();
    const { all, strokes } = board.takeChanges();
    if (all) {
      sheet = new Sheet(width, height);
      sheet.change(board.strokes);
    }
    sheet.change(strokes);
    let left = random.below(4);
    const over = () => left-- <= 0;
    sheet.work(over);
    if (random.chance(many ? 0.95 : 0.6)) continue;
    sheet.work(never);
    const { differing, inked } = compare(sheet.canvas, fromScratch(board, width, height));
    if (differing) return { differing, where: `seed ${seed}, step ${step} ${move}` };
    ink += inked;
  }
  return { differing: 0, ink };
};

const frame = () => new Promise(requestAnimationFrame);

/** What is shown in place of a sheet of its own: the whole board, finer. Is it where it belongs? */
function isPlaced(canvas, { x, y, w, h }) {
  const box = canvas.getBoundingClientRect();
  const { left, top, width, height } = canvas.parentElement.querySelector(".live").getBoundingClientRect();
  const near = (one, two) => Math.abs(one - two) < 0.5;
  return near(box.left, left - (x * width) / w) && near(box.top, top - (y * height) / h) && near(box.width, width / w) && near(box.height, height / h);
}

/** The painter itself, in its own time: with other sizes and views in between. */
globalThis.playPainter = async (seed, steps, sizes, many) => {
  const play = new InkPlay(seed);
  const { board, random } = play;
  const live = document.createElement("canvas");
  live.className = "live";
  const style = document.createElement("style");
  style.textContent = "body { margin: 0 } canvas { position: absolute; left: 0; top: 0; width: 800px; height: 500px; transform-origin: 0 0 }";
  document.body.append(style, live);
  const painter = new Painter(board, live, many);
  board.onChange = () => painter.request();
  let part = WHOLE;
  let finer = 0;
  let size = sizes[0];
  let ink = 0;
  painter.show(part, ...size);
  for (let step = 0; step < steps; step++) {
    let move = play.step();
    if (random.chance(0.1)) painter.show(part, ...(size = random.pick(sizes)), (move += ", resize"));
    if (random.chance(0.1)) {
      const zoom = random.pick([1, 1, 1.25, 3]);
      const [w, h] = [1 / zoom, Math.min(1, random.pick([1, 1.6]) / zoom)];
      part = zoom === 1 ? WHOLE : { w, h, x: random.next() * (1 - w), y: random.next() * (1 - h) };
      painter.show(part, ...size);
      move += `, zoom ${zoom}`;
    }
    if (random.chance(0.3)) await frame();
    if (random.chance(0.6)) continue;
    await frame();
    do await frame();
    while (live.classList.contains("behind"));
    const canvas = document.querySelector("canvas.ink");
    const own = canvas.width === live.width && canvas.height === live.height;
    if (!own) finer++;
    if (!own && !isPlaced(canvas, part)) return { differing: -1, where: `seed ${seed}, step ${step} ${move}: not in its place` };
    const { differing, inked } = compare(canvas, fromScratch(board, canvas.width, canvas.height, own ? part : WHOLE));
    if (differing) return { differing, where: `seed ${seed}, step ${step} ${move}` };
    const leftOver = board.open ? 0 : bytesOfCanvas(live).reduce((sum, pixel) => sum + (pixel === 0 ? 0 : 1), 0);
    if (leftOver) return { differing: leftOver, where: `seed ${seed}, step ${step} ${move}: on the live canvas` };
    ink += inked;
  }
  document.body.replaceChildren();
  return { differing: 0, ink, finer };
};

/** A painter of a board with ten strokes of another drawer, for tests that hold the clock. */
globalThis.still = (width, height) => {
  const board = new Board();
  const live = document.createElement("canvas");
  document.body.append(live);
  const painter = new Painter(board, live);
  board.onChange = () => painter.request();
  painter.show(WHOLE, width, height);
  board.reset(0);
  const draw = (from, to) => {
    for (let offset = from; offset <= to; offset++) {
      const points = bytesOf([{ x: 1000, y: offset * 1800 }, { x: 31_000, y: offset * 1700 }], undefined, false);
      board.event({ kind: "ev_begin", offset, time: 0, term: 1, cseq: offset, tool: 0, colour: 0, size: 200, shape: 1, flags: 4, points });
    }
  };
  const ink = () => bytesOfCanvas(document.querySelector("canvas.ink")).reduce((sum, pixel) => sum + (pixel === 0xffffffff ? 0 : 1), 0);
  return { board, draw, ink, size: () => [live.width, live.height] };
};

/** A highlighter's line in two parts, the second under way: how opaque it is upon the first and beyond, of 255. */
globalThis.goesOn = async () => {
  const board = new Board();
  const live = document.createElement("canvas");
  document.body.append(live);
  const painter = new Painter(board, live);
  board.onChange = () => painter.request();
  painter.show(WHOLE, 640, 400);
  board.reset(0);
  board.event({ kind: "ev_grant", offset: 1, time: 0, member: "ana", instance: 1, name: "Ana", ended: 0, last: 0 });
  const places = [2_000, 16_000, 30_000].map((x) => ({ x, y: 10_000 }));
  for (let i = 0; i < 2; i++) {
    const points = bytesOf([places[i], places[i + 1]], undefined, false);
    board.event({ kind: "ev_begin", offset: 2 + i, time: 0, term: 1, cseq: 1 + i, tool: 1, colour: 8, size: 800, shape: 1, flags: i ? 2 : 4, points });
  }
  do await frame();
  while (live.classList.contains("behind"));
  const pixels = bytesOfCanvas(live);
  const opacity = (x) => pixels[200 * 640 + Math.round(x * 640)] >>> 24;
  const ret = { upon: opacity(0.49), beyond: opacity(0.7) };
  document.body.replaceChildren();
  return ret;
};
