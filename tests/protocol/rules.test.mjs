// SPDX-License-Identifier: Apache-2.0
//
// Each rule of proto/PROTOCOL.md that has a number, on real services. A test names the numbers that it
// checks; those of the board's owner are in ruling.test.mjs, those that need a client of somebody else's in
// stranger.test.mjs. That no number is left out
// is checked at the end.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterEach, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { encode } from "../../build/web-node/client.mjs";
import { join, program, signToken, startCluster, until } from "../service/harness.mjs";
import { Wire } from "../service/wire.mjs";

const SEATS = 3;
const cluster = await startCluster({
  gateways: 2,
  env: { EASEL_CREATE_TOKEN: "", EASEL_BOARD_SEATS: String(SEATS), EASEL_SEAT_KEEP_S: "6", EASEL_PEN_GRACE_S: "2" },
});
const [here, there] = cluster.gateways;

afterEach(() => Wire.endAll());

const point = (x, y) => Uint8Array.from([x >> 8, x & 255, y >> 8, y & 255]);
const begin = (term, cseq, fields = {}) => ({
  kind: "begin", term, cseq, tool: 0, colour: 0, size: 80, shape: 1, flags: 4, points: point(100, 100), ...fields,
});
const api = (path, options) => fetch(`${here.url}/api/boards${path}`, options);
const bearer = (token) => ({ authorization: `Bearer ${token}` });

/** Somebody with the pen of a new board, and somebody else at it. */
async function two(gateway = here) {
  const board = await cluster.makeBoard("Rules");
  const ana = await Wire.join(gateway, board.tokens.own, { name: "Ana" });
  const ben = await Wire.join(there, board.tokens.draw, { name: "Ben" });
  return { board, ana, ben, term: await takesPen(ana) };
}

/** Resolves with the term, once its grant is stored. */
async function takesPen(wire) {
  wire.send({ kind: "ask" });
  const mine = ({ instance }) => instance === wire.instance;
  const { offset } = await wire.gets("ev_grant", mine);
  await wire.gets("mark", ({ mark }) => mark >= offset);
  return offset;
}

const stored = (wire, offset) => wire.gets("mark", ({ mark }) => mark >= offset);
const waits = (who) => ({ members }) => members.some(({ member, line }) => member === who.welcome.member && line === 1);
const latestState = (wire) => wire.messages.findLast(({ kind }) => kind === "state");
const member = (wire, who) => latestState(wire)?.members.find(({ member }) => member === who.welcome.member);
/** Ends with that close code, told by an error of that name about that frame. */
async function ends(wire, close, code, frame) {
  assert.equal(await wire.closes(), close);
  const error = wire.errors.at(-1);
  assert.equal(error.code, code);
  assert.match(error.sentence, /^[A-Z].*\.$/);
  if (frame !== undefined) assert.equal(error.frame, frame);
}

// ---- HTTP ---------------------------------------------------------------------------------------

test("[H1] [H2] [H3] [H4] boards are made, looked at, watched and shared", async () => {
  const made = await api("", { method: "POST", body: '{"name":"Physics"}' });
  assert.equal(made.status, 201);
  const { board, name, tokens, links } = await made.json();
  assert.equal(name, "Physics");
  for (const role of ["own", "draw", "watch"]) assert.equal(links[role], `${here.url}/b/${board}#${tokens[role]}`);
  const look = await (await api(`/${board.toUpperCase()}`)).json();
  assert.deepEqual([look.board, look.name, look.members], [board, "Physics", undefined]);
  await Wire.join(here, tokens.watch);
  assert.equal((await (await api(`/${board}`)).json()).members, 1);
  const { token } = await (await api(`/${board}/watch`, { method: "POST" })).json();
  assert.equal((await Wire.join(here, token)).welcome.role, 0);
  const shared = await (await api(`/${board}/links`, { method: "POST", headers: bearer(tokens.own) })).json();
  assert.deepEqual(Object.keys(shared.tokens).sort(), ["draw", "own", "watch"]);
});

