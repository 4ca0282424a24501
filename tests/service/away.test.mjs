// SPDX-License-Identifier: Apache-2.0
//
// The network of whoever draws is away for a while, and carries nothing or takes no connection meanwhile; she
// goes on drawing as long as the page lets her. Alone and with viewers nothing is lost; with somebody who waits
// for the pen, what is lost is told. AWAY_S="60 300": for so many seconds instead.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { assertAllEqual, join, startCluster, until } from "./harness.mjs";
import { Proxy } from "./proxy.mjs";

const SECONDS = (process.env.AWAY_S ?? "3 5 8 15").split(" ").map(Number);
const GRACE_S = 5; // as it is by default
const STROKE_EVERY_MS = 200;
const WAIT_MS = 20_000 + 1000 * Math.max(...SECONDS);
const BEN = 10_000; // the number of his stroke

const WAYS = {
  "carries nothing": { down: (network) => network.swallowPath(), up: (network, pairs) => network.resume(pairs) },
  "takes no connection": { down: (network) => network.down(), up: (network) => network.up() },
};

const numbered = (number) => ({ points: [[number, number], [number + 400, 9000], [number + 800, number]] });
/** The numbers of Ana's strokes that this person sees, in order. */
const numbersSeen = (person) => person.picture().map(({ points }) => points[0]).filter((number) => number !== BEN);

/** Somebody who draws one numbered stroke after the other, whenever the page lets her. */
function drawing(person) {
  let count = 0;
  const timer = setInterval(() => person.term && !person.client.paused && person.draw([numbered(++count)]), STROKE_EVERY_MS);
  return { stop: () => clearInterval(timer), get count() { return count; } };
}

describe("the network of whoever draws is away", { timeout: 400_000, concurrency: true }, () => {
  let cluster;
  before(async () => {
    cluster = await startCluster({ gateways: 2, env: { EASEL_PEN_GRACE_S: String(GRACE_S) } });
  });

  /** He gets the pen, draws, and puts it down. */
  async function hasHisTurn(ben) {
    ben.ask();
    await ben.waitFor(() => ben.term, "has the pen", WAIT_MS);
    ben.draw([numbered(BEN)]);
    await ben.allStored();
    ben.pass("");
  }

  /** Ana draws, her network goes and comes; resolves when she and the others have all there is. */
  async function away(way, seconds, { names = [], waits = false }) {
    const network = await Proxy.to(cluster.gateways[0].url);
    const board = await cluster.makeBoard();
    const ana = await join(network, board.tokens.own, "Ana");
    const others = [];
    for (const name of names) others.push(await join(cluster.gateways[1], board.tokens.draw, name));
    await ana.takePen();
    const strokes = drawing(ana);
    await until("a few strokes are stored", () => ana.mark >= 5);
    const pairs = WAYS[way].down(network);
    const turn = waits && hasHisTurn(others[0]);
    await setTimeout(seconds * 1000);
    WAYS[way].up(network, pairs);
    const before = strokes.count;
    if (!waits) await until("she goes on drawing", () => strokes.count > before + 5, WAIT_MS);
    strokes.stop();
    await ana.waitFor(() => ana.phase === "live" && ana.board.unackedFrames === 0, "is back", WAIT_MS);
    if (ana.term) ana.pass("");
    await turn;
    await ana.waitFor(() => !ana.client.keptStrokes, "knows what became of her strokes", WAIT_MS);
    const late = await join(cluster.gateways[0], board.tokens.watch, "Late");
    await assertAllEqual([ana, ...others, late]);
    return { lost: ana.lost, drawn: strokes.count, seen: numbersSeen(late) };
  }

  const all = (count) => Array.from({ length: count }, (_, i) => i + 1);
  for (const way of Object.keys(WAYS))
    for (const seconds of SECONDS) {
      for (const [company, names] of [["alone", []], ["with viewers", ["Ben", "Cem"]]])
        test(`and ${way} for ${seconds} s, ${company}: nothing is lost`, async () => {
          const { lost, drawn, seen } = await away(way, seconds, { names });
          assert.deepEqual(seen, all(drawn));
          assert.equal(lost, 0);
        });
      test(`and ${way} for ${seconds} s, with somebody who waits for the pen: what is lost is told`, async () => {
        const { lost, drawn, seen } = await away(way, seconds, { names: ["Ben"], waits: true });
        assert.deepEqual(seen, [...new Set(seen)].sort((a, b) => a - b), "in the order drawn, and once");
        assert.equal(drawn - seen.length, lost);
        if (seconds < GRACE_S) assert.equal(lost, 0);
      });
    }
});
