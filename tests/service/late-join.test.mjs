// SPDX-License-Identifier: Apache-2.0
//
// Who joins a board with 100,000 events gets all of them and goes live, without a hole or a repeat,
// while drawing continues.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertAllEqual, join, startCluster, until } from "./harness.mjs";
import { seed } from "./seed.mjs";
import { random, stroke } from "./strokes.mjs";
import { Wire } from "./wire.mjs";

const EVENTS = 100_000;

describe(`on a board with ${EVENTS.toLocaleString("en")} events`, { timeout: 240_000 }, () => {
  let cluster, board, strokes, ana, drawing;
  const next = random(9);

  before(async () => {
    cluster = await startCluster({ gateways: 2 });
    board = await cluster.makeBoard("An hour of drawing");
    strokes = await seed(cluster, board.board, EVENTS);
    ana = await join(cluster.gateways[0], board.tokens.own, "Ana");
    await ana.takePen();
  });

  after(() => clearInterval(drawing));

  test("a late joiner gets all of them, and what is drawn meanwhile, without a hole or a repeat", async () => {
    drawing = setInterval(() => ana.draw([stroke(next, 20)]), 50);
    const joined = performance.now();
    const head = ana.applied;
    const ben = await join(cluster.gateways[1], board.tokens.watch, "Ben");
    await ben.waitFor(() => ben.applied > head + 50, "is live, and sees what is drawn now", 60_000);
    console.log(`joined in ${Math.round(performance.now() - joined)} ms`);
    clearInterval(drawing);
    const last = await assertAllEqual([ana, ben]);
    assert.ok(last > EVENTS + 50);
    assert.equal(ben.repeats, 0);
    assert.deepEqual(ben.offsets[0], { cut: 0 }, "from the beginning");
    assert.deepEqual(ben.offsets.slice(1), Array.from({ length: last }, (_, i) => i + 1));
    assert.ok(ben.picture().length > strokes);
  });

  test("eight at once get all of them, from any offset, while drawing continues", async () => {
    drawing = setInterval(() => ana.draw([stroke(next, 20)]), 50);
    const readers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        Wire.join(cluster.gateways[i % 2], board.tokens.watch, { from: i * 12_345 })),
    );
    await until("some more is drawn", () => ana.applied > EVENTS + 400);
    clearInterval(drawing);
    await ana.settled();
    for (const [i, reader] of readers.entries()) {
      await reader.has(ana.applied, 60_000);
      const from = i * 12_345;
      assert.deepEqual(reader.offsets, Array.from({ length: ana.applied - from }, (_, k) => from + k + 1));
    }
  });
});
