// SPDX-License-Identifier: Apache-2.0
//
// The wall clock may be set, forward and back, by any amount: no deadline follows it, so nobody is closed,
// nothing is late, and the pen stays where it is. Only what people and other machines call time is of it.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { assertAllEqual, join, signToken, startCluster, until } from "./harness.mjs";
import { strokes } from "./strokes.mjs";
import { clockEnvironment, setWallClock } from "./wall-clock.mjs";
import { Wire } from "./wire.mjs";

const HOUR = 3600;

describe("when the wall clock is set,", { timeout: 120_000 }, () => {
  let cluster, gateway, board, ana, ben;

  before(async () => {
    cluster = await startCluster({ env: { ...clockEnvironment(), EASEL_PEN_IDLE_S: "600", EASEL_HELLO_TIMEOUT_S: "600" } });
    [gateway] = cluster.gateways;
    board = await cluster.makeBoard();
    ana = await join(gateway, board.tokens.own, "Ana");
    ben = await join(gateway, board.tokens.watch, "Ben");
    await ana.takePen();
  });

  for (const [what, seconds] of [["30 s ahead", 30], ["a year ahead", 8766 * HOUR], ["a day back", -24 * HOUR], ["right again", 0]]) {
    test(`${what}, nobody is closed, and drawing goes on`, async () => {
      const idle = await new Wire(gateway).opened(); // has not said hello: it has 10 minutes
      const bot = await Wire.join(gateway, board.tokens.watch);
      const begun = performance.now();
      setWallClock(seconds);
      const term = ana.term;
      // All sweeps have come by: each looks at everybody at least every 2 s, and heartbeats every 4 s.
      const marks = () => bot.messages.filter(({ kind }) => kind === "mark").length;
      const before = marks();
      await until("a heartbeat comes", () => marks() > before);
      await until("the sweeps have come by", () => performance.now() - begun > 3_000);
      ana.draw(strokes(2, begun));
      await ana.allStored();
      await assertAllEqual([ana, ben]);
      assert.deepEqual([idle.closed, bot.closed, ana.term], [null, null, term]);
      assert.equal(ana.errors.length + ben.errors.length, 0);
      idle.end();
      bot.end();
    });
  }

  test("links expire by it, and a welcome tells it", async () => {
    const exp = Math.floor(Date.now() / 1000) + HOUR;
    const token = signToken({ b: board.board, r: "watch", exp });
    const now = await Wire.join(gateway, token);
    assert.ok(Math.abs(now.welcome.now - Date.now()) < 60_000);
    setWallClock(2 * HOUR);
    const late = await new Wire(gateway).opened();
    late.hello(token);
    assert.equal(await late.closes(), 4403);
    const later = await Wire.join(gateway, board.tokens.watch);
    assert.ok(Math.abs(later.welcome.now - Date.now() - 2 * HOUR * 1000) < 60_000);
    assert.equal(now.closed, null, "what was granted for an hour lasts an hour");
    setWallClock(0);
  });
});
