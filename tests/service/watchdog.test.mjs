// SPDX-License-Identifier: Apache-2.0
//
// A program whose loop hangs ends itself, so that it is started again. One that was frozen as a whole, that
// has nothing to do, or that waits for its store goes on.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { assertAllEqual, join, startCluster } from "./harness.mjs";
import { faultyEnvironment, give } from "./fault.mjs";
import { strokes } from "./strokes.mjs";

const EXIT_STATUS = 70;
const TICKS_MS = 2_500; // two ticks of a watchdog

describe("the watchdog", { timeout: 180_000 }, () => {
  let cluster, ana, frozen, waiting, idle;
  const hung = {};

  /** All at once: it takes ten seconds. */
  before(async () => {
    cluster = await startCluster({ gateways: 3, boards: 2, histories: 2, env: faultyEnvironment() });
    const { tokens } = await cluster.makeBoard();
    ana = await join(cluster.gateways[0], tokens.own, "Ana");
    await ana.takePen();
    await assertAllEqual([ana]);
    await cluster.store.stop();
    ana.draw(strokes(1));
    const says = cluster.histories.map((one) => one.line(/nothing is stored now/).then(() => one));
    waiting = await Promise.any(says);
    idle = cluster.gateways[0];
    frozen = cluster.gateways[1];
    frozen.freeze();
    Object.assign(hung, { gateway: cluster.gateways[2], board: cluster.boards[1] });
    hung.history = cluster.histories.find((one) => one !== waiting);
    for (const [kind, service] of Object.entries(hung)) {
      service.told = true;
      give(service.pid, kind === "board" ? "block" : "spin");
    }
  });

  for (const kind of ["gateway", "board", "history"]) {
    test(`ends a ${kind} whose loop ${kind === "board" ? "waits" : "spins"}, with a last word and a status of its own`, async () => {
      assert.deepEqual(await hung[kind].ended, { code: EXIT_STATUS, signal: null });
      assert.match(hung[kind].log, / error the loop has not turned for 10 s: .*\n$/);
    });
  }

  test("leaves alone who was frozen as a whole, waits for the store, or has nothing to do", async () => {
    frozen.thaw();
    await setTimeout(TICKS_MS);
    for (const service of [frozen, waiting, idle]) {
      assert.equal(service.exit, null, service.name);
      assert.equal((await fetch(`${service.admin}/healthz`)).status, 200, service.name);
    }
    await cluster.store.resume();
    await assertAllEqual([ana]);
  });
});
