// SPDX-License-Identifier: Apache-2.0
//
// How long it takes until all is right again: six kinds of faults, each befalling the same kind of process many
// times, one after the other, on a machine that has nothing else to do. Six boards with four people each: on four
// somebody draws all the time, on two once in the midst of a fault. Prints a table, median and worst beside the
// bound; exits 1 when a bound or a promise was broken.
//
// From the environment: TIMES (20), SEED (1), STORE (sqlite or mongo), KINDS (a pattern), EASEL_TEST_BUILD (release).
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout } from "node:timers/promises";
import { startBalancer } from "../service/balancer.mjs";
import { startCluster } from "../service/harness.mjs";
import { BUILD, breakable } from "./breakable.mjs";
import { judge, MACHINE, seconds, spread, tellTotals } from "./report.mjs";
import { School } from "./school.mjs";

const TIMES = Number(process.env.TIMES || 20);
const SEED = Number(process.env.SEED || 1);
const STORE = process.env.STORE || "sqlite";
const ONLY = new RegExp(process.env.KINDS || "");
const PLAN = { people: 4, habits: ["steady", "steady", "rarely"], social: false, steadyMs: 50 };
const BOARDS = 6;
const LOOK_MS = 5;
const REST_MS = 2_000; // between two faults
const LATE_MS = 1_000; // what is not right then is told
const PATIENCE_MS = 30_000;

const cluster = await startCluster({ gateways: 3, boards: 3, histories: 2, build: BUILD, store: STORE, prepare: breakable });
const balancer = await startBalancer(cluster.gateways);
const school = new School(SEED, balancer, PLAN);
await school.begin(cluster, BOARDS);

/** Of what everybody waited. */
const longest = (list) => Math.max(0, ...list);

/** Resolves with how long after `since` everything was right: what was drawn since then is seen and saved. */
async function right(since) {
  const amiss = () => school.boards.flatMap((board) => board.amiss(since));
  let late = LATE_MS;
  for (let what = amiss(); what.length; what = amiss()) {
    const ms = performance.now() - since;
    if (ms > late) console.log(`    after ${seconds(ms)} s: ${what.slice(0, 6).join("; ")}`);
    if (ms > late) late += LATE_MS;
    if (ms > PATIENCE_MS) throw new Error("it is not right again");
    await setTimeout(LOOK_MS);
  }
  return performance.now() - since;
}

/** Resolves when the broker greets who speaks AMQP to it. */
async function brokerAnswers() {
  for (;;) {
    const socket = connect({ port: cluster.broker.port, host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.write(Buffer.from("AMQP\0\0\x09\x01", "latin1"));
    const answer = await Promise.race([once(socket, "data").catch(() => null), once(socket, "close").then(() => null), setTimeout(100, null)]);
    socket.destroy();
    if (answer) return performance.now();
    await setTimeout(LOOK_MS);
  }
}

/** Kills it, watches until all is right again, and starts it anew. */
async function kill(service) {
  const waits = school.watchWaits();
  const at = performance.now();
  await service.kill();
  await right(performance.now());
  const { viewer, saved } = school.endWaits(waits);
  await service.start();
  return { at, viewer: longest(viewer), saved: longest(saved) };
}

const inTurn = (list, i) => list[i % list.length];

/** kind: {what is measured: its bounds in ms, of the median and of the worst} and the trial, which resolves with
 *  {what: ms}. */
const TRIALS = {
  "owner killed": {
    bounds: { "pause of a viewer": [500, 2000] },
    run: async (i) => ({ "pause of a viewer": (await kill(inTurn(cluster.boards, i))).viewer }),
  },
  "gateway killed": {
    bounds: { "its people live elsewhere": [1000, Infinity] },
    run: async (i) => {
      const gateway = inTurn(cluster.gateways, i);
      const theirs = school.people.filter((person) => school.where(person) === gateway.name);
      const { at } = await kill(gateway);
      return { "its people live elsewhere": longest(theirs.map(({ welcomedAt }) => welcomedAt - at)) };
    },
  },
  "history service killed": {
    bounds: { "pause of a viewer": [100, Infinity], "until it is saved": [1500, Infinity] },
    run: async (i) => {
      const { viewer, saved } = await kill(inTurn(cluster.histories, i));
      return { "pause of a viewer": viewer, "until it is saved": saved };
    },
  },
  "broker restarted": {
    bounds: { "right again, after it answers": [2000, Infinity] },
    run: async () => {
      const dead = cluster.broker.kill("SIGTERM");
      school.drawRarely();
      await dead;
      const started = cluster.broker.start();
      const ret = await right(await brokerAnswers());
      await started;
      return { "right again, after it answers": ret };
    },
  },
  "broker frozen for 15 s": {
    bounds: { "right again, after it": [3000, Infinity] },
    run: async () => {
      cluster.broker.freeze();
      await setTimeout(500);
      school.drawRarely();
      await setTimeout(14_500);
      cluster.broker.thaw();
      return { "right again, after it": await right(performance.now()) };
    },
  },
  "links of a gateway swallowed for 22 s": {
    bounds: { "right again, after it": [3000, Infinity] },
    run: async (i) => {
      const { proxy } = inTurn(cluster.gateways, i);
      const pairs = proxy.swallowPath();
      await setTimeout(500);
      school.drawRarely();
      await setTimeout(21_500);
      proxy.resume(pairs);
      return { "right again, after it": await right(performance.now()) };
    },
  },
};

const rows = [];
let missed = 0;
for (const [kind, { bounds, run }] of Object.entries(TRIALS).filter(([kind]) => ONLY.test(kind))) {
  const all = [];
  for (let i = 0; i < TIMES; i++) {
    await setTimeout(REST_MS);
    await right(performance.now());
    all.push(await run(i));
    console.log(`  ${kind}: ${Object.entries(all.at(-1)).map(([what, ms]) => `${what} ${seconds(ms)} s`).join(", ")}`);
  }
  for (const [what, [median, worst]] of Object.entries(bounds)) {
    const list = all.map((one) => one[what]).sort((a, b) => a - b);
    const kept = list[Math.floor(list.length / 2)] <= median && list.at(-1) <= worst;
    missed += !kept;
    rows.push([`${kind}: ${what}`, list.length, ...spread(list), seconds(median), worst === Infinity ? "" : seconds(worst), kept ? "" : "!"]);
  }
}

const totals = await judge(school, cluster);
await cluster.end();
console.log(`\nrecovery: ${BOARDS} boards, ${school.people.length} people, store ${STORE}, seed ${SEED}, ${MACHINE}`);
for (const [what, ...cells] of [["", "n", "median", "worst", "≤", "≤", ""], ...rows]) console.log(`  ${what.padEnd(70)}${cells.map((cell) => String(cell).padStart(8)).join("")}`);
tellTotals(totals);
process.exit(missed || totals.broken ? 1 : 0);
