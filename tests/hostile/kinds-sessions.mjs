// SPDX-License-Identifier: Apache-2.0
//
// Attacks with sessions: who comes, how often, as whom. They use links to watch or to draw on honest boards.

import { randomBytes } from "node:crypto";
import { randomInstance } from "../../build/web-node/client.mjs";
import { request } from "./line.mjs";

const NAMES = ["", "Ana", "\u202eanA", "a\u0000b\u001b[31m", "\u2066\u2067x", "x".repeat(128)];

/** What comes after the welcome is not read: these only take places. */
async function sit(who, token, fields, port) {
  const line = await who.hello(token, { name: who.pick(NAMES), ...fields }, port);
  if (!line) return null;
  await line.welcomed(1_000);
  line.reading = false;
  return line;
}

/** Kind 3: one session reconnects ten times a second as new instances. */
export async function newInstances(who) {
  const token = who.pick([who.link.watch, who.link.draw]);
  while (!who.over) {
    await who.pace();
    const next = who.pause(100);
    const line = await who.hello(token, { instance: randomInstance() });
    if (line && (await line.welcomed(100))) line.say({ kind: "ask" });
    if (line) line.reading = false;
    await next;
  }
}

/** A watch token, got by the board's code; the link's, when none is given. */
async function tokenByCode(who, link) {
  const text = await who.ask(request("POST", `/api/boards/${link.board}/watch`));
  return text.match(/"token":"([^"]+)"/)?.[1] ?? link.watch;
}

/** Kind 5: ten sessions of nobody take the places of one board; some stay, some come and go. */
export async function inventedSessions(who) {
  const link = who.pick(who.camp.crowded);
  const token = await tokenByCode(who, link);
  const lines = [];
  while (!who.over) {
    await who.pace();
    if (lines.length >= 10) who.leave(lines.splice(who.between(0, 10), 1)[0], who.pick(["reset", "fin", 1000, 1001]));
    const line = await sit(who, token, { session: randomBytes(16) });
    if (line) lines.push(line);
    await who.pause(lines.length < 10 ? 20 : 200);
  }
}

/** Kind 8: one session reloads quickly, at one gateway and the other. */
export async function quickReloads(who) {
  const token = who.pick([who.link.watch, who.link.draw]);
  for (let i = 0; i < 6 && !who.over; i++) {
    await who.pace();
    const port = who.camp.gateways[i % who.camp.gateways.length];
    const line = await who.hello(token, { conn: who.pick([1, 1, 2, 2 ** 32 - 1]) }, port);
    await who.pause(who.between(0, 40));
    if (line) who.leave(line, who.pick(["reset", "fin", 1000, 1001]));
  }
  await sit(who, token);
  await who.pause(500);
}
