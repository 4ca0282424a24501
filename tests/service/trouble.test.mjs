// SPDX-License-Identifier: Apache-2.0
//
// What people are told when something behind the gateway stands still: within 2 s that nothing is
// saved, that the gateway reads no more, that a hello waits, and for what. When it goes on, all of
// it ends, and nothing was lost.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startCluster, until } from "./harness.mjs";
import { Wire } from "./wire.mjs";

const BUSY = 1;
const TROUBLE = 2;
const UNSAVED = 4;
const WITHIN_MS = 2000;
const SLACK_MS = 3000; // this machine may be slow
const GRACE_S = 1;
const SILENT_MS = 6000; // who was not heard for so long is lost

const POINT = new Uint8Array([62, 128, 39, 16]);
const stroke = (term, cseq, points = POINT) => ({ kind: "begin", term, cseq, tool: 0, colour: 0, size: 80, shape: 1, flags: 4, points });
const lastMark = (wire) => wire.messages.findLast(({ kind }) => kind === "mark");
const flagged = (wire, flag, ms = WITHIN_MS + SLACK_MS) => until(`flag ${flag} is told`, () => lastMark(wire)?.flags & flag, ms);
const unflagged = (wire, flag) => until(`flag ${flag} is gone`, () => lastMark(wire) && !(lastMark(wire).flags & flag));

/** Somebody with the pen: {wire, term}. */
async function drawer(gateway, token) {
  const wire = await Wire.join(gateway, token);
  wire.send({ kind: "ask" });
  const { offset: term } = await wire.gets("ev_grant", ({ member }) => member === wire.welcome.member);
  await wire.gets("mark", ({ mark }) => mark >= term);
  return { wire, term };
}
const saved = (wire, offset) => until(`${offset} is saved`, () => lastMark(wire)?.mark >= offset, 30_000);

