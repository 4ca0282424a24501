// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the gateway's sockets: requests, handshakes and frames, right and spoilt, in any order and split,
// pipelined, half-closed and reset at any point. All the while the gateway must live and answer /healthz
// within a second, keep its memory within a bound, and serve those who do nothing wrong.
//
//   SEED=7 MINUTES=30   what to begin with, and for how long (else by chance, and for 25 s)
//   CASE=1234           only that one, a hundred times
//
// A case follows from SEED and its number alone; a failure prints both, and what was sent last.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { encode } from "../../build/web-node/client.mjs";
import { join, startCluster, until } from "../service/harness.mjs";
import { random, stroke } from "../service/strokes.mjs";

const SEED = Number(process.env.SEED ?? randomInt(1e9));
const RUN_MS = process.env.MINUTES ? Number(process.env.MINUTES) * 60_000 : 25_000;
const AT_ONCE = 16;
const HEALTH_MS = 1_000;
const SEEN_MS = 5_000;
const MEMORY = 400 * 2 ** 20; // with AddressSanitizer, whose quarantine has 16 MB

// ---- what is sent --------------------------------------------------------------------------------

/** What a case is made with. */
function dice(number) {
  const next = random((SEED * 1_000_003 + number * 7919) >>> 0);
  const upTo = (n) => Math.floor(next() * n);
  const pick = (list) => list[upTo(list.length)];
  const chance = (p) => next() < p;
  const bytes = (n) => Buffer.from(Array.from({ length: n }, () => upTo(256)));
  return { upTo, pick, chance, bytes, times: (n, make) => Array.from({ length: n }, make) };
}

const NUMBERS = ["0", "1", "2", "3", "5", "4096", "4097", "100000", "-1", "+2", "0x2", "2, 2", "18446744073709551615", "9".repeat(40), "", " "];
const ENDS = ["\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", "\r\n ", "\n\n", "\r\n\r\n", "\0\r\n"];
const COLONS = [": ", ": ", ": ", ": ", ": ", ":", " : ", "\t:", "", "::", ": \t "];

