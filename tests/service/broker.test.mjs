// SPDX-License-Identifier: Apache-2.0
//
// The private broker of `make run` and of the tests is reached from this machine only, and by nobody who
// does not know its password.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { after, before, describe, test } from "node:test";
import { ROOT, startCluster } from "./harness.mjs";
import { descendants, listensAt } from "./processes.mjs";

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|0{31}1):\d+$/;

const script = (...args) => spawnSync(path(ROOT, "scripts/broker.sh"), args, { encoding: "utf8" });
const said = (...args) => execFileSync(path(ROOT, "scripts/broker.sh"), args, { encoding: "utf8" }).trim();
const users = (dir) => said("ctl", dir, "-q", "list_users").split("\n").slice(1).map((line) => line.split("\t")[0]);
const passwordIn = (url) => new URL(url).password;
const cookieIn = (dir) => readFileSync(path(dir, "home/.erlang.cookie"), "utf8");
const modeOf = (file) => (statSync(file).mode & 0o777).toString(8);

/** As a version before made them: the user is guest, and Erlang makes the cookie. */
function makeOld(dir) {
  for (const name of ["home", "log", "data/easel@localhost"]) mkdirSync(path(dir, name), { recursive: true });
  writeFileSync(path(dir, "env"), `PORT=1\nexport HOME='${dir}/home' ERL_EPMD_PORT=2\n`);
  writeFileSync(path(dir, "rabbitmq.conf"), "listeners.tcp.1 = 127.0.0.1:1\n");
  writeFileSync(path(dir, "home/.erlang.cookie"), "CQLXJMWEVICWAZDIYZLD", { mode: 0o400 });
  writeFileSync(path(dir, "data/easel@localhost/schema.DAT"), "of before");
}

describe("the private broker", { timeout: 180_000 }, () => {
  const old = mkdtempSync(path(tmpdir(), "easel-broker-"));
  let cluster, dir;

  before(async () => {
    cluster = await startCluster();
    dir = path(cluster.dir, "broker");
  });
  after(() => {
    script("stop", old);
    rmSync(old, { recursive: true });
  });

  test("listens, with everything that belongs to it, on loopback addresses alone; so do the services", () => {
    const all = descendants(process.pid).map(({ pid, command }) => ({ command, at: listensAt(pid) }));
    for (const name of ["beam.smp", "epmd", "easel-gateway", "easel-board", "easel-history"]) {
      assert.ok(all.some(({ command, at }) => command.includes(name) && at.length), `${name} listens`);
    }
    const open = all.filter(({ at }) => !at.every((where) => LOOPBACK.test(where)));
    assert.deepEqual(open.map(({ command, at }) => `${command.slice(0, 60)}: ${at}`), []);
  });

  test("has one user, and this is not guest", () => {
    assert.deepEqual(users(dir), ["easel"]);
    assert.notEqual(script("ctl", dir, "authenticate_user", "guest", "guest").status, 0);
    assert.equal(script("ctl", dir, "authenticate_user", "easel", passwordIn(cluster.broker.url)).status, 0);
  });

  test("of a directory that a version before has made, whose user was guest, is made anew", () => {
    makeOld(old);
    assert.match(said("start", old), /^amqp:\/\/easel:[0-9a-f]{48}@127\.0\.0\.1:\d+\/$/);
    assert.deepEqual(users(old), ["easel"]);
  });

  test("has a password and a cookie of its own, made at random, kept, and for our eyes only", () => {
    const secrets = [dir, old].flatMap((one) => [passwordIn(said("url", one)), cookieIn(one)]);
    assert.equal(new Set(secrets).size, 4, "no two are the same");
    for (const secret of secrets) assert.match(secret, /^[0-9a-f]{48}$/);
    for (const name of ["password", "env", "rabbitmq.conf"]) assert.equal(modeOf(path(dir, name)), "600", name);
    assert.equal(modeOf(path(dir, "home/.erlang.cookie")), "400");
    for (const { command } of descendants(0)) {
      assert.ok(!secrets.some((secret) => command.includes(secret)), "everybody may read the arguments of a program");
    }
  });
});