test("[H5] a board is deleted for all who ask, at once and for good", async () => {
  const { board, tokens } = await cluster.makeBoard("Soon gone");
  const viewer = await Wire.join(here, tokens.watch);
  const ask = () => api(`/${board}`, { method: "DELETE", headers: bearer(tokens.own) });
  assert.deepEqual((await Promise.all([ask(), ask()])).map(({ status }) => status), [204, 204]);
  await ends(viewer, 4404, "no_board", 0);
  assert.equal((await api(`/${board}`)).status, 404);
});

test("[H6] errors have a status, a code and a sentence", async () => {
  const { board, tokens } = await cluster.makeBoard();
  const cases = [
    [400, "bad_request", await api("", { method: "POST", body: "[" })],
    [403, "forbidden", await api(`/${board}`, { method: "DELETE", headers: bearer(tokens.draw) })],
    [403, "forbidden", await api(`/${board}`, { headers: { origin: "https://elsewhere.example" } })],
    [404, "not_found", await api("/zzzzzzzzzz")],
    [405, "wrong_method", await api("", { method: "PUT" })],
    [413, "too_long", await api("", { method: "POST", body: "x".repeat(5000) })],
    [426, "upgrade_required", await fetch(`${here.url}/ws`)],
  ];
  for (const [status, code, answer] of cases) {
    assert.equal(answer.status, status, code);
    const { error } = await answer.json();
    assert.equal(error.code, code);
    assert.match(error.sentence, /\.$/);
  }
});

test("[H7] a token counts from its nbf until its exp, and then its connections end", async () => {
  const { board } = await cluster.makeBoard();
  const seconds = Math.floor(Date.now() / 1000);
  const early = await new Wire(here).opened();
  early.hello(signToken({ b: board, r: "watch", nbf: seconds + 600 }));
  await ends(early, 4403, "forbidden", 1);
  const late = await new Wire(here).opened();
  late.hello(signToken({ b: board, r: "watch", exp: seconds - 1 }));
  await ends(late, 4403, "expired", 1);
  const short = await Wire.join(here, signToken({ b: board, r: "watch", exp: seconds + 4 }));
  await ends(short, 4403, "expired");
});

test("[H8] names lose what would garble a line", async () => {
  const { tokens, name } = await cluster.makeBoard("A\u202eB\u0007 board ");
  assert.equal(name, "AB board");
  const ana = await Wire.join(here, tokens.own, { name: "\u2066Ana\u0000\n\u200b".replace("\u0000", "") });
  await ana.gets("state", ({ members }) => members[0].name === "Ana");
});

// ---- the connection -----------------------------------------------------------------------------

test("[W1] a message is binary, and holds whole frames", async () => {
  const { tokens } = await cluster.makeBoard();
  const several = await Wire.join(here, tokens.own);
  several.sendBytes([...encode({ kind: "ask" }), ...encode({ kind: "profile", name: "Ana", flags: 1 })]);
  await several.gets("state", ({ members, holder }) => holder === members[0].member && members[0].flags === 1);
  several.socket.send("text");
  await ends(several, 4400, "bad_frame");
  for (const bytes of [[], [0xc1], [0x91]]) {
    const wire = await Wire.join(here, tokens.watch);
    wire.sendBytes(bytes);
    await ends(wire, 4400, "bad_frame", 2);
  }
});

test("[W2] some frame comes every 5 s, and PONGs are enough to stay", async () => {
  const { tokens } = await cluster.makeBoard();
  const wire = await Wire.join(here, tokens.watch);
  for (let i = 0; i < 2; i++) {
    wire.messages.length = 0;
    await wire.gets("mark", undefined, 6_000);
  }
});

