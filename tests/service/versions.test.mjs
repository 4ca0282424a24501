// SPDX-License-Identifier: Apache-2.0
//
// The version before (scripts/build-before.sh) and this one side by side, as in a rolling update: people come,
// draw and stay, whichever of them serves them, and whichever wrote what they see.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertAllEqual, BEFORE, join, startCluster, until } from "./harness.mjs";
import { random, stroke } from "./strokes.mjs";
import { Wire } from "./wire.mjs";

for (const [store, STROKE_EVERY_MS] of [["sqlite", 50], ["mongo", 100]])
  describe(`beside the version before, on one store: ${store}`, { timeout: 300_000 }, () => {
    let cluster, board, ana, ben, timer;
    const drawn = [];
    const tiers = () => [cluster.histories, cluster.boards, cluster.gateways];

    before(async () => {
      cluster = await startCluster({
        store, gateways: 2, boards: 2, histories: 2, env: { EASEL_PEN_GRACE_S: "30" },
        prepare: (service) => {
          if (service.name.endsWith("-0")) service.become(BEFORE);
        },
      });
      board = await cluster.makeBoard("Both");
      [ana, ben] = [await join(cluster.gateways[0], board.tokens.own, "Ana"), await join(cluster.gateways[1], board.tokens.draw, "Ben")];
    });
    after(() => clearInterval(timer));

    const draws = (person) => {
      const next = random(5);
      clearInterval(timer);
      timer = setInterval(() => {
        if (!person.term || person.client.paused) return;
        const [{ term, cseq }] = person.draw([stroke(next, 10)]);
        drawn.push(`${term}:${cseq}`);
      }, STROKE_EVERY_MS);
    };
    const more = async (viewer) => {
      const count = drawn.length + 10;
      await until("more is drawn", () => drawn.length >= count, 60_000);
      await until("it is stored", () => viewer.board.head >= count && viewer.mark >= viewer.board.head - 60, 60_000);
    };
    const settled = async () => {
      clearInterval(timer);
      await assertAllEqual([ana, ben]);
      assert.equal(ana.lost + ben.lost, 0);
      const reader = await Wire.join(cluster.gateways[0], board.tokens.watch, { from: 0 });
      await reader.has(ana.applied);
      const begins = reader.events.filter(({ kind }) => kind === "ev_begin").map(({ term, cseq }) => `${term}:${cseq}`);
      assert.deepEqual(begins, drawn);
      reader.end();
    };

    test("people at a gateway of each draw in turn, and see the same", async () => {
      for (const [drawer, viewer] of [[ana, ben], [ben, ana]]) {
        viewer.pass && drawer !== ana && ana.pass("");
        await drawer.takePen();
        draws(drawer);
        await more(viewer);
        await settled();
      }
    });

    for (const [which, build] of [["this version", undefined], ["the version before", BEFORE], ["this version again", undefined]])
      test(`all become ${which}, one after the other, while somebody draws: nothing is lost`, async () => {
        draws(ben);
        for (const service of tiers().flat()) {
          const other = cluster.gateways.find((gateway) => gateway !== service);
          if (service.kind === "gateway") for (const person of [ana, ben]) person.url = other.url; // as a balancer would
          const { code } = await service.kill("SIGTERM");
          assert.equal(code, 0, service.name);
          service.become(build);
          await service.start();
          await more(ana);
        }
        await settled();
      });
  });
