// SPDX-License-Identifier: Apache-2.0
//
// Who finds a place at a board: nobody can take another's, a crowd keeps no owner out, and who was
// there comes back to it.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { join, startCluster, until } from "./harness.mjs";
import { strokes } from "./strokes.mjs";
import { Wire } from "./wire.mjs";

const isAway = ({ flags }) => flags & 2;

// Each test has a board of its own, and most of them wait for a time to pass: all at once.
describe("the places at a board", { timeout: 240_000, concurrency: true }, () => {
  const SEATS = 4, KEEP_S = 6;
  let cluster, near, far;

  before(async () => {
    cluster = await startCluster({
      gateways: 2,
      env: { EASEL_BOARD_SEATS: String(SEATS), EASEL_SEAT_KEEP_S: String(KEEP_S), EASEL_PEN_GRACE_S: "2" },
    });
    [near, far] = cluster.gateways;
  });
  after(() => Wire.endAll());

  /** Strangers with a watch link: as many as there is room for. */
  const crowd = (board, count = SEATS) =>
    Promise.all(Array.from({ length: count }, () => Wire.join(near, board.tokens.watch)));
  const refused = async (gateway, token, hello) => {
    const wire = await new Wire(gateway).opened();
    wire.hello(token, hello);
    assert.equal(await wire.closes(), 4423);
    assert.equal(wire.messages[0].kind, "full");
  };

  test("one more is for an own link, so no crowd keeps the owner out", async () => {
    const board = await cluster.makeBoard();
    const [someone] = await crowd(board);
    await refused(near, board.tokens.draw);
    const owner = await Wire.join(far, board.tokens.own);
    await refused(far, board.tokens.draw);
    // Her device is broken: another one, with the same link, takes its place.
    owner.socket.terminate();
    await someone.gets("state", ({ members }) => members.some(isAway));
    await Wire.join(far, board.tokens.own);
  });

  test("is kept for whose line broke, once, and then goes to others", async () => {
    const board = await cluster.makeBoard();
    const [ben, ...others] = await crowd(board);
    const { session, instance } = ben;
    ben.socket.terminate();
    await others[0].gets("state", ({ members }) => members.some(isAway));
    await refused(far, board.tokens.watch);
    const again = await Wire.join(far, board.tokens.watch, { session, instance, conn: 2 });
    again.socket.terminate();
    await until("the seat is free", async () => {
      const wire = await new Wire(far).opened();
      wire.hello(board.tokens.watch);
      await until("an answer", () => wire.closed || wire.messages.some(({ kind }) => kind === "welcome"));
      return !wire.closed;
    }, (KEEP_S + 5) * 1000);
  });

  test("is free at once when its member says that it leaves", async () => {
    const board = await cluster.makeBoard();
    const [ben, cem] = await crowd(board);
    cem.messages.length = 0;
    ben.socket.close(1000);
    await cem.gets("state", ({ members }) => members.length === SEATS - 1);
    await Wire.join(far, board.tokens.draw);
  });

  test("cannot be taken by one session that comes again and again as another instance", async () => {
    const board = await cluster.makeBoard();
    const ana = await join(near, board.tokens.own, "Ana");
    const ben = await join(far, board.tokens.watch, "Ben");
    await ana.takePen();
    const { term } = ana;
    const session = randomBytes(16);
    for (let i = 0; i < 150; i++) {
      const wire = await new Wire(i % 2 ? near : far).opened();
      wire.hello(board.tokens.draw, { session });
      if (i % 3 === 0) wire.send({ kind: "ask" });
      if (i % 10 === 0) ana.draw(strokes(1, i / 10));
      await setTimeout(20);
      wire.socket.terminate();
    }
    await ana.settled();
    assert.equal(ana.term, term);
    assert.equal(ana.lost, 0);
    assert.deepEqual([ana.phase, ben.phase], ["live", "live"]);
    assert.deepEqual(ben.errors, []);
    const seated = ben.members.map(({ member }) => member);
    assert.ok(seated.includes(ana.member) && seated.includes(ben.member));
    // An honest new instance finds the free places.
    await join(near, board.tokens.draw, "Cem");
    ana.stop();
    ben.stop();
  });

  test("a page that is reloaded quickly through any gateway is replaced by nobody", async () => {
    const board = await cluster.makeBoard();
    const session = randomBytes(16);
    let page = await Wire.join(near, board.tokens.draw, { session });
    for (let i = 0; i < 40; i++) {
      const next = await new Wire(i % 2 ? near : far).opened();
      next.hello(board.tokens.draw, { session });
      page.socket.terminate();
      page = next;
      await setTimeout(i % 5);
    }
    await page.gets("welcome");
    await setTimeout(3000); // as long as an owner waits until it replaces somebody
    assert.equal(page.closed, null);
  });

  test("two connections of one page with one number: one of them stays", async () => {
    const board = await cluster.makeBoard();
    const session = randomBytes(16), instance = 77;
    const first = await Wire.join(near, board.tokens.draw, { session, instance });
    const second = await Wire.join(far, board.tokens.draw, { session, instance });
    assert.equal(await first.closes(), 4409);
    await setTimeout(3000);
    assert.equal(second.closed, null);
  });
});