test("[W3] messages and frames have their lengths", async () => {
  const { tokens } = await cluster.makeBoard();
  const first = await new Wire(here).opened();
  first.sendBytes(new Uint8Array(4097));
  await ends(first, 4413, "too_long");
  const frame = await Wire.join(here, tokens.draw);
  frame.sendBytes([0x92, 11, 0xda, 0x44, 0x00, ...Array(17_408).fill(0x61)]);
  await ends(frame, 4413, "too_long", 2);
  const message = await Wire.join(here, tokens.draw);
  message.sendBytes(new Uint8Array(70_000));
  await ends(message, 4413, "too_long");
});

test("[W4] a flood of frames is read slower, and none is dropped", async () => {
  const { ana, term } = await two();
  const flood = Array.from({ length: 1500 }, (_, i) => begin(term, i + 1));
  for (const frame of flood) ana.send(frame);
  await ana.has(term + flood.length, 30_000);
});

test("[W5] close code 1000 frees seat and pen at once, 1001 after 5 s; any other end keeps the seat for a while", async () => {
  const { board, ana, ben } = await two();
  ben.messages.length = 0;
  ana.socket.close(1000);
  await ben.gets("state", ({ members, holder }) => members.length === 1 && holder === "");
  const cem = await Wire.join(here, board.tokens.draw);
  cem.socket.terminate();
  await ben.gets("state", ({ members }) => members.length === 2 && members.some(({ flags }) => flags & 2));
  const { session, instance } = cem;
  const again = await Wire.join(there, board.tokens.draw, { session, instance, conn: 2 });
  again.socket.close(1001);
  const reloaded = await Wire.join(here, board.tokens.draw, { session });
  await setTimeout(6_000);
  assert.equal(latestState(ben).members.length, 2, "who is back in time stays");
  reloaded.socket.close(1001);
  const gone = performance.now();
  await until("the seat is free", () => latestState(ben).members.length === 1);
  assert.ok(performance.now() - gone > 4_000, "not before 5 s");
});

test("[W8] a lost holder keeps the pen until somebody waits for it, and then for the grace", async () => {
  const { ana, ben, term } = await two();
  ana.socket.terminate();
  const lost = ({ members, grace_ms }) => grace_ms > 60_000 && members.some(({ flags }) => flags & 2);
  await ben.gets("state", lost);
  await setTimeout(2_500); // longer than the grace
  assert.equal(latestState(ben).term, term);
  const asked = performance.now();
  await takesPen(ben);
  assert.ok(performance.now() - asked > 1_500, "not before the grace is over");
});

test("[W6] a frame has exactly its fields, within their bounds", async () => {
  const { tokens } = await cluster.makeBoard();
  const wrong = [
    [0x93, 6, 1], // a field too few
    [0x94, 6, 1, 1, 0], // one too many
    [0x93, 6, 0, 1], // term 0
    [0x93, 12, 0xcd, 0x7d, 0x01, 0], // x 32,001
    [0x93, 11, 0xa1, 0xff, 0], // no UTF-8
    [0x91, 13], // unknown
  ];
  for (const bytes of wrong) {
    const wire = await Wire.join(here, tokens.own);
    wire.sendBytes(bytes);
    await ends(wire, 4400, "bad_frame", 2);
  }
});

test("[W7] what is sent is what the tables say, so that more may follow", async () => {
  const { ana, ben, term } = await two();
  ana.send(begin(term, 1));
  await ben.has(term + 1);
  for (const { kind } of ben.messages) assert.ok(kind !== undefined);
  assert.deepEqual(ben.offsets, ben.offsets.map((_, i) => ben.offsets[0] + i));
});

// ---- frames -------------------------------------------------------------------------------------

test("[F1] hello comes first, once, and names one place to begin", async () => {
  const { tokens } = await cluster.makeBoard();
  const none = await new Wire(here).opened();
  none.send({ kind: "ask" });
  await ends(none, 4400, "bad_frame", 1);
  const twice = await Wire.join(here, tokens.draw);
  twice.hello(tokens.draw);
  await ends(twice, 4400, "bad_frame", 2);
  const both = await new Wire(here).opened();
  both.hello(tokens.draw, { from: 0, since: 0 });
  await ends(both, 4400, "bad_frame", 1);
});

