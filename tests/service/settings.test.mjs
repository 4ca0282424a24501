// SPDX-License-Identifier: Apache-2.0
//
// A service that gets a wrong setting says which, and what is allowed, and exits 2.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { Process, program } from "./harness.mjs";

const dir = mkdtempSync(join(tmpdir(), "easel-settings-"));
after(() => rmSync(dir, { recursive: true }));

const GOOD = {
  gateway: { EASEL_SECRET: "a secret that is long enough for the gateway", EASEL_PORT: "0" },
  board: {},
  history: { EASEL_STORE: `sqlite:${join(dir, "easel.db")}` },
};

/** What the program says, and how it exits, with these settings over good ones. */
function start(kind, settings, args = []) {
  const env = { PATH: process.env.PATH, ...GOOD[kind], ...settings };
  for (const name of Object.keys(env)) if (env[name] === undefined) delete env[name];
  const { status, stdout, stderr, error } = spawnSync(program(kind), args, {
    env, encoding: "utf8", timeout: 10_000,
  });
  assert.equal(error, undefined, `${kind} neither started nor refused`);
  return { status, stdout, stderr };
}

const WRONG = [
  ["board", "EASEL_SHARDS", "0", /1.*1024/],
  ["board", "EASEL_SHARDS", "2000", /1.*1024/],
  ["board", "EASEL_PACE_MS", "fast", /0.*100/],
  ["board", "EASEL_PACE_MS", "-1", /0.*100/],
  ["board", "EASEL_PACE_MS", "", /0.*100/],
  ["board", "EASEL_ADMIN_PORT", "65536", /65535/],
  ["board", "EASEL_LOG_LEVEL", "loud", /error.*warn.*info.*debug/],
  ["board", "EASEL_BOARD_SEATS", "0", /1/],
  ["board", "EASEL_PEN_IDLE_S", "5 minutes", /\d/],
  ["board", "EASEL_AMQP", "http://127.0.0.1/", /amqp:/],
  ["gateway", "EASEL_SECRET", undefined, /must be set/],
  ["gateway", "EASEL_SECRET", "short", /32/],
  ["gateway", "EASEL_PORT", "70000", /65535/],
  ["gateway", "EASEL_HELLO_TIMEOUT_S", "1.5", /\d/],
  ["gateway", "EASEL_TRUSTED_PROXIES", "the balancer", /address|CIDR/i],
  ["history", "EASEL_STORE", "oracle:/tmp/x", /sqlite:.*mongodb:/],
];

describe("a wrong setting is named, with what is allowed, and the exit status is 2:", () => {
  for (const [kind, name, value, allowed] of WRONG) {
    test(`${kind} with ${name}=${value ?? "(not set)"}`, () => {
      const { status, stderr } = start(kind, { [name]: value });
      assert.equal(status, 2, stderr);
      assert.ok(stderr.includes(name), stderr);
      assert.match(stderr, allowed);
    });
  }
});

test("a secret of the wrong length is not printed", () => {
  const { stderr } = start("gateway", { EASEL_SECRET: "hunter2-hunter2" });
  assert.doesNotMatch(stderr, /hunter2/);
});

for (const kind of Object.keys(GOOD)) {
  test(`${kind} names an EASEL_ variable that it does not know: it may be a slip of the pen`, () => {
    const { stderr } = start(kind, { EASEL_PROT: "8080", EASEL_SHARDS: "0" });
    assert.match(stderr, /EASEL_PROT/);
  });

  test(`${kind} refuses an argument that it does not know, and exits 2`, () => {
    assert.equal(start(kind, {}, ["--fast"]).status, 2);
  });

  test(`${kind} --help lists every setting with its default`, () => {
    const { status, stdout } = start(kind, {}, ["--help"]);
    assert.equal(status, 0);
    for (const name of ["EASEL_AMQP", "EASEL_SHARDS", "EASEL_ADMIN_PORT"]) {
      assert.ok(stdout.includes(name), stdout);
    }
  });

  test(`${kind} --version prints its version`, () => {
    const { status, stdout } = start(kind, {}, ["--version"]);
    assert.equal(status, 0);
    assert.match(stdout, /\d+\.\d+\.\d+/);
  });
}

test("a gateway that cannot listen says where and why, and exits 1", async () => {
  const elsewhere = start("gateway", { EASEL_HOST: "192.0.2.1" }); // of a range that nobody has
  assert.equal(elsewhere.status, 1, elsewhere.stderr);
  assert.match(elsewhere.stderr, /cannot listen on EASEL_HOST 192\.0\.2\.1.*Cannot assign/);
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  const taken = start("gateway", { EASEL_PORT: String(port) });
  server.close();
  assert.equal(taken.status, 1, taken.stderr);
  assert.match(taken.stderr, new RegExp(`cannot listen on .*EASEL_PORT ${port}: Address already in use`));
});

test("history refuses to start on a store that was made with another number of shards", async () => {
  const env = { ...GOOD.history, EASEL_AMQP: "amqp://127.0.0.1:1/" };
  const maker = new Process("history", program("history"), env, dir);
  maker.spawn();
  await maker.line(/admin on/);
  await maker.kill("SIGTERM");
  const { status, stderr } = start("history", { ...env, EASEL_SHARDS: "16" });
  assert.equal(status, 2, stderr);
  assert.match(stderr, /EASEL_SHARDS/);
  assert.match(stderr, /32/);
});
