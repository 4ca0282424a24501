// SPDX-License-Identifier: Apache-2.0
//
// A backup is restored into the store, which then has another incarnation: whoever knows what came after the
// backup begins anew, wherever that was known, and nobody mixes the two pasts.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join as path } from "node:path";
import { before, describe, test } from "node:test";
import { isDeepStrictEqual, promisify } from "node:util";
import { join, program, startCluster } from "./harness.mjs";
import { strokes } from "./strokes.mjs";

const run = promisify(execFile);

/** The files of the store, of which nobody has any open. */
function files({ store }) {
  if (!store.path) return [store.data];
  const directory = dirname(store.path);
  return readdirSync(directory).filter((name) => name.startsWith(basename(store.path))).map((name) => path(directory, name));
}

async function whileStopped({ histories, store }, what) {
  for (const history of histories) await history.kill("SIGTERM");
  const server = store.path ? null : store;
  await server?.stop();
  const ret = what();
  await server?.resume();
  return ret;
}

const backUp = (cluster) =>
  whileStopped(cluster, () => files(cluster).map((file) => (cpSync(file, `${file}.backup`, { recursive: true }), file)));

async function restore(cluster, saved) {
  await whileStopped(cluster, () => {
    for (const file of files(cluster)) if (!file.includes(".backup")) rmSync(file, { recursive: true });
    for (const file of saved) cpSync(`${file}.backup`, file, { recursive: true });
  });
  const history = cluster.histories[0];
  await run(program("history"), ["--restored"], { env: cluster.environment("history", history.settings) });
}

const startHistories = (cluster) => Promise.all(cluster.histories.map((history) => history.start()));

for (const store of ["sqlite", "mongo"])
  describe(`a backup is restored, ${store}`, { timeout: 180_000 }, () => {
    let cluster, ana, ben, saved;
    const drawn = strokes(9);
    const shows = (count) => (person) => person.phase === "live" && person.board.strokes.length === count;
    const same = () => isDeepStrictEqual(ana.picture(), ben.picture());
    const draws = async (from, to) => {
      await ana.takePen();
      ana.draw(drawn.slice(from, to));
      await ana.settled();
      await ben.waitFor(shows(to), `Ben sees ${to} strokes`);
    };

    before(async () => {
      cluster = await startCluster({ store, gateways: 2, boards: 2, histories: 2 });
      const { tokens } = await cluster.makeBoard();
      [ana, ben] = [await join(cluster.gateways[0], tokens.own, "Ana"), await join(cluster.gateways[1], tokens.draw, "Ben")];
      await draws(0, 3);
      saved = await backUp(cluster);
      await startHistories(cluster);
      await draws(3, 6);
    });

    // [D34]
    test("while gateways and board services go on, and nobody draws: all see what the store has", async () => {
      await restore(cluster, saved);
      await startHistories(cluster);
      for (const person of [ana, ben]) await person.waitFor(shows(3), "what is in the backup", 30_000);
      assert.ok(same());
    });

    test("and it is drawn on as if nothing had been", async () => {
      await draws(3, 5);
      assert.ok(same());
    });

    test("after everything was stopped, as the guide says: a page that is still open begins anew as well", async () => {
      for (const service of [...cluster.gateways, ...cluster.boards]) await service.kill("SIGTERM");
      await restore(cluster, saved);
      await startHistories(cluster);
      await Promise.all([...cluster.boards, ...cluster.gateways].map((service) => service.start()));
      for (const person of [ana, ben]) await person.waitFor(shows(3), "what is in the backup", 30_000);
      await draws(3, 4);
      assert.ok(same());
    });
  });

test("to a store that cannot be opened, --restored says why, and ends with 1", async () => {
  const ended = await run(program("history"), ["--restored"], {
    env: { PATH: process.env.PATH, EASEL_AMQP: "amqp://127.0.0.1:1/", EASEL_STORE: "sqlite:/dev/null/none.db" },
  }).catch((error) => error);
  assert.equal(ended.code, 1);
  assert.match(ended.stderr + ended.stdout, /cannot open the store: .*\/dev\/null\/none\.db/);
});
