// SPDX-License-Identifier: Apache-2.0
//
// The HTTP API of the gateway: boards are made, looked at, deleted, and opened by their code.

import assert from "node:assert/strict";
import { request } from "node:http";
import { before, describe, test } from "node:test";
import { connect } from "../client/client.mjs";
import { assertAllEqual, join, signToken, startCluster, until } from "./harness.mjs";
import { strokes } from "./strokes.mjs";
import { Wire } from "./wire.mjs";

const ID = /^[0-9a-z]{10}$/;

async function call(gateway, method, path, { body, token, headers = {} } = {}) {
  const answer = await fetch(`${gateway.url}${path}`, {
    method,
    body: typeof body === "object" ? JSON.stringify(body) : body,
    headers: { ...headers, ...(token ? { authorization: `Bearer ${token}` } : {}) },
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text ? JSON.parse(text) : null };
}

/** An error answer has the status, and a code and a sentence as JSON. */
function assertError(answer, status) {
  assert.equal(answer.status, status);
  assert.match(answer.headers.get("content-type"), /^application\/json/);
  assert.match(answer.body.error.code, /^[a-z_]+$/);
  assert.match(answer.body.error.sentence, /^[A-Z].*\.$/);
}

describe("the HTTP API", { timeout: 120_000 }, () => {
  let cluster, one, other;

  before(async () => {
    cluster = await startCluster({ gateways: 2, env: { EASEL_CREATES_PER_MIN: "1000", EASEL_CODES_PER_MIN: "1000" } });
    [one, other] = cluster.gateways;
  });

  test("makes a board, answers once it is stored, with links and tokens for three roles", async () => {
    const { status, headers, body } = await call(one, "POST", "/api/boards", { body: { name: "Physics" } });
    assert.equal(status, 201);
    assert.match(headers.get("content-type"), /^application\/json/);
    assert.match(body.board, ID);
    assert.equal(body.name, "Physics");
    for (const role of ["own", "draw", "watch"]) {
      assert.equal(body.links[role], `${one.url.replace(/\/$/, "")}/b/${body.board}#${body.tokens[role]}`);
    }
    assert.equal((await call(other, "GET", `/api/boards/${body.board}`)).status, 200, "it is stored: all know it");
  });

  test("lets each token open the board in its role", async () => {
    const { tokens } = await cluster.makeBoard();
    const roles = await Promise.all(
      [tokens.watch, tokens.draw, tokens.own].map(async (token) => (await Wire.join(other, token)).welcome.role),
    );
    assert.deepEqual(roles, [0, 1, 2]);
  });

  test("takes a board without a name, and keeps a name as it was given", async () => {
    for (const name of ["", "Ärger & <b>Ωmega</b> \"7\" 🖍"]) {
      const board = await cluster.makeBoard(name);
      assert.equal(board.name, name);
      const { welcome } = await Wire.join(one, board.tokens.own);
      assert.equal(welcome.name, name);
    }
  });

  test("tells the state of a board", async () => {
    const board = await cluster.makeBoard("Chemistry");
    const ana = await join(one, board.tokens.own, "Ana");
    await ana.takePen();
    ana.draw(strokes(3));
    await ana.settled();
    const { status, body } = await call(one, "GET", `/api/boards/${board.board}`);
    assert.equal(status, 200);
    assert.deepEqual({ ...body, time: 0 }, { board: board.board, name: "Chemistry", head: ana.applied, time: 0, members: 1 });
    assert.ok(Math.abs(body.time - Date.now()) < 60_000);
  });

  test("tells how many people are there where it knows it, and then all of them", async () => {
    const board = await cluster.makeBoard();
    const look = async (gateway) => (await call(gateway, "GET", `/api/boards/${board.board}`)).body.members;
    assert.equal(await look(one), undefined, "nobody has it open there");
    await join(one, board.tokens.own, "Ana");
    await join(other, board.tokens.watch, "Ben");
    for (const gateway of [one, other]) await until("both are counted", async () => (await look(gateway)) === 2);
  });

  test("knows a code in capitals, as people type it", async () => {
    const board = await cluster.makeBoard();
    const typed = board.board.toUpperCase();
    assert.equal((await call(one, "GET", `/api/boards/${typed}`)).body.board, board.board);
    assert.equal((await call(one, "POST", `/api/boards/${typed}/watch`)).status, 200);
    const page = await fetch(`${one.url}/b/${typed}`);
    assert.deepEqual([page.status, page.redirected], [200, typed !== board.board]);
    assert.ok(page.url.endsWith(`/b/${board.board}`));
  });

  test("does not know a board that never was", async () => {
    assertError(await call(one, "GET", "/api/boards/zzzzzzzzzz"), 404);
    assertError(await call(one, "POST", "/api/boards/zzzzzzzzzz/watch"), 404);
    assertError(await call(one, "GET", "/api/boards/not-an-id"), 404);
    assertError(await call(one, "GET", "/api/nothing"), 404);
    const page = await fetch(`${one.url}/nothing`, { headers: { accept: "text/html,*/*;q=0.8" } });
    assert.deepEqual([page.status, page.headers.get("content-type")], [404, "text/html; charset=utf-8"]);
  });

  test("gives a watch token to who knows the code, and no more than that", async () => {
    const board = await cluster.makeBoard();
    const { status, body } = await call(other, "POST", `/api/boards/${board.board}/watch`);
    assert.equal(status, 200);
    assert.ok(body.link.endsWith(`/b/${board.board}#${body.token}`));
    assert.equal((await Wire.join(one, body.token)).welcome.role, 0);
  });

  test("gives all links to the owner, anywhere, and to nobody else", async () => {
    const board = await cluster.makeBoard("Music");
    const path = `/api/boards/${board.board}/links`;
    const { status, body } = await call(other, "POST", path, { token: board.tokens.own });
    assert.equal(status, 200);
    assert.deepEqual([body.board, body.name], [board.board, "Music"]);
    const roles = ["watch", "draw", "own"];
    for (const role of roles) assert.ok(body.links[role].endsWith(`/b/${board.board}#${body.tokens[role]}`));
    const joined = await Promise.all(roles.map(async (role) => (await Wire.join(one, body.tokens[role])).welcome.role));
    assert.deepEqual(joined, [0, 1, 2]);

    assertError(await call(one, "POST", path), 403);
    for (const token of [board.tokens.draw, board.tokens.watch, "nonsense", (await cluster.makeBoard()).tokens.own])
      assertError(await call(one, "POST", path, { token }), 403);
    assertError(await call(one, "GET", path, { token: board.tokens.own }), 405);
    const nowhere = signToken({ b: "zzzzzzzzzz", r: "own" });
    assertError(await call(one, "POST", "/api/boards/zzzzzzzzzz/links", { token: nowhere }), 404);
  });

  test("gives an owner whose link expires no link that lasts longer", async () => {
    const { board } = await cluster.makeBoard();
    const exp = Math.floor(Date.now() / 1000) + 3600;
    const { status, body } = await call(one, "POST", `/api/boards/${board}/links`, { token: signToken({ b: board, r: "own", exp }) });
    assert.equal(status, 200);
    const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
    for (const role of ["watch", "draw", "own"]) assert.deepEqual(claims(body.tokens[role]), { b: board, exp, r: role });
    assertError(await call(one, "POST", `/api/boards/${board}/links`, { token: signToken({ b: board, r: "own", exp: exp - 7200 }) }), 403);
  });

  test("deletes a board for its owner alone; all who are there are told, and it never comes back", async () => {
    const board = await cluster.makeBoard();
    const path = `/api/boards/${board.board}`;
    const ana = await join(one, board.tokens.own, "Ana");
    await ana.takePen();
    ana.draw(strokes(2));
    await ana.settled();
    const viewer = await Wire.join(other, board.tokens.watch);

    assertError(await call(one, "DELETE", path), 403);
    for (const token of [board.tokens.draw, board.tokens.watch, "nonsense", (await cluster.makeBoard()).tokens.own]) {
      assertError(await call(one, "DELETE", path, { token }), 403);
    }
    assert.equal((await call(other, "DELETE", path, { token: board.tokens.own })).status, 204);

    assert.equal(await viewer.closes(), 4404);
    await ana.waitFor(() => ana.client.end === "notfound", "is told that the board is gone");
    assertError(await call(one, "GET", path), 404);
    await assert.rejects(connect(one.url, board.tokens.own), { end: "notfound" });
    assertError(await call(one, "DELETE", path, { token: board.tokens.own }), 404);
  });

  const remove = (gateway, { board, tokens }) =>
    call(gateway, "DELETE", `/api/boards/${board}`, { token: tokens.own }).then(({ status }) => status);

  test("deletes a board once, and tells all who asked for it at once", async () => {
    const board = await cluster.makeBoard();
    const ana = await join(one, board.tokens.own, "Ana");
    assert.deepEqual(await Promise.all([one, one, one].map((gateway) => remove(gateway, board))), [204, 204, 204]);
    ana.stop();
  });

  test("asked at two gateways at once, the later one may find it gone", async () => {
    const board = await cluster.makeBoard();
    const answers = await Promise.all([one, other].map((gateway) => remove(gateway, board)));
    assert.ok(answers.includes(204) && answers.every((status) => status === 204 || status === 404), `${answers}`);
  });

  test("deletes a board for who asks while somebody else's request waits, whatever comes first then", async () => {
    const [history] = cluster.histories;
    const waiting = (n) =>
      until(`${n} wait`, async () => (await one.metrics()).easel_gateway_http_waiting === n);
    for (let i = 0; i < 10; i++) {
      const board = await cluster.makeBoard();
      history.freeze();
      const first = remove(one, board);
      await waiting(1);
      const second = remove(one, board);
      await waiting(2);
      history.thaw();
      assert.deepEqual(await Promise.all([first, second]), [204, 204]);
    }
  });

  test("a token counts from nbf on", async () => {
    const { board } = await cluster.makeBoard();
    const now = Math.floor(Date.now() / 1000);
    const path = `/api/boards/${board}/links`;
    assertError(await call(one, "POST", path, { token: signToken({ b: board, r: "own", nbf: now + 3600 }) }), 403);
    assert.equal((await call(one, "POST", path, { token: signToken({ b: board, r: "own", nbf: now - 1 }) })).status, 200);
  });

  test("a connection ends when its token does, with 4403", async () => {
    const { board } = await cluster.makeBoard();
    const exp = Math.floor(Date.now() / 1000) + 3;
    const wire = await Wire.join(one, signToken({ b: board, r: "draw", exp }));
    const lasting = await Wire.join(one, signToken({ b: board, r: "draw", exp: exp + 3600 }));
    assert.equal(await wire.closes(), 4403);
    assert.equal(wire.errors.at(-1).code, "expired");
    assert.ok(Date.now() >= exp * 1000 - 1000);
    assert.equal(lasting.closed, null);
  });

  test("refuses what is no JSON, too long, or of a wrong kind", async () => {
    assertError(await call(one, "POST", "/api/boards", { body: "name=Physics" }), 400);
    assertError(await call(one, "POST", "/api/boards", { body: { name: 7 } }), 400);
    assertError(await call(one, "POST", "/api/boards", { body: { name: "x".repeat(129) } }), 400);
    assertError(await call(one, "POST", "/api/boards", { body: { name: "x".repeat(100_000) } }), 413);
    assertError(await call(one, "PUT", "/api/boards", { body: {} }), 405);
    await cluster.makeBoard(); // and goes on
  });

  test("serves the page at / and at the address of a board, with its security headers", async () => {
    for (const path of ["/", "/b/k3v9x2mq4t"]) {
      const answer = await fetch(`${one.url}${path}`);
      assert.equal(answer.status, 200);
      assert.match(answer.headers.get("content-type"), /^text\/html/);
      assert.match(answer.headers.get("content-security-policy"), /default-src 'none'/);
      assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
      assert.equal(answer.headers.get("referrer-policy"), "no-referrer");
    }
  });
});

describe("limits of the HTTP API", { timeout: 120_000 }, () => {
  let gateway, cluster;

  before(async () => {
    cluster = await startCluster({
      env: {
        EASEL_CREATES_PER_MIN: "3",
        EASEL_CODES_PER_MIN: "3",
        EASEL_CREATE_TOKEN: "only for friends",
        EASEL_TRUSTED_PROXIES: "127.0.0.1",
      },
    });
    [gateway] = cluster.gateways;
  });

  const create = (address, token = "only for friends") =>
    call(gateway, "POST", "/api/boards", { body: { name: "x" }, token, headers: { "x-forwarded-for": address } });

  test("a board is made only with the create token, when there is one", async () => {
    const refused = await create("192.0.2.1", null);
    assertError(refused, 401);
    assert.match(refused.headers.get("www-authenticate"), /^Bearer/);
    assertError(await create("192.0.2.1", "a guess"), 401);
    assert.equal((await create("192.0.2.1")).status, 201);
  });

  test("an address that makes boards too fast is told when to try again; others are not disturbed", async () => {
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await create("192.0.2.7"));
    assert.deepEqual(answers.slice(0, 3).map(({ status }) => status), [201, 201, 201]);
    assertError(answers[3], 429);
    assert.ok(Number(answers[3].headers.get("retry-after")) >= 1);
    assert.equal((await create("192.0.2.8")).status, 201);
  });

  test("an address that tries codes too fast is stopped", async () => {
    const guess = (address) =>
      call(gateway, "POST", "/api/boards/zzzzzzzzzz/watch", { headers: { "x-forwarded-for": address } });
    for (let i = 0; i < 3; i++) assertError(await guess("192.0.2.9"), 404);
    assertError(await guess("192.0.2.9"), 429);
    assertError(await guess("192.0.2.10"), 404);
  });

  test("what a foreign page loads, an image perhaps, is refused, and uses up nobody's codes", async () => {
    const load = (site, headers = {}) =>
      call(gateway, "GET", "/api/boards/zzzzzzzzzz", {
        headers: { "x-forwarded-for": "192.0.2.13", ...(site && { "sec-fetch-site": site }), ...headers },
      });
    for (const site of ["cross-site", "same-site", "cross-site", "same-site"]) assertError(await load(site), 403);
    const origin = gateway.url.replace(/\/$/, "");
    assertError(await load("same-origin"), 404);
    assertError(await load("none"), 404); // typed into the address bar
    assertError(await load("cross-site", { origin }), 404); // an allowed origin counts more
    assertError(await load(null), 429);
  });

  test("right codes cost nothing: a class behind one address opens as many boards as it likes", async () => {
    const { body } = await create("192.0.2.20");
    const watch = (code) =>
      call(gateway, "POST", `/api/boards/${code}/watch`, { headers: { "x-forwarded-for": "192.0.2.21" } });
    const codes = Array.from({ length: 40 }, () => body.board);
    const answers = [...(await Promise.all(codes.map(watch))), await watch(body.board)];
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    for (let i = 0; i < 3; i++) assertError(await watch("zzzzzzzzzz"), 404);
    assertError(await watch(body.board), 429);
  });

  test("an address has a hundred questions under way at once and no more; others are served", async () => {
    const { body } = await create("192.0.2.30");
    const [history] = cluster.histories;
    const look = (address) =>
      call(gateway, "GET", `/api/boards/${body.board}`, { headers: { "x-forwarded-for": address } });
    history.freeze();
    const many = Promise.all(Array.from({ length: 130 }, () => look("192.0.2.31")));
    const waiting = async () => (await gateway.metrics()).easel_gateway_http_waiting;
    await until("a hundred wait", async () => (await waiting()) === 100);
    const other = look("192.0.2.32");
    await until("and one of another address", async () => (await waiting()) === 101);
    history.thaw();
    const statuses = (await many).map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 429).length, 30);
    assert.equal(statuses.filter((status) => status === 200).length, 100);
    assert.equal((await other).status, 200);
  });

  test("an owner asks for links as often as they like; who is none is stopped", async () => {
    const { body } = await create("192.0.2.11");
    const ask = (address, token) =>
      call(gateway, "POST", `/api/boards/${body.board}/links`, { token, headers: { "x-forwarded-for": address } });
    for (let i = 0; i < 6; i++) assert.equal((await ask("192.0.2.11", body.tokens.own)).status, 200);
    for (let i = 0; i < 3; i++) assertError(await ask("192.0.2.12", body.tokens.draw), 403);
    assertError(await ask("192.0.2.12", body.tokens.draw), 429);
    assert.equal((await ask("192.0.2.12", body.tokens.own)).status, 200, "the owner sits behind the same address");
  });
});

