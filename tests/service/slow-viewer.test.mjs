// SPDX-License-Identifier: Apache-2.0
//
// Viewers who stop reading cost their gateway little, disturb nobody, and miss nothing.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { parse as limits } from "../../gateway/web/build/limits.mjs";
import { assertAllEqual, join, startCluster } from "./harness.mjs";
import { strokes } from "./strokes.mjs";
import { Wire } from "./wire.mjs";

const VIEWERS = 50;
const SILENCE_MS = 30_000;
const STROKE_EVERY_MS = 20;
const LATE_MS = 500;
// More is drawn than one board may take in the long run.
const ENV = { EASEL_BOARD_SEATS: "64", EASEL_BOARD_BYTES_PER_S: "1000000" };

/** A stroke of about 4 KB: in 30 s far more than a window and the kernel's buffers hold. */
const big = (seed) => strokes(1, seed, 1000).map((stroke) => ({ ...stroke, perFrame: 500 }));

describe("fifty viewers who stop reading for 30 s", { timeout: 240_000 }, () => {
  let cluster, board, gateway, ana, eve, viewers;

  before(async () => {
    // What is measured is the memory of the program that people use, without sanitizers.
    cluster = await startCluster({ build: process.env.EASEL_TEST_RELEASE ?? "release", env: ENV });
    [gateway] = cluster.gateways;
    board = await cluster.makeBoard();
    ana = await join(gateway, board.tokens.own, "Ana");
    eve = await join(gateway, board.tokens.watch, "Eve");
    await ana.takePen();
    viewers = [];
    for (let i = 0; i < VIEWERS; i++) {
      viewers.push(await Wire.join(gateway, board.tokens.watch, { name: `Viewer ${i}` }));
    }
    const full = (2 * limits().find(({ name }) => name === "WINDOW_BYTES_MAX").value) / 4096;
    for (let i = 0; i < full; i++) {
      ana.draw(big(i));
      if (i % 32 === 0) await ana.allStored();
    }
    await assertAllEqual([ana, eve]);
    for (const viewer of viewers) await viewer.has(ana.applied);
  });

  const blocked = async () => (await gateway.metrics()).easel_gateway_sends_blocked_total;

  test("cost their gateway less than 256 KiB each, and disturb nobody", async () => {
    const before = gateway.rss;
    const blockedBefore = await blocked();
    viewers.forEach((viewer) => viewer.socket.pause());
    const begun = performance.now();
    const delays = [];
    let most = before;
    const passed = () => performance.now() - begun;
    const allBlocked = async () => (await blocked()) - blockedBefore >= VIEWERS;
    for (let i = 0; passed() < SILENCE_MS || (passed() < 2 * SILENCE_MS && !(await allBlocked())); i++) {
      const drawn = performance.now();
      ana.draw(big(i));
      const { cseq } = ana.board.strokes.at(-1);
      await eve.waitFor(() => eve.board.strokes.at(-1)?.cseq >= cseq, "Eve sees it at once");
      delays.push(Math.round(performance.now() - drawn));
      most = Math.max(most, gateway.rss);
      await setTimeout(Math.max(0, STROKE_EVERY_MS - (performance.now() - drawn)));
    }
    const growth = (most - before) / VIEWERS;
    assert.ok(await allBlocked(), "there was more than the kernel took for them");
    assert.ok(growth < 256 * 1024, `${Math.round(growth / 1024)} KiB each`);
    delays.sort((a, b) => a - b);
    const p99 = delays[Math.floor(0.99 * delays.length)];
    assert.ok(p99 < LATE_MS, `what is drawn is seen after ${p99} ms (p99)`);
    await assertAllEqual([ana, eve]);
    console.log(`${Math.round(growth / 1024)} KiB for each; drawn to seen: p50 ${delays[delays.length >> 1]} ms, p99 ${p99} ms`);
  });

  test("are complete again after they resume", async () => {
    viewers.forEach((viewer) => viewer.socket.resume());
    for (const viewer of viewers) {
      const offsets = await complete(viewer);
      assert.deepEqual(offsets, Array.from({ length: offsets.length }, (_, i) => offsets[0] + i));
      assert.equal(offsets.at(-1), ana.applied);
    }
  });

  /** All offsets that this viewer got; one that was silent for too long had to come back. */
  async function complete(viewer) {
    try {
      await viewer.has(ana.applied);
      return viewer.offsets;
    } catch (error) {
      if (!viewer.closed) throw error;
      const again = await Wire.join(gateway, board.tokens.watch, {
        session: viewer.session,
        instance: viewer.instance,
        conn: 2,
        from: viewer.offsets.at(-1),
      });
      await again.has(ana.applied);
      return [...viewer.offsets, ...again.offsets];
    }
  }
});
