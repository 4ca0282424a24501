// SPDX-License-Identifier: Apache-2.0
//
// What is deleted is gone from the disk, there is a bound on boards, and a board that is deleted since
// nobody used it is closed for those who have it open.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { join, startCluster, until } from "./harness.mjs";
import { strokes } from "./strokes.mjs";
import { Wire } from "./wire.mjs";

const create = (gateway) => fetch(`${gateway.url}/api/boards`, { method: "POST", body: JSON.stringify({ name: "x" }) });

/** Whether a file of the database has this text. Reading them in another process drops no lock. */
const onDisk = ({ store }, text) =>
  ["", "-wal", "-shm"].some((ending) => existsSync(store.path + ending) && readFileSync(store.path + ending).includes(text));

describe("deleted boards", { timeout: 120_000 }, () => {
  let cluster, gateway;

  before(async () => {
    cluster = await startCluster({ store: "sqlite", histories: 2, env: { EASEL_KEEP_DAYS: "1" } });
    [gateway] = cluster.gateways;
  });

  test("leave nothing of their names and events in the files, within a minute", async () => {
    const { board, tokens } = await cluster.makeBoard("Quetzalcoatl");
    const other = await cluster.makeBoard("Huitzilopochtli");
    const ann = await join(gateway, tokens.own, "Nezahualcoyotl");
    await ann.takePen();
    ann.draw(strokes(20));
    await ann.settled();
    assert.ok(onDisk(cluster, "Quetzalcoatl") && onDisk(cluster, "Nezahualcoyotl"), "it was there");
    const answer = await fetch(`${gateway.url}/api/boards/${board}`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${tokens.own}` },
    });
    assert.equal(answer.status, 204);
    await until("it is erased", () => !["Quetzalcoatl", "Nezahualcoyotl"].some((text) => onDisk(cluster, text)), 60_000);
    assert.ok(onDisk(cluster, "Huitzilopochtli"), "the other board's is there");
    assert.equal((await Wire.join(gateway, other.tokens.watch)).welcome.role, 0);
  });

  test("whoever has one open that was deleted for its age is told at the next event", async () => {
    const { board, tokens } = await cluster.makeBoard();
    const viewer = await Wire.join(gateway, tokens.watch);
    const ann = await join(gateway, tokens.own, "Ann");
    await ann.settled();
    const old = `PRAGMA busy_timeout = 5000; UPDATE record SET time = 1000 WHERE board = '${board}'`;
    assert.equal(spawnSync("sqlite3", [cluster.store.path, old]).status, 0);
    await cluster.histories[0].kill("SIGTERM");
    await cluster.histories[0].start(); // it looks at all boards
    const deleted = `SELECT count(*) FROM record WHERE board = '${board}' AND flags & 2`;
    await until("it is deleted", () => String(spawnSync("sqlite3", [cluster.store.path, deleted]).stdout).trim() === "1");
    ann.takePen().catch(() => {}); // there is no answer to that
    assert.equal(await viewer.closes(), 4404);
  });
});

describe("the bound on boards", { timeout: 120_000 }, () => {
  test("is told with a code of its own, and a deleted board makes room", async () => {
    const { gateways, ...cluster } = await startCluster({ env: { EASEL_BOARDS_MAX: "2" } });
    const boards = [];
    for (let i = 0; i < 2; i++) boards.push(await (await create(gateways[0])).json());
    const refused = await create(gateways[0]);
    assert.equal(refused.status, 507);
    const { error } = await refused.json();
    assert.equal(error.code, "boards_full");
    assert.match(error.sentence, /^[A-Z].*\.$/);
    const [{ board, tokens }] = boards;
    const headers = { authorization: `Bearer ${tokens.own}` };
    await fetch(`${gateways[0].url}/api/boards/${board}`, { method: "DELETE", headers });
    assert.equal((await create(gateways[0])).status, 201);
    assert.equal(cluster.histories.length, 1);
  });
});