test("an address makes so many boards in a day, and is told when to come again", { timeout: 60_000 }, async () => {
  const cluster = await startCluster({ env: { EASEL_CREATES_PER_MIN: "1000", EASEL_CREATES_PER_DAY: "3" } });
  const [gateway] = cluster.gateways;
  for (let i = 0; i < 3; i++) await cluster.makeBoard();
  assertError(await call(gateway, "POST", "/api/boards", { body: "no JSON" }), 429);
  const answer = await call(gateway, "POST", "/api/boards", { body: {} });
  assertError(answer, 429);
  const seconds = Number(answer.headers.get("retry-after"));
  assert.ok(seconds > 7 * 3600 && seconds <= 8 * 3600, `${seconds}`);
});

test("a host name is ours when EASEL_PUBLIC_URL or EASEL_ALLOWED_ORIGINS says so; who is refused is told in the log, once", { timeout: 60_000 }, async () => {
  const cluster = await startCluster({ gateways: 1, env: { EASEL_PUBLIC_URL: "https://Easel.example" } });
  const [gateway] = cluster.gateways;
  const as = async (host, origin) =>
    new Promise((done, fail) => {
      const headers = { host, ...(origin ? { origin } : {}) };
      request(`${gateway.url}/api/boards`, { method: "POST", headers }, (answer) => {
        answer.resume();
        done(answer.statusCode);
      }).on("error", fail).end("{}");
    });
  assert.equal(await as("easel.example", "https://easel.example:443"), 201);
  assert.equal(await as("EASEL.example:443", "https://EASEL.example"), 201);
  assert.equal(await as("localhost:8080"), 201);
  assert.equal(await as("[::1]:8080", "http://[::1]:8080"), 201);
  assert.equal(await as("easel_upstream", "https://easel.example"), 201, "a proxy names us as it likes, but the page says where it is from");
  assert.equal(await as("evil.example", "https://evil.example"), 403);
  assert.equal(await as("evil.example"), 403);
  assert.equal(await as("easel.example", "https://evil.example"), 403);
  const told = gateway.log.match(/refused the Host "evil\.example".*EASEL_PUBLIC_URL is "https:\/\/Easel\.example"/g);
  assert.equal(told?.length, 1);
  assert.equal((gateway.log.match(/refused the/g) ?? []).length, 1);
});