describe("what stands still is told", { timeout: 240_000 }, () => {
  let cluster, gateway, board, ana, ben;

  before(async () => {
    cluster = await startCluster({ broker: "own", boards: 2, histories: 2, env: { EASEL_PEN_GRACE_S: String(GRACE_S) } });
    [gateway] = cluster.gateways;
    board = await cluster.makeBoard();
    ana = await drawer(gateway, board.tokens.own);
    ben = await Wire.join(gateway, board.tokens.watch);
  });
  after(() => Wire.endAll());

  let cseq = 0;
  const draws = (n = 1, points) => {
    for (let i = 0; i < n; i++) ana.wire.send(stroke(ana.term, ++cseq, points));
  };
  /** All frames of the term are saved, each once, in the order drawn. */
  const allSaved = async () => {
    const last = ana.term + cseq;
    await ben.has(last, 30_000);
    await saved(ben, last);
    await saved(ana.wire, last);
    const drawn = ben.events.filter(({ kind, term }) => kind === "ev_begin" && term === ana.term);
    assert.deepEqual(drawn.map((event) => event.cseq), Array.from({ length: cseq }, (_, i) => i + 1));
    assert.deepEqual(ana.wire.errors, []);
  };
  const nobodyWaits = async () => {
    await unflagged(ana.wire, UNSAVED);
    await unflagged(ben, UNSAVED);
    await until("the board counts as saved", async () => (await gateway.metrics()).easel_gateway_unsaved_boards === 0);
  };

  test("drawing that is saved is never told as trouble", async () => {
    for (let i = 0; i < 40; i++) {
      draws();
      await new Promise((done) => setTimeout(done, 20));
    }
    await allSaved();
    for (const { flags } of [...ana.wire.messages, ...ben.messages].filter(({ kind }) => kind === "mark")) assert.equal(flags & UNSAVED, 0);
  });

  const frozen = (services, what) =>
    test(`${what} frozen: drawer and viewer are told that nothing is saved, until it is; nothing is lost`, async () => {
      services().forEach((service) => service.freeze());
      draws(3);
      await Promise.all([flagged(ana.wire, UNSAVED), flagged(ben, UNSAVED)]);
      assert.equal((await gateway.metrics()).easel_gateway_unsaved_boards, 1);
      draws(3);
      services().forEach((service) => service.thaw());
      await allSaved();
      await nobodyWaits();
    });
  frozen(() => cluster.histories, "both history services");
  frozen(() => cluster.boards, "both board services");

  test("a hello while history stands still is told why within 2 s, and welcomed when it goes on", async () => {
    const other = await cluster.makeBoard();
    cluster.histories.forEach((history) => history.freeze());
    const [fresh, ahead, byTime] = [await new Wire(gateway).opened(), await new Wire(gateway).opened(), await new Wire(gateway).opened()];
    fresh.hello(other.tokens.own); // nobody has taken that board over yet
    ahead.hello(board.tokens.watch, { from: 100_000 });
    byTime.hello(board.tokens.watch, { since: Date.now() });
    for (const [wire, sentence] of [[fresh, /board's service/], [ahead, /History/], [byTime, /History/]]) {
      const { code, sentence: why } = await wire.gets("error", () => true, WITHIN_MS + SLACK_MS);
      assert.equal(code, "waiting");
      assert.match(why, sentence);
    }
    await until("it is told again", () => fresh.errors.length === 2);
    cluster.histories.forEach((history) => history.thaw());
    await fresh.gets("welcome", () => true, 30_000);
    await byTime.gets("welcome");
    assert.equal(await ahead.closes(), 4410);
    assert.equal(ahead.errors.at(-1).code, "start_fresh");
    const since = fresh.messages.findIndex(({ kind }) => kind === "welcome");
    assert.deepEqual(fresh.messages.slice(since).filter(({ kind }) => kind === "error"), []);
  });

  test("the broker stands still for longer than it takes to lose the pen: nobody loses it, and nothing is lost", async (t) => {
    const waits = await Wire.join(gateway, board.tokens.draw);
    waits.send({ kind: "ask" });
    await waits.gets("state", ({ members }) => members.some(({ line }) => line === 1));
    t.after(() => cluster.broker.thaw());
    cluster.broker.freeze();
    const until_ms = performance.now() + SILENT_MS + GRACE_S * 1000 + 2000;
    draws(3);
    await Promise.all([flagged(ana.wire, UNSAVED), flagged(ben, UNSAVED)]);
    for (const owner of cluster.boards)
      await until("its owner says that it hears nobody", async () => (await owner.metrics()).easel_board_unheard_seconds > 1);
    await Promise.all([flagged(ana.wire, TROUBLE), flagged(ben, TROUBLE)]);
    await until("the broker has stood still for long", () => performance.now() > until_ms);
    draws(3);
    cluster.broker.thaw();
    await allSaved();
    await nobodyWaits();
    const { term } = ben.messages.findLast(({ kind }) => kind === "state");
    assert.equal(term, ana.term);
    waits.end();
  });

  test("512 KB that nobody has stored: the drawer is told that it is not read; all is saved in the end", async () => {
    cluster.boards.forEach((service) => service.freeze()); // no owner tells that it is busy
    draws(120, new Uint8Array(5000));
    await flagged(ana.wire, BUSY);
    assert.equal(lastMark(ben).flags & BUSY, 0);
    cluster.boards.forEach((service) => service.thaw());
    await allSaved();
    await unflagged(ana.wire, BUSY);
    await nobodyWaits();
  });

  test("frames that nobody answers are not repeated, but the first one, now and then", async () => {
    const resent = async () => (await gateway.metrics()).easel_gateway_frames_resent_total;
    const before = await resent();
    cluster.boards.forEach((service) => service.freeze());
    draws(500);
    await until("frames go again", async () => (await resent()) >= before + 3);
    assert.ok((await resent()) <= before + 5, `${(await resent()) - before} frames again`);
    cluster.boards.forEach((service) => service.thaw());
    await allSaved();
  });
});
