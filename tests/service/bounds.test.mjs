// SPDX-License-Identifier: Apache-2.0
//
// What one board may take of the service: its log comes to an end, and its bytes a second have a
// bound. Both hurt that board alone, and nothing is lost that was saved.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertAllEqual, join, startCluster, until } from "./harness.mjs";
import { strokes } from "./strokes.mjs";
import { Wire } from "./wire.mjs";

const BUSY = 1;
const NEARLY_FULL = 8;
const FULL = 16;

describe("a board with 1,000 events", { timeout: 180_000 }, () => {
  const EVENTS_MAX = 1_000;
  let cluster, board, ana, ben, viewer;

  before(async () => {
    cluster = await startCluster({ env: { EASEL_BOARD_EVENTS_MAX: String(EVENTS_MAX) } });
    board = await cluster.makeBoard();
    ana = await join(cluster.gateways[0], board.tokens.own, "Ana");
    ben = await join(cluster.gateways[0], board.tokens.watch, "Ben");
    viewer = await Wire.join(cluster.gateways[0], board.tokens.watch);
    await ana.takePen();
  });

  after(() => Wire.endAll());

  const dots = (frames) => strokes(frames / 2, 1, 1); // a dot is begun, and ended
  const marks = () => viewer.messages.filter(({ kind }) => kind === "mark");

  test("says from 95 % on that it is nearly full", async () => {
    ana.draw(dots(900));
    await assertAllEqual([ana, ben]);
    ana.draw(dots(60));
    await assertAllEqual([ana, ben]);
    await viewer.gets("mark", ({ mark, flags }) => mark === ana.applied && flags === NEARLY_FULL);
    const early = marks().filter(({ head }) => head < EVENTS_MAX * 0.95);
    assert.ok(early.length > 0);
    assert.deepEqual(early.filter(({ flags }) => flags), []);
  });

  test("puts the pen down at the last one, and loses nothing that it took", async () => {
    const { term } = ana;
    ana.draw(dots(100));
    await viewer.gets("mark", ({ flags }) => flags === (NEARLY_FULL | FULL));
    await ana.waitFor(() => ana.term === 0 && ana.board.unackedFrames === 0, "the pen is put down");
    assert.equal(await assertAllEqual([ana, ben]), EVENTS_MAX + 1);
    assert.deepEqual([ben.log.at(-1).kind, ben.log.at(-1).member, ben.log.at(-1).ended], ["ev_grant", "", term]);
    assert.equal(ben.log.filter((entry) => entry?.term === term).length, EVENTS_MAX - term);
    assert.ok(ana.errors.every(({ code }) => code === "not_drawer"), "nobody is closed");
  });

  test("lends its pen to nobody", async () => {
    const owner = await Wire.join(cluster.gateways[0], board.tokens.own);
    for (const [i, kind] of ["ask", "take"].entries()) {
      owner.send({ kind });
      const { code, sentence } = await owner.gets("error", ({ frame }) => frame === 2 + i);
      assert.deepEqual([code, sentence], ["not_allowed", "This board is full: nobody can draw on it any more."]);
    }
    owner.end();
  });

  test("is full, and can be read, when its service starts again", async () => {
    const [service] = cluster.boards;
    await service.kill();
    await service.start();
    const late = await join(cluster.gateways[0], board.tokens.watch, "Late");
    const opened = await viewer.gets("ev_open", ({ offset }) => offset > EVENTS_MAX, 30_000);
    await viewer.gets("mark", ({ head, flags }) => head === opened.offset && flags & FULL, 30_000);
    await assertAllEqual([ana, ben, late]);
    assert.equal((await service.metrics()).easel_board_full_boards, 1);
    ana.ask();
    const refused = await until("the ask is refused", () => ana.errors.find(({ code }) => code === "not_allowed"));
    assert.match(refused.sentence, /full/);
  });

  test("can be deleted", async () => {
    const answer = await fetch(`${cluster.gateways[0].url}/api/boards/${board.board}`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${board.tokens.own}` },
    });
    assert.equal(answer.status, 204);
    assert.equal(await viewer.closes(), 4404);
  });
});

describe("a drawer who never stops", { timeout: 180_000 }, () => {
  const BYTES_PER_S = 20_000;
  const AT_ONCE = 1024 * 1024; // the least that comes at once, however few bytes a second there are
  const FRAME_BYTES = 4_000;
  let cluster, flooded, other;

  before(async () => {
    cluster = await startCluster({ env: { EASEL_BOARD_BYTES_PER_S: String(BYTES_PER_S) } });
    [flooded, other] = [await cluster.makeBoard(), await cluster.makeBoard()];
  });

  after(() => Wire.endAll());

  const metric = async (name) => (await cluster.boards[0].metrics())[name];

  test("is made to wait, loses nothing, and holds up nobody on another board", async () => {
    const eve = await join(cluster.gateways[0], flooded.tokens.own, "Eve");
    const viewer = await Wire.join(cluster.gateways[0], flooded.tokens.watch);
    const ana = await join(cluster.gateways[0], other.tokens.own, "Ana");
    const ben = await Wire.join(cluster.gateways[0], other.tokens.watch);
    await Promise.all([eve.takePen(), ana.takePen()]);

    const frames = Math.ceil((AT_ONCE + 3 * BYTES_PER_S) / FRAME_BYTES);
    const begun = performance.now();
    for (let sent = 0; sent < frames; sent += 20) {
      eve.draw(strokes(Math.min(20, frames - sent), sent, FRAME_BYTES / 4).map((one) => ({ ...one, perFrame: 999 })));
      await eve.waitFor(() => eve.board.unackedFrames < 40, "some of it is taken", 60_000);
      ana.draw(strokes(1, sent, 20));
    }
    await viewer.gets("mark", ({ flags }) => flags & BUSY, 30_000);
    await ana.allStored();
    assert.equal(ben.messages.filter(({ kind, flags }) => kind === "mark" && flags).length, 0, "the other board is never busy");
    await eve.settled();
    assert.ok(performance.now() - begun > 1_000, "it took its time");
    assert.equal(eve.lost, 0);
    assert.ok((await metric("easel_board_throttled_total")) >= 1);
    await until("it is not busy any more", async () => (await metric("easel_board_busy_boards")) === 0, 30_000);
    await viewer.gets("mark", ({ mark, flags }) => mark === eve.applied && flags === 0, 30_000);
  });
});