test("[F2] a tool keeps to its colours", async () => {
  for (const [tool, colour, right] of [[0, 7, true], [0, 8, false], [1, 8, true], [1, 7, false], [2, 11, true]]) {
    const { ana, term } = await two();
    ana.send(begin(term, 1, { tool, colour }));
    if (right) await ana.has(term + 1);
    else await ends(ana, 4400, "bad_frame", 3);
  }
});

test("[F3] a stroke has at most 2,000 points, also when it goes on through another gateway", async () => {
  const { board, ana, ben, term } = await two();
  const half = new Uint8Array(4 * 1000);
  ana.send(begin(term, 1, { flags: 0, points: half }));
  await stored(ana, term + 1);
  const { session, instance } = ana;
  ana.socket.terminate();
  const again = await Wire.join(there, board.tokens.own, { session, instance, conn: 2, from: term + 1 });
  again.send({ kind: "points", term, cseq: 2, flags: 0, points: half });
  await stored(again, term + 2);
  again.send({ kind: "points", term, cseq: 3, flags: 4, points: point(1, 1) });
  await ends(again, 4400, "bad_frame");
  assert.ok(!ben.events.some(({ offset, kind }) => offset > term + 2 && kind === "ev_points"));
});

test("[F4] a reader clamps each place to the board", async () => {
  const { board, ana, term } = await two();
  const viewer = await join(there, board.tokens.watch, "Viewer");
  ana.send(begin(term, 1, { points: Uint8Array.from([0x7f, 0xff, 0x80, 0x00, 0x80, 0x01, 0x7f, 0xff]) }));
  await viewer.waitFor(() => viewer.applied > term, "the stroke");
  assert.deepEqual(viewer.picture()[0].points, [32_000, 0, 0, 0]);
  viewer.stop();
});

test("[F6] pass: to oneself, to a watcher, and to nobody when somebody waits", async () => {
  const { board, ana, ben, term } = await two();
  ana.send({ kind: "pass", term, cseq: 1, to: ana.welcome.member });
  const self = await ana.gets("ev_grant", ({ ended }) => ended === term);
  assert.deepEqual([self.member, self.instance], [ana.welcome.member, ana.instance]);
  await stored(ana, self.offset);
  const watcher = await Wire.join(here, board.tokens.watch);
  ana.send({ kind: "pass", term: self.offset, cseq: 1, to: watcher.welcome.member });
  assert.equal((await ana.gets("ev_grant", ({ ended }) => ended === self.offset)).member, "");
  const again = await takesPenAgain(ana, self.offset);
  ben.send({ kind: "ask" });
  await ana.gets("state", waits(ben));
  ana.send({ kind: "pass", term: again, cseq: 1, to: "" });
  await ben.gets("ev_grant", ({ instance }) => instance === ben.instance);
});

async function takesPenAgain(wire, after) {
  wire.send({ kind: "ask" });
  const { offset } = await wire.gets("ev_grant", ({ offset, instance }) => offset > after && instance === wire.instance);
  await stored(wire, offset);
  return offset;
}

test("[F7] cseq counts without holes; a repeat changes nothing, whatever else it says", async () => {
  const { ana, ben, term } = await two();
  ana.send(begin(term, 1, { flags: 0 }));
  ana.send(begin(term, 1, { flags: 1, points: new Uint8Array(5) })); // a repeat with pressure
  ana.send({ kind: "points", term, cseq: 2, flags: 4, points: point(5, 5) });
  await ben.has(term + 2);
  assert.deepEqual(ben.events.filter(({ offset }) => offset > term).map(({ points }) => points.length), [4, 4]);
  ana.send(begin(term, 4));
  await ends(ana, 4400, "bad_frame");
});

