// SPDX-License-Identifier: Apache-2.0
//
// What the probes of a cluster are told: alive means that the loop turns, ready that it may be used.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { startCluster, until } from "./harness.mjs";

const PROBE_MS = 1_000; // as a kubelet waits

/** The status of a probe, or 0 when it got no answer in time. */
const probe = (service, what) =>
  fetch(`${service.admin}/${what}`, { signal: AbortSignal.timeout(PROBE_MS) }).then(({ status }) => status, () => 0);

describe("each program,", { timeout: 120_000 }, () => {
  let cluster;

  before(async () => (cluster = await startCluster({ broker: "own", env: { EASEL_DRAIN_DELAY_S: "500", EASEL_DRAIN_GRACE_S: "600" } })));

  const all = async (what) => Object.fromEntries(await Promise.all(cluster.services.map(async (one) => [one.kind, await probe(one, what)])));

  test("when its loop does not turn, is not alive; and is again when it does", async () => {
    for (const service of cluster.services) {
      service.freeze();
      assert.equal(await probe(service, "healthz"), 0, service.name);
      service.thaw();
      await until(`${service.name} is alive again`, async () => (await probe(service, "healthz")) === 200);
    }
  });

  test("stays alive and ready while the broker is away, and says so in its metrics", async () => {
    await cluster.broker.kill("SIGTERM");
    const up = async () => (await Promise.all(cluster.services.map(async (one) => (await one.metrics()).easel_link_up))).filter(Boolean);
    await until("all links are down", async () => (await up()).length === 0);
    assert.deepEqual(await all("healthz"), { gateway: 200, board: 200, history: 200 });
    assert.deepEqual(await all("readyz"), { gateway: 200, board: 200, history: 200 });
    await cluster.broker.start();
    await until("all links are up", async () => (await up()).length === 3, 60_000);
  });

  test("is alive, but not ready, before its first link to the broker", async () => {
    await cluster.broker.kill("SIGTERM");
    for (const service of cluster.services) {
      await service.kill();
      service.spawn();
      service.admin = (await service.line(/admin on (http:\/\/\S+)/))[1];
      await service.line(/broker link down: connect to 127\.0\.0\.1/);
    }
    assert.deepEqual(await all("healthz"), { gateway: 200, board: 200, history: 200 });
    assert.deepEqual(await all("readyz"), { gateway: 503, board: 503, history: 503 });
    for (const { admin } of cluster.services)
      assert.match(await (await fetch(`${admin}/readyz`)).text(), /^no broker yet: connect to 127\.0\.0\.1/);
    await cluster.broker.start();
    await until("all are ready", async () => Object.values(await all("readyz")).every((status) => status === 200), 60_000);
  });

  test("is alive, but not ready, while it leaves", async () => {
    const [gateway] = cluster.gateways; // the others have left before anybody could ask
    gateway.kill("SIGTERM");
    await until("it is not ready", async () => (await probe(gateway, "readyz")) === 503);
    assert.equal(await probe(gateway, "healthz"), 200);
    gateway.kill("SIGTERM");
    await until("it has left", () => gateway.exit);
  });
});
