// SPDX-License-Identifier: Apache-2.0
//
// Who owns the board rules it, at every gateway, whatever dies meanwhile: the service that holds the board is
// killed in the midst of each deed, and at the end everything is started anew.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { startCluster, until } from "./harness.mjs";
import { CLEARS, DOOR, DRAW_LINKS, GIVEN, gives, joins, OWN_LINKS, refuses, rules, rulesOf, stateOf, WATCH_LINKS } from "./ruler.mjs";
import { Wire } from "./wire.mjs";

const SOON_MS = 2_000; // at every gateway
const ALL = WATCH_LINKS | DRAW_LINKS | OWN_LINKS;
const cluster = await startCluster({ gateways: 2, boards: 2, env: { EASEL_CREATE_TOKEN: "" } });
const [here, there] = cluster.gateways;

afterEach(() => Wire.endAll());

/** Somebody who owns a new board, and two who came by draw links, at two gateways. */
async function school() {
  const board = await cluster.makeBoard("School");
  const olga = await joins(here, board.tokens.own, "Olga");
  const ana = await joins(here, board.tokens.draw, "Ana");
  const ben = await joins(there, board.tokens.draw, "Ben");
  await olga.gets("state", ({ members }) => members.length === 3);
  return { board, olga, ana, ben };
}

/** The deed, while the board service that holds the board is killed. (It may be either.) */
async function whileItDies(deed) {
  const victims = cluster.boards.map((service) => service.kill());
  await Promise.all([deed(), ...victims.map(async (killed, i) => { await killed; await cluster.boards[i].start(); })]);
}

const refused = async (gateway, token, code, hello = {}) => {
  const wire = await new Wire(gateway).opened();
  wire.hello(token, { features: 3, ...hello });
  await wire.closes();
  assert.equal(wire.errors.at(-1)?.code, code);
};
const endsWith = async (wire, code) => {
  await wire.closes(SOON_MS + 3_000);
  assert.equal(wire.errors.at(-1)?.code, code);
};
async function startAnew() {
  const services = [...cluster.gateways, ...cluster.boards, ...cluster.histories];
  await Promise.all(services.map((service) => service.kill()));
  for (const service of services) await service.start();
}

test("who is removed is out at every gateway, and stays out when all was started anew", async () => {
  const { board, olga, ben } = await school();
  await whileItDies(() => rules(olga, "remove", { member: ben.welcome.member }));
  await endsWith(ben, "removed");
  for (const gateway of [here, there]) await refused(gateway, board.tokens.draw, "removed", { session: ben.session });
  await startAnew();
  await refused(here, board.tokens.draw, "removed", { session: ben.session });
  const again = await joins(there, board.tokens.own, "Olga", { session: olga.session });
  assert.deepEqual((await again.gets("rules")).removed, [{ member: ben.welcome.member, name: "Ben" }]);
  await rules(again, "let_in", { member: ben.welcome.member });
  await joins(there, board.tokens.draw, "Ben", { session: ben.session });
});

test("by a closed door nobody new comes in, and who waits is seen and let in", async () => {
  const { board, olga, ana } = await school();
  await whileItDies(() => rules(olga, "set", { flags: DOOR }));
  const dan = await new Wire(there).opened();
  dan.hello(board.tokens.draw, { name: "Dan", features: 3 });
  await endsWith(dan, "closed");
  const { outside } = await olga.gets("rules", ({ outside }) => outside.length > 0, SOON_MS);
  assert.deepEqual(outside.map(({ name, why }) => [name, why]), [["Dan", 3]]);
  await startAnew();
  await refused(here, board.tokens.watch, "closed");
  const back = await joins(there, board.tokens.draw, "Ana", { session: ana.session });
  assert.equal(rulesOf(back).outside.length, 0, "of no concern to others");
  const again = await joins(here, board.tokens.own, "Olga", { session: olga.session });
  await again.gets("rules");
  await rules(again, "let_in", { member: outside[0].member });
  await joins(there, board.tokens.draw, "Dan", { session: dan.session });
});

