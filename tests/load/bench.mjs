// SPDX-License-Identifier: Apache-2.0
//
// bench.mjs [BOARDS...] (20 100): what a delivery costs and how long it takes, beside a bare relay.
//
// Each size runs in turns, relay, Easel, relay, Easel, so that whatever else the machine does meets
// both; of each figure the best turn counts. Prints a table. From the environment: BENCH_SECONDS (6)
// of a turn are measured; BENCH_ROUNDS (2) turns each; BENCH_GATEWAYS (2) share the people;
// BENCH_LOAD are further options of the load client, whose own reports are then printed; BENCH_JSON is
// a file that gets a line of JSON for each turn.

import { SERVICES, cluster as start, easelRun, relayRun, sum } from "./turns.mjs";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 2);

// ---- the table ----------------------------------------------------------------------------------

/** A row: what it is, the relay's figure, Easel's, and how many times the relay's that is. */
function row(what, relay, easel, digits = 2) {
  const text = (n) => (n === null ? "–" : n.toFixed(digits));
  const ratio = relay && easel ? (easel / relay).toFixed(2) : "";
  return `  ${what.padEnd(40)}${text(relay).padStart(10)}${text(easel).padStart(10)}${ratio.padStart(9)}`;
}

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
const cluster = await start();
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
