// SPDX-License-Identifier: Apache-2.0
//
// Whatever a client sends, it gets its documented error or close code, costs little, and the other
// clients of the same gateway notice nothing: Ana draws and Ben watches all through this file.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { after, afterEach, before, describe, test } from "node:test";
import { encode } from "../../build/web-node/client.mjs";
import { assertAllEqual, join, signToken, startCluster, until } from "./harness.mjs";
import { random, stroke, strokes } from "./strokes.mjs";
import { Wire } from "./wire.mjs";

const HELLO_TIMEOUT_S = 2;
const SEATS = 40;
// When a bystander sees what is drawn: usually, and at the worst. This process makes the trouble and
// is the bystander, too, with sanitizers on a machine that may be busy.
const USUAL_MS = 250;
const WORST_MS = 3_000;
const MEGABYTE = 1 << 20;

const repeat = (byte, count) => Array(count).fill(byte);
const BEGIN = { kind: "begin", term: 1, cseq: 1, tool: 0, colour: 0, size: 80, shape: 1, flags: 4, points: new Uint8Array(4) };
/** A frame as bytes, with its byte `at` (from the end when negative) set to another value. */
const spoilt = (message, at, byte) => {
  const bytes = [...encode(message)];
  bytes[at < 0 ? bytes.length + at : at] = byte;
  return bytes;
};

