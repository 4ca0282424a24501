// SPDX-License-Identifier: Apache-2.0
//
// camp.mjs JSON: the hostile clients, for so long. From the JSON: gateways (their ports), links (a file of
// JSON lines, {board, draw, watch}), clients, seconds, seed, own (true: each client comes from an address of
// its own, else all from 127.0.0.1), crowded (so many of the first boards are for invented sessions), kinds (numbers; all when there are none), cores (that they may use), inkPerS
// (bytes that they may draw in a second). Prints one line of JSON: what each kind was answered, and how often.

import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { random } from "../service/strokes.mjs";
import { Attacker } from "./attacker.mjs";
import { Budget } from "./budget.mjs";
import { believedNumbers, floods, monsters, oddMessages } from "./kinds-frames.mjs";
import { oddRequests, slowRequests, trailingBytes, twoDeletes, wrongCodes } from "./kinds-http.mjs";
import { inventedSessions, newInstances, quickReloads } from "./kinds-sessions.mjs";

/** What a kind does, each time one of these. */
const KINDS = {
  1: [trailingBytes, trailingBytes, trailingBytes, slowRequests],
  3: [newInstances],
  4: [believedNumbers],
  5: [inventedSessions],
  8: [quickReloads],
  11: [floods],
  12: [monsters],
  15: [wrongCodes],
  17: [oddRequests, oddRequests, oddRequests, oddMessages, oddMessages, twoDeletes],
};

/** The JSON lines of a file. */
const read = (file) => readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line));

const options = JSON.parse(process.argv[2]);
const answers = {};
const links = read(options.links);
const homes = links.slice(options.crowded);
const camp = {
  gateways: options.gateways,
  crowded: links.slice(0, options.crowded),
  boards: [],
  budget: new Budget({ cores: options.cores, bytesPerS: options.inkPerS }),
  until: performance.now() + options.seconds * 1_000,
  note(kind, answer) {
    answers[kind] ??= {};
    answers[kind][answer] = (answers[kind][answer] ?? 0) + 1;
  },
};

/** 127.0.128.1 and on: none of them is an honest person's. */
const address = (i) => (options.own ? `127.0.${128 + Math.floor(i / 250)}.${1 + (i % 250)}` : "127.0.0.1");

const kinds = (options.kinds ?? Object.keys(KINDS)).map((kind) => [kind, (who) => who.pick(KINDS[kind])(who)]);
const attacker = (_, i) => new Attacker(camp, random(options.seed * 1_000 + i), address(i), homes[i % homes.length]);
const attackers = Array.from({ length: options.clients }, attacker);
await Promise.race([
  Promise.all(attackers.map((attacker) => attacker.attack(kinds))),
  setTimeout(options.seconds * 1_000 + 5_000), // one of them may wait for an answer
]);
camp.budget.end();
console.log(JSON.stringify({ answers, cores: camp.budget.cores, inkMiB: camp.budget.drawn / (1 << 20) }));
process.exit(0);
