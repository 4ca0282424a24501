// SPDX-License-Identifier: Apache-2.0
//
// The gateway's sockets, byte by byte: handshakes and requests of every wrong kind, streams that
// stay whole however badly they are read, silence, limits per address, and leaving.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { after, before, describe, test } from "node:test";
import { decode, encode, randomInstance } from "../../build/web-node/client.mjs";
import { join, startCluster, until } from "./harness.mjs";
import { random, strokes } from "./strokes.mjs";
import { Wire } from "./wire.mjs";

const SILENCE_MS = 30_000; // after which the gateway gives a client up
const UPGRADE = {
  Host: "127.0.0.1", Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "easel.v1",
};
const request = (line, headers, body = "") =>
  `${line} HTTP/1.1\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`;
const upgrade = (headers = {}, line = "GET /ws") => {
  const all = { ...UPGRADE, ...headers };
  for (const name of Object.keys(all)) if (all[name] === null) delete all[name];
  return request(line, all);
};

const open = new Set();

/** A TCP connection to the gateway; `received` is all that came. */
async function tcp(gateway) {
  return watched(connectTcp({ port: Number(new URL(gateway.url).port), host: "127.0.0.1", allowHalfOpen: true }));
}
async function watched(socket) {
  socket.received = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (data) => (socket.received = Buffer.concat([socket.received, data])));
  open.add(socket);
  await once(socket, "connect");
  return socket;
}
const gone = (socket) => until("the gateway hangs up", () => socket.destroyed || socket.readableEnded, SILENCE_MS + 30_000);

/** One frame of a client: masked, with a mask of zeros. */
function frame(opcode, payload, final = true) {
  const length = payload.length < 126 ? [0x80 | payload.length] : [0xfe, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([(final ? 0x80 : 0) | opcode, ...length, 0, 0, 0, 0]), payload]);
}

/** Splits what came on a WebSocket into frames; what is no frame of a server throws. */
function frames(bytes) {
  const found = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const [first, second] = [bytes[at], bytes[at + 1]];
    assert.ok([0x82, 0x88, 0x89, 0x8a].includes(first), `byte ${first} where a frame should begin`);
    assert.ok(second < 128, "a masked frame");
    let head = 2;
    let length = second;
    if (second === 126) [head, length] = [4, bytes.readUInt16BE(at + 2)];
    if (second === 127) [head, length] = [10, Number(bytes.readBigUInt64BE(at + 2))];
    if (at + head + length > bytes.length) break; // the rest has not come
    found.push({ opcode: first & 15, payload: bytes.subarray(at + head, at + head + length) });
    at += head + length;
  }
  return found;
}
const stream = (socket) => frames(socket.received.subarray(socket.received.indexOf("\r\n\r\n") + 4));
const helloOf = (token) =>
  encode({ kind: "hello", token, session: randomBytes(16), instance: randomInstance(), conn: 1, name: "", from: null, since: null });

