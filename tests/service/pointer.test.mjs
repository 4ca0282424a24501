// SPDX-License-Identifier: Apache-2.0
//
// The drawer's pointer goes to everybody else, by whichever gateway, and leaves no trace.

import assert from "node:assert/strict";
import { afterEach, before, beforeEach, describe, test } from "node:test";
import { assertAllEqual, join, startCluster, until } from "./harness.mjs";
import { strokes } from "./strokes.mjs";

describe("the pointer", { timeout: 180_000 }, () => {
  let cluster, ana, ben, cem;

  const seen = (person) => person.messages.filter(({ kind }) => kind === "pointer_at");
  /** Points there (again and again, since any place may be lost) until all these people saw it. */
  const shows = (person, x, y, ...others) =>
    until(`all others see a pointer at ${x}`, () => {
      person.client.point({ x, y });
      return others.every((other) => seen(other).some((place) => place.x === x));
    });
  /** The sum of a metric over these services. */
  const total = async (services, name) => {
    const all = await Promise.all(services.map((service) => service.metrics()));
    return all.reduce((sum, metrics) => sum + metrics[name], 0);
  };

  before(async () => {
    cluster = await startCluster({ gateways: 2 });
  });

  // Ana draws at one gateway; Ben is at the other, Cem watches at hers.
  beforeEach(async () => {
    const board = await cluster.makeBoard();
    ana = await join(cluster.gateways[0], board.tokens.draw, "Ana");
    ben = await join(cluster.gateways[1], board.tokens.draw, "Ben");
    cem = await join(cluster.gateways[0], board.tokens.watch, "Cem");
    await ana.takePen();
    await ana.waitFor(() => ana.members.length === 3, "all three are there");
  });
  afterEach(() => [ana, ben, cem].forEach((person) => person.stop()));

  test("of who draws is seen by all others, and the log knows nothing of it", async () => {
    ana.draw(strokes(1));
    const offset = await assertAllEqual([ana, ben, cem]);
    await shows(ana, 16_000, 9_999, ben, cem);
    assert.deepEqual(seen(ben)[0], { kind: "pointer_at", member: ana.member, x: 16_000, y: 9_999 });
    ana.draw(strokes(1, 1)); // its frames go on where they were
    assert.ok((await assertAllEqual([ana, ben, cem])) > offset);
    assert.equal(ana.picture().length, 2);
    assert.deepEqual(seen(ana), [], "not by Ana herself");
  });

  test("of who does not draw is seen by nobody, and nobody is told off", async () => {
    for (const person of [ben, cem]) person.ws.send(Buffer.from([0x93, 12, 7, 7])); // pointer at 7, 7
    await until("they came", async () => (await total(cluster.gateways, "easel_gateway_pointers_total")) >= 2);
    await shows(ana, 8, 8, ben, cem);
    for (const person of [ana, ben, cem]) assert.ok(seen(person).every(({ x }) => x === 8));
    for (const person of [ben, cem]) assert.deepEqual(person.errors, []);
  });

  test("moves on at most twenty times a second, and ends where it is", async () => {
    const before = await total(cluster.boards, "easel_board_pointers_total");
    const begun = performance.now();
    for (let x = 1; x <= 200; x++) ana.client.point({ x, y: 0 });
    await shows(ana, 200, 0, ben, cem);
    const most = 2 + Math.ceil((performance.now() - begun) / 50);
    const passed = (await total(cluster.boards, "easel_board_pointers_total")) - before;
    assert.ok(passed <= most, `${passed} places in ${most - 2} intervals`);
    assert.deepEqual(seen(ben).map(({ x }) => x), seen(ben).map(({ x }) => x).sort((a, b) => a - b), "never backwards");
  });

  test("is handed over with the pen", async () => {
    ana.pass(ben.member);
    await ben.waitFor(() => ben.term > 0, "has the pen");
    await shows(ben, 5, 6, ana, cem);
    assert.equal(seen(ana)[0].member, ben.member);
    assert.deepEqual(seen(ben), []);
  });
});
