// SPDX-License-Identifier: Apache-2.0
//
// Two of each service, a broker and a database, under somebody who draws all the time: each is
// killed, restarted or stopped in turn. Drawing goes on or pauses, and in the end nothing that was
// drawn is lost or doubled, and all see the same.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { assertAllEqual, join, startCluster, until } from "../service/harness.mjs";
import { random, stroke } from "../service/strokes.mjs";
import { Wire } from "../service/wire.mjs";

const STROKE_EVERY_MS = 50;
const DATABASE_AWAY_MS = 20_000;

/** Somebody who draws a stroke every 50 ms, whenever the page would let them. */
class Drawing {
  strokes = []; // "term:cseq" of each, in the order drawn
  #next = random(7);

  constructor(person) {
    this.person = person;
  }

  start() {
    this.timer = setInterval(() => {
      if (!this.person.term || this.person.client.paused) return;
      const [{ term, cseq }] = this.person.draw([stroke(this.#next, 20)]);
      this.strokes.push(`${term}:${cseq}`);
    }, STROKE_EVERY_MS);
  }

  stop() {
    clearInterval(this.timer);
  }

  /** Resolves when twenty more strokes are drawn, and stored as far as `viewer` knows. */
  async goesOn(viewer) {
    const count = this.strokes.length + 20;
    await until("more is drawn", () => this.strokes.length >= count, 60_000);
    await until("what is drawn is stored", () => strokesOf(viewer, viewer.mark).length >= count, 60_000);
  }
}

/** "term:cseq" of the strokes in the log as this viewer knows it, up to an offset. */
const strokesOf = (viewer, last = Infinity) =>
  viewer.log
    .filter((event) => event.kind === "ev_begin" && event.offset <= last)
    .map(({ term, cseq }) => `${term}:${cseq}`);

// The two stores at once: each has a cluster of its own, and mostly waits.
describe("two of each service", { concurrency: 2 }, () => {
  for (const store of ["sqlite", "mongo"]) {
    describe(`under a drawing client, on ${store},`, { timeout: 400_000, concurrency: 1 }, () => {
      let cluster, board, ana, ben, cem, drawing;

      before(async () => {
        cluster = await startCluster({
          broker: "own",
          gateways: 2, boards: 2, histories: 2, store, env: { EASEL_PEN_GRACE_S: "30" },
        });
        board = await cluster.makeBoard("Chaos");
        ana = await join(cluster.gateways[0], board.tokens.own, "Ana");
        ben = await join(cluster.gateways[0], board.tokens.draw, "Ben");
        cem = await join(cluster.gateways[1], board.tokens.watch, "Cem");
        await ana.takePen();
        drawing = new Drawing(ana);
        drawing.start();
        await drawing.goesOn(cem);
      });
      after(() => drawing?.stop());

      /** Ana rests; then nothing that she drew is lost or doubled, and all see the same. */
      async function assertNothingLost() {
        drawing.stop();
        await assertAllEqual([ana, ben, cem]);
        assert.equal(ana.lost, 0);
        assert.deepEqual(strokesOf(cem), drawing.strokes);
        assert.equal(cem.picture().length, drawing.strokes.length);
        drawing.start();
      }

      for (const kind of ["boards", "histories"]) {
        for (const i of [0, 1]) {
          test(`${kind} ${i} is killed (kill -9): the other one goes on, and it comes back`, async () => {
            await cluster[kind][i].kill();
            await drawing.goesOn(cem);
            await cluster[kind][i].start();
            await drawing.goesOn(cem);
            await assertNothingLost();
          });
        }
      }

      for (const i of [0, 1]) {
        test(`gateway ${i} is killed (kill -9): those who were there go on at the other one`, async () => {
          await cluster.gateways[i].kill();
          for (const person of [ana, ben, cem]) person.url = cluster.gateways[1 - i].url; // as a balancer would
          await drawing.goesOn(cem);
          await cluster.gateways[i].start();
          await assertNothingLost();
        });
      }

      test("RabbitMQ is restarted: everybody stays connected, and drawing goes on", async () => {
        const connections = ana.connects + cem.connects;
        await cluster.broker.restart();
        await drawing.goesOn(cem);
        assert.equal(ana.connects + cem.connects, connections);
        await assertNothingLost();
      });

      test("a board service is frozen for a while: the other one goes on, and the log refuses the first", async () => {
        for (const frozen of cluster.boards) {
          frozen.freeze();
          await drawing.goesOn(cem);
          frozen.thaw();
          await drawing.goesOn(cem);
        }
        await assertNothingLost();
      });

      test("the database stops for 20 s: drawing goes on, nothing is told to be stored, then all is", async () => {
        await cluster.store.stop();
        await until("marks pause", () => cem.board.head > cem.mark + 20);
        const { mark, applied } = cem;
        const resumed = setTimeout(DATABASE_AWAY_MS).then(() => cluster.store.resume());
        await until("drawing goes on", () => cem.applied > applied + 100);
        assert.equal(cem.mark, mark);
        await resumed;
        await drawing.goesOn(cem);
        await assertNothingLost();
      });

      test("the database stops while much is drawn: drawing pauses, and goes on when it is back", async () => {
        await cluster.store.stop();
        const next = random(3);
        const more = setInterval(() => {
          if (!ana.client.paused) drawing.strokes.push(...ana.draw([stroke(next, 400)]).map((s) => `${s.term}:${s.cseq}`));
        }, 100);
        await ana.waitFor(() => ana.client.paused === "unsaved", "is told to pause", 60_000);
        clearInterval(more);
        await cluster.store.resume();
        await ana.waitFor(() => ana.client.paused === null, "may draw again", 60_000);
        await drawing.goesOn(cem);
        await assertNothingLost();
      });

      test("and the log, read from its first event, has every stroke once, in the order drawn", async () => {
        drawing.stop();
        await ana.settled();
        const reader = await Wire.join(cluster.gateways[0], board.tokens.watch, { from: 0 });
        await reader.has(ana.applied);
        assert.deepEqual(reader.offsets, Array.from({ length: ana.applied }, (_, i) => i + 1));
        const begins = reader.events.filter((event) => event.kind === "ev_begin");
        assert.deepEqual(begins.map(({ term, cseq }) => `${term}:${cseq}`), drawing.strokes);
      });
    });
  }
});