describe("the gateway", { timeout: 300_000 }, () => {
  let cluster, gateway, other, board;

  before(async () => {
    // One of the tests fills sockets: no board takes that much in the long run.
    const env = { EASEL_BOARD_SEATS: "40", EASEL_BOARD_BYTES_PER_S: "10000000" };
    cluster = await startCluster({ gateways: 2, env });
    [gateway, other] = cluster.gateways;
    board = await cluster.makeBoard();
  });
  after(() => open.forEach((socket) => socket.destroy()));

  // ---- handshakes and requests -----------------------------------------------------------------

  const H2C = { Host: "127.0.0.1", Connection: "Upgrade, HTTP2-Settings", Upgrade: "h2c", "HTTP2-Settings": "AAMAAABkAARAAAAAAAIAAAAA" };
  const CLOSE = { Host: "127.0.0.1", Connection: "close" };
  const json = (length) => ({ Host: "127.0.0.1", "Content-Length": String(length) });
  const WRONG = [
    ["CONNECT", request("CONNECT easel.example:80", CLOSE), /^HTTP\/1.1 404 /],
    ["an upgrade to HTTP/2", request("GET /ws", { ...H2C, ...CLOSE }), /^HTTP\/1.1 426 /],
    ["HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", /^HTTP\/1.1 400 /],
    ["an unknown upgrade", request("GET /ws", { ...CLOSE, Upgrade: "irc" }), /^HTTP\/1.1 426 /],
    ["an upgrade elsewhere", upgrade({}, "GET /elsewhere"), /^HTTP\/1.. 404 [^]*"not_found"/],
    ["an upgrade by POST", upgrade({}, "POST /ws"), /^HTTP\/1.. 400 /],
    ["an upgrade with a body", upgrade({ "Content-Length": "2" }), /^HTTP\/1.. 4\d\d /],
    ["an upgrade of HTTP/1.0", upgrade().replace("HTTP/1.1", "HTTP/1.0"), /^HTTP\/1.. 400 /],
    ["an upgrade with the subprotocol in capitals", upgrade({ "Sec-WebSocket-Protocol": "EASEL.V1" }), /^HTTP\/1.. 400 [^]*easel\.v1/],
    ["an upgrade with half a key", upgrade({ "Sec-WebSocket-Key": "dGhlIHNhbXBs" }), /^HTTP\/1.. 400 /],
    ["an upgrade that the connection does not name", upgrade({ Connection: "keep-alive" }), /^HTTP\/1.. 400 /],
    ["an upgrade without a subprotocol", upgrade({ "Sec-WebSocket-Protocol": null }), /^HTTP\/1.. 400 [^]*easel\.v1/],
    ["an upgrade to the name of HTTP inside", upgrade({ "Sec-WebSocket-Protocol": "http" }), /^HTTP\/1.. 400 /],
    ["an upgrade without a key", upgrade({ "Sec-WebSocket-Key": null }), /^HTTP\/1.. 400 /],
    ["an upgrade of an older version", upgrade({ "Sec-WebSocket-Version": "8" }), /^HTTP\/1.. 400 /],
    ["an upgrade with an endless origin", upgrade({ Origin: `https://${"e".repeat(1000)}` }), /^HTTP\/1.. 403 /],
    ["no upgrade where there must be one", request("GET /ws", { Host: "127.0.0.1", Connection: "close" }), /^HTTP\/1.1 426 /],
    ["headers of 200 KB", request("GET /", { Host: "127.0.0.1", "X-Long": "x".repeat(200_000) }), /^HTTP\/1.1 431 /],
    ["a path of 100 KB", request(`GET /${"x".repeat(100_000)}`, { Host: "127.0.0.1" }), /^HTTP\/1.1 431 /],
    ["a path that climbs", request("GET /../../etc/passwd", { Host: "127.0.0.1", Connection: "close" }), /^HTTP\/1.1 404 /],
    ["a path that climbs in disguise", request("GET /assets/%2e%2e/%2e%2e/etc/passwd", { Host: "127.0.0.1", Connection: "close" }), /^HTTP\/1.1 404 /],
    ["a blank before the colon of a length", request("POST /api/boards", { Host: "127.0.0.1", "Content-Length ": "2" }, "{}"), /^HTTP\/1.1 400 /],
    ["a blank before the colon of an encoding", request("POST /api/boards", { ...json(2), "Transfer-Encoding ": "chunked" }, "{}"), /^HTTP\/1.1 400 /],
    ["a length and an encoding", request("POST /api/boards", { ...json(2), "Transfer-Encoding": "chunked" }, "{}"), /^HTTP\/1.1 400 /],
    ["a line that is folded", request("GET /", { Host: "127.0.0.1", X: "1\r\n 2" }), /^HTTP\/1.1 400 /],
    ["lines that end in LF alone", "GET / HTTP/1.1\nHost: 127.0.0.1\n\n", /^HTTP\/1.1 400 /],
    ["no Host", "GET / HTTP/1.1\r\n\r\n", /^HTTP\/1.1 400 /],
    ["a length below zero", request("POST /api/boards", json(-5)), /^HTTP\/1.1 400 /],
    ["two lengths", request("POST /api/boards", { ...json(2), "content-length": "3" }, "{}"), /^HTTP\/1.1 400 /],
    ["a body of 100 KB", request("POST /api/boards", json(100_000), "x".repeat(100_000)), /^HTTP\/1.1 413 /],
    ["a body in chunks", request("POST /api/boards", { Host: "127.0.0.1", "Transfer-Encoding": "chunked" }, "2\r\n{}\r\n0\r\n\r\n"), /^HTTP\/1.1 411 /],
    ["a body with GET", request("GET /", json(5), "hello"), /^HTTP\/1.1 413 /],
    ["a Host that is none", request("POST /api/boards", { Host: 'a"b', "Content-Length": "2" }, "{}"), /^HTTP\/1.1 400 /],
    ["a foreign page that makes a board", request("POST /api/boards", { ...json(2), Origin: "https://evil.example" }, "{}"), /^HTTP\/1.1 403 /],
    ["a method that there is not", request("BREW /", CLOSE), /^HTTP\/1.. 4\d\d /],
    ["a name that is not ours, as a page sends it whose name was made to lead here", request("POST /api/boards", { Host: "evil.example", Origin: "http://evil.example", "Content-Length": "2" }, "{}"), /^HTTP\/1.1 403 [^]*EASEL_PUBLIC_URL/],
    ["the same for a WebSocket", upgrade({ Host: "evil.example", Origin: "http://evil.example" }), /^HTTP\/1.1 403 [^]*EASEL_PUBLIC_URL/],
    ["noise", Buffer.concat([Buffer.from([0]), randomBytes(4000)]), /^HTTP\/1.1 400 /],
  ];
  for (const [what, bytes, answer] of WRONG) {
    test(`${what} is refused`, async () => {
      const socket = await tcp(gateway);
      socket.write(bytes);
      await gone(socket);
      assert.match(socket.received.toString("latin1"), answer);
    });
  }

  test("every answer has the security headers, refusals included", async () => {
    for (const line of ["GET /", "GET /nothing", "PUT /api/boards", "BREW /", "GET / x"]) {
      const socket = await tcp(gateway);
      socket.write(request(line, { Host: "127.0.0.1", Connection: "close" }));
      await gone(socket);
      const head = socket.received.toString("latin1").split("\r\n\r\n")[0];
      for (const name of ["content-security-policy", "x-content-type-options", "referrer-policy", "permissions-policy"]) {
        assert.match(head, new RegExp(`^${name}: `, "m"), line);
      }
    }
  });

  test("cookies of other programs on the host, 15 KB of them, are in nobody's way", async () => {
    const Cookie = "c=0123456789; ".repeat(1_100);
    const page = await tcp(gateway);
    page.write(request("GET /", { ...CLOSE, Cookie }));
    await gone(page);
    assert.match(page.received.toString("latin1"), /^HTTP\/1\.1 200 /);
    const socket = await tcp(gateway);
    socket.write(upgrade({ Cookie }));
    await until("it is upgraded", () => socket.received.includes("101"));
    socket.write(frame(2, Buffer.from(helloOf(board.tokens.watch))));
    await until("it is welcomed", () => stream(socket).some(({ opcode }) => opcode === 2));
    socket.destroy();
  });

  test("requests on one connection are answered in their order", async () => {
    const socket = await tcp(gateway);
    const get = (path) => request(`GET ${path}`, { Host: "127.0.0.1" });
    socket.write(get("/nothing") + get("/api/boards/zzzzzzzzzz") + get("/"));
    const answers = () => socket.received.toString("latin1").match(/HTTP\/1\.1 \d+/g)?.join();
    await until("three answers come", () => answers() === "HTTP/1.1 404,HTTP/1.1 404,HTTP/1.1 200");
  });

  const POST = (body, more = "") => request("POST /api/boards", json(body.length), body + more);
  const statuses = (socket) => socket.received.toString("latin1").match(/HTTP\/1\.1 \d+/g)?.map((text) => text.slice(-3)).join() ?? "";

  test("two requests with bodies in one packet are both answered", async () => {
    const socket = await tcp(gateway);
    socket.write(POST("[]") + POST("{}"));
    await until("two answers come", () => statuses(socket) === "400,201");
    assert.ok(gateway.rss < 700 * 2 ** 20);
  });

  test("bytes behind a body are the next request, wrong or not, also when the client is gone", async () => {
    const impatient = await tcp(gateway);
    impatient.write(POST("{}", "X"));
    impatient.destroy();
    const socket = await tcp(gateway);
    socket.write(POST("{}", "x"));
    await until("both are answered", () => statuses(socket) === "201,400");
    await gone(socket);
    const polite = await tcp(gateway);
    polite.write(POST("{}", "\r\n") + request("GET /nothing", CLOSE));
    await gone(polite);
    assert.equal(statuses(polite), "201,404");
  });

  test("a request that comes byte by byte is a request, and a client that has said all gets its answer", async () => {
    const slow = await tcp(gateway);
    slow.setNoDelay(true);
    for (const byte of POST("{}")) slow.write(byte);
    await until("it is answered", () => statuses(slow) === "201");
    const ended = await tcp(gateway);
    ended.end(POST("{}") + request("GET /nothing", { Host: "127.0.0.1" }));
    await gone(ended);
    assert.equal(statuses(ended), "201,404");
  });

  test("while a request waits for its answer, what comes behind it costs nothing", async () => {
    const [history] = cluster.histories;
    history.freeze();
    const socket = await tcp(gateway);
    socket.write(POST("{}") + request("GET /nothing", CLOSE).repeat(3) + "x".repeat(100_000));
    const turns = async () => (await gateway.metrics()).easel_loop_turn_seconds_count;
    const [from, at] = [await turns(), performance.now()];
    await until("a second has passed", () => performance.now() - at > 1000);
    const rate = ((await turns()) - from) / (performance.now() - at) * 1000;
    history.thaw();
    await gone(socket);
    assert.equal(statuses(socket), "201,404");
    assert.ok(rate < 2000, `${rate} turns a second`);
  });

  test("a page is one file, packed for who can unpack it, and not sent again to who has it", async () => {
    const page = await fetch(gateway.url);
    assert.equal(page.headers.get("cache-control"), "no-cache");
    const again = await fetch(gateway.url, { headers: { "if-none-match": page.headers.get("etag") } });
    assert.equal(again.status, 304);
    assert.equal(page.headers.get("content-encoding"), "gzip");
    assert.match(page.headers.get("vary"), /accept-encoding/i);
    const plain = await fetch(gateway.url, { headers: { "accept-encoding": "identity" } });
    assert.equal(plain.headers.get("content-encoding"), null);
    const html = await plain.text();
    assert.equal(html, await page.text());
    assert.doesNotMatch(html, /<script[^>]* src=|rel="stylesheet"/); // of a gateway of another version
  });

  // ---- streams ---------------------------------------------------------------------------------

  test("what breaks the protocol of WebSocket is answered with CLOSE and nothing after it", async () => {
    const BROKEN = [
      [Buffer.from([0xf2, 0x81, 0, 0, 0, 0, 1]), 1002], // reserved bits
      [Buffer.from([0xc2, 0x81, 0, 0, 0, 0, 1]), 1002], // the first of them alone
      [Buffer.from([0x83, 0x81, 0, 0, 0, 0, 1]), 1002], // a kind that there is not
      [frame(0, Buffer.from([1])), 1002], // goes on with nothing
      [frame(1, Buffer.from("text")), 4400],
      [Buffer.concat([frame(2, Buffer.alloc(3000), false), frame(0, Buffer.alloc(3000))]), 4413],
    ];
    const isClosed = async ([bytes, code]) => {
      const socket = await tcp(gateway);
      socket.write(upgrade());
      await until("it is upgraded", () => socket.received.includes("101"));
      socket.write(bytes);
      if (code >= 4000) socket.write(frame(9, Buffer.from("ping"))); // is not answered after CLOSE
      await gone(socket);
      const last = stream(socket).at(-1);
      assert.equal(last?.opcode, 8, `${code}`);
      assert.equal(last.payload.readUInt16BE(), code);
    };
    await Promise.all(BROKEN.map(isClosed));
  });

  test("a client that does not mask is understood as if it did, and harms nobody", async () => {
    const socket = await tcp(gateway);
    socket.write(upgrade());
    await until("it is upgraded", () => socket.received.includes("101"));
    const hello = Buffer.from(helloOf(board.tokens.watch));
    socket.write(Buffer.concat([Buffer.from([0x82, 126, hello.length >> 8, hello.length & 255]), hello]));
    const welcome = () => stream(socket).filter(({ opcode }) => opcode === 2).flatMap(({ payload }) => decode(payload))[0];
    await until("it is welcomed", () => welcome()?.kind === "welcome");
    socket.write(Buffer.from([0x82, 0x01, 0xc1]));
    await gone(socket);
    assert.equal(stream(socket).at(-1).payload.readUInt16BE(), 4400);
  });

  for (const [what, opcode, payload] of [["PINGs", 9, ""], ["PONGs", 10, ""], ["PONGs that say something", 10, "easel"]]) {
    test(`a flood of ${what} is read as slowly as one of frames, before the hello, too`, async (t) => {
      const slowed = async () => (await gateway.metrics()).easel_gateway_reads_slowed_total;
      const before = await slowed();
      const socket = await tcp(gateway);
      socket.write(upgrade());
      await until("it is upgraded", () => socket.received.includes("101"));
      socket.removeAllListeners("data").resume(); // PONGs, without end
      const some = Buffer.concat(Array(10_000).fill(frame(opcode, Buffer.from(payload))));
      const flood = setInterval(() => socket.write(some), 10); // 6 MB/s, or more
      t.after(() => {
        clearInterval(flood);
        socket.destroy();
      });
      await until("it is slowed", async () => (await slowed()) > before, 8_000);
      assert.ok(!socket.readableEnded, "and not closed");
    });
  }

  // ---- slow readers, and silence --------------------------------------------------------------

  describe("who reads badly, and who says nothing:", { concurrency: true }, () => {
    test("viewers who read in fits and ping meanwhile get a whole stream: no byte lost, doubled or misplaced", async (t) => {
      const ana = await join(gateway, board.tokens.own, "Ana");
      await ana.takePen();
      const viewers = [];
      for (let i = 0; i < 20; i++) {
        const socket = await tcp(gateway);
        socket.write(upgrade());
        await until("it is upgraded", () => socket.received.includes("101"));
        socket.write(frame(2, Buffer.from(helloOf(board.tokens.watch))));
        viewers.push(socket);
      }
      const next = random(5);
      const fits = setInterval(() => {
        for (const viewer of viewers) {
          if (next() < 0.1) viewer.pause();
          else if (next() < 0.02) viewer.resume();
          if (next() < 0.5) viewer.write(frame(9, Buffer.from("are you there?")));
          if (next() < 0.1) viewer.write(frame(10, Buffer.from("easel"))); // for the gateway's own
        }
      }, 20);
      t.after(() => clearInterval(fits)); // it would keep Node alive after a failure
      const deadline = performance.now() + 60_000;
      for (let i = 0, full = false; !full; i++) {
        assert.ok(performance.now() < deadline, "sockets were full and frames were cut");
        ana.draw(strokes(1, i, 1000).map((stroke) => ({ ...stroke, perFrame: 500 })));
        if (i % 20 !== 0) continue;
        await ana.allStored();
        const metrics = await gateway.metrics();
        full = metrics.easel_gateway_sends_cut_total > 10 && metrics.easel_gateway_sends_joined_total > 50;
      }
      clearInterval(fits);
      viewers.forEach((viewer) => viewer.resume());
      const offsetsOf = (viewer) =>
        stream(viewer).filter(({ opcode }) => opcode === 2).flatMap(({ payload }) => decode(payload))
          .filter(({ kind }) => kind.startsWith("ev_")).map(({ offset }) => offset);
      for (const viewer of viewers) {
        await until("it has all", () => offsetsOf(viewer).at(-1) >= ana.mark, 30_000);
        const offsets = offsetsOf(viewer);
        assert.deepEqual(offsets, Array.from(offsets, (_, i) => offsets[0] + i));
        assert.ok(stream(viewer).some(({ opcode, payload }) => opcode === 10 && `${payload}` === "are you there?"));
      }
      ana.stop();
    });

    test("who answers no ping for 30 s is given up; who does stays", async () => {
      const mute = await tcp(gateway);
      mute.write(upgrade());
      await until("it is upgraded", () => mute.received.includes("101"));
      mute.write(frame(2, Buffer.from(helloOf(board.tokens.watch))));
      const alive = await Wire.join(gateway, board.tokens.watch);
      let pings = 0;
      alive.socket.on("ping", () => pings++);
      await gone(mute);
      assert.ok(stream(mute).some(({ opcode }) => opcode === 9), "it was pinged");
      await until("the other one is pinged twice", () => pings >= 2, SILENCE_MS);
      assert.equal(alive.closed, null);
      alive.end();
    });
  });

  // ---- leaving ---------------------------------------------------------------------------------

  test("a gateway that leaves closes with 1012, passes on what it was given, and exits with 0", async () => {
    const own = await cluster.makeBoard();
    const viewer = await join(gateway, own.tokens.watch, "Eve");
    const drawer = await Wire.join(other, own.tokens.own);
    drawer.send({ kind: "ask" });
    const { offset: term } = await drawer.gets("ev_grant");
    await drawer.gets("mark", ({ mark }) => mark >= term);
    const idle = await new Wire(other).opened();
    drawer.send({ kind: "begin", term, cseq: 1, tool: 0, colour: 0, size: 80, shape: 1, flags: 4, points: new Uint8Array(4) });
    await drawer.gets("own"); // it is in the window, perhaps not stored
    const exit = other.kill("SIGTERM");
    assert.equal(await drawer.closes(), 1012);
    assert.equal(await idle.closes(), 1012);
    assert.equal(drawer.errors.at(-1).code, "restart");
    assert.equal((await exit).code, 0);
    await viewer.waitFor(() => viewer.board.strokes.length === 1, "the stroke is seen at the other gateway");
    await other.start();
  });
});

