// SPDX-License-Identifier: Apache-2.0
//
// Hostile minutes: 100 boards of honest people draw, 10 frames a second each, while 200 hostile clients attack
// the same services, once from addresses of their own and once from the honest people's. Nobody honest may lose
// a frame, the connection or the pen. Prints what each side saw; exits 1 when a promise was broken.
//
// From the environment: MINUTES of hostility, with a quiet turn before and one after, and the p99 from draw to
// view may at most double (none: one minute in all, without the p99); SEED (1); STORE (sqlite, mongo,
// or the address of a MongoDB that runs); KINDS ("3,5": only these); HONEST_BOARDS (100: fewer for a slow store).

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, existsSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join as path } from "node:path";
import { ROOT, startCluster, until } from "../service/harness.mjs";
import { table } from "./table.mjs";
import { faultsOf, slowTurns } from "./verdict.mjs";
import { visitors } from "./visitors.mjs";
import { Watch } from "./watch.mjs";

const BUILD = process.env.EASEL_TEST_BUILD ?? "release";
const MINUTES = Number(process.env.MINUTES || 0);
const SEED = Number(process.env.SEED || 1);
const KINDS = process.env.KINDS?.split(",") ?? ["1", "3", "4", "5", "8", "11", "12", "15", "17"];

const BOARDS = Number(process.env.HONEST_BOARDS || 100);
const PEOPLE = 4, RATE = 10; // of a board
const OWNERS = Math.ceil(BOARDS / 5), RELOADERS = OWNERS; // boards that have one
const ATTACKED = Math.ceil(BOARDS / 2); // those with the owners and the reloaders first; the others have visitors
const CROWDED = Math.ceil(BOARDS / 10); // are filled with invented sessions; at the others each hostile client has a seat
const CLIENTS = 200, CORES = 0.6, INK_PER_S = 4 << 20; // of the hostile side
const QUICK_S = 20; // a turn of the short form
const QUIET_S_MAX = 120;

const hostileTurns = (seconds) => [
  { name: "hostile, addresses of their own", seconds, own: true },
  { name: "hostile, the honest people's address", seconds, own: false },
];

function plan() {
  if (!MINUTES) return hostileTurns(QUICK_S);
  const quiet = Math.min(QUIET_S_MAX, MINUTES * 20);
  return [{ name: "quiet, before", seconds: quiet }, ...hostileTurns(MINUTES * 30), { name: "quiet, after", seconds: quiet, owing: true }];
}

// ---- the two crowds ------------------------------------------------------------------------------

/** A program that prints one line of JSON; resolves with it, or null when it broke off. */
async function json(command, args, log) {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", ...command, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "", words = "";
  child.stdout.on("data", (data) => (out += data));
  child.stderr.on("data", (data) => (words += data));
  await once(child, "close");
  writeFileSync(log, words);
  const complaints = words.split("\n").filter((line) => /^load: |Error/.test(line));
  for (const complaint of complaints.slice(0, 10)) console.log(`    ${complaint}`);
  return out ? JSON.parse(out) : null;
}

function honestCrowd(cluster, ports, { seconds }, links) {
  return json([path(ROOT, "build", BUILD, "tests/load/load")], [
    ...ports.map((port) => `--gateway=${port}`),
    `--boards=${BOARDS}`, `--members=${PEOPLE}`, `--rate=${RATE}`, `--owners=${OWNERS}`, `--reloaders=${RELOADERS}`,
    "--warm-up=1", `--seconds=${seconds}`, "--drain=60", `--links=${links}`,
    ...cluster.services.map(({ kind, pid }) => `--pid=${kind}=${pid}`),
    `--pid=broker=${readFileSync(path(cluster.dir, "broker/rabbitmq.pid"), "utf8").trim()}`,
  ], `${links}.honest.log`);
}

function hostileCamp(ports, { seconds, own }, links) {
  const options = { gateways: ports, links: `${links}.attacked`, clients: CLIENTS, crowded: CROWDED, seconds, seed: SEED, own, kinds: KINDS, cores: CORES, inkPerS: INK_PER_S };
  // Attackers have machines of their own: here they never hold up a service that has something to do.
  return json(["chrt", "--idle", "0", process.execPath], [path(ROOT, "tests/hostile/camp.mjs"), JSON.stringify(options)], `${links}.hostile.log`);
}

// ---- a turn --------------------------------------------------------------------------------------

/** Both crowds, and the visitors, as long as the honest one draws. */
async function run(cluster, turn, links) {
  const ports = cluster.gateways.map(({ url }) => Number(new URL(url).port));
  const watch = new Watch(cluster);
  let over = false;
  const honest = honestCrowd(cluster, ports, turn, links).finally(() => (over = true));
  await until("the honest people are there", () => existsSync(links) || over, 150_000);
  const stop = new AbortController();
  let visits = Promise.resolve({ came: 0, refused: {} });
  let camp;
  if (existsSync(links)) {
    const lines = readFileSync(links, "utf8").trim().split("\n");
    writeFileSync(`${links}.attacked`, lines.slice(0, ATTACKED).join("\n"));
    visits = visitors(ports, lines.slice(ATTACKED).map((line) => JSON.parse(line).board), stop.signal);
    camp = turn.own === undefined ? undefined : hostileCamp(ports, turn, links);
  }
  const saw = await honest;
  stop.abort();
  return { ...turn, kinds: KINDS, honest: saw, visitors: await visits, hostile: await camp, load: loadavg()[0], ...(await watch.end()) };
}

// ---- all of it -----------------------------------------------------------------------------------

const STORE = process.env.STORE || "sqlite";
const store = STORE.includes(":") ? { url: STORE, async start() {}, async end() {} } : STORE;
const cluster = await startCluster({ gateways: 2, boards: 2, histories: 1, build: BUILD, store });
const turns = [];
const faults = [];
for (const turn of plan()) {
  console.log(`== ${turn.name}, ${turn.seconds} s`);
  const result = await run(cluster, turn, path(cluster.dir, `links-${turns.length}`));
  const found = faultsOf(result).map((fault) => `${turn.name}: ${fault}`);
  for (const fault of found) console.log(`  ! ${fault}`);
  turns.push(result);
  faults.push(...found);
  if (result.died.length || result.silent.length) break; // the rest would show nothing more
}
if (MINUTES) faults.push(...slowTurns(turns));
console.log(table(turns));
await cluster.end().catch(({ message }) => faults.push(message));
for (const fault of faults) console.log(`! ${fault}`);
console.log(faults.length ? `${faults.length} broken promises; seed ${SEED}` : "nobody was hurt");
if (faults.length) process.exitCode = 1;
