// SPDX-License-Identifier: Apache-2.0
//
// Services that are asked to leave (SIGTERM), as at every upgrade: 200 people draw and watch, and none
// of them notices. And what a gateway does for those who do not follow.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertAllEqual, join, startCluster, until } from "./harness.mjs";
import { startBalancer } from "./balancer.mjs";
import { random, stroke } from "./strokes.mjs";
import { Wire } from "./wire.mjs";

const BOARDS = 20;
const PEOPLE_PER_BOARD = 10;
const STROKE_EVERY_MS = 200;
const LEAVE_MS = 40_000; // more than EASEL_DRAIN_GRACE_S

/** Sends SIGTERM and resolves when the service is gone: by itself, with 0. */
async function leaves(service, signal = "SIGTERM") {
  service.kill(signal);
  await until(`${service.name} has left`, () => service.exit, LEAVE_MS);
  assert.deepEqual(service.exit, { code: 0, signal: null }, service.log);
}

/** Ten people at a board, of whom the first draws all the time. */
class Table {
  strokes = [];

  static async sit(at, cluster, seed) {
    const table = new Table();
    const { tokens } = await cluster.makeBoard(`Board ${seed}`);
    const token = (i) => (i === 0 ? tokens.draw : tokens.watch);
    table.people = await Promise.all(
      Array.from({ length: PEOPLE_PER_BOARD }, (_, i) => join(at, token(i), `Person ${i}`)));
    table.term = await table.drawer.takePen();
    for (const person of table.people) watchPhase(person);
    const next = random(seed);
    table.timer = setInterval(() => {
      const drawn = table.drawer.draw([stroke(next, 20)]);
      table.strokes.push(...drawn.map(({ term, cseq }) => `${term}:${cseq}`));
    }, STROKE_EVERY_MS);
    return table;
  }

  get drawer() {
    return this.people[0];
  }

  /** Five more strokes are drawn, and everybody knows that they are stored. */
  async goesOn() {
    const count = this.strokes.length + 5;
    await until("more is drawn", () => this.strokes.length >= count);
    const offset = () => this.drawer.log.findLastIndex((entry) => `${entry?.term}:${entry?.cseq}` === this.strokes[count - 1]);
    await until("it is in the log", () => offset() > 0);
    for (const person of this.people) await person.waitFor(() => person.mark >= offset(), "it is stored", 30_000);
  }

  /** Nothing is lost or doubled, and the pen stayed where it was. */
  async check() {
    clearInterval(this.timer);
    await assertAllEqual(this.people);
    assert.equal(this.drawer.lost, 0);
    assert.equal(this.drawer.term, this.term, "the drawer has kept the pen");
    const begins = this.people[1].log.filter((entry) => entry.kind === "ev_begin");
    assert.deepEqual(begins.map(({ term, cseq }) => `${term}:${cseq}`), this.strokes);
  }
}

/** Notes whether somebody ever was without a connection. */
function watchPhase(person) {
  const { onChange } = person.client;
  person.away = false;
  person.client.onChange = () => {
    person.away ||= person.phase !== "live";
    onChange();
  };
}

describe("two of each service, and 200 people who draw and watch:", { timeout: 300_000 }, () => {
  let cluster, balancer, tables, people;

  before(async () => {
    cluster = await startCluster({
      gateways: 2, boards: 2, histories: 2, env: { EASEL_DRAIN_DELAY_S: "1", EASEL_CREATES_PER_MIN: "1000" },
    });
    balancer = await startBalancer(cluster.gateways);
    tables = [];
    for (let i = 0; i < BOARDS; i++) tables.push(await Table.sit(balancer, cluster, i + 1));
    people = tables.flatMap((table) => table.people);
  });
  after(() => tables?.forEach((table) => clearInterval(table.timer)));

  const clients = async (gateway) => (await gateway.metrics()).easel_gateway_connections;
  const allGoOn = () => Promise.all(tables.map((table) => table.goesOn()));

  test("a gateway leaves: all go to the other one, and nobody notices", async () => {
    const [leaving, other] = cluster.gateways;
    const [here, there] = [await clients(leaving), await clients(other)];
    assert.ok(here >= 50 && there >= 50, `${here} and ${there}`);
    const acked = tables.map((table) => table.drawer.ackedFrames());
    await leaves(leaving);
    await allGoOn();
    assert.equal(people.filter((person) => person.away).length, 0);
    tables.forEach((table, i) => {
      const now = new Set(table.drawer.ackedFrames());
      assert.deepEqual(acked[i].filter((frame) => !now.has(frame)), []);
    });
    await leaving.start();
    await balancer.serves(...cluster.gateways);
  });

  for (const kind of ["boards", "histories"]) {
    test(`one of the ${kind} services leaves: the other one takes over`, async () => {
      const [leaving] = cluster[kind];
      await leaves(leaving);
      await allGoOn();
      assert.equal(people.filter((person) => person.away).length, 0);
      await leaving.start();
    });
  }

  test("in the end nothing is lost or doubled, all see the same, and each drawer has kept the pen", async () => {
    for (const table of tables) await table.check();
  });
});

