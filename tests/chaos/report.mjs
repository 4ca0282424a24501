// SPDX-License-Identifier: Apache-2.0
//
// What a trial prints: times as median and worst, and what the checker counted on all boards.
import { cpus } from "node:os";
import { Wire } from "../service/wire.mjs";
import { COUNTS, verdict } from "./checker.mjs";

export const MACHINE = `${cpus().length} × ${cpus()[0].model}`;

export const seconds = (ms) => (ms === undefined ? "–" : (ms / 1000).toFixed(2));

/** Median and worst of these, as two columns. */
export function spread(list) {
  const all = [...list].sort((a, b) => a - b);
  return [seconds(all[Math.floor(all.length / 2)]), seconds(all.at(-1))];
}

/** Ends what the people do, reads every board's log, and counts: {acked, found: the sentences of each count,
 *  broken: how many}. */
export async function judge(school, cluster) {
  await school.close();
  const found = Object.fromEntries(Object.keys(COUNTS).map((count) => [count, []]));
  let acked = 0;
  for (const board of school.boards) {
    const wire = await Wire.join(cluster.gateways[0], board.tokens.own, { from: 0, features: 3 });
    await wire.has(board.stored, 60_000);
    const one = verdict(wire.events, board.people);
    acked += one.acked;
    for (const [count, list] of Object.entries(one.found)) found[count].push(...list);
    wire.end();
  }
  school.end();
  return { acked, found, broken: Object.values(found).flat().length };
}

export function tellTotals({ acked, found }) {
  console.log(`  frames acked: ${acked}`);
  for (const [count, list] of Object.entries(found)) {
    console.log(`  ${COUNTS[count]}: ${list.length}`);
    for (const one of list.slice(0, 10)) console.log(`    ! ${one}`);
  }
}
