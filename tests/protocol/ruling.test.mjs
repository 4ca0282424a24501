// SPDX-License-Identifier: Apache-2.0
//
// The rules of proto/PROTOCOL.md about who owns a board, on real services. See rules.test.mjs; what survives
// when services die is in ../service/ruling.test.mjs.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { startCluster, until } from "../service/harness.mjs";
import { CLEARS, CODE_ENDS, DOOR, DRAW_LINKS, GIVEN, gives, joins, OWN_LINKS, refuses, rules, rulesOf, stateOf, WATCH_LINKS } from "../service/ruler.mjs";
import { Wire } from "../service/wire.mjs";

const cluster = await startCluster({ gateways: 2, env: { EASEL_CREATE_TOKEN: "", EASEL_PEN_IDLE_S: "2" } });
const [here, there] = cluster.gateways;

afterEach(() => Wire.endAll());

const idOf = (wire) => wire.welcome.member;
const point = Uint8Array.from([0, 100, 0, 100]);
const begin = (term, cseq) => ({ kind: "begin", term, cseq, tool: 0, colour: 0, size: 80, shape: 1, flags: 4, points: point });

async function two() {
  const board = await cluster.makeBoard("Ruled");
  const olga = await joins(here, board.tokens.own, "Olga");
  const ben = await joins(there, board.tokens.draw, "Ben");
  await olga.gets("state", ({ members }) => members.length === 2);
  return { board, olga, ben };
}

/** Ends with that close code and error. */
async function ends(wire, close, code) {
  assert.equal(await wire.closes(), close);
  assert.equal(wire.errors.at(-1).code, code);
}

async function refused(gateway, token, close, code, hello = {}) {
  const wire = await new Wire(gateway).opened();
  wire.hello(token, { features: 3, ...hello });
  await ends(wire, close, code);
  return wire;
}

/** Asks, and resolves with the term once it is stored. */
async function takesPen(wire) {
  wire.send({ kind: "ask" });
  const { offset } = await wire.gets("ev_grant", ({ instance }) => instance === wire.instance);
  await wire.gets("mark", ({ mark }) => mark >= offset);
  return offset;
}

test("[B1] a deed that names older rules changes nothing, and only own links do any", async () => {
  const { olga, ben } = await two();
  assert.ok(olga.welcome.features & 2);
  ben.send({ kind: "set", rules: 0, flags: DOOR });
  await ben.gets("error", ({ code, frame }) => code === "not_allowed" && frame === 2);
  await rules(olga, "set", { flags: CLEARS });
  olga.send({ kind: "set", rules: 0, flags: DOOR });
  await rules(olga, "rename", { name: "Later" });
  assert.deepEqual([rulesOf(olga).flags, rulesOf(olga).name], [CLEARS, "Later"]);
  assert.equal(olga.events.filter(({ kind }) => kind === "ev_rules").length, 2);
});

test("[B2] a deed is an event with all of the rules, and is told at every gateway", async () => {
  const { board, olga, ben } = await two();
  await rules(olga, "set", { flags: GIVEN });
  const event = await ben.gets("ev_rules");
  assert.deepEqual([event.member, event.what, event.whom, event.flags], [idOf(olga), 14, "", GIVEN]);
  await ben.gets("rules", ({ rules, flags }) => rules === event.offset && flags === GIVEN);
  const late = await joins(there, board.tokens.watch, "Wim");
  assert.equal((await late.gets("rules")).flags, GIVEN);
});

test("[B3] the flags: the door, who clears, how the pen is had, and the code", async () => {
  const { board, olga, ben } = await two();
  const term = await takesPen(ben);
  await rules(olga, "set", { flags: DOOR | CLEARS | CODE_ENDS });
  await refused(there, board.tokens.watch, 4423, "closed");
  assert.equal((await fetch(`${here.url}/api/boards/${board.board}/watch`, { method: "POST" })).status, 403);
  ben.send({ kind: "clear", term, cseq: 1 });
  await ben.gets("ev_void", ({ cseq }) => cseq === 1);
  ben.send(begin(term, 2));
  await olga.gets("ev_begin", ({ cseq }) => cseq === 2);
  await rules(olga, "set", { flags: GIVEN });
  const cat = await joins(here, board.tokens.draw, "Cat");
  cat.send({ kind: "ask" });
  await cat.gets("error", ({ code }) => code === "not_allowed");
  await joins(there, board.tokens.watch, "Wim");
});

