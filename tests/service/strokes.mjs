// SPDX-License-Identifier: Apache-2.0
//
// Strokes to draw in tests: the same for the same seed.

const WIDTH = 32_000;
const HEIGHT = 20_000;
const COLOURS = [[0, 8], [8, 4], [0, 12]]; // of pen, highlighter and eraser: the first, and how many
const clamp = (value, high) => Math.max(0, Math.min(high, Math.round(value)));

/** mulberry32: numbers in [0, 1) that depend on the seed alone. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One wandering line of `length` points. */
export function stroke(next, length = 40) {
  let [x, y, angle] = [next() * WIDTH, next() * HEIGHT, next() * 7];
  const points = [];
  for (let i = 0; i < length; i++) {
    points.push([clamp(x, WIDTH), clamp(y, HEIGHT)]);
    angle += next() - 0.5;
    x += 300 * Math.cos(angle);
    y += 300 * Math.sin(angle);
  }
  const tool = Math.floor(next() * 3);
  const [first, colours] = COLOURS[tool];
  return { points, tool, colour: first + Math.floor(next() * colours), size: 40 + Math.floor(next() * 400) };
}

export function strokes(count, seed = 1, length = 40) {
  const next = random(seed);
  return Array.from({ length: count }, () => stroke(next, length));
}
