// SPDX-License-Identifier: Apache-2.0
//
// before.mjs BUILD [BOARDS...] (20 100): what a delivery costs, beside another build of the programs (a directory below
// build/, such as scripts/build-before.sh makes). Both clusters run all the time and are measured in turns, so that
// whatever else the machine does meets both; of each figure the median of BENCH_ROUNDS (5) turns counts.

import { SERVICES, cluster, easelRun, sum } from "./turns.mjs";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);

const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];
const cpu = (runs, names) => median(runs.map((run) => names.reduce((total, name) => total + sum(run, name, "cpu_us"), 0)));

function row(what, before, now) {
  const ratio = (now / before).toFixed(3);
  return `  ${what.padEnd(30)}${before.toFixed(2).padStart(10)}${now.toFixed(2).padStart(10)}${ratio.padStart(9)}`;
}

const [build, ...sizes] = process.argv.slice(2);
const clusters = [await cluster(build), await cluster()];
for (const boards of sizes.length ? sizes.map(Number) : [20, 100]) {
  const runs = [[], []];
  for (let i = 0; i < ROUNDS; i++) {
    for (const which of i % 2 ? [1, 0] : [0, 1]) runs[which].push(await easelRun(clusters[which], boards));
  }
  const of = (...names) => runs.map((one) => cpu(one, names));
  console.log(`${`${boards} boards: CPU a delivery, µs`.padEnd(32)}${"before".padStart(10)}${"now".padStart(10)}${"ratio".padStart(9)}`);
  for (const name of SERVICES) console.log(row(name, ...of(name)));
  console.log(row("gateway, board and history", ...of("gateway", "board", "history")));
  console.log(row("all of them", ...of(...SERVICES)));
}
for (const one of clusters) await one.end();
