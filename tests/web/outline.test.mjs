// SPDX-License-Identifier: Apache-2.0
//
// The outline is part of the format: a board drawn today must look the same with the page of tomorrow.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { boundsOf, encodePoints, outline, PointList, toBoard } from "../../build/web-node/client.mjs";

function strokeOf(places, { tool = 0, size = 80, even = false, pressure } = {}) {
  const points = new PointList(pressure !== undefined);
  const list = places.map(([x, y], i) => toBoard(x, y, pressure?.(i)));
  points.add(encodePoints(list, undefined, pressure !== undefined));
  return { tool, size, even, points };
}

const WAVE = Array.from({ length: 60 }, (_, i) => [2000 + i * 300, 9000 + Math.round(3000 * Math.sin(i / 6))]);
// Places in thousandths of a point: the last bits of sine and cosine may differ between machines.
const digest = (corners) =>
  createHash("sha256")
    .update(JSON.stringify(corners.map(([x, y]) => [Math.round(x * 1000), Math.round(y * 1000)])))
    .digest("hex")
    .slice(0, 16);

test("shape version 1 is as it always was", () => {
  assert.deepEqual(
    {
      mouse: digest(outline(strokeOf(WAVE))),
      pen: digest(outline(strokeOf(WAVE, { pressure: (i) => 0.2 + 0.6 * Math.abs(Math.sin(i / 9)) }))),
      highlighter: digest(outline(strokeOf(WAVE, { tool: 1, size: 480 }))),
      eraser: digest(outline(strokeOf(WAVE, { tool: 2, size: 800 }))),
      dot: digest(outline(strokeOf([[16000, 10000]]))),
      even: digest(outline(strokeOf(WAVE, { even: true }))),
    },
    GOLDEN,
  );
});

test("points that are not in a frame yet give the same outline as those that are", () => {
  const whole = strokeOf(WAVE);
  const part = strokeOf(WAVE.slice(0, 40));
  const more = WAVE.slice(40).map(([x, y]) => toBoard(x, y));
  assert.deepEqual(outline(part, more), outline(whole));
});

test("even width has no regard for speed and pressure, and is as wide as its pen all along", () => {
  // Left to right on one height, faster and faster, lighter and lighter.
  const line = Array.from({ length: 40 }, (_, i) => [1000 + i * i * 15, 10000]);
  const widths = (options) => {
    const middle = outline(strokeOf(line, { size: 400, ...options })).filter(([x]) => x > 100 && x < 1100);
    return middle.map(([, y]) => Math.round(Math.abs(y - 500) * 2 * 100) / 100);
  };
  const pressure = (i) => 1 - i / 50;
  assert.deepEqual(new Set(widths({ even: true })), new Set([20]));
  assert.deepEqual(widths({ even: true, pressure }), widths({ even: true }));
  assert.ok(new Set(widths({})).size > 5, "a mouse's speed counts else");
  assert.ok(new Set(widths({ pressure })).size > 5, "a pen's pressure counts else");
});

test("a dot is as wide as its pen, and lies where it was set", () => {
  const { left, top, right, bottom } = boundsOf(outline(strokeOf([[16000, 10000]], { size: 400 })));
  assert.ok(Math.abs((left + right) / 2 - 800) < 1 && Math.abs((top + bottom) / 2 - 500) < 1);
  assert.ok(right - left > 10 && right - left <= 21, `${right - left} wide`);
});

test("places beyond the board are shown at its edge", () => {
  const points = new PointList(false);
  points.add(encodePoints([{ x: 31000, y: 100 }, { x: 61000, y: -300 }, { x: 61010, y: -290 }], undefined, false));
  assert.deepEqual([...points.xy.subarray(0, 6)], [31000, 100, 32000, 0, 32000, 0]);
});

const GOLDEN = {
  mouse: "e88a275c0644600e",
  pen: "b2d51fb9ba8a03c6",
  highlighter: "b16542c1f951caf6",
  eraser: "4b2d5d6c92d4dba7",
  dot: "31b3ab4edfd3d26e",
  even: "d49dd63272b60ab7",
};