test("ended links open the board no longer, nor does the code; new ones do", async () => {
  const { board, olga, ana, ben } = await school();
  await whileItDies(() => rules(olga, "end_links", { roles: WATCH_LINKS | DRAW_LINKS }));
  for (const wire of [ana, ben]) await endsWith(wire, "ended");
  const api = `${there.url}/api/boards/${board.board}`;
  assert.equal((await fetch(`${api}/watch`, { method: "POST" })).status, 403);
  await startAnew();
  for (const token of [board.tokens.draw, board.tokens.watch]) await refused(there, token, "ended");
  const answer = await fetch(`${api}/links`, { method: "POST", headers: { authorization: `Bearer ${board.tokens.own}` } });
  const { tokens } = await answer.json();
  await joins(there, tokens.draw, "Ana");
  await joins(here, tokens.watch, "Wim");
});

test("who ends all links goes on with a new one, and the old own token is of no use any more", async () => {
  const { board, olga } = await school();
  const otto = await joins(there, board.tokens.own, "Otto");
  await whileItDies(() => rules(olga, "end_links", { roles: ALL }));
  await endsWith(otto, "ended");
  const { token } = await olga.gets("token");
  const bearer = (own) => ({ headers: { authorization: `Bearer ${own}` } });
  const api = `${there.url}/api/boards/${board.board}`;
  for (const method of ["POST", "DELETE"]) {
    const path = method === "POST" ? `${api}/links` : api;
    assert.equal((await fetch(path, { method, ...bearer(board.tokens.own) })).status, 403);
  }
  await startAnew();
  await refused(there, board.tokens.own, "ended");
  const lost = await joins(there, board.tokens.own, "Olga", { session: olga.session }); // the answer was lost on its way
  assert.equal((await lost.gets("token")).token.length > 20, true);
  const wire = await joins(here, token, "Olga", { session: olga.session });
  assert.equal(wire.welcome.role, 2);
  assert.equal((await fetch(api, { method: "DELETE", ...bearer(token) })).status, 204);
});

test("a board has its new name everywhere", async () => {
  const { board, olga, ben } = await school();
  await whileItDies(() => rules(olga, "rename", { name: "Biology" }));
  await ben.gets("rules", ({ name }) => name === "Biology", SOON_MS);
  await startAnew();
  const wire = await joins(there, board.tokens.watch, "Wim");
  assert.equal(wire.welcome.name, "Biology");
  assert.equal((await (await fetch(`${here.url}/api/boards/${board.board}`)).json()).name, "Biology");
});

test("the pen goes to whom she gives it, and to nobody who asks", async () => {
  const { olga, ana, ben } = await school();
  await whileItDies(() => rules(olga, "set", { flags: GIVEN | CLEARS }));
  await ben.gets("rules", ({ flags }) => flags === (GIVEN | CLEARS));
  ben.send({ kind: "ask" });
  await ben.gets("error", ({ code }) => code === "not_allowed");
  await whileItDies(() => gives(olga, ana.welcome.member));
  const { offset: term } = await ana.gets("ev_grant", ({ instance }) => instance === ana.instance);
  await ana.gets("mark", ({ mark }) => mark >= term);
  ana.send({ kind: "clear", term, cseq: 1 });
  const nothing = await ben.gets("ev_void");
  assert.deepEqual([nothing.term, nothing.cseq], [term, 1]);
  await ana.gets("ev_void");
  assert.equal(ana.closed, null);
});

test("who is refused stands in the line no longer, is told, and cannot ask again for a minute", async () => {
  const { olga, ana, ben } = await school();
  olga.send({ kind: "take" });
  await ana.gets("state", ({ holder }) => holder === olga.welcome.member);
  ben.send({ kind: "ask" });
  await olga.gets("state", ({ members }) => members.some(({ member, line }) => member === ben.welcome.member && line === 1));
  await whileItDies(() => refuses(olga, ben.welcome.member));
  await ben.gets("error", ({ code }) => code === "refused");
  ben.send({ kind: "ask" });
  await until("it is refused again", () => ben.errors.filter(({ code }) => code === "refused").length === 2);
  assert.equal(stateOf(olga).members.find(({ member }) => member === ben.welcome.member).line, 0);
});
