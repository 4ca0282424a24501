// SPDX-License-Identifier: Apache-2.0
//
// `make run`, in the directory of a version before: its broker is reached from this machine only, and by
// nobody who does not know its password; and no process that hangs or answers nobody stays so, be it ended
// by its own watchdog or by the script. Who was frozen as a whole, waits for its store or has nothing to
// do is left alone.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { after, before, describe, test } from "node:test";
import { cure, faultyEnvironment, give } from "./fault.mjs";
import { assertAllEqual, freePort, join, Process, ROOT, Sqlite, until } from "./harness.mjs";
import { descendants, listensAt } from "./processes.mjs";
import { strokes } from "./strokes.mjs";
import { clockEnvironment, setWallClock } from "./wall-clock.mjs";

const HOUR_S = 3600;
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|0{31}1):\d+$/;
const dir = mkdtempSync(path(tmpdir(), "easel-run-"));
const data = path(dir, "data"), broker = path(data, "rabbitmq");

const script = (...args) => spawnSync(path(ROOT, "scripts/broker.sh"), args, { encoding: "utf8" });
const said = (...args) => execFileSync(path(ROOT, "scripts/broker.sh"), args, { encoding: "utf8" }).trim();
const modeOf = (name) => (statSync(path(broker, name)).mode & 0o777).toString(8);

/** As a version before made it: the user is guest, and Erlang makes the cookie. */
function makeOldBroker() {
  for (const name of ["home", "log", "data/easel@localhost"]) mkdirSync(path(broker, name), { recursive: true });
  writeFileSync(path(broker, "env"), `PORT=1\nexport HOME='${broker}/home' ERL_EPMD_PORT=2\n`);
  writeFileSync(path(broker, "rabbitmq.conf"), "listeners.tcp.1 = 127.0.0.1:1\n");
  writeFileSync(path(broker, "home/.erlang.cookie"), "CQLXJMWEVICWAZDIYZLD", { mode: 0o400 });
  writeFileSync(path(broker, "data/easel@localhost/schema.DAT"), "of before");
}

/** The services, by the script's names for them: {url, admin, pid}. */
async function services(run) {
  const where = descendants(run.pid).map(({ pid }) => ({ pid, at: listensAt(pid) }));
  const found = {};
  for (const name of ["gateway-1", "gateway-2", "gateway-3", "board-1", "board-2", "history-1"]) {
    const log = readFileSync(path(data, `log/${name}.log`), "utf8");
    const last = (pattern) => [...log.matchAll(pattern)].pop()?.[1];
    const admin = last(/admin on (http:\S+)/g);
    const { pid } = await until(`${name} listens`, () => where.find(({ at }) => at.includes(new URL(admin).host)));
    found[name] = { admin, url: last(/listening on (http:\S+)/g), pid };
  }
  return found;
}