describe("connections above a limit", { timeout: 60_000 }, () => {
  const told = async (socket, status) => {
    socket.write(upgrade());
    await gone(socket);
    assert.match(socket.received.toString("latin1"), new RegExp(`^HTTP/1.1 ${status} [^]*retry-after: \\d+`));
  };

  test("those of one address are answered with 429, those of all with 503, and both are told when to come again", async () => {
    const cluster = await startCluster({ env: { EASEL_CONNECTIONS_PER_ADDRESS: "3", EASEL_CONNECTIONS_MAX: "4" } });
    const [gateway] = cluster.gateways;
    const from = (localAddress) => {
      const socket = connectTcp({ port: Number(new URL(gateway.url).port), host: "127.0.0.1", localAddress, allowHalfOpen: true });
      return watched(socket);
    };
    const held = [await from("127.0.0.2"), await from("127.0.0.2")];
    const asks = async (status) => {
      const [socket] = held;
      socket.received = Buffer.alloc(0);
      socket.write(request("GET /ws", { Host: "127.0.0.1" }));
      await until(`a browser's page would learn of ${status}`, () => socket.received.includes(`HTTP/1.1 ${status} `));
    };
    await asks(426);
    held.push(await from("127.0.0.2"));
    await asks(429);
    await told(await from("127.0.0.2"), 429);
    held.push(await from("127.0.0.3"));
    await told(await from("127.0.0.4"), 503);
    await asks(503);
    held.forEach((socket) => socket.destroy());
    await until("there is room again", async () => (await fetch(gateway.url).catch(() => null))?.status === 200);
    const crowd = await Promise.all(Array.from({ length: 200 }, () => from("127.0.0.2")));
    const metrics = await until("most are closed at once", async () => {
      const all = await gateway.metrics();
      return all.easel_gateway_tcp_connections_untold_total > 100 && all;
    });
    assert.ok(metrics.easel_gateway_tcp_connections <= 4);
    crowd.forEach((socket) => socket.destroy());
  });
});