function field({ pick, chance, upTo, bytes }, board) {
  const name = pick(["Host", "Content-Length", "Transfer-Encoding", "Connection", "Origin", "Authorization", "Upgrade",
    "X-Forwarded-For", "Expect", "If-None-Match", "Accept-Encoding", "Sec-WebSocket-Key", "Sec-WebSocket-Version",
    "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "HTTP2-Settings", "Cookie", "X".repeat(upTo(300))]);
  const value = pick([pick(NUMBERS), "chunked", "identity", "close", "keep-alive", "Upgrade", "websocket", "h2c", "127.0.0.1", "[::1]:1",
    "evil.example", "http://127.0.0.1", "null", "easel.v1", "http", "EASEL.V1", "13", "gzip;q=0", "*", "100-continue", "permessage-deflate",
    `Bearer ${board.tokens.own}`, `Bearer ${"a".repeat(upTo(4000))}`, "x".repeat(upTo(9000)), bytes(upTo(20)).toString("latin1")]);
  return `${chance(0.5) ? name : name.toLowerCase()}${pick(COLONS)}${value}${pick(ENDS)}`;
}

function request(d, board) {
  const method = d.pick(["GET", "GET", "POST", "POST", "POST", "HEAD", "DELETE", "PUT", "OPTIONS", "CONNECT", "PRI", "get", ""]);
  const path = d.pick(["/", "/ws", "/api/boards", "/api/boards", `/api/boards/${board.board}`, `/api/boards/${board.board}/watch`,
    `/api/boards/${board.board}/links`, "/api/boards/zzzzzzzzzz", `/b/${board.board.toUpperCase()}`, "/../..", "//", "*", "x:1", `/${"p".repeat(d.upTo(9000))}`, "/?a=%00&;"]);
  const body = d.chance(0.3) || method === "GET" ? "" : d.pick(["{}", "{}", "[]", '{"name":"x"}', "x".repeat(d.upTo(6000)), "2\r\n{}\r\n0\r\n\r\n", d.bytes(d.upTo(40)).toString("latin1")]);
  const right = [`Host${d.pick(COLONS.slice(0, 5))}127.0.0.1\r\n`, `Content-Length: ${d.chance(0.9) ? body.length : d.pick(NUMBERS)}\r\n`];
  const wrong = d.times(d.chance(0.7) ? 0 : d.upTo(5), () => field(d, board));
  const version = d.chance(0.9) ? "HTTP/1.1" : d.pick(["HTTP/1.0", "HTTP/2.0", "http/1.1", ""]);
  return Buffer.from(`${method} ${path} ${version}\r\n${[...(d.chance(0.9) ? right : []), ...wrong].join("")}\r\n${body}${d.chance(0.1) ? "X" : ""}`, "latin1");
}

function handshake(d, board) {
  const fields = ["Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: easel.v1"].map((line) => `${line}\r\n`);
  if (d.chance(0.2)) fields.splice(d.upTo(fields.length), 1);
  if (d.chance(0.2)) fields.splice(d.upTo(fields.length), 0, field(d, board));
  return Buffer.from(`GET /ws HTTP/1.1\r\n${fields.join("")}\r\n`, "latin1");
}

function message(d, board) {
  const term = d.pick([1, 2, 5, 2 ** 53 - 1]);
  const cseq = d.pick([1, 2, 2 ** 32 - 1]);
  return Buffer.from(encode(d.pick([
    { kind: "hello", token: board.tokens[d.pick(["own", "draw", "watch"])], session: d.bytes(16), instance: 1 + d.upTo(9), conn: 1 + d.upTo(3),
      name: "x".repeat(d.upTo(129)), from: d.pick([null, 0, 1, 2 ** 53 - 1]), since: d.pick([null, null, 0, Date.now()]) },
    { kind: "begin", term, cseq, tool: 0, colour: 0, size: 80, shape: 1, flags: d.upTo(16), points: d.bytes(4 + 4 * d.upTo(20)) },
    { kind: "points", term, cseq, flags: 4, points: d.bytes(d.upTo(40)) },
    { kind: "clear", term, cseq }, { kind: "ask" }, { kind: "cancel" }, { kind: "take" },
    { kind: "profile", name: "y", flags: d.upTo(2) }, { kind: "pointer", x: d.upTo(32001), y: d.upTo(20001) },
  ])));
}

/** A frame: its kind, flags, mask and length right or wrong. */
function frame(d, payload) {
  const opcode = d.chance(0.7) ? 2 : d.upTo(16);
  const first = (d.chance(0.85) ? 0x80 : 0) | (d.chance(0.05) ? 16 << d.upTo(3) : 0) | opcode;
  const mask = d.chance(0.9) ? d.bytes(4) : null;
  const told = d.chance(0.95) ? payload.length : d.pick([0, 125, 126, 65_535, 65_536, 2 ** 40]);
  const head = told < 126 ? Buffer.alloc(2) : told < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10);
  head[0] = first;
  head[1] = (mask ? 0x80 : 0) | (told < 126 ? told : told < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(told, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(told), 2);
  return Buffer.concat([head, ...(mask ? [mask] : []), mask ? payload.map((byte, i) => byte ^ mask[i & 3]) : payload]);
}

function frames(d, board) {
  const first = { kind: "hello", token: board.tokens.draw, session: d.bytes(16), instance: 1, conn: 1, name: "", from: null, since: null };
  const hello = d.chance(0.8) ? [frame({ ...d, chance: (p) => p >= 0.7 }, Buffer.from(encode(first)))] : [];
  const rest = d.times(d.upTo(8), () => frame(d, d.pick([message(d, board), message(d, board), d.bytes(d.upTo(200)), Buffer.alloc(d.upTo(70_000))])));
  return Buffer.concat([...hello, ...rest]);
}

function spoil(d, bytes) {
  const all = [...bytes];
  for (let n = d.chance(0.3) ? 1 + d.upTo(4) : 0; n > 0 && all.length > 0; n--) {
    const at = d.upTo(all.length);
    const change = d.upTo(4);
    if (change === 0) all[at] = d.upTo(256);
    else if (change === 1) all.splice(at, 1 + d.upTo(8));
    else if (change === 2) all.splice(at, 0, ...d.bytes(1 + d.upTo(8)));
    else all.splice(at, 0, ...all.slice(at, at + d.upTo(64)));
  }
  return Buffer.from(all);
}

/** The steps of a case: bytes to write, or what else is done to the socket. */
function plan(number, board) {
  const d = dice(number);
  const parts = d.times(1 + d.upTo(4), () => request(d, board));
  if (d.chance(0.5)) parts.splice(d.upTo(2) * parts.length, d.upTo(4), handshake(d, board), frames(d, board));
  const bytes = spoil(d, Buffer.concat(parts));
  const steps = [];
  for (let at = 0; at < bytes.length; ) {
    const length = d.chance(0.5) ? bytes.length : d.chance(0.3) ? 1 + d.upTo(3) : 1 + d.upTo(bytes.length);
    steps.push(bytes.subarray(at, at + length));
    at += length;
    if (steps.length > 200) steps.push(bytes.subarray(at)), (at = bytes.length);
    if (d.chance(0.2)) steps.push("wait");
    if (d.chance(0.03)) steps.push("pause");
  }
  if (d.chance(0.3)) steps.splice(d.upTo(steps.length + 1), steps.length);
  steps.push(d.pick(["end", "reset", "destroy", "answer", "answer"]));
  return steps;
}

// ---- how it is sent ------------------------------------------------------------------------------

async function play(port, steps) {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  const closed = new Promise((done) => socket.once("close", done));
  socket.on("error", () => {});
  socket.on("end", () => socket.end());
  socket.resume();
  for (const step of steps) {
    if (step === "wait") await setTimeout(2);
    else if (step === "pause") socket.pause();
    else if (step === "end") socket.end();
    else if (step === "reset") socket.resetAndDestroy();
    else if (step === "destroy") socket.destroy();
    else if (step !== "answer") socket.write(step);
  }
  await Promise.race([closed, setTimeout(100, null, { ref: false })]);
  socket.destroy();
}

const show = (steps) => steps.map((step) => (typeof step === "string" ? step : JSON.stringify(step.toString("latin1").slice(0, 2000)))).join("\n    ");

describe(`sockets, SEED=${SEED}:`, { timeout: RUN_MS + 180_000 }, () => {
  let cluster, gateway, board, ana, ben, last = [], done = 0, failed = null;

  before(async () => {
    cluster = await startCluster({
      env: {
        EASEL_CREATES_PER_MIN: "1000000", EASEL_CREATES_PER_DAY: "100000000", EASEL_CODES_PER_MIN: "1000000",
        EASEL_BOARD_SEATS: "40", ASAN_OPTIONS: "quarantine_size_mb=16",
      },
    });
    [gateway] = cluster.gateways;
    board = await cluster.makeBoard();
    const own = await cluster.makeBoard(); // theirs alone: nobody may take their pen or places
    ana = await join(gateway, own.tokens.own, "Ana");
    ben = await join(gateway, own.tokens.watch, "Ben");
    await ana.takePen();
  });

  const fail = (error) => (failed ??= error);

  async function watchHealth() {
    while (!failed && !stopped) {
      const from = performance.now();
      const answer = await fetch(`${gateway.admin}/healthz`, { signal: AbortSignal.timeout(10_000) }).catch((error) => error);
      assert.equal(answer.status, 200, `/healthz: ${answer.cause ?? answer}`);
      const ms = performance.now() - from;
      const turn = ms > HEALTH_MS ? (await gateway.metrics()).easel_loop_longest_turn_seconds * 1000 : 0;
      assert.ok(turn < HEALTH_MS, `a turn took ${turn} ms`); // else it was this process, or the machine
      assert.ok(gateway.rss < MEMORY, `the gateway has ${gateway.rss} bytes`);
      await setTimeout(50);
    }
  }

  async function watchOthers() {
    const next = random(SEED);
    while (!failed && !stopped) {
      const [{ cseq }] = ana.draw([stroke(next, 8)]);
      await until("a bystander sees what is drawn", () => ben.board.strokes.at(-1)?.cseq === cseq, SEEN_MS);
      assert.equal(ana.errors.length + ben.errors.length, 0, "a bystander was told of an error");
      await setTimeout(50);
    }
  }

  let stopped = false;
  async function fuzz() {
    const { port } = new URL(gateway.url);
    const only = process.env.CASE === undefined ? null : Number(process.env.CASE);
    const until = performance.now() + RUN_MS;
    while (!failed && performance.now() < until && (only === null || done < 100)) {
      const number = only ?? done;
      done++;
      const steps = plan(number, board);
      last = [...last.slice(1 - 2 * AT_ONCE), { number, steps }];
      await play(Number(port), steps);
    }
  }

  test("whatever is sent to it, the gateway lives, answers, and serves the others", async () => {
    const watchers = [watchHealth(), watchOthers()].map((watcher) => watcher.catch(fail));
    await Promise.all(Array.from({ length: AT_ONCE }, () => fuzz().catch(fail)));
    stopped = true;
    await Promise.all(watchers);
    const { easel_gateway_connections_total: sockets, easel_gateway_frames_total: frames, ...all } = await gateway.metrics().catch(() => ({}));
    const answers = Object.entries(all).filter(([name]) => name.startsWith("easel_gateway_http_responses_total"));
    console.log(`${done} cases, ${sockets} WebSockets, ${frames} frames, answers: ${answers.map(([name, n]) => `${name.match(/\dxx/)} ${n}`)}; SEED=${SEED}`);
    if (failed) throw failed;
  });

  test("when all are gone, nothing of them is left", async () => {
    const left = async () => {
      const metrics = await gateway.metrics();
      return metrics.easel_gateway_reassembly_bytes + metrics.easel_gateway_http_waiting + Math.max(0, metrics.easel_gateway_tcp_connections - 2);
    };
    await until("all connections are closed", async () => (await left()) === 0, 60_000);
  });

  after(() => {
    if (!failed && !gateway.exit) return;
    console.error(`SEED=${SEED}; the last cases, the newest at the end:`);
    for (const { number, steps } of last) console.error(`  CASE=${number}\n    ${show(steps)}`);
  });
});
