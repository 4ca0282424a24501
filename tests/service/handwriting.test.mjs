// SPDX-License-Identifier: Apache-2.0
//
// Real strokes: the middle lines of handwritten Chinese characters, as the npm package
// hanzi-writer-data has them, are drawn, replayed from the first event, and compared.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { before, describe, test } from "node:test";
import { Board } from "../../build/web-node/client.mjs";
import { assertAllEqual, join, startCluster } from "./harness.mjs";
import { Wire } from "./wire.mjs";

const require = createRequire(import.meta.url);
const TEXT = "床前明月光疑是地上霜舉頭望明月低頭思故鄉"; // Li Bai, twenty characters
const BOX = 1024; // a character's own square; its y grows upwards from -124
const CELL = 3000; // and its place on the board
const PER_ROW = 10;

/** The strokes of the character at that place of the text, in board units. */
function write(character, place) {
  const { medians } = require(`hanzi-writer-data/${character}.json`);
  const left = 1000 + (place % PER_ROW) * CELL;
  const top = 2000 + Math.floor(place / PER_ROW) * CELL;
  const scale = (CELL * 0.9) / BOX;
  return medians.map((median) => ({
    points: median.map(([x, y]) => [Math.round(left + x * scale), Math.round(top + (900 - y) * scale)]),
    tool: 0,
    colour: place % 8,
    size: 140,
  }));
}

describe("a poem in real handwriting", { timeout: 120_000 }, () => {
  let cluster, board, drawn, ana, ben;

  before(async () => {
    cluster = await startCluster({ gateways: 2 });
    board = await cluster.makeBoard("靜夜思");
    ana = await join(cluster.gateways[0], board.tokens.own, "Ana");
    ben = await join(cluster.gateways[1], board.tokens.watch, "Ben");
    drawn = [...TEXT].flatMap(write);
    await ana.takePen();
    ana.draw(drawn.map((stroke) => ({ ...stroke, perFrame: 3 })));
  });

  const shape = (picture) =>
    picture.map(({ points, tool, colour, size }) => {
      const pairs = Array.from({ length: points.length / 2 }, (_, i) => [points[2 * i], points[2 * i + 1]]);
      return { points: pairs, tool, colour, size };
    });

  test("is seen by a viewer stroke for stroke and point for point", async () => {
    await assertAllEqual([ana, ben]);
    assert.deepEqual(shape(ben.picture()), drawn);
  });

  test("is the same when the board is replayed from its first event", async () => {
    const reader = await Wire.join(cluster.gateways[1], board.tokens.watch, { from: 0 });
    await reader.has(ana.applied);
    const replayed = new Board();
    for (const event of reader.events) assert.equal(replayed.event(event), "applied");
    const strokes = replayed.strokes.map((stroke) => ({
      points: [...stroke.points.xy.subarray(0, 2 * stroke.points.count)],
      tool: stroke.tool,
      colour: stroke.colour,
      size: stroke.size,
    }));
    assert.deepEqual(shape(strokes), drawn);
    assert.equal(replayed.name, "靜夜思");
  });
});
