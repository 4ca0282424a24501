// SPDX-License-Identifier: Apache-2.0
//
// Boards on which much was drawn: events written into the database, as a history service would have
// stored them. To draw 100,000 takes a person an hour and more.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { encode } from "../../build/web-node/client.mjs";
import { random } from "./strokes.mjs";

const FRAMES_PER_STROKE = 12;
const EVENTS_PER_RECORD = 1_000;
const EPOCH = 2;
const TERM = 3;
const FRAME_MS = 30;
const CREATED_BEFORE_MS = 3_600_000;
/** Of a record as the first schema has it, which is read for ever. */
const COLUMNS = "board, first, count, epoch, opener, nonce, holder, instance, term, cseq, base, time, flags, events";

/** The places of one wandering line: from its first point, 8 a frame, 4 of the board's 1600 points apart. */
function* line(next) {
  const point = Buffer.alloc(4);
  point.writeInt16BE(1_000 + Math.round(next() * 30_000), 0);
  point.writeInt16BE(1_000 + Math.round(next() * 18_000), 2);
  yield point;
  let angle = next() * 7;
  for (;;) {
    const bytes = Buffer.alloc(32);
    for (let at = 0; at < 32; at += 4) {
      angle += next() - 0.5;
      bytes.writeInt16BE(Math.round(80 * Math.cos(angle)), at);
      bytes.writeInt16BE(Math.round(80 * Math.sin(angle)), at + 2);
    }
    yield bytes;
  }
}

/** The events 2 … `count` of a board that was drawn on by one person, and then let go. */
function* log(count, framesPerStroke) {
  const start = Date.now() - CREATED_BEFORE_MS - FRAME_MS * count;
  const next = random(5);
  yield { kind: "ev_open", offset: EPOCH, time: start, replica: "bseed" };
  yield { kind: "ev_grant", offset: TERM, time: start, member: "seedmember", instance: 1, name: "Seed", ended: 0, last: 0 };
  let cseq = 0;
  let places;
  for (let offset = TERM + 1; offset < count - 1; offset++) {
    const common = { offset, time: start + FRAME_MS * offset, term: TERM, cseq: ++cseq };
    const begins = (cseq - 1) % framesPerStroke === 0;
    if (begins) places = line(next);
    const points = places.next().value;
    if (begins) yield { kind: "ev_begin", ...common, tool: 0, colour: cseq % 8, size: 80, shape: 1, flags: 0, points };
    else yield { kind: "ev_points", ...common, flags: cseq % framesPerStroke === 0 ? 4 : 0, points };
  }
  const time = start + FRAME_MS * count;
  yield { kind: "ev_grant", offset: count - 1, time, member: "", instance: 0, name: "", ended: TERM, last: cseq };
  yield { kind: "ev_released", offset: count, time };
}

/** The SQL that stores these events. */
function sql(board, events) {
  const lines = ["BEGIN;"];
  const text = (value) => `'${value}'`;
  const put = (batch) => {
    const last = batch.at(-1);
    const drawing = last.kind === "ev_begin" || last.kind === "ev_points";
    const state = drawing
      ? [text("seedmember"), 1, TERM, last.cseq, 0, last.time, 0]
      : [text(""), 0, last.offset - 1, 0, 0, last.time, 1];
    const bytes = Buffer.concat(batch.map((event) => encode(event))).toString("hex");
    const row = [text(board), batch[0].offset, batch.length, EPOCH, text("bseed"), 1, ...state, `X'${bytes}'`];
    lines.push(`INSERT INTO record (${COLUMNS}) VALUES (${row.join(", ")});`);
  };
  let batch = [];
  for (const event of events) {
    batch.push(event);
    if (batch.length === EVENTS_PER_RECORD) put(batch.splice(0));
  }
  if (batch.length) put(batch);
  return [...lines, "COMMIT;"].join("\n");
}

/** Gives a board that was just made (in a cluster on SQLite) a log of `count` events. Resolves with the
 *  number of its strokes. */
export async function seed(cluster, board, count, framesPerStroke = FRAMES_PER_STROKE) {
  const [history] = cluster.histories;
  await history.kill("SIGTERM"); // it remembers where boards end
  const { status, stderr } = spawnSync("sqlite3", ["-bail", cluster.store.path], {
    input: sql(board, log(count, framesPerStroke)),
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  await history.start();
  return Math.ceil((count - TERM - 2) / framesPerStroke);
}
