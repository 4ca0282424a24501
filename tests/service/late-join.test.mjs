// SPDX-License-Identifier: Apache-2.0
//
// Who joins a board with 100,000 events gets all of them and goes live, without a hole or a repeat,
// while drawing continues. The events are written into the database, as a history service would
// have stored them: to draw so many takes a person an hour and more.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { encode } from "../../build/web-node/client.mjs";
import { assertAllEqual, join, startCluster, until } from "./harness.mjs";
import { random, stroke } from "./strokes.mjs";
import { Wire } from "./wire.mjs";

const EVENTS = 100_000;
const FRAMES_PER_STROKE = 12;
const EVENTS_PER_RECORD = 1_000;
const EPOCH = 2;
const TERM = 3;
const CREATED_BEFORE_MS = 3_600_000;

/** Small steps, as a pointer makes them: 8 points of a frame. */
function steps(next) {
  const bytes = Buffer.alloc(32);
  for (let at = 0; at < 32; at += 2) bytes.writeInt16BE(Math.round(next() * 200 - 100), at);
  return bytes;
}

/** The events 2 … EVENTS of a board that was drawn on by one person, and then let go. */
function* log(start) {
  const next = random(5);
  yield { kind: "ev_open", offset: EPOCH, time: start, replica: "bseed" };
  yield { kind: "ev_grant", offset: TERM, time: start, member: "seedmember", instance: 1, name: "Seed", ended: 0, last: 0 };
  let cseq = 0;
  for (let offset = TERM + 1; offset < EVENTS - 1; offset++) {
    const common = { offset, time: start + 30 * offset, term: TERM, cseq: ++cseq };
    if ((cseq - 1) % FRAMES_PER_STROKE === 0) {
      const point = Buffer.alloc(4);
      point.writeInt16BE(2_000 + Math.round(next() * 28_000), 0);
      point.writeInt16BE(2_000 + Math.round(next() * 16_000), 2);
      yield { kind: "ev_begin", ...common, tool: 0, colour: cseq % 8, size: 80, shape: 1, flags: 0, points: point };
    } else {
      yield { kind: "ev_points", ...common, flags: cseq % FRAMES_PER_STROKE === 0 ? 4 : 0, points: steps(next) };
    }
  }
  const time = start + 30 * EVENTS;
  yield { kind: "ev_grant", offset: EVENTS - 1, time, member: "", instance: 0, name: "", ended: TERM, last: cseq };
  yield { kind: "ev_released", offset: EVENTS, time };
}

/** The SQL that stores these events. */
function sql(board, events) {
  const lines = ["BEGIN;"];
  const text = (value) => `'${value}'`;
  const put = (batch) => {
    const [last] = batch.slice(-1);
    const drawing = last.kind === "ev_begin" || last.kind === "ev_points";
    const state = drawing
      ? [text("seedmember"), 1, TERM, last.cseq, 0, last.time, 0]
      : [text(""), 0, EVENTS - 1, 0, 0, last.time, 1];
    const bytes = Buffer.concat(batch.map((event) => encode(event))).toString("hex");
    const row = [text(board), batch[0].offset, batch.length, EPOCH, text("bseed"), 1, ...state, `X'${bytes}'`];
    lines.push(`INSERT INTO record VALUES (${row.join(", ")});`);
  };
  let batch = [];
  for (const event of events) {
    batch.push(event);
    if (batch.length === EVENTS_PER_RECORD) put(batch.splice(0));
  }
  if (batch.length) put(batch);
  return [...lines, "COMMIT;"].join("\n");
}

describe(`on a board with ${EVENTS.toLocaleString("en")} events`, { timeout: 240_000 }, () => {
  let cluster, board, ana, drawing;
  const next = random(9);

  before(async () => {
    cluster = await startCluster({ gateways: 2 });
    board = await cluster.makeBoard("An hour of drawing");
    const [history] = cluster.histories;
    await history.kill("SIGTERM"); // it remembers where boards end
    const { status, stderr } = spawnSync("sqlite3", ["-bail", cluster.store.path], {
      input: sql(board.board, log(Date.now() - CREATED_BEFORE_MS - 30 * EVENTS)),
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    await history.start();
    ana = await join(cluster.gateways[0], board.tokens.own, "Ana");
    await ana.takePen();
  });

  after(() => clearInterval(drawing));

  test("a late joiner gets all of them, and what is drawn meanwhile, without a hole or a repeat", async () => {
    drawing = setInterval(() => ana.draw([stroke(next, 20)]), 50);
    const joined = Date.now();
    const head = ana.applied;
    const ben = await join(cluster.gateways[1], board.tokens.watch, "Ben");
    await ben.waitFor(() => ben.applied > head + 50, "is live, and sees what is drawn now", 60_000);
    console.log(`joined in ${Date.now() - joined} ms`);
    clearInterval(drawing);
    const last = await assertAllEqual([ana, ben]);
    assert.ok(last > EVENTS + 50);
    assert.equal(ben.repeats, 0);
    assert.deepEqual(ben.offsets[0], { cut: 0 }, "from the beginning");
    assert.deepEqual(ben.offsets.slice(1), Array.from({ length: last }, (_, i) => i + 1));
    assert.ok(ben.picture().length > EVENTS / FRAMES_PER_STROKE);
  });

  test("eight at once get all of them, from any offset, while drawing continues", async () => {
    drawing = setInterval(() => ana.draw([stroke(next, 20)]), 50);
    const readers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        Wire.join(cluster.gateways[i % 2], board.tokens.watch, { from: i * 12_345 })),
    );
    await until("some more is drawn", () => ana.applied > EVENTS + 400);
    clearInterval(drawing);
    await ana.settled();
    for (const [i, reader] of readers.entries()) {
      await reader.has(ana.applied, 60_000);
      const from = i * 12_345;
      assert.deepEqual(reader.offsets, Array.from({ length: ana.applied - from }, (_, k) => from + k + 1));
    }
  });
});