test("[F8] ask, cancel and take", async () => {
  const { board, ana, ben, term } = await two();
  ben.send({ kind: "ask" });
  await ana.gets("state", waits(ben));
  ana.messages.length = 0;
  ben.send({ kind: "cancel" });
  await ana.gets("state", ({ members }) => members.every(({ line }) => line === 0));
  const watcher = await Wire.join(there, board.tokens.watch);
  watcher.send({ kind: "cancel" });
  watcher.send({ kind: "ask" });
  assert.deepEqual([(await watcher.gets("error")).code, watcher.errors[0].frame], ["not_allowed", 3]);
  ben.send({ kind: "take" });
  assert.equal((await ben.gets("error")).code, "not_allowed");
  ana.send({ kind: "pass", term, cseq: 1, to: ben.welcome.member });
  await ben.gets("ev_grant", ({ instance }) => instance === ben.instance);
  ana.send({ kind: "take" });
  await ana.gets("ev_grant", ({ offset, instance }) => offset > term && instance === ana.instance);
});

// ---- what the gateway tells ---------------------------------------------------------------------

test("[G1] [J8] whoever draws is told that nothing is saved, and whoever joins then why she waits", async () => {
  const { board, ana, ben, term } = await two();
  const [history] = cluster.histories;
  history.freeze();
  try {
    ana.send(begin(term, 1));
    await Promise.all([ana, ben].map((one) => one.gets("mark", ({ flags }) => flags & 4, 4_000)));
    const late = await new Wire(here).opened();
    late.hello(board.tokens.draw, { from: 1_000 }); // what only history can confirm
    assert.equal((await late.gets("error", ({ code }) => code === "waiting", 4_000)).frame, 0);
  } finally {
    history.thaw();
  }
  await ana.gets("mark", ({ flags, mark }) => !(flags & 4) && mark > term);
});

test("[G2] an error names the frame, and nothing behind one that closes is read", async () => {
  const { ana, ben, term } = await two();
  ana.sendBytes([...encode(begin(term, 1)), 0x91, 0x1f, ...encode(begin(term, 2))]);
  await ends(ana, 4400, "bad_frame", 4);
  await ben.has(term + 1);
  assert.ok(!ben.events.some(({ kind, cseq }) => kind === "ev_begin" && cseq === 2));
});

test("[G3] one place more is for an own link, and nobody who is seated is sent away", async () => {
  const { tokens } = await cluster.makeBoard();
  const crowd = [];
  for (let i = 0; i < SEATS; i++) crowd.push(await Wire.join(here, tokens.watch));
  assert.equal(crowd[0].welcome.seats, SEATS);
  const more = await new Wire(there).opened();
  more.hello(tokens.draw);
  await ends(more, 4423, "full");
  assert.equal(more.messages[0].kind, "full");
  await Wire.join(there, tokens.own);
  assert.ok(crowd.every(({ closed }) => closed === null));
});

// ---- resume, move, places -----------------------------------------------------------------------

test("[R3] [R6] frames count from the drawer of the term alone", async () => {
  const { ana, ben, term } = await two();
  ben.send(begin(term, 1));
  assert.equal((await ben.gets("error")).code, "not_drawer");
  ana.send({ kind: "undo", term, cseq: 1, stroke_term: term, stroke_cseq: 77 }); // of a stroke that is not there
  ana.send(begin(term, 2));
  await ben.has(term + 2);
});

test("[J3] [J4] the pen and the place in the line go along to another gateway", async () => {
  const { board, ana, ben, term } = await two();
  ben.send({ kind: "ask" });
  await ana.gets("state", waits(ben));
  const { session, instance } = ben;
  const moved = await Wire.join(here, board.tokens.draw, { session, instance, conn: 2, from: term });
  ben.socket.close(); // without 1000: it has moved
  await until("it stands in the line there", () => member(moved, moved)?.line === 1);
  const drawer = await Wire.join(there, board.tokens.own, { session: ana.session, instance: ana.instance, conn: 2, from: term });
  ana.socket.close();
  drawer.send(begin(term, 1));
  await moved.has(term + 1);
  await setTimeout(2_500); // longer than the pen's grace
  assert.equal(latestState(moved).term, term);
  assert.equal(member(moved, moved).line, 1);
});

