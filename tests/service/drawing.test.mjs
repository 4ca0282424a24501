// SPDX-License-Identifier: Apache-2.0
//
// What the service takes of a drawer, and of what people are called: whoever breaks a rule of
// PROTOCOL.md hears so and is closed, and nobody else ever sees what they drew.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { join, startCluster, until } from "./harness.mjs";
import { Wire } from "./wire.mjs";

const POINTS_MAX = 2_000;
const TOO_LONG = "A stroke can have at most 2000 points.";
const CUT_OFF = "The points are cut off in the middle of a point.";
const COLOURS = "A pen has the colours 0 to 7, a highlighter 8 to 11.";

describe("of a drawer", { timeout: 180_000 }, () => {
  let cluster, board, ben;

  before(async () => {
    cluster = await startCluster({ gateways: 2, boards: 2, env: { EASEL_BOARD_SEATS: "40" } });
    board = await cluster.makeBoard();
    ben = await join(cluster.gateways[1], board.tokens.watch, "Ben");
  });

  after(() => Wire.endAll());

  /** Somebody new who has the pen. */
  async function drawer() {
    const wire = await Wire.join(cluster.gateways[0], board.tokens.own);
    wire.send({ kind: "take" });
    const grant = await wire.gets("ev_grant", ({ member }) => member === wire.welcome.member);
    await wire.gets("mark", ({ mark }) => mark >= grant.offset);
    return Object.assign(wire, { term: grant.offset, cseq: 0 });
  }

  const begin = (wire, points, fields = {}) =>
    wire.send({
      kind: "begin", term: wire.term, cseq: ++wire.cseq, tool: 0, colour: 0, size: 80, shape: 1, flags: 0,
      points: new Uint8Array(points), ...fields,
    });
  const goOn = (wire, points, fields = {}) =>
    wire.send({ kind: "points", term: wire.term, cseq: ++wire.cseq, flags: 0, points: new Uint8Array(points), ...fields });

  async function assertClosed(wire, sentence, frame) {
    assert.equal(await wire.closes(), 4400);
    const { code, ...error } = wire.errors.at(-1);
    assert.deepEqual([code, error.sentence], ["bad_frame", sentence]);
    if (frame !== undefined) assert.equal(error.frame, frame);
  }

  /** Ben has all frames of that term up to `cseq`, and none above. */
  async function benHas(wire, cseq) {
    const drawn = () => ben.log.filter((entry) => entry?.term === wire.term);
    await ben.waitFor(() => drawn().length >= cseq, "Ben has what was right");
    await (await drawer()).end(); // the next term: nothing of the one before can come any more
    await ben.waitFor(() => ben.log.some((entry) => entry?.kind === "ev_grant" && entry.ended === wire.term));
    assert.equal(drawn().length, cseq);
  }

  const pointsSeen = (term) =>
    ben.log.filter((entry) => entry?.term === term).reduce((sum, { points }) => sum + points.length / 4, 0);

  test("a stroke of 40,000 points gets no further than 2,000", async () => {
    const eve = await drawer();
    begin(eve, 4 * 1000);
    for (let i = 0; i < 39; i++) goOn(eve, 4 * 1000);
    await assertClosed(eve, TOO_LONG, 2 + 1 + 2); // hello, take, begin, points, points
    await benHas(eve, 2);
    assert.equal(pointsSeen(eve.term), POINTS_MAX);
  });

  test("a long line goes on in strokes that are joined", async () => {
    const ana = await drawer();
    for (let i = 0; i < 5; i++) {
      begin(ana, 4 * 1000, { flags: i ? 2 : 0 });
      goOn(ana, 4 * 1000);
    }
    await ben.waitFor(() => pointsSeen(ana.term) === 5 * POINTS_MAX, "Ben has all of it");
    assert.equal(ana.errors.length, 0);
    ana.end();
  });

  test("a stroke is counted across gateways and owners", async () => {
    const eve = await drawer();
    begin(eve, 4 * 1000);
    goOn(eve, 4 * 900);
    const drawn = await until("it is stored", () => pointsSeen(eve.term) === 1900 && ben.mark === ben.applied && ben.mark);
    const opens = () => ben.log.filter((entry) => entry?.kind === "ev_open").length;
    const before = opens();
    eve.end();
    // The board goes to the other one, whoever has it now; it has not seen the stroke, nor has this gateway.
    for (const service of cluster.boards) {
      if (opens() > before) break;
      await service.kill("SIGTERM");
      await service.start();
    }
    await ben.waitFor(() => opens() > before, "another owner", 30_000);
    const again = await Wire.join(cluster.gateways[1], board.tokens.own, {
      session: eve.session, instance: eve.instance, conn: 2, from: drawn,
    });
    Object.assign(again, { term: eve.term, cseq: 2 });
    goOn(again, 4 * 150); // of 600 bytes: 120 points would have room, if they had pressure
    await assertClosed(again, TOO_LONG, 2);
    await benHas(eve, 2);
  });

  test("a begin that comes again with another kind of points changes nothing", async () => {
    const eve = await drawer();
    begin(eve, 8);
    begin(eve, 10, { flags: 1, cseq: eve.cseq-- });
    goOn(eve, 5);
    await assertClosed(eve, CUT_OFF, 5);
    await benHas(eve, 1);
  });

  test("points of another kind than their stroke are refused by the owner, too", async () => {
    const eve = await drawer();
    begin(eve, 10, { flags: 1 });
    await ben.waitFor(() => ben.log.some((entry) => entry?.term === eve.term), "it is in the log");
    const again = await Wire.join(cluster.gateways[1], board.tokens.own, {
      session: eve.session, instance: eve.instance, conn: 2, from: eve.term,
    });
    Object.assign(again, { term: eve.term, cseq: 1 });
    goOn(again, 4);
    await assertClosed(again, CUT_OFF, 2);
    await benHas(eve, 1);
  });

  for (const [what, fields] of [
    ["a pen in a highlighter's colour", { tool: 0, colour: 8 }],
    ["a highlighter in a pen's colour", { tool: 1, colour: 7 }],
  ]) {
    test(`${what} is refused`, async () => {
      const eve = await drawer();
      begin(eve, 4, fields);
      await assertClosed(eve, COLOURS, 3);
      await benHas(eve, 0);
    });
  }

  test("an eraser has no colour to speak of", async () => {
    const ana = await drawer();
    begin(ana, 4, { tool: 2, colour: 11, flags: 4 });
    await ben.waitFor(() => pointsSeen(ana.term) === 1, "Ben has it");
    ana.end();
  });
});

