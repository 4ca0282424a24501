// SPDX-License-Identifier: Apache-2.0
//
// Wrote the files beside it: a board as the first schema keeps it, in each store, and what is to be seen on it.
// It ran once, on the programs of commit b850305 in build/first/release; their processes were killed while
// Ben had the pen.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join as path } from "node:path";
import { fileURLToPath } from "node:url";
import { join, startCluster } from "../harness.mjs";
import { strokes } from "../strokes.mjs";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const DUMP = `
import bson.json_util, pymongo, sys
database = pymongo.MongoClient(sys.argv[1]).get_default_database()
print(bson.json_util.dumps({name: list(database[name].find()) for name in sorted(database.list_collection_names())}, indent=1))`;

for (const store of ["sqlite", "mongo"]) {
  const cluster = await startCluster({ store, prepare: (service) => service.become("first/release") });
  const { board, tokens } = await cluster.makeBoard("Kept since the first version");
  const [ana, ben] = [await join(cluster.gateways[0], tokens.own, "Ana"), await join(cluster.gateways[0], tokens.draw, "Ben")];
  const drawn = strokes(12, 7, 24);
  await ana.takePen();
  ana.draw(drawn.slice(0, 3));
  ana.clear();
  ana.draw(drawn.slice(3, 8));
  ana.undo();
  await ana.settled();
  ana.pass(ben);
  await ben.waitFor(({ term }) => term !== 0);
  ben.draw(drawn.slice(8, 11));
  await ben.settled();
  ben.draw([{ ...drawn[11], points: drawn[11].points.map(([x, y]) => [x, y, 0.5]) }]);
  await ben.settled();
  const picture = ben.picture();
  for (const person of [ana, ben]) person.stop();
  for (const service of cluster.services) await service.kill("SIGKILL");
  if (store === "sqlite") {
    writeFileSync(here("sqlite.sql"), execFileSync("sqlite3", [cluster.store.path, ".dump"]));
  } else {
    writeFileSync(here("mongo.json"), execFileSync(path(ROOT, "build/mongo/venv/bin/python"), ["-c", DUMP, cluster.store.url]));
  }
  writeFileSync(here(`${store}.picture.json`), JSON.stringify({ board, tokens, applied: ben.applied, picture }));
}
