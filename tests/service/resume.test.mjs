// SPDX-License-Identifier: Apache-2.0
//
// A client whose gateway dies goes on at another one, exactly where it was.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { assertAllEqual, join, startCluster } from "./harness.mjs";
import { strokes } from "./strokes.mjs";
import { Wire } from "./wire.mjs";

const range = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe("a gateway is killed (kill -9):", { timeout: 120_000 }, () => {
  let cluster, board, ana, ben;

  before(async () => {
    cluster = await startCluster({ gateways: 3 });
    board = await cluster.makeBoard("Physics");
    ana = await join(cluster.gateways[0], board.tokens.own, "Ana");
    ben = await join(cluster.gateways[1], board.tokens.draw, "Ben");
    await ana.takePen();
    ana.draw(strokes(5));
    await assertAllEqual([ana, ben]);
  });

  test("its viewer goes to another gateway and receives exactly what it missed, nothing twice", async () => {
    const had = ben.mark;
    const before = ben.offsets.length;
    await cluster.gateways[1].kill();
    ana.draw(strokes(20, 2));
    await ana.allStored();
    await ben.reconnect(cluster.gateways[2].url);
    await assertAllEqual([ana, ben]);
    const received = ben.offsets.slice(before).filter((entry) => typeof entry === "number");
    assert.deepEqual(received, range(had + 1, ana.applied));
    assert.equal(ben.repeats, 0);
    await cluster.gateways[1].start();
  });

  test("its drawer goes to another gateway and loses no stroke, and none is drawn twice", async () => {
    const before = ana.picture().length;
    await cluster.gateways[0].kill();
    ana.draw(strokes(30, 3)); // while there is no gateway
    await ana.reconnect(cluster.gateways[1].url);
    ana.draw(strokes(10, 4));
    await assertAllEqual([ana, ben]);
    assert.equal(ana.lost, 0);
    assert.equal(ben.picture().length, before + 40);
    await cluster.gateways[0].start();
  });

  test("its drawer is in the middle of sending: still nothing is lost and nothing doubled", async () => {
    const before = ana.picture().length;
    ana.draw(strokes(60, 5)); // 60 frames or more are on their way
    await cluster.gateways[1].kill();
    await ana.reconnect(cluster.gateways[2].url);
    await assertAllEqual([ana, ben]);
    assert.equal(ana.lost, 0);
    assert.equal(ben.picture().length, before + 60);
    await cluster.gateways[1].start();
  });

  test("a client that resumes from a timestamp receives the same", async () => {
    const reader = await Wire.join(cluster.gateways[0], board.tokens.watch, { from: 0 });
    await reader.has(ana.applied);
    const log = reader.events;
    const last = log[Math.floor(log.length / 2)]; // all up to here it has
    await cluster.gateways[0].kill();
    const again = await Wire.join(cluster.gateways[2], board.tokens.watch, {
      session: reader.session,
      instance: reader.instance,
      conn: 2,
      since: last.time,
    });
    await again.has(ana.applied);
    const first = log.find((event) => event.time >= last.time);
    assert.deepEqual(again.events, log.filter((event) => event.offset >= first.offset));
    await cluster.gateways[0].start();
  });
});
