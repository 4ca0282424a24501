// SPDX-License-Identifier: Apache-2.0
//
// A database that the programs of commit b850305 wrote (first-store/make.mjs): this version serves it as it
// is, draws on in it, and the version before still reads it then, as after a rollback.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join as path } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assertAllEqual, BEFORE, join, startCluster } from "./harness.mjs";
import { strokes } from "./strokes.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const kept = (name) => fileURLToPath(new URL(`first-store/${name}`, import.meta.url));
const LOAD = `
import bson.json_util, pymongo, sys
client = pymongo.MongoClient(sys.argv[1])
database = client.get_default_database()
for name in database.list_collection_names():
    database[name].delete_many({})
for name, documents in bson.json_util.loads(open(sys.argv[2]).read()).items():
    database[name].insert_many(documents)`;

/** The store is the one of then, and nothing else. */
function load(store) {
  if (store.path) {
    for (const end of ["", "-wal", "-shm"]) rmSync(store.path + end, { force: true });
    execFileSync("sqlite3", ["-bail", store.path], { input: readFileSync(kept("sqlite.sql")) });
  } else {
    execFileSync(path(ROOT, "build/mongo/venv/bin/python"), ["-c", LOAD, store.url, kept("mongo.json")]);
  }
}

for (const store of ["sqlite", "mongo"])
  describe(`a store of the first version, ${store}`, { timeout: 120_000 }, () => {
    const { tokens, applied, picture } = JSON.parse(readFileSync(kept(`${store}.picture.json`), "utf8"));
    let cluster, cem;

    test("is served as it was left", async () => {
      cluster = await startCluster({ store });
      const [history] = cluster.histories;
      await history.kill("SIGTERM");
      load(cluster.store);
      await history.start();
      cem = await join(cluster.gateways[0], tokens.own, "Cem");
      assert.ok(cem.applied >= applied);
      assert.deepEqual(cem.picture(), picture);
    });

    test("is drawn on, undone and cleared", async () => {
      await cem.takePen();
      cem.draw(strokes(3, 9, 24));
      await cem.settled();
      cem.undo();
      await cem.settled();
      assert.equal(cem.picture().length, picture.length + 2);
      cem.clear();
      cem.draw(strokes(2, 10, 24));
      await cem.settled();
      assert.equal(cem.picture().length, 2);
    });

    test("is read by the version before afterwards, as after a rollback", async () => {
      for (const service of cluster.services) {
        assert.equal((await service.kill("SIGTERM")).code, 0, service.name);
        service.become(BEFORE);
      }
      for (const tier of [cluster.histories, cluster.boards, cluster.gateways]) for (const service of tier) await service.start();
      cem.url = cluster.gateways[0].url;
      const late = await join(cluster.gateways[0], tokens.watch, "Late");
      assert.equal(late.picture().length, 2);
      await cem.takePen();
      cem.draw(strokes(1, 11, 24));
      await assertAllEqual([cem, late]);
    });
  });