describe("with few open files", { timeout: 60_000 }, () => {
  test("so many connections are taken as there are files for; the others are told, and it has time for the first", async () => {
    const cluster = await startCluster({ prefix: ["prlimit", "--nofile=200:200"] });
    const [gateway] = cluster.gateways;
    assert.match(gateway.log, /warn only 200 open files are allowed: so at most 36 connections are taken/);
    const ana = await join(gateway, (await cluster.makeBoard()).tokens.own, "Ana");
    await ana.takePen();
    const crowd = await Promise.all(Array.from({ length: 100 }, () => tcp(gateway)));
    crowd.forEach((socket) => socket.write(upgrade()));
    const refused = () => crowd.filter((socket) => /^HTTP\/1\.1 503 /.test(socket.received.toString("latin1"))).length;
    await until("those who found no place are told", () => refused() >= 60);
    const turns = async () => (await gateway.metrics()).easel_loop_turn_seconds_count;
    const before = await turns();
    ana.draw(strokes(20));
    await ana.settled();
    assert.ok((await turns()) - before < 5_000, "it does not spin");
    crowd.forEach((socket) => socket.destroy());
    await until("there is room again", async () => (await fetch(gateway.url).catch(() => null))?.status === 200);
    ana.stop();
  });
});

describe("limits per address", { timeout: 60_000 }, () => {
  let cluster, gateway;

  before(async () => {
    cluster = await startCluster({ env: { EASEL_CONNECTIONS_PER_ADDRESS: "3", EASEL_TRUSTED_PROXIES: "127.0.0.0/8" } });
    [gateway] = cluster.gateways;
  });
  after(() => Wire.endAll());

  test("an address has so many WebSockets and no more; behind a proxy each client counts for itself", async () => {
    const from = (address) => new Wire(gateway, { headers: { "x-forwarded-for": address } }).opened();
    const three = [await from("192.0.2.1"), await from("192.0.2.1"), await from("198.51.100.9, 192.0.2.1")];
    await assert.rejects(from("192.0.2.1"), /429/);
    const asked = (address) => fetch(`${gateway.url}/ws`, { headers: { "x-forwarded-for": address } });
    const answer = await asked("192.0.2.1");
    assert.deepEqual([answer.status, answer.headers.get("retry-after"), (await answer.json()).error.code], [429, "5", "too_many"]);
    assert.equal((await asked("192.0.2.2")).status, 426);
    await from("192.0.2.2");
    three[0].socket.close();
    await three[0].closes();
    await until("the place is free again", () => from("192.0.2.1").catch(() => null));
  });
});