test("[B3] an idle pen passes on while an own link is there only if it is to", async () => {
  const { board, olga, ben } = await two();
  await takesPen(ben);
  const cat = await joins(here, board.tokens.draw, "Cat");
  cat.send({ kind: "ask" });
  await olga.gets("state", ({ members }) => members.some(({ line }) => line === 1));
  await rules(olga, "rename", { name: "Some time" });
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  assert.equal(stateOf(olga).holder, idOf(ben));
  await rules(olga, "set", { flags: 8 });
  await cat.gets("ev_grant", ({ member }) => member === idOf(cat));
});

test("[B4] who is removed is out, and who is let in comes back", async () => {
  const { board, olga, ben } = await two();
  await takesPen(ben);
  await rules(olga, "remove", { member: idOf(ben) });
  await ends(ben, 4403, "removed");
  await olga.gets("state", ({ holder, members }) => holder === "" && members.length === 1);
  await refused(here, board.tokens.draw, 4403, "removed", { session: ben.session });
  assert.deepEqual(rulesOf(olga).removed, [{ member: idOf(ben), name: "Ben" }]);
  await rules(olga, "let_in", { member: idOf(ben) });
  await joins(here, board.tokens.draw, "Ben", { session: ben.session });
  olga.send({ kind: "remove", rules: rulesOf(olga).rules, member: idOf(olga) });
  await rules(olga, "set", { flags: DOOR });
  const dan = await refused(there, board.tokens.draw, 4423, "closed");
  const { outside } = await olga.gets("rules", ({ outside }) => outside.length === 1);
  await rules(olga, "let_in", { member: outside[0].member });
  await joins(there, board.tokens.draw, "Dan", { session: dan.session });
});

test("[B5] links that were ended are of no use, and who ends the own ones gets another", async () => {
  const { board, olga, ben } = await two();
  await rules(olga, "end_links", { roles: WATCH_LINKS | DRAW_LINKS | OWN_LINKS });
  await ends(ben, 4403, "ended");
  assert.equal(rulesOf(olga).flags & CODE_ENDS, CODE_ENDS);
  for (const token of Object.values(board.tokens)) await refused(there, token, 4403, "ended");
  const { token } = await olga.gets("token");
  const again = await joins(there, token, "Olga", { session: olga.session });
  await again.gets("rules");
  assert.equal(again.messages.some(({ kind }) => kind === "token"), false);
});

test("[B6] a board can be renamed, and be what it was", async () => {
  const { board, olga } = await two();
  await rules(olga, "rename", { name: "Biology" });
  assert.equal((await joins(there, board.tokens.watch, "Wim")).welcome.name, "Biology");
  await rules(olga, "rename", { name: "" });
  assert.equal(rulesOf(olga).name, "Ruled");
});

test("[B7] the pen goes to whom it is given, if they are there and may draw", async () => {
  const { board, olga, ben } = await two();
  const wim = await joins(there, board.tokens.watch, "Wim");
  await olga.gets("state", ({ members }) => members.length === 3);
  olga.send({ kind: "give", term: stateOf(olga).term, to: idOf(wim) });
  await gives(olga, idOf(ben));
  await gives(olga, idOf(olga));
  await gives(olga, "");
  assert.deepEqual(olga.events.filter(({ kind }) => kind === "ev_grant").map(({ member }) => member), [idOf(ben), idOf(olga), ""]);
});

test("[B8] who asks is refused by who has the pen, is told, and cannot ask again", async () => {
  const { board, olga, ben } = await two();
  await takesPen(ben);
  const cat = await joins(here, board.tokens.draw, "Cat");
  cat.send({ kind: "ask" });
  await ben.gets("state", ({ members }) => members.some(({ member, line }) => member === idOf(cat) && line === 1));
  await refuses(ben, idOf(cat));
  const { whom } = await olga.gets("ev_refuse");
  assert.equal(whom, idOf(cat));
  await cat.gets("error", ({ code }) => code === "refused");
  cat.send({ kind: "ask" });
  await until("it is refused again", () => cat.errors.filter(({ code }) => code === "refused").length === 2);
});
