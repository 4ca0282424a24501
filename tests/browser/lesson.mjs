// SPDX-License-Identifier: Apache-2.0
//
// A drawing to look at: a parabola, its tangent, and what is written beside them. Strokes in points of
// the board (1600 × 1000), as {tool, colour, size, places}, with the names of the page's buttons.

/** Places on a smooth curve through these corners (Catmull-Rom). */
function smooth(corners, steps = 8) {
  const at = (i) => corners[Math.max(0, Math.min(corners.length - 1, i))];
  const ret = [];
  for (let i = 0; i < corners.length - 1; i++) {
    const [p0, p1, p2, p3] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    for (let s = 0; s < steps; s++) {
      const t = s / steps;
      ret.push([0, 1].map((k) => {
        const [a, b, c, d] = [p0[k], p1[k], p2[k], p3[k]];
        return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t ** 3);
      }));
    }
  }
  return [...ret, corners.at(-1)];
}

/** Letters in one pen's lines, on a square of 10 × 14 (the line lies at 10), as corners of curves. */
const LETTERS = {
  y: [[[1, 4], [2.5, 9], [5.5, 9.5], [7.5, 4]], [[7.5, 4], [7, 10], [5, 14], [2, 13.5]]],
  x: [[[1, 4], [4, 6.5], [7.5, 10]], [[7.5, 4], [4, 7.2], [1, 10]]],
  "=": [[[1, 6], [7.5, 5.8]], [[1, 8.6], [7.5, 8.4]]],
  2: [[[1.5, 3], [4, 0.8], [6.5, 2.6], [5, 6], [1.2, 9.8], [4, 9.6], [7.5, 9.8]]],
  3: [[[1.5, 2], [4.5, 0.8], [6.2, 2.8], [3.6, 4.8], [6.8, 7], [4.6, 9.8], [1.2, 9]]],
  "'": [[[3, 0.5], [2, 3]]],
  f: [[[6.5, 1.5], [4.5, 0.6], [3.4, 3], [3, 10]], [[1, 5], [6, 4.7]]],
  "(": [[[4, 0], [1.8, 5], [4, 11.5]]],
  ")": [[[1.5, 0], [4, 5], [1.8, 11.5]]],
  m: [[[1, 4], [1.3, 10]], [[1.2, 6.2], [3.2, 4], [4.3, 6], [4.4, 10]], [[4.4, 6.2], [6.6, 4], [7.8, 6], [8, 10]]],
  s: [[[6.2, 4.6], [3.6, 4], [2, 5.6], [5.6, 7.8], [4.6, 9.8], [1.4, 9.2]]],
  l: [[[2, 0.5], [1.8, 8.4], [3.4, 9.9]]],
  o: [[[4, 4], [1.4, 6.4], [3, 9.8], [6.4, 8], [6, 4.8], [4, 4]]],
  p: [[[1.2, 4], [1.4, 14]], [[1.3, 5.6], [4.4, 4], [6.6, 6.6], [4, 9.8], [1.5, 8.8]]],
  e: [[[1.4, 7.2], [6.4, 6.6], [4.2, 4], [1.6, 6], [3, 9.8], [6.6, 9]]],
};

function written(text, x, y, scale, style) {
  const ret = [];
  for (const letter of text) {
    for (const line of LETTERS[letter] ?? [])
      ret.push({ ...style, places: smooth(line.map(([a, b]) => [x + a * scale, y + b * scale])) });
    x += scale * (letter === " " ? 5 : letter === "'" ? 5 : letter === "m" ? 10 : letter === "l" ? 6 : 9);
  }
  return ret;
}

const curve = (f, from, to, count = 40) =>
  Array.from({ length: count }, (_, i) => {
    const x = from + ((to - from) * i) / (count - 1);
    return [560 + x * 130, 780 - f(x) * 130];
  });

const PEN = { tool: "Pen", colour: "Black", size: "Fine" };
const arrow = (x, y, dx, dy) => smooth([[x - 14 * (dx + dy), y - 14 * (dy + dx)], [x, y], [x - 14 * (dx - dy), y - 14 * (dy - dx)]], 4);

export const LESSON = [
  { ...PEN, places: smooth([[170, 782], [560, 779], [1000, 781]]) },
  { ...PEN, places: arrow(1000, 781, 1, 0) },
  { ...PEN, places: smooth([[561, 890], [559, 500], [561, 130]]) },
  { ...PEN, places: arrow(561, 130, 0, -1) },
  ...written("x", 965, 800, 4, PEN),
  ...written("y", 590, 110, 4, PEN),
  { tool: "Pen", colour: "Blue", size: "Medium", places: curve((x) => x * x, -2.12, 2.12, 60) },
  { tool: "Pen", colour: "Red", size: "Fine", places: curve((x) => 3 * x - 2.25, 0.55, 2.3, 24) },
  { tool: "Pen", colour: "Red", size: "Thick", places: [[755, 487.5], [756, 488], [755, 488.5]] },
  ...written("y = x", 1080, 220, 7, { tool: "Pen", colour: "Blue", size: "Medium" }),
  ...written("2", 1345, 195, 4.2, { tool: "Pen", colour: "Blue", size: "Medium" }),
  ...written("y' = 2x", 1080, 370, 7, { tool: "Pen", colour: "Red", size: "Medium" }),
  { tool: "Highlighter", colour: "Yellow", size: "Thick", places: smooth([[1075, 415], [1230, 411], [1420, 414]]) },
  ...written("slope", 880, 560, 4.4, { tool: "Pen", colour: "Green", size: "Fine" }),
  { tool: "Pen", colour: "Green", size: "Fine", places: smooth([[860, 590], [820, 600], [782, 562]]) },
  { tool: "Pen", colour: "Green", size: "Fine", places: smooth([[801, 560], [781, 561], [786, 580]], 4) },
];
