// SPDX-License-Identifier: Apache-2.0
//
// The database's disk is full: whoever draws is told, so is the operator, nothing is told to be stored that is
// not, and when there is room again all of it is.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { cure, faultyEnvironment, give } from "./fault.mjs";
import { startCluster, until } from "./harness.mjs";
import { Wire } from "./wire.mjs";

const UNSAVED = 4;
const dot = (term, cseq) => ({ kind: "begin", term, cseq, tool: 0, colour: 0, size: 80, shape: 1, flags: 4, points: new Uint8Array([62, 128, 39, 16]) });
const lastMark = (wire) => wire.messages.findLast(({ kind }) => kind === "mark");

after(() => Wire.endAll());

test("a full disk is told, loses nothing, and is over when there is room", { timeout: 120_000 }, async () => {
  const cluster = await startCluster({ env: faultyEnvironment() });
  const [history] = cluster.histories;
  const board = await cluster.makeBoard();
  const ana = await Wire.join(cluster.gateways[0], board.tokens.own);
  ana.send({ kind: "ask" });
  const { offset: term } = await ana.gets("ev_grant", ({ member }) => member === ana.welcome.member);
  await until("the grant is stored", () => lastMark(ana)?.mark >= term);
  give(history.pid, "full");
  for (let cseq = 1; cseq <= 5; cseq++) ana.send(dot(term, cseq));
  await until("the drawer is told", () => lastMark(ana).flags & UNSAVED);
  await history.line(/disk is full|database or disk/i);
  assert.ok(lastMark(ana).mark < term + 5);
  cure(history.pid, "full");
  await until("all is stored", () => lastMark(ana).mark >= term + 5 && !(lastMark(ana).flags & UNSAVED));
  const ben = await Wire.join(cluster.gateways[0], board.tokens.watch, { from: 0 });
  await ben.has(term + 5);
  assert.deepEqual(ben.events.filter(({ kind }) => kind === "ev_begin").map(({ cseq }) => cseq), [1, 2, 3, 4, 5]);
  assert.deepEqual(ana.errors, []);
});
