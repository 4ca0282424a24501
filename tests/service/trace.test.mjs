// SPDX-License-Identifier: Apache-2.0
//
// Somebody asks a board of one process why: on its admin port, while it runs, and the answer stands in its log.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { encode } from "../../build/web-node/client.mjs";
import { join, startCluster, until } from "./harness.mjs";
import { Wire } from "./wire.mjs";

const LINES_PER_S = 50;
const BOARDS_MAX = 8;
const dot = (term, cseq) => ({ kind: "begin", term, cseq, tool: 0, colour: 0, size: 80, shape: 1, flags: 4, points: new Uint8Array(4) });

async function ask(service, method, query = "") {
  const answer = await fetch(`${service.admin}/trace${query}`, { method });
  return { status: answer.status, text: await answer.text() };
}

/** The lines about the trace in its log, without time and process. */
const lines = (service) => service.log.split("\n").flatMap((line) => line.match(/ (trace.*)$/)?.[1] ?? []);
const told = (service, what) => lines(service).filter((line) => line.includes(` ${what}: `));

describe("asking a board why", { timeout: 180_000 }, () => {
  let cluster, gateway, service, board, ana, ben, watcher;

  before(async () => {
    cluster = await startCluster();
    [[gateway], [service]] = [cluster.gateways, cluster.boards];
    board = await cluster.makeBoard("Secret plans");
    ana = await join(gateway, board.tokens.own, "Ana Lovelace");
    await ana.takePen();
    ben = await Wire.join(gateway, board.tokens.draw, { name: "Ben Hur" });
    watcher = await Wire.join(gateway, board.tokens.watch, { name: "Cara Mia" });
    await ben.gets("mark", ({ mark }) => mark >= ana.term);
  });

  after(() => Wire.endAll());

  const query = (more = "") => `?board=${board.board}${more}`;
  const short = () => `${board.board.slice(0, 4)}…`;
  const refusals = (wire, code) => wire.errors.filter((error) => error.code === code).length;

  /** Ben draws a frame of Ana's term, which only the owner can refuse. */
  async function benIsRefused(cseq) {
    const before = refusals(ben, "not_drawer");
    ben.send(dot(ana.term, cseq));
    await until("Ben is told", () => refusals(ben, "not_drawer") > before);
  }

  test("nothing is told before", async () => {
    await benIsRefused(1);
    for (const one of cluster.services) {
      assert.deepEqual(lines(one), []);
      assert.deepEqual(await ask(one, "GET"), { status: 200, text: "no board is traced\n" });
    }
  });

  test("each process begins by itself, and tells which board", async () => {
    for (const one of [gateway, service]) {
      assert.deepEqual(await ask(one, "POST", query()), { status: 200, text: `board ${short()} is traced in the log, for 600 s\n` });
      const { text } = await ask(one, "GET");
      assert.match(text, new RegExp(`^board ${short()} for (600|59\\d) s more, 0 lines so far\n$`));
    }
    assert.deepEqual(await ask(cluster.histories[0], "GET"), { status: 200, text: "no board is traced\n" });
  });

  test("a refused frame stands in the log of who refused it, with its numbers, and of who told it", async () => {
    await benIsRefused(2);
    await until("the owner says why", () => told(service, "frame_refused").length);
    assert.deepEqual(told(service, "frame_refused"), [
      `trace board ${short()} frame_refused: frame 2 of term ${ana.term} is refused: the pen is lent in term ${ana.term}, to another page or to nobody`,
    ]);
    assert.ok(told(gateway, "refusal_told").some((line) => line.includes(`frame 2 of term ${ana.term}:`)), lines(gateway).join("\n"));
    assert.match(told(gateway, "error_told").join("\n"), /a client is told not_drawer, of its frame 3 /);
    assert.deepEqual(lines(cluster.histories[0]), []);
  });

  test("a watcher's frame is refused by the gateway, which says what it went by", async () => {
    watcher.send(dot(ana.term, 1));
    await until("the gateway says why", () => told(gateway, "term_not_clients").length);
    assert.match(told(gateway, "term_not_clients")[0], new RegExp(`a frame of term ${ana.term} is refused: its client may only watch`));
    assert.ok(!told(service, "frame_refused").some((line) => line.includes("frame 1 ")), "it never came to the owner");
  });

  test("another board is not told of", async () => {
    const other = await cluster.makeBoard("Other plans");
    const wire = await Wire.join(gateway, other.tokens.watch);
    const before = lines(gateway).length;
    wire.send(dot(1, 1));
    await wire.gets("error");
    assert.equal(lines(gateway).length, before);
    wire.end();
  });

  test("beyond so many lines a second the rest is left out, said so, and counted", async () => {
    const before = lines(gateway).length;
    const frames = Array.from({ length: 200 }, (_, i) => Buffer.from(encode(dot(ana.term, i + 1))));
    watcher.sendBytes(Buffer.concat(frames));
    await until("it is said", () => lines(gateway).some((line) => /^trace: \d+ lines left out, beyond 50 in a second$/.test(line)));
    const leftOut = () => lines(gateway).reduce((sum, line) => sum + Number(line.match(/^trace: (\d+) lines left out/)?.[1] ?? 0), 0);
    await until("all is said", async () => (await gateway.metrics()).easel_trace_left_out_lines_total === leftOut());
    const told = lines(gateway).slice(before).filter((line) => line.startsWith("trace board")).length;
    assert.ok(before + told >= LINES_PER_S && told < 2 * frames.length, `${told} lines, and ${before} before`);
    assert.equal(told + leftOut(), 2 * frames.length, "each decision is a line, or counted");
    assert.equal((await service.metrics()).easel_trace_left_out_lines_total, 0);
  });

  test("no line has a secret, an id in full, a name or a member in it", async () => {
    const { members } = await ben.gets("state", (state) => state.members.length === 3);
    const secrets = [board.board, "Secret plans", "Lovelace", "Hur", "Mia", ...Object.values(board.tokens), ...Object.values(board.links),
      String(ben.instance), ben.session.toString("hex"), ben.session.toString("base64url"), ...members.map(({ member }) => member)];
    for (const one of cluster.services) {
      for (const secret of secrets) assert.ok(!one.wholeLog.includes(secret), `${one.name} tells ${secret}`);
      for (const line of lines(one)) assert.match(line, /^trace(: \d+ lines left out, beyond 50 in a second| board ....… (begins|ends|\w+: ).*)$/);
    }
  });

  test("it ends when somebody says so", async () => {
    assert.deepEqual(await ask(service, "DELETE", query()), { status: 200, text: `board ${short()} is traced no more\n` });
    assert.equal((await ask(service, "DELETE", query())).status, 404);
    const before = lines(service).length;
    await benIsRefused(3);
    assert.equal(lines(service).length, before);
  });

  test("it ends by itself", async () => {
    assert.equal((await ask(service, "POST", query("&seconds=1"))).status, 200);
    await service.line(/trace board ....… ends: its time is over/);
    assert.deepEqual(await ask(service, "GET"), { status: 200, text: "no board is traced\n" });
    const before = lines(service).length;
    await benIsRefused(4);
    assert.equal(lines(service).length, before);
  });

  test("what is wrong with a request is said, and changes nothing", async () => {
    for (const [method, wrong, status, says] of [
      ["POST", "", 400, /\/trace\?board=ID/], ["POST", "?board=../etc", 400, /no board's id/], ["POST", query("&seconds=601"), 400, /1 to 600/],
      ["POST", "?all=1", 400, /only board and seconds/], ["PUT", query(), 405, /POST begins/],
    ]) {
      const { status: got, text } = await ask(service, method, wrong);
      assert.equal(got, status, `${method} ${wrong}`);
      assert.match(text, says);
    }
    assert.deepEqual(await ask(service, "GET"), { status: 200, text: "no board is traced\n" });
  });

  test("no more than eight boards are traced at once", async () => {
    const ids = Array.from({ length: BOARDS_MAX + 1 }, (_, i) => `${board.board.slice(0, 9)}${i}`);
    for (const id of ids.slice(0, BOARDS_MAX)) assert.equal((await ask(service, "POST", `?board=${id}`)).status, 200);
    assert.deepEqual(await ask(service, "POST", `?board=${ids.at(-1)}`), { status: 409, text: "8 boards are traced already: end one of them\n" });
    for (const id of ids.slice(0, BOARDS_MAX)) assert.equal((await ask(service, "DELETE", `?board=${id}`)).status, 200);
  });

  test("a program that logs nothing but warnings answers all the same", async () => {
    const settings = { ...gateway.settings, EASEL_LOG_LEVEL: "warn", EASEL_ADMIN_PORT: new URL(gateway.admin).port };
    await gateway.kill("SIGTERM");
    gateway.env = cluster.environment("gateway", settings); // not by start(), which waits for a line of level info
    gateway.spawn();
    await until("it is ready", () => gateway.ready(), 30_000);
    assert.equal((await ask(gateway, "POST", query())).status, 200);
    await gateway.line(/ warn trace board ....… begins, for 600 s/);
  });
});