describe("names", { timeout: 120_000 }, () => {
  let cluster, board, ben;
  const DIRTY = "\u202E Ana\0\n\u200B\u3000 \u2066María\u0085\uFEFF ";
  const CLEAN = "Ana María";

  before(async () => {
    cluster = await startCluster();
    board = await cluster.makeBoard();
    ben = await join(cluster.gateways[0], board.tokens.watch, "Ben");
  });

  after(() => Wire.endAll());

  const nameOf = (member) => ben.members.find((one) => one.member === member)?.name;

  test("are cleaned when somebody comes, is called otherwise, and gets the pen", async () => {
    const ana = await Wire.join(cluster.gateways[0], board.tokens.own, { name: DIRTY });
    const { member } = ana.welcome;
    await ben.waitFor(() => nameOf(member) === CLEAN, "Ben sees a clean name");
    ana.send({ kind: "profile", name: "\u2067\uD83D\uDC69\u200D\uD83C\uDFEB \u2028", flags: 0 });
    await ben.waitFor(() => nameOf(member) === "\uD83D\uDC69\u200D\uD83C\uDFEB", "an emoji stays whole");
    ana.send({ kind: "profile", name: DIRTY, flags: 0 });
    await ben.waitFor(() => nameOf(member) === CLEAN, "Ben sees a clean name again");
    ana.send({ kind: "ask" });
    const grant = await ana.gets("ev_grant");
    assert.equal(grant.name, CLEAN);
  });

  test("of boards are cleaned", async () => {
    const made = await cluster.makeBoard(DIRTY);
    assert.equal(made.name, CLEAN);
    const { welcome } = await Wire.join(cluster.gateways[0], made.tokens.watch);
    assert.equal(welcome.name, CLEAN);
  });

  test("of boards that are no UTF-8 are refused", async () => {
    const body = Buffer.from('{"name":"x"}');
    body[9] = 0xff;
    const { status } = await fetch(`${cluster.gateways[0].url}/api/boards`, { method: "POST", body });
    assert.equal(status, 400);
  });
});