describe("a gateway that leaves", { timeout: 180_000 }, () => {
  let cluster, gateway, other, board, viewer;

  before(async () => {
    cluster = await startCluster({ gateways: 2, env: { EASEL_DRAIN_GRACE_S: "600" } });
    [gateway, other] = cluster.gateways;
    board = await cluster.makeBoard("A board", other);
    viewer = await join(other, board.tokens.watch, "Eve");
  });
  after(() => Wire.endAll());

  /** Somebody with the pen, on a bare socket to the gateway. */
  async function drawer() {
    const wire = await Wire.join(gateway, board.tokens.own);
    wire.send({ kind: "take" });
    const { offset: term } = await wire.gets("ev_grant", ({ member }) => member === wire.welcome.member);
    await wire.gets("mark", ({ mark }) => mark >= term);
    return Object.assign(wire, { term });
  }

  const dot = (wire) =>
    wire.send({ kind: "begin", term: wire.term, cseq: 1, tool: 0, colour: 0, size: 80, shape: 1, flags: 4, points: new Uint8Array(4) });

  test("is not ready at once, and serves everybody as before until EASEL_DRAIN_DELAY_S are over", async () => {
    await gateway.kill();
    gateway.settings.EASEL_DRAIN_DELAY_S = "500";
    await gateway.start();
    const early = await join(gateway, board.tokens.watch, "Early");
    gateway.kill("SIGTERM");
    await until("it is not ready", async () => (await fetch(`${gateway.admin}/readyz`)).status === 503);
    assert.equal(await (await fetch(`${gateway.admin}/readyz`)).text(), "leaving\n");
    assert.ok((await fetch(`${gateway.admin}/healthz`)).ok);
    const answer = await fetch(`${gateway.url}/api/boards/${board.board}`);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("connection"), "close", "the next request goes elsewhere");
    const late = await drawer();
    dot(late);
    await early.waitFor(() => early.board.strokes.length === 1, "a stroke of one who came late");
    early.stop();
    await leaves(gateway, "SIGINT"); // again: it leaves at once
    delete gateway.settings.EASEL_DRAIN_DELAY_S;
    await gateway.start();
  });

  test("asks its clients to go, and closes with 1012 those who stay, or have not said hello", async () => {
    const bot = await Wire.join(gateway, board.tokens.watch);
    const idle = await new Wire(gateway).opened();
    const left = leaves(gateway);
    assert.equal(await idle.closes(), 1012);
    assert.ok((await bot.gets("goaway")).delay_ms > 0);
    await assert.rejects(new Wire(gateway).opened());
    assert.equal(await bot.closes(), 1012);
    await left;
    await gateway.start();
  });

  test("keeps the delay that it told, also when it has only a second", async () => {
    await gateway.kill();
    gateway.settings.EASEL_DRAIN_GRACE_S = "1";
    await gateway.start();
    const bot = await Wire.join(gateway, board.tokens.watch);
    const left = leaves(gateway);
    const { delay_ms } = await bot.gets("goaway");
    const told = performance.now();
    assert.equal(await bot.closes(), 1012);
    assert.ok(delay_ms > 100 && performance.now() - told > delay_ms, `told ${delay_ms} ms, closed after ${Math.round(performance.now() - told)} ms`);
    await left;
    gateway.settings.EASEL_DRAIN_GRACE_S = "600";
    await gateway.start();
  });

  test("stays until the frames of a drawer who is gone are in the log", async () => {
    const before = viewer.board.strokes.length;
    const gone = await drawer();
    cluster.boards[0].freeze();
    dot(gone);
    await until("the frame is there", async () => (await gateway.metrics()).easel_gateway_unacked_bytes > 0);
    gone.end();
    gateway.kill("SIGTERM");
    await gateway.line(/no new clients/);
    await until("nobody is here", async () => (await gateway.metrics()).easel_gateway_connections === 0);
    cluster.boards[0].thaw();
    await until("it has left", () => gateway.exit, LEAVE_MS);
    assert.equal(gateway.exit.code, 0);
    await viewer.waitFor(() => viewer.board.strokes.length === before + 1, "the stroke");
    await gateway.start();
  });

  test("but no longer than EASEL_DRAIN_GRACE_S, and a second SIGTERM ends it at once", async () => {
    for (const grace of ["3", "600"]) {
      await gateway.kill();
      gateway.settings.EASEL_DRAIN_GRACE_S = grace;
      await gateway.start();
      const gone = await drawer();
      cluster.boards[0].freeze();
      dot(gone);
      await until("the frame is there", async () => (await gateway.metrics()).easel_gateway_unacked_bytes > 0);
      gone.end();
      gateway.kill("SIGTERM");
      await gateway.line(/no new clients/);
      if (grace === "600") gateway.kill("SIGTERM");
      await until("it has left", () => gateway.exit, LEAVE_MS);
      assert.equal(gateway.exit.code, 0);
      cluster.boards[0].thaw();
    }
    await gateway.start();
  });
});
