// SPDX-License-Identifier: Apache-2.0
//
// Chaos at size: 30 boards with 10 people each on three gateways, three board services and two history services,
// through a balancer, while one thing after the other breaks. Then a checker reads every log, and what each of
// the people recorded. Prints a table; exits 1 when a promise was broken.
//
// From the environment: MINUTES (none: one, with fewer boards; else with six faults or more in each, on average),
// SEED (1), STORE (sqlite or mongo), BOARDS (30),
// KINDS (a pattern: only the faults that it fits), EASEL_TEST_BUILD (release).
import { startBalancer } from "../service/balancer.mjs";
import { startCluster } from "../service/harness.mjs";
import { random } from "../service/strokes.mjs";
import { BUILD, breakable } from "./breakable.mjs";
import { faults, KINDS, suffer } from "./nemesis.mjs";
import { judge, MACHINE, seconds, spread, tellTotals } from "./report.mjs";
import { School } from "./school.mjs";

const MINUTES = Number(process.env.MINUTES || 0);
const SEED = Number(process.env.SEED || 1);
const STORE = process.env.STORE || "sqlite";
const BOARDS = Number(process.env.BOARDS || (MINUTES ? 30 : 9));
const ONLY = new RegExp(process.env.KINDS || "");
const QUICK_MS = 60_000;
const PER_MINUTE = 6; // faults, at least; a slow store takes its time to get well
const SLOW_MS = 3_000; // until all is well: worth a word
const TWO = 0.3; // so often two faults at a time
// The tests' MongoDB-wire server looks at all records of a board to find its last one (tests/mongo/README.md): with as
// many as busy boards make in ten minutes it would do nothing else any more: with 600 a board a start of the version
// before, which asks for all of them, fills its core for a minute.
const PLAN = { sqlite: {}, mongo: { steadyMs: 2000 } };

// ---- the table -------------------------------------------------------------------------------------

const WIDTH = 50;
function print(rows) {
  const line = (what, cells) => console.log(`  ${what.padEnd(WIDTH)}${cells.map((cell) => String(cell).padStart(11)).join("")}`);
  line("fault", ["n", "viewer", "worst", "drawer", "worst", "well after"]);
  for (const [kind, all] of rows) {
    const of = (what) => spread(all.flatMap((one) => one[what]));
    line(kind, [all.length, ...of("viewer"), ...of("drawer"), spread(all.map(({ ms }) => ms))[1]]);
  }
}

// ---- faults ----------------------------------------------------------------------------------------

const whose = ({ kind }) => (/^(rolling|one more)/.test(kind) ? "a tier" : kind.split(/[ ']/)[0]);
const ENDS = ["gateway", "board", "history", "a tier"]; // of processes that may be the same

/** One, or at times two that do not befall the same. Without a broker nobody can start, so its faults come alone. */
function chosen(kinds) {
  const first = kinds.next().value;
  if (next() > TWO || whose(first) === "broker") return [first];
  const second = kinds.next().value;
  const both = [whose(first), whose(second)];
  const same = both[0] === both[1] || (both.includes("a tier") && both.every((one) => ENDS.includes(one)));
  return same || both[1] === "broker" ? [first] : [first, second];
}

// ---- all of it -------------------------------------------------------------------------------------

const began = performance.now();
const cluster = await startCluster({ gateways: 3, boards: 3, histories: 2, build: BUILD, store: STORE, prepare: breakable });
const balancer = await startBalancer(cluster.gateways);
const school = new School(SEED, balancer, PLAN[STORE]);
const next = random(SEED);
const rows = new Map();
const unwell = [];
await school.begin(cluster, BOARDS);

const kinds = faults(next, STORE, KINDS.filter(({ kind }) => ONLY.test(kind)));
const until = performance.now() + (MINUTES ? MINUTES * 60_000 : QUICK_MS);
for (let befell = 0; performance.now() < until || befell < MINUTES * PER_MINUTE; ) {
  const now = chosen(kinds);
  befell += now.length;
  const name = now.map(({ kind }) => kind).join(", and ");
  const waits = school.watchWaits();
  school.drawRarely();
  const ends = await Promise.allSettled(now.map((kind) => suffer(kind, cluster, next, () => school.drawRarely())));
  const { wrong, last, ms } = await school.becomesWell();
  wrong.push(...ends.filter(({ reason }) => reason).map(({ reason }) => reason.message));
  console.log(`${seconds(performance.now() - began).padStart(8)} ${name}: well after ${seconds(ms)} s${wrong.length ? ", NOT" : ""}`);
  if (ms > SLOW_MS || wrong.length) for (const what of (wrong.length ? wrong : last).slice(0, 8)) console.log(`    ${wrong.length ? "!" : "at last:"} ${what}`);
  unwell.push(...wrong.map((what) => `after "${name}": ${what}`));
  const waited = { ...school.endWaits(waits), ms };
  for (const { kind } of now) rows.set(kind, [...(rows.get(kind) ?? []), waited]);
}

const totals = await judge(school, cluster);

console.log(`\nchaos: ${BOARDS} boards, ${school.people.length} people, store ${STORE}, seed ${SEED}, ${MACHINE}`);
print(rows);
tellTotals(totals);
console.log(`  not well 15 s after a fault: ${unwell.length}`);
const ended = await cluster.end().then(() => null, ({ message }) => message);
if (ended) console.log(`! ${ended}`);
const broken = unwell.length + totals.broken + (ended ? 1 : 0);
console.log(broken ? `! ${broken} promises were broken` : "every promise was kept");
process.exit(broken ? 1 : 0);
