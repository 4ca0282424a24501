// SPDX-License-Identifier: Apache-2.0
//
// bench.mjs [BOARDS...] (20 100): what a delivery costs and how long it takes, beside a bare relay.
//
// Each size runs in turns, relay, Easel, relay, Easel, so that whatever else the machine does meets
// both; of each figure the best turn counts. Prints a table. From the environment: BENCH_SECONDS (6)
// of a turn are measured; BENCH_ROUNDS (2) turns each; BENCH_GATEWAYS (2) share the people;
// BENCH_LOAD are further options of the load client, whose own reports are then printed; BENCH_JSON is
// a file that gets a line of JSON for each turn.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync } from "node:fs";
import { join as path } from "node:path";
import { createInterface } from "node:readline";
import { ROOT, startCluster } from "../service/harness.mjs";

const SECONDS = Number(process.env.BENCH_SECONDS ?? 6);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 2);
const GATEWAYS = Number(process.env.BENCH_GATEWAYS ?? 2);
const OPTIONS = (process.env.BENCH_LOAD ?? "").split(" ").filter(Boolean);
const BUILD = process.env.EASEL_TEST_BUILD ?? "release";
const program = (name) => path(ROOT, "build", BUILD, "tests/load", name);

// ---- the runs -----------------------------------------------------------------------------------

/** Runs the load client; resolves with its line of JSON. It ends by itself. */
async function load(boards, to, processes) {
  const pids = processes.map(([name, pid]) => `--pid=${name}=${pid}`);
  const options = [`--boards=${boards}`, `--seconds=${SECONDS}`, ...OPTIONS];
  const child = spawn(program("load"), [...to, ...options, ...pids], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let json = "", words = "";
  child.stdout.on("data", (data) => (json += data));
  child.stderr.on("data", (data) => (words += data));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`the load client found fault (exit code ${code}):\n${words}`);
  if (OPTIONS.length) console.log(words);
  if (process.env.BENCH_JSON) appendFileSync(process.env.BENCH_JSON, json);
  return JSON.parse(json);
}

async function withRelay(use) {
  const child = spawn(program("relay"), { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [line] = await once(createInterface(child.stdout), "line");
    const [port, pid] = line.split(" ");
    return await use(port, pid);
  } finally {
    child.kill();
  }
}

const relayRun = (boards) =>
  withRelay((port, pid) => load(boards, [`--relay=${port}`], [["relay", pid]]));

function easelRun(cluster, boards) {
  const gateways = cluster.gateways.map((gateway) => `--gateway=${new URL(gateway.url).port}`);
  const broker = readFileSync(path(cluster.dir, "broker/rabbitmq.pid"), "utf8").trim();
  const services = cluster.services.map((service) => [service.kind, service.pid]);
  return load(boards, gateways, [...services, ["broker", broker]]);
}

// ---- the table ----------------------------------------------------------------------------------

const sum = (run, name, field) =>
  run.processes.filter((p) => p.name === name).reduce((total, p) => total + p[field], 0);

/** A row: what it is, the relay's figure, Easel's, and how many times the relay's that is. */
function row(what, relay, easel, digits = 2) {
  const text = (n) => (n === null ? "–" : n.toFixed(digits));
  const ratio = relay && easel ? (easel / relay).toFixed(2) : "";
  return `  ${what.padEnd(40)}${text(relay).padStart(10)}${text(easel).padStart(10)}${ratio.padStart(9)}`;
}

const SERVICES = ["gateway", "board", "broker", "history"];

function table(boards, relays, easels) {
  const of = (runs, figure) => Math.min(...runs.map(figure));
  const both = (what, figure, digits) => row(what, of(relays, figure), of(easels, figure), digits);
  const easel = (what, figure, digits) => row(what, null, of(easels, figure), digits);
  const ms = (name, share) => (run) => run[`${name}_us`][share] / 1000;
  const cpu = (...names) => (run) => names.reduce((total, name) => total + sum(run, name, "cpu_us"), 0);
  const memory = (...names) => (run) => names.reduce((total, name) => total + sum(run, name, "memory_kib"), 0) / 1024;
  const { members, rate } = easels[0];
  const title = `${boards} boards, ${members} people each, ${rate} frames/s`;
  return [
    `${title.padEnd(42)}${"relay".padStart(10)}${"Easel".padStart(10)}${"ratio".padStart(9)}`,
    both("deliveries a second", (run) => run.deliveries_per_s, 0),
    both("CPU a delivery, µs: relay, gateways", cpu("relay", "gateway")),
    ...["board", "broker", "history"].map((name) => easel(`  ${name}`, cpu(name))),
    both("  all of them", cpu("relay", ...SERVICES)),
    both("  the load client itself", cpu("load")),
    both("draw to view, ms, p50", ms("view", "p50")),
    both("  p99", ms("view", "p99")),
    easel("draw to stored, ms, p50", ms("stored", "p50")),
    easel("  p99", ms("stored", "p99")),
    both("skew between viewers, ms, p50", ms("skew", "p50")),
    both("  p99", ms("skew", "p99")),
    both("the load client sent late by, ms, p99", ms("late", "p99")),
    both("memory, MiB: relay, gateways", memory("relay", "gateway"), 1),
    ...["board", "broker", "history"].map((name) => easel(`  ${name}`, memory(name), 1)),
    "",
  ].join("\n");
}

// ---- all of it ----------------------------------------------------------------------------------

const sizes = process.argv.slice(2).map(Number);
const cluster = await startCluster({
  gateways: GATEWAYS,
  build: BUILD,
  env: { EASEL_CREATES_PER_MIN: "100000", EASEL_CONNECTIONS_PER_ADDRESS: "20000" },
});
for (const boards of sizes.length ? sizes : [20, 100]) {
  const relays = [], easels = [];
  for (let i = 0; i < ROUNDS; i++) {
    relays.push(await relayRun(boards));
    easels.push(await easelRun(cluster, boards));
  }
  console.log(table(boards, relays, easels));
}
await cluster.end();
console.log("nothing lost, repeated or out of order");