describe("make run", { timeout: 240_000 }, () => {
  const store = new Sqlite(data);
  let run, at, ana;
  const all = (lines) => Promise.all(lines.map((line) => run.line(line, 60_000)));

  before(async () => {
    makeOldBroker();
    const [faulty, clock] = [faultyEnvironment(), clockEnvironment()];
    const env = { ...process.env, DATA: data, ASK_S: "2", ...faulty, ...clock, LD_PRELOAD: `${faulty.LD_PRELOAD}:${clock.LD_PRELOAD}` };
    const command = [path(ROOT, "scripts/run.sh"), "3", "2", "1", "127.0.0.1", String(await freePort())];
    run = new Process("run", command, env, dir);
    run.spawn();
    await run.line(/Easel is here/, 120_000);
    at = await services(run);
    const made = await fetch(`${at["gateway-3"].url}/api/boards`, { method: "POST", body: '{"name":"A board"}' });
    ana = await join(at["gateway-3"], (await made.json()).tokens.own, "Ana");
    await ana.takePen();
    await assertAllEqual([ana]);
  });
  after(async () => {
    await store.end();
    await run.kill("SIGINT");
    rmSync(dir, { recursive: true, force: true });
  });

  test("listens, with all that it has started, on loopback addresses alone", () => {
    const started = descendants(run.pid).map(({ pid, command }) => ({ command, at: listensAt(pid) }));
    for (const name of ["beam.smp", "epmd", "easel-gateway", "easel-board", "easel-history"]) {
      assert.ok(started.some(({ command, at }) => command.includes(name) && at.length), `${name} listens`);
    }
    const open = started.filter(({ at }) => !at.every((where) => LOOPBACK.test(where)));
    assert.deepEqual(open.map(({ command, at }) => `${command.slice(0, 60)}: ${at}`), []);
  });

  test("has a broker with one user, whose password was made for it, as Erlang's cookie was, and kept", () => {
    const { username, password } = new URL(said("url", broker));
    const users = said("ctl", broker, "-q", "list_users").split("\n").slice(1).map((line) => line.split("\t")[0]);
    assert.deepEqual(users, [username]);
    assert.notEqual(script("ctl", broker, "authenticate_user", "guest", "guest").status, 0);
    assert.equal(script("ctl", broker, "authenticate_user", username, password).status, 0);
    const cookie = readFileSync(path(broker, "home/.erlang.cookie"), "utf8");
    for (const secret of [password, cookie]) assert.match(secret, /^[0-9a-f]{48}$/);
    assert.notEqual(password, cookie);
    for (const name of ["password", "env", "rabbitmq.conf"]) assert.equal(modeOf(name), "600", name);
    assert.equal(modeOf("home/.erlang.cookie"), "400");
    for (const { command } of descendants(0)) {
      assert.ok(!command.includes(password) && !command.includes(cookie), "everybody may read what a program is started with");
    }
  });

  test("names, ends and starts again who hangs or answers nobody, and leaves alone whom it should; also when the wall clock is set back", async () => {
    setWallClock(-HOUR_S);
    await store.stop();
    ana.draw(strokes(1));
    said("ctl", broker, "-q", "suspend_listeners");
    give(at["gateway-1"].pid, "deaf");
    process.kill(at["gateway-2"].pid, "SIGSTOP");
    give(at["board-1"].pid, "block");
    process.kill(at["history-1"].pid, "SIGKILL");
    await all([
      /^gateway-1 does not answer, and is ended and started again; its log: .*gateway-1\.log$/m,
      /^gateway-2 is stopped as a whole, and is left so; /m,
      /^board-1 died \(its loop hung\) and is started again; /m,
      /^history-1 died \(signal 9\) and is started again; /m,
      /^history-1 is not ready: .*database is locked.*; its log: /m,
      /^broker does not answer, and is ended and started again; /m,
    ]);
    assert.match(readFileSync(path(data, "log/board-1.log"), "utf8"), / error the loop has not turned for 10 s: .*\n/);
    process.kill(at["gateway-2"].pid, "SIGCONT");
    await store.resume();
    await all(["gateway-1", "gateway-2", "history-1", "broker"].map((name) => new RegExp(`^${name} answers again\\.$`, "m")));
    const now = await services(run);
    for (const name of ["gateway-1", "board-1", "history-1"]) assert.notEqual(now[name].pid, at[name].pid, name);
    for (const name of ["gateway-2", "gateway-3", "board-2"]) assert.equal(now[name].pid, at[name].pid, name);
    for (const [name, { admin }] of Object.entries(now)) {
      await until(`${name} is ready`, async () => (await fetch(`${admin}/readyz`)).ok);
    }
    assert.doesNotMatch(run.log, /^(gateway-3|board-2) |^gateway-2 (died|does)|history-1 does/m);
    await assertAllEqual([ana]);
  });

  test("goes on when no process can be started, and starts again who died meanwhile", async () => {
    const was = await services(run);
    give(run.pid, "alone");
    process.kill(was["board-2"].pid, "SIGKILL");
    await all([/^No process could be started for a while: there are too many\. Easel goes on, and tries again\.$/m]);
    cure(run.pid, "alone");
    await all([/^board-2 died .* and is started again; /m]);
    await until("board-2 is ready", async () => {
      const now = await services(run).catch(() => null);
      return now && now["board-2"].pid !== was["board-2"].pid && (await fetch(`${now["board-2"].admin}/readyz`)).ok;
    }, 60_000);
    const now = await services(run);
    for (const name of ["gateway-1", "gateway-2", "gateway-3", "board-1", "history-1"]) assert.equal(now[name].pid, was[name].pid, name);
    await assertAllEqual([ana]);
  });

  test("leaves nothing behind, and gives everybody time to end, also when the wall clock is set ahead meanwhile", async () => {
    const started = descendants(run.pid);
    const { "gateway-1": slow } = await services(run);
    ana.stop();
    process.kill(slow.pid, "SIGSTOP");
    const ended = run.kill("SIGINT");
    await run.line(/^Stopping\.$/m);
    const told = performance.now();
    setWallClock(HOUR_S);
    await until("some of its time is over", () => performance.now() - told > 2_000);
    process.kill(slow.pid, "SIGCONT");
    assert.deepEqual(await ended, { code: 0, signal: null });
    assert.match(readFileSync(path(data, "log/gateway-1.log"), "utf8"), /: leaving$/m);
    const left = () => started.filter(({ pid, command }) => descendants(0).some((one) => one.pid === pid && one.command === command));
    await until("all have ended", () => left().length === 0);
  });
});
