// SPDX-License-Identifier: Apache-2.0
//
// Connections to the broker that are there and carry nothing: the one that publishes, the one that
// consumes, or both. On a board where nobody draws nothing comes by that would show it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startCluster, until } from "./harness.mjs";
import { Proxy } from "./proxy.mjs";
import { Wire } from "./wire.mjs";

const TROUBLE = 2;
const HALVES = [["the publishing one", /publishes/], ["the consuming one", /consumes/], ["both", /^/]];
const TOLD_MS = 3000 + 3000; // this machine may be slow
const MENDED_MS = 30_000;

const dot = (term, cseq) => ({ kind: "begin", term, cseq, tool: 0, colour: 0, size: 80, shape: 1, flags: 4, points: new Uint8Array([62, 128, 39, 16]) });
const lastMark = (wire) => wire.messages.findLast(({ kind }) => kind === "mark");
const told = (wire) => until("trouble is told", () => lastMark(wire)?.flags & TROUBLE, TOLD_MS);
const over = (wire) => until("trouble is over", () => lastMark(wire) && !(lastMark(wire).flags & TROUBLE), MENDED_MS);
const saved = (wire, offset) => until(`${offset} is saved`, () => lastMark(wire)?.mark >= offset, MENDED_MS);

async function drawer(gateway, token) {
  const wire = await Wire.join(gateway, token);
  wire.send({ kind: "ask" });
  const { offset: term } = await wire.gets("ev_grant", ({ member }) => member === wire.welcome.member);
  await saved(wire, term);
  return { wire, term };
}

describe("connections that carry nothing", { timeout: 300_000, concurrency: true }, () => {
  /** A cluster of its own for each, so that they can be at once. */
  const cluster = async (options) => {
    const it = await startCluster({ ...options, env: { EASEL_PEN_GRACE_S: "1" } });
    it.proxy = await Proxy.to(it.broker.url);
    return it;
  };
  after(() => Wire.endAll());

  describe("of a gateway", { concurrency: 1 }, () => {
    let all, near, far;

    before(async () => {
      all = await cluster({ gateways: 2 });
      [near, far] = all.gateways;
      await far.moveBehind(all.proxy);
    });

    for (const [which, said] of HALVES)
      test(`${which}: its viewers are told, and see all that was drawn elsewhere though nobody draws again`, async () => {
        const board = await all.makeBoard("Quiet", near);
        const ana = await drawer(near, board.tokens.draw);
        const ben = await Wire.join(far, board.tokens.watch);
        await ben.has(ana.term);
        all.proxy.swallow(said);
        ana.wire.send(dot(ana.term, 1));
        await told(ben);
        assert.equal(lastMark(ana.wire).flags & TROUBLE, 0);
        await over(ben);
        await ben.has(ana.term + 1, MENDED_MS);
        await saved(ben, ana.term + 1);
        for (const wire of [ana.wire, ben]) await wire.end();
      });

    for (const [which, said] of HALVES)
      test(`${which}: who draws there keeps the pen, and all that she draws`, async () => {
        const board = await all.makeBoard("Quiet", near);
        const ana = await drawer(far, board.tokens.own);
        const ben = await Wire.join(near, board.tokens.watch);
        all.proxy.swallow(said);
        for (let cseq = 1; cseq <= 20; cseq++) ana.wire.send(dot(ana.term, cseq));
        await told(ana.wire);
        await over(ana.wire);
        await saved(ana.wire, ana.term + 20);
        await ben.has(ana.term + 20, MENDED_MS);
        ana.wire.send(dot(ana.term, 21));
        await saved(ana.wire, ana.term + 21);
        assert.deepEqual(ana.wire.errors, []);
        for (const wire of [ana.wire, ben]) await wire.end();
      });
  });

  for (const kind of ["boards", "histories"])
    test(`of the only ${kind === "boards" ? "board" : "history"} service, one after the other: nothing is lost, nobody loses the pen`, async () => {
      const all = await cluster({});
      await all[kind][0].moveBehind(all.proxy);
      const board = await all.makeBoard();
      const ana = await drawer(all.gateways[0], board.tokens.own);
      const ben = await Wire.join(all.gateways[0], board.tokens.watch);
      let cseq = 0;
      for (const [, said] of HALVES) {
        all.proxy.swallow(said);
        for (let i = 0; i < 10; i++) ana.wire.send(dot(ana.term, ++cseq));
        const last = () => ben.events.findLast(({ kind, term }) => kind === "ev_begin" && term === ana.term);
        await until("all is there", () => last()?.cseq === cseq, MENDED_MS);
        await saved(ben, last().offset);
        await saved(ana.wire, last().offset);
      }
      assert.deepEqual(ana.wire.errors, []);
    });
});