describe("bad input:", { timeout: 240_000 }, () => {
  let cluster, gateway, board, ana, ben, drawing;
  const next = random(1);
  const delays = [];

  before(async () => {
    cluster = await startCluster({
      env: { EASEL_HELLO_TIMEOUT_S: String(HELLO_TIMEOUT_S), EASEL_BOARD_SEATS: String(SEATS) },
    });
    [gateway] = cluster.gateways;
    board = await cluster.makeBoard();
    ana = await join(gateway, board.tokens.own, "Ana");
    ben = await join(gateway, board.tokens.watch, "Ben");
    await ana.takePen();
    drawing = bystanders();
  });

  let stopped = false;
  after(async () => {
    stopped = true;
    await drawing;
  });

  /** Ana draws, and Ben must see it soon, until the end of the file. */
  async function bystanders() {
    while (!stopped) {
      const drawn = performance.now();
      const [{ cseq }] = ana.draw([stroke(next, 8)]);
      await ben.waitFor(() => ben.board.strokes.at(-1)?.cseq === cseq, "a bystander sees what is drawn");
      delays.push(Math.round(performance.now() - drawn));
      await until("the next stroke is due", () => performance.now() - drawn > 50);
    }
  }

  afterEach(() => {
    const sorted = delays.splice(0).sort((a, b) => a - b);
    const [usual, worst] = [sorted[sorted.length >> 1] ?? 0, sorted.at(-1) ?? 0];
    assert.ok(usual < USUAL_MS && worst < WORST_MS, `a bystander waited ${usual} ms, at the worst ${worst} ms`);
    assert.equal(ana.errors.length + ben.errors.length, 0, "a bystander was told of an error");
    Wire.endAll();
  });

  // ---- what is sent before the hello ---------------------------------------------------------

  const hello = (fields = {}) => ({
    kind: "hello", token: "x", session: new Uint8Array(16), instance: 1, conn: 1, name: "", from: null, since: null, ...fields,
  });
  const FIRST = [
    ["a byte that msgpack does not have", [0xc1], 4400, "bad_frame"],
    ["an empty message", [], 4400, "bad_frame"],
    ["a map", [0x81, 0x01, 0x01], 4400, "bad_frame"],
    ["an empty array", [0x90], 4400, "bad_frame"],
    ["a frame that is cut off", encode(hello()).subarray(0, 12), 4400, "bad_frame"],
    ["an array of four billion elements", [0xdd, 0xff, 0xff, 0xff, 0xff, 0x01], 4400, "bad_frame"],
    ["a text of four billion bytes", [0x98, 0x01, 0xdb, 0xff, 0xff, 0xff, 0xff, 0x61], 4400, "bad_frame"],
    ["arrays, a thousand deep", repeat(0x91, 1000), 4400, "bad_frame"],
    ["another frame than hello", encode({ kind: "ask" }), 4400, "bad_frame"],
    ["a hello with a session of 15 bytes", [0x98, 1, 0xa1, 0x78, 0xc4, 15, ...repeat(0, 15), 1, 1, 0xa0, 0xc0, 0xc0], 4400, "bad_frame"],
    ["a hello with a number for a token", [0x98, 1, 7, 0xc4, 16, ...repeat(0, 16), 1, 1, 0xa0, 0xc0, 0xc0], 4400, "bad_frame"],
    ["a hello with more fields than there are", [0x9a, ...encode(hello()).subarray(1), 0, 0], 4400, "bad_frame"],
    ["a hello with a name that is no UTF-8", spoilt(hello({ name: "x" }), -3, 0xff), 4400, "bad_frame"],
    ["a first message of 5 KB", repeat(0, 5000), 4413, "too_long"],
    ["a token that is none", encode(hello({ token: "let me in" })), 4403, "forbidden"],
  ];

  for (const [what, bytes, close, code] of FIRST) {
    test(`${what}, as the first message, is refused with ${close}`, async () => {
      const wire = await new Wire(gateway).opened();
      wire.sendBytes(bytes);
      assert.equal(await wire.closes(), close);
      assert.equal(wire.errors[0].code, code);
      assert.match(wire.errors[0].sentence, /^[A-Z].*\.$/);
    });
  }

  const future = () => Math.floor(Date.now() / 1000) + 3600;
  const TOKENS = [
    ["signed with a foreign secret", () => signToken({ b: board.board, r: "own" }, "another secret of at least 32 characters"), 4403, "forbidden"],
    ["without a signature", () => `${signToken({ b: board.board, r: "own" }).split(".").slice(0, 2).join(".")}.`, 4403, "forbidden"],
    ["with the algorithm none", () => signToken({ b: board.board, r: "own" }, undefined, { alg: "none", typ: "JWT" }), 4403, "forbidden"],
    ["with an unknown role", () => signToken({ b: board.board, r: "king" }), 4403, "forbidden"],
    ["without a board", () => signToken({ r: "own" }), 4403, "forbidden"],
    ["that has expired", () => signToken({ b: board.board, r: "own", exp: 1_000_000 }), 4403, "expired"],
    ["for a board that never was", () => signToken({ b: "zzzzzzzzzz", r: "own", exp: future() }), 4404, "no_board"],
  ];

  for (const [what, token, close, code] of TOKENS) {
    test(`a token ${what} is refused with ${close}`, async () => {
      const wire = await new Wire(gateway).opened();
      wire.hello(token());
      assert.equal(await wire.closes(), close);
      assert.equal(wire.errors[0].code, code);
    });
  }

  test("who says nothing is closed with 4408", async () => {
    const wire = await new Wire(gateway).opened();
    assert.equal(await wire.closes(1000 * HELLO_TIMEOUT_S + 5_000), 4408);
  });

  // ---- what is sent after the hello ----------------------------------------------------------

  const LATER = [
    ["an unknown frame", [0x91, 31], 4400, "bad_frame"],
    ["a frame that only the service sends", [0x94, 66, 1, 1, 0], 4400, "bad_frame"],
    ["a message of the broker", [0x92, 101, 1], 4400, "bad_frame"],
    ["a second hello", encode(hello()), 4400, "bad_frame"],
    ["a tool that there is not", spoilt(BEGIN, 4, 3), 4400, "bad_frame"],
    ["a term of 0", spoilt(BEGIN, 2, 0), 4400, "bad_frame"],
    ["a frame with one field too few", [0x93, 6, 1], 4400, "bad_frame"],
    ["points that end within a point", encode({ ...BEGIN, points: new Uint8Array(6) }), 4400, "bad_frame"],
    ["two frames, the second one broken", [...encode({ kind: "ask" }), 0x91], 4400, "bad_frame"],
    ["a message of 70 KB", repeat(0, 70_000), 4413, "too_long"],
    ["a frame of 17 KB", [0x92, 11, 0xda, 0x44, 0x00, ...repeat(0x61, 17_408)], 4413, "too_long"],
  ];

  for (const [what, bytes, close, code] of LATER) {
    test(`${what} is refused with ${close}`, async () => {
      const wire = await Wire.join(gateway, board.tokens.draw);
      wire.sendBytes(bytes);
      assert.equal(await wire.closes(), close);
      assert.equal(wire.errors[0].code, code);
    });
  }

  test("a text message is refused with 4400", async () => {
    const wire = await Wire.join(gateway, board.tokens.draw);
    wire.socket.send("hello");
    assert.equal(await wire.closes(), 4400);
  });

  test("the error names the frame that was wrong, counted on this connection", async () => {
    const wire = await Wire.join(gateway, board.tokens.draw); // frame 1
    wire.send({ kind: "ask" });
    wire.send({ kind: "cancel" });
    wire.sendBytes([0x91, 31]);
    await wire.closes();
    assert.equal(wire.errors[0].frame, 4);
  });

  test("a stroke without the pen, or of a stale term, is answered with not_drawer", async () => {
    const wire = await Wire.join(gateway, board.tokens.draw);
    for (const term of [ana.term, ana.term - 1]) {
      wire.messages = [];
      wire.send({ ...BEGIN, term });
      assert.equal((await wire.gets("error")).code, "not_drawer", `term ${term}`);
    }
    assert.equal(wire.closed, null);
  });

  test("a stroke of a term that never was is answered with not_drawer, however far it lies", async () => {
    const own = await cluster.makeBoard();
    for (const made of ["beyond", "most", "offset"]) {
      const wire = await Wire.join(gateway, own.tokens.own);
      wire.send({ kind: "ask" });
      const { offset: term } = await wire.gets("ev_grant", ({ instance }) => instance === wire.instance);
      await wire.gets("mark", ({ mark }) => mark >= term);
      wire.send({ ...BEGIN, term, cseq: 1 });
      wire.send({ ...BEGIN, term, cseq: 2 });
      const { mark } = await wire.gets("mark", (told) => told.mark >= term + 2);
      wire.send({ ...BEGIN, term: { offset: mark, beyond: mark + 1, most: 2 ** 53 - 1 }[made] });
      const { code, frame } = await wire.gets("error");
      assert.deepEqual([made, code, frame], [made, "not_drawer", 5]);
      assert.equal(wire.closed, null);
      wire.send({ kind: "pass", term, cseq: 3, to: "" }); // where nothing was kept of it, all goes on
      if (made !== "offset") await wire.gets("ev_grant", ({ ended }) => ended === term);
      wire.end();
    }
  });

  test("a wrong cseq of the drawer is refused with 4400", async () => {
    const own = await cluster.makeBoard();
    const wire = await Wire.join(gateway, own.tokens.own);
    wire.send({ kind: "ask" });
    const { offset: term } = await wire.gets("ev_grant");
    await wire.gets("mark", ({ mark }) => mark >= term);
    wire.send({ ...BEGIN, term, cseq: 1 });
    wire.send({ ...BEGIN, term, cseq: 3 });
    assert.equal(await wire.closes(), 4400);
  });

  test("a full board refuses with 4423", async () => {
    const own = await cluster.makeBoard();
    for (let i = 0; i < SEATS; i++) await Wire.join(gateway, own.tokens.watch);
    const wire = await new Wire(gateway).opened();
    wire.hello(own.tokens.draw);
    assert.equal(await wire.closes(), 4423);
    assert.equal(wire.errors[0].code, "full");
  });

  // ---- the handshake -------------------------------------------------------------------------

  test("a page of a foreign origin is refused with 403; no origin, or our own, is let in", async () => {
    await assert.rejects(new Wire(gateway, { origin: "https://evil.example" }).opened(), /403/);
    await new Wire(gateway, { origin: gateway.url.replace(/\/$/, "") }).opened();
    await new Wire(gateway).opened();
  });

  test("a wrong subprotocol or path is refused", async () => {
    await assert.rejects(new Wire(gateway, { protocol: "chat" }).opened(), /400/);
    await assert.rejects(new Wire(gateway, { path: "/" }).opened(), /4\d\d/);
  });

  /** A TCP connection that sends this text; resolves with all that came when the gateway hangs up. */
  async function raw(text) {
    const socket = connectTcp(Number(new URL(gateway.url).port), "127.0.0.1");
    socket.on("error", () => {});
    socket.received = Buffer.alloc(0);
    socket.on("data", (data) => (socket.received = Buffer.concat([socket.received, data])));
    await once(socket, "connect");
    socket.write(text);
    return socket;
  }
  const gone = (socket) => until("the gateway hangs up", () => socket.destroyed || socket.readyState !== "open", 30_000);

  const UPGRADE =
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: easel.v1\r\n\r\n";

  test("a header that announces 2^62 bytes is refused with 4413 before they come", async () => {
    const before = gateway.rss;
    const socket = await raw(UPGRADE);
    await until("it is upgraded", () => socket.received.includes("101"));
    socket.write(Buffer.from([0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]));
    await until("it is closed with 4413", () => socket.received.includes(Buffer.from([4413 >> 8, 4413 & 255])));
    socket.destroy();
    assert.ok(gateway.rss - before < 4 * MEGABYTE);
  });

  describe("sockets that stop half-way", { concurrency: true }, () => {
    test("a handshake that comes byte by byte is given up, and so are requests without an end", async () => {
      const loris = await raw("GET /ws HTTP/1.1\r\n");
      const halves = await Promise.all([raw(""), raw("POST /api/boards HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")]);
      const drip = setInterval(() => loris.write("X"), 500);
      await Promise.all([loris, ...halves].map(gone));
      clearInterval(drip);
    });

    test("a thousand half-open sockets cost little, and are closed in time", async () => {
      const before = gateway.rss;
      const sockets = await Promise.all(Array.from({ length: 1000 }, (_, i) => raw(i % 2 ? "GET / HTTP/1.1\r\nHo" : "")));
      const growth = gateway.rss - before;
      assert.ok(growth < 64 * MEGABYTE, `${growth} bytes`);
      assert.equal((await fetch(`${gateway.url}`)).status, 200);
      await Promise.all(sockets.map(gone));
    });
  });

  // ---- floods --------------------------------------------------------------------------------

  // [D6]
  test("a flood of frames is read slowly, and not one of them is dropped", async () => {
    const own = await cluster.makeBoard();
    const dia = await join(gateway, own.tokens.own, "Dia");
    await dia.takePen();
    dia.draw(strokes(1_000, 9, 2)); // two frames each, all at once
    const viewer = await join(gateway, own.tokens.watch, "Eve");
    await dia.waitFor(() => dia.board.unackedFrames === 0, "all are stored", 60_000);
    await assertAllEqual([dia, viewer]);
    assert.equal(viewer.picture().length, 1_000);
    dia.stop();
    viewer.stop();
  });

  test("a flood of requests for the pen harms nobody", async () => {
    const wire = await Wire.join(gateway, board.tokens.draw);
    const some = Buffer.concat(Array.from({ length: 500 }, (_, i) => Buffer.from(encode({ kind: i % 2 ? "cancel" : "ask" }))));
    for (let i = 0; i < 10; i++) wire.sendBytes(some);
    await until("some of them are read", async () => (await gateway.metrics()).easel_gateway_frames_total > 500);
    assert.equal(wire.closed, null);
  });
});
