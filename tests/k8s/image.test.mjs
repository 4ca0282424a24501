// SPDX-License-Identifier: Apache-2.0
//
// The programs as their images run them: each in the root that tests/k8s/roots.py has made of the
// Dockerfile, read-only, as an unprivileged user. Broker and database are outside. What they then do at
// SIGTERM with 200 people: tests/service/drain.test.mjs, which runs in the same roots.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { assertAllEqual, join, startCluster } from "../service/harness.mjs";
import { random, stroke } from "../service/strokes.mjs";

assert.ok(process.env.EASEL_TEST_PREFIX?.includes("in-root.sh"), "run by make k8s");

describe("in the images' roots", { timeout: 120_000 }, () => {
  let cluster, gateway;

  before(async () => {
    cluster = await startCluster({ store: "mongo" });
    [gateway] = cluster.gateways;
  });

  const status = (service, name) =>
    readFileSync(`/proc/${service.pid}/status`, "utf8").match(new RegExp(`^${name}:[ \t]*(.*)`, "m"))[1].trim();

  test("each program is an unprivileged user's, and its root is read-only", () => {
    for (const service of cluster.services) {
      assert.equal(status(service, "Uid"), "10001\t10001\t10001\t10001", service.name);
      assert.equal(status(service, "Groups"), "", service.name);
      assert.equal(BigInt(`0x${status(service, "CapEff")}`), 0n, service.name);
      assert.equal(status(service, "NoNewPrivs"), "1", service.name);
      const [, options] = readFileSync(`/proc/${service.pid}/mountinfo`, "utf8").match(/^\d+ \d+ \S+ \S+ \/ (\S+)/m);
      assert.ok(options.split(",").includes("ro"), `${service.name}: ${options}`);
    }
  });

  test("the page is there, with its script, which its policy allows", async () => {
    const page = await fetch(gateway.url);
    assert.equal(page.status, 200);
    const [, script] = (await page.text()).match(/<script[^>]*>([^]+?)<\/script>/);
    const hash = createHash("sha256").update(script).digest("base64");
    assert.ok(page.headers.get("content-security-policy").includes(`script-src 'sha256-${hash}'`));
  });

  test("a stroke that is drawn is seen by others, and stored", async () => {
    const { tokens } = await cluster.makeBoard();
    const [drawer, viewer] = [await join(gateway, tokens.draw, "Ann"), await join(gateway, tokens.watch, "Ben")];
    await drawer.takePen();
    drawer.draw([stroke(random(1), 50)]);
    await assertAllEqual([drawer, viewer]);
    assert.equal(viewer.board.strokes.length, 1);
    const late = await join(gateway, tokens.watch, "Cleo");
    await assertAllEqual([drawer, late]);
  });
});