describe("the line for the pen", { timeout: 120_000 }, () => {
  let cluster, board, ana, ben;

  before(async () => {
    cluster = await startCluster({ gateways: 2 });
    board = await cluster.makeBoard();
    ana = await join(cluster.gateways[0], board.tokens.own, "Ana");
    await ana.takePen();
    ben = await join(cluster.gateways[0], board.tokens.draw, "Ben");
  });
  after(() => [ana, ben].forEach((person) => person.stop()));

  const line = (who) => ana.members.find(({ member }) => member === who.member)?.line;

  test("is not left by going to another gateway, fifteen times", async () => {
    ben.ask();
    await ana.waitFor(() => line(ben) === 1, "Ben waits");
    for (let i = 1; i <= 15; i++) {
      ben.kill();
      await ben.reconnect(cluster.gateways[i % 2].url);
      await ben.waitFor(() => ben.members.find(({ member }) => member === ben.member)?.line === 1, "still in line");
    }
    assert.equal(line(ben), 1);
  });

  test("nor by a change of the board's service", async () => {
    const [service] = cluster.boards;
    await service.kill("SIGKILL");
    await service.start();
    await ana.waitFor(() => ana.phase === "live" && line(ben) === 1, "still in line", 30_000);
    ana.pass("");
    await ben.waitFor(() => ben.term > 0, "has the pen");
  });
});

describe("200 places", { timeout: 120_000 }, () => {
  test("are found at one gateway, by all at once", async () => {
    const cluster = await startCluster({ env: { EASEL_BOARD_SEATS: "200" } });
    const [gateway] = cluster.gateways;
    const board = await cluster.makeBoard();
    const all = await Promise.all(Array.from({ length: 200 }, () => Wire.join(gateway, board.tokens.watch)));
    await all[0].gets("state", ({ members }) => members.length === 200);
    Wire.endAll();
  });
});

describe("a person who reloads all the time", { timeout: 60_000 }, () => {
  test("100 times in 5 s, with the answer or without, is never told that the board is full", async () => {
    const cluster = await startCluster({ gateways: 2 });
    const board = await cluster.makeBoard();
    const session = randomBytes(16);
    const pages = [];
    for (let i = 0; i < 100; i++) {
      const page = await new Wire(cluster.gateways[i % 2]).opened();
      page.hello(board.tokens.watch, { session });
      if (i % 4 === 0) await page.gets("welcome");
      pages.push(page);
      await setTimeout(30);
      if (i % 3 === 0) page.socket.terminate();
      else page.socket.close(1001);
    }
    const last = await Wire.join(cluster.gateways[0], board.tokens.watch, { session });
    await last.gets("state", ({ members }) => members.length === 1);
    assert.ok(pages.every(({ closed }) => closed !== 4423), "nobody was told");
    assert.ok(pages.every(({ messages }) => messages.every(({ kind }) => kind !== "full")));
    Wire.endAll();
  });
});
