// SPDX-License-Identifier: Apache-2.0
//
// One pen per board: who gets it, and when it passes on.

import assert from "node:assert/strict";
import { before, beforeEach, afterEach, describe, test } from "node:test";
import { assertAllEqual, join, startCluster, until } from "./harness.mjs";
import { strokes } from "./strokes.mjs";
import { Wire } from "./wire.mjs";

const IDLE_S = 3;
const GRACE_S = 3;
const IDLE = 8; // the rule by which an idle pen passes on

describe("the pen", { timeout: 180_000 }, () => {
  let cluster, board, ana, ben, cem;

  const holder = (person, whom) =>
    person.waitFor(() => person.state?.holder === (whom ? whom.member : ""), `the pen is with ${whom?.name ?? "nobody"}`);
  const line = (person, whom) => person.members.find(({ member }) => member === whom.member)?.line;
  const inLine = (person, whom, place) =>
    person.waitFor(() => line(person, whom) === place, `the place in line is ${place}`);

  before(async () => {
    cluster = await startCluster({
      gateways: 2,
      env: { EASEL_PEN_IDLE_S: String(IDLE_S), EASEL_PEN_GRACE_S: String(GRACE_S) },
    });
  });

  // Ana owns the board and is at one gateway; Ben and Cem may draw and are at the other.
  beforeEach(async () => {
    board = await cluster.makeBoard();
    ana = await join(cluster.gateways[0], board.tokens.own, "Ana");
    ben = await join(cluster.gateways[1], board.tokens.draw, "Ben");
    cem = await join(cluster.gateways[1], board.tokens.draw, "Cem");
  });
  afterEach(() => [ana, ben, cem].forEach((person) => person.stop()));

  test("is free at first, and goes to the first who asks", async () => {
    await holder(ana, null);
    ben.ask();
    await ben.waitFor(() => ben.term > 0, "has the pen");
    await Promise.all([holder(ana, ben), holder(cem, ben)]);
    assert.equal(ana.term, 0);
    assert.equal(cem.term, 0);
  });

  test("is waited for in line, and who cancels is no longer in it", async () => {
    await ben.takePen();
    ana.ask();
    await inLine(ben, ana, 1);
    cem.ask();
    await inLine(ben, cem, 2);
    ana.cancel();
    await inLine(ben, ana, 0);
    await inLine(ben, cem, 1);
    await holder(ana, ben);
  });

  test("is handed over to whom its holder names", async () => {
    await ben.takePen();
    ana.ask();
    await inLine(ben, ana, 1);
    cem.ask();
    await inLine(ben, cem, 2);
    ben.draw(strokes(3));
    ben.pass(cem.member);
    await cem.waitFor(() => cem.term > 0, "has the pen");
    assert.equal(ben.term, 0);
    cem.draw(strokes(2, 2));
    await assertAllEqual([cem, ana, ben]);
    assert.equal(ana.picture().length, 5);
    await inLine(cem, ana, 1); // she still waits
  });

  test("goes to the first in line when it is put down", async () => {
    await ben.takePen();
    cem.ask();
    await inLine(ben, cem, 1);
    ben.pass("");
    await cem.waitFor(() => cem.term > 0, "has the pen");
    await holder(ana, cem);
  });

  test("is free when it is put down and nobody waits", async () => {
    await ben.takePen();
    ben.draw(strokes(1));
    ben.pass("");
    await Promise.all([holder(ana, null), holder(cem, null)]);
    await assertAllEqual([ben, ana, cem]);
    await ana.takePen();
    await holder(ben, ana);
  });

  test("is taken by the owner of the board, from whoever has it", async () => {
    await ben.takePen();
    ben.draw(strokes(2));
    await ben.allStored();
    ana.take();
    await ana.waitFor(() => ana.term > 0, "has the pen");
    await holder(ben, ana);
    ana.draw(strokes(2, 2));
    await assertAllEqual([ana, ben, cem]);
    assert.equal(cem.picture().length, 4);
  });

  test("cannot be taken by others, nor asked for by those who may only watch", async () => {
    await ana.takePen();
    ben.take();
    await ben.waitFor(() => ben.errors.some(({ code }) => code === "not_allowed"), "is told that he may not");
    const viewer = await Wire.join(cluster.gateways[0], board.tokens.watch);
    viewer.send({ kind: "ask" });
    assert.equal((await viewer.gets("error")).code, "not_allowed");
    await holder(cem, ana);
    viewer.end();
  });

  test("stays with a holder whose connection is lost and comes back within the grace", async () => {
    const term = await ben.takePen();
    ben.draw(strokes(3));
    ben.kill();
    ben.draw(strokes(2, 2));
    await ana.waitFor(() => ana.state.grace_ms > 0, "sees that Ben's connection is lost");
    await ben.reconnect(cluster.gateways[0].url);
    await ana.waitFor(() => ana.state.grace_ms === 0, "sees that he is back");
    assert.equal(ben.term, term, "the term goes on");
    await assertAllEqual([ben, ana, cem]);
    assert.equal(ana.picture().length, 5);
  });

  test("stays with a holder whose connection is lost for longer than the grace, when nobody waits", async () => {
    const term = await ben.takePen();
    ben.kill();
    const lost = performance.now();
    ben.draw(strokes(2));
    await until("the grace is over", () => performance.now() - lost > (GRACE_S + 2) * 1000);
    assert.ok(ana.state.grace_ms > GRACE_S * 1000);
    await ben.reconnect();
    await assertAllEqual([ben, ana, cem]);
    assert.deepEqual([ben.term, ben.lost], [term, 0]);
  });

  test("goes to who waits when the holder's connection stays lost for longer than the grace", async () => {
    await ben.takePen();
    ben.draw(strokes(1));
    await ben.allStored();
    ben.kill();
    const lost = performance.now();
    cem.ask();
    await cem.waitFor(() => cem.term > 0, "has the pen");
    assert.ok(performance.now() - lost >= GRACE_S * 1000 - 500, "not before the grace is over");
    ben.draw(strokes(1, 2)); // he does not know yet
    cem.draw(strokes(1, 3));
    await cem.allStored();
    await ben.reconnect();
    await ben.waitFor(() => ben.lost === 1, "is told that one stroke was not taken");
    cem.pass("");
    await holder(ana, null);
    await assertAllEqual([ana, ben, cem]);
  });

  test("what its holder drew too late is drawn in the next term, if nobody has drawn in between", async () => {
    const [count, { lost }] = [ana.picture().length, ben];
    await ben.takePen();
    ben.kill();
    cem.ask();
    await cem.waitFor(() => cem.term > 0, "has the pen");
    ben.draw(strokes(2, 2));
    await ben.reconnect();
    await ben.waitFor(() => ben.client.keptStrokes === 2, "keeps the strokes");
    cem.pass("");
    await ana.waitFor(() => ana.picture().length === count + 2, "sees them");
    await assertAllEqual([ana, ben, cem]);
    assert.equal(ben.lost, lost);
    ben.pass("");
    await holder(ana, null);
  });

  /** Who owns the board lets an idle pen pass on, also while she is there. */
  async function idlePasses() {
    ana.client.deeds.set(IDLE, true);
    await ana.waitFor(() => ana.client.deeds.has(IDLE), "it is a rule");
  }

  test("passes on from an idle holder when another waits, and only then", async () => {
    await idlePasses();
    await ben.takePen();
    const begun = performance.now();
    cem.ask();
    await ana.waitFor(() => ana.state.pass_ms > 0, "sees that the pen will pass on");
    await cem.waitFor(() => cem.term > 0, "has the pen");
    assert.ok(performance.now() - begun >= IDLE_S * 1000 - 500, "not before the time is over");
    await holder(ben, cem);
  });

  test("does not pass on from a holder who draws", async () => {
    await idlePasses();
    await ben.takePen();
    cem.ask();
    const end = performance.now() + 2 * IDLE_S * 1000;
    for (let i = 0; performance.now() < end; i++) {
      ben.draw(strokes(1, i));
      await ben.allStored();
    }
    assert.ok(ben.term > 0);
    assert.equal(cem.term, 0);
    await assertAllEqual([ben, ana, cem]);
  });

  test("moves to a second tab of its holder at once, and the first tab is told", async () => {
    await ben.takePen();
    ben.draw(strokes(2));
    await ben.allStored();
    const tab = await join(cluster.gateways[0], board.tokens.draw, "Ben", { session: ben.session });
    await ben.waitFor(() => ben.phase === "ended", "the first tab has ended");
    assert.equal(ben.client.end, "replaced");
    assert.equal(tab.member, ben.member, "one member, however many tabs");
    assert.equal(tab.term, 0, "another instance needs a grant of its own");
    await tab.takePen();
    tab.draw(strokes(1, 2));
    await assertAllEqual([tab, ana, cem]);
    assert.equal(ana.picture().length, 3);
    tab.stop();
  });

  test("ends a stroke that is under way when it changes hands", async () => {
    await ben.takePen();
    ben.client.begin({ tool: 0, colour: 0, size: 80 }, [{ x: 100, y: 100 }], 0);
    await ben.allStored();
    ana.take();
    await ana.waitFor(() => ana.term > 0, "has the pen");
    ana.draw(strokes(1, 3));
    await assertAllEqual([ana, ben, cem]);
    assert.ok(cem.board.strokes.every((stroke) => stroke.ended));
    assert.equal(cem.board.strokes.length, 2);
  });
});