test("[J6] of two connections of a member one stays", async () => {
  const { tokens } = await cluster.makeBoard();
  const session = randomBytes(16);
  const first = await Wire.join(here, tokens.draw, { session, instance: 5, conn: 3 });
  const lower = await new Wire(here).opened();
  lower.hello(tokens.draw, { session, instance: 5, conn: 3 });
  await ends(lower, 4409, "replaced");
  const elsewhere = await Wire.join(there, tokens.draw, { session, instance: 5, conn: 3 });
  assert.equal(await first.closes(), 4409);
  const tab = await Wire.join(here, tokens.draw, { session, instance: 6 });
  assert.equal(await elsewhere.closes(), 4409);
  assert.equal(tab.closed, null);
});

test("[J7] who knows more than history has begins anew", async () => {
  const { board, ana } = await two();
  for (const from of [1_000, 2 ** 53 - 1]) {
    const ahead = await new Wire(there).opened();
    ahead.hello(board.tokens.draw, { session: ana.session, from });
    await ends(ahead, 4410, "start_fresh", 1);
  }
});

test("[J9] a restarted client needs a grant of its own", async () => {
  const { board, ana, term } = await two();
  const reloaded = await Wire.join(here, board.tokens.own, { session: ana.session });
  assert.equal(await ana.closes(), 4409);
  reloaded.send(begin(term, 1));
  assert.equal((await reloaded.gets("error")).code, "not_drawer");
  assert.ok((await takesPen(reloaded)) > term);
});

test("[E1] [E2] errors that close, and errors that do not", async () => {
  const { board, ana, ben, term } = await two();
  ben.send({ kind: "take" });
  await ben.gets("error", ({ code }) => code === "not_allowed");
  ben.send(begin(2 ** 53 - 1, 1));
  await ben.gets("error", ({ code, frame }) => code === "not_drawer" && frame === 3);
  assert.equal(ben.closed, null);
  const nowhere = await new Wire(here).opened();
  nowhere.hello(signToken({ b: "zzzzzzzzzz", r: "watch" }));
  await ends(nowhere, 4404, "no_board");
  assert.ok(board && term && ana.closed === null);
});

// ---- a backup, after all that needs the past -----------------------------------------------------

test("[G6] [J10] who knows the past of before a restore is told that it is another one now", async () => {
  const { board, ana, ben } = await two();
  const { incarnation } = ana.welcome;
  assert.ok(incarnation > 0);
  assert.equal(ben.welcome.incarnation, incarnation, "at each gateway the same");
  await stored(ben, 1);
  for (const message of ben.messages.filter(({ kind }) => kind === "mark")) assert.equal(message.incarnation, incarnation);
  const [history] = cluster.histories;
  await history.kill("SIGTERM");
  await promisify(execFile)(program("history"), ["--restored"], { env: cluster.environment("history", history.settings) });
  await history.start();
  for (const wire of [ana, ben]) await ends(wire, 4410, "start_fresh");
  const anew = await Wire.join(there, board.tokens.draw, { session: ben.session });
  assert.ok(anew.welcome.incarnation > 0);
  assert.notEqual(anew.welcome.incarnation, incarnation);
});

// ---- all of them --------------------------------------------------------------------------------

test("no rule is without a check, and no check without its rule", () => {
  const read = (name) => readFileSync(new URL(name, import.meta.url), "utf8");
  const numbers = (text) => [...new Set(text.match(/\[[A-Z]\d+\]/g))].sort();
  const rules = numbers(read("../../proto/PROTOCOL.md").match(/\*\*\[[A-Z]\d+\]\*\*/g).join());
  const titles = ["rules.test.mjs", "ruling.test.mjs", "stranger.test.mjs"].flatMap((name) => read(name).match(/^test\(".*"/gm));
  assert.deepEqual(numbers(titles.join()), rules);
});
