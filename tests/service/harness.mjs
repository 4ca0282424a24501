// SPDX-License-Identifier: Apache-2.0
//
// Starts real clusters for tests: gateways, board and history services, a broker (or a part of one: see
// sharedBroker) and a database of their own, on free ports, in a directory of their own. A test kills, freezes and restarts any of
// them and reads their metrics and logs. It need not clean up: when the test file ends, however it
// ends, everything is stopped. A service that died by itself, did not leave politely, or in which a
// sanitizer found something, fails the file; then the directory with the logs is kept.
//
// EASEL_TEST_BUILD names the build (dev). EASEL_TEST_PROGRAMS, instead, a directory that holds the three
// programs, and EASEL_TEST_PREFIX a command (words, separated by spaces) that execs what follows it: so
// the same tests run against programs in another root. The directory is as seen behind that command; the
// store is then "mongo", since their files are not ours.

import assert from "node:assert/strict";
import { spawn, execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import {
  closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync, writeSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join as path, resolve } from "node:path";
import { after } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual, promisify } from "node:util";
import { connect } from "../client/client.mjs";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BUILD = process.env.EASEL_TEST_BUILD ?? "dev";
/** The version before, a build of scripts/build-before.sh as build/release is. */
export const BEFORE = "before/release";
const SECRET = "a secret that only the tests use, and nobody else";

const run = promisify(execFile);
const alive = new Set(); // processes
const PROGRAMS = {
  gateway: "gateway/easel-gateway",
  board: "board-service/easel-board",
  history: "history-service/easel-history",
};
const { EASEL_TEST_PROGRAMS: ELSEWHERE, EASEL_TEST_PREFIX: PREFIX } = process.env;

/** The path of one of the three programs. */
export const program = (kind, build = BUILD) =>
  ELSEWHERE ? `${ELSEWHERE}/easel-${kind}` : resolve(ROOT, "build", build, PROGRAMS[kind]);

const command = (kind, build) => [...(PREFIX?.split(" ") ?? []), program(kind, build)];

/** Resolves with the first truthy value of `condition()`; throws when none came within `ms`. */
export async function until(what, condition, ms = 20_000) {
  const deadline = performance.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`not within ${ms / 1000} s: ${what}`);
    await setTimeout(20);
  }
}

/** A port that nobody listens at. Below those that the kernel gives to outgoing connections, or one of these
 *  might have it before whom it is for; and above those that our brokers take. */
export async function freePort() {
  for (;;) {
    const port = 30_000 + Math.floor(Math.random() * 2_700);
    const server = createServer().listen(port, "127.0.0.1");
    const free = await once(server, "listening").then(() => true, () => false);
    if (!free) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}

/** A process whose output goes to a file. It dies with this process, even if that is killed. */
export class Process {
  child = null;
  exit = null; // {code, signal} once it ended
  ended = null; // a promise of it
  told = false; // to end, by us

  constructor(name, command, env, dir) {
    Object.assign(this, { name, command: [command].flat(), env, logPath: path(dir, `${name}.log`) });
  }

  spawn() {
    const log = openSync(this.logPath, "a");
    writeSync(log, START);
    this.exit = null;
    this.told = false;
    this.child = spawn("setpriv", ["--pdeathsig", "KILL", ...this.command], {
      env: this.env,
      cwd: ROOT,
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    alive.add(this);
    this.ended = new Promise((done) => {
      this.child.once("error", (error) => done({ code: -1, signal: String(error) }));
      this.child.once("exit", (code, signal) => done({ code, signal }));
    }).then((exit) => {
      alive.delete(this);
      return (this.exit = exit);
    });
  }

  get pid() {
    return this.child.pid;
  }

  /** What it wrote since its last start. */
  get log() {
    return this.wholeLog.split(START).pop();
  }

  get wholeLog() {
    return readFileSync(this.logPath, "utf8");
  }

  /** The match of `pattern` in what it wrote since its last start. */
  line(pattern, ms) {
    return until(`${this.name} says ${pattern}`, () => {
      const match = this.log.match(pattern);
      if (!match && this.exit) throw new Error(`${this.name} ended (${show(this.exit)}):\n${this.log}`);
      return match;
    }, ms);
  }

  /** Ends it; resolves when it is gone. */
  kill(signal = "SIGKILL") {
    this.told = true;
    this.child.kill(signal);
    return this.ended;
  }

  freeze() {
    this.child.kill("SIGSTOP");
  }

  thaw() {
    this.child.kill("SIGCONT");
  }

  /** The resident memory in bytes. */
  get rss() {
    return Number(readFileSync(`/proc/${this.pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)[1]) * 1024;
  }
}

/** One service of a cluster. */
class Service extends Process {
  constructor(cluster, kind, index, settings, build, prefix) {
    super(`${kind}-${index}`, [...prefix, ...command(kind, build)], null, cluster.dir);
    Object.assign(this, { cluster, kind, settings: { ...settings }, ownCommand: this.command });
  }

  /** From its next start on it is the program of that build; without one, its own again. */
  become(build) {
    this.command = build ? [program(this.kind, build)] : this.ownCommand;
  }

  /** Starts it; resolves when it says that it is ready. A second start keeps the address. */
  async start() {
    if (!this.child) await this.cluster.prepare?.(this);
    this.env = this.cluster.environment(this.kind, this.settings);
    this.spawn();
    this.admin = (await this.line(/admin on (http:\/\/\S+)/))[1];
    if (this.kind === "gateway") {
      this.url = (await this.line(/listening on (http:\/\/\S+)/))[1];
      this.settings.EASEL_PORT = new URL(this.url).port;
    }
    await until(`${this.name} is ready`, () => this.ready(), 30_000);
  }

  /** Again, with its connections to the broker through this proxy. */
  async moveBehind(proxy) {
    await this.kill("SIGTERM");
    this.settings.EASEL_AMQP = proxy.url;
    await this.start();
  }

  async ready() {
    if (this.exit) throw new Error(`${this.name} ended (${show(this.exit)}):\n${this.log}`);
    try {
      return (await fetch(`${this.admin}/readyz`)).ok;
    } catch {
      return false; // it does not answer yet
    }
  }

  /** Lets it leave politely; resolves with what was wrong with it, or null. */
  async end() {
    if (this.child && !this.exit) {
      this.thaw();
      await Promise.race([this.kill("SIGTERM"), setTimeout(10_000, null, { ref: false })]);
      if (!this.exit) return `${this.name} did not leave within 10 s`;
      if (this.exit.code !== 0) return `${this.name} left with ${show(this.exit)}:\n${tail(this.log)}`;
    } else if (this.child && !this.told) {
      return `${this.name} died by itself (${show(this.exit)}):\n${tail(this.log)}`;
    }
    const found = this.child && this.wholeLog.match(/^.*(ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:)[^]*/m);
    return found ? `${this.name}: ${found[0].slice(0, 4000)}` : null;
  }

  /** Its metrics: {name or name{labels}: number}. */
  async metrics() {
    const text = await (await fetch(`${this.admin}/metrics`)).text();
    const samples = text.split("\n").filter((line) => line && !line.startsWith("#"));
    return Object.fromEntries(samples.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }));
  }
}

const START = "---- start\n";
const tail = (text) => text.split("\n").slice(-20).join("\n");
const show = ({ code, signal }) => (signal ? `signal ${signal}` : `exit code ${code}`);

// ---- the broker and the databases ---------------------------------------------------------------

/** The cluster's own RabbitMQ. `conf`: more lines for its rabbitmq.conf. */
class Broker extends Process {
  constructor(dir, conf) {
    const env = { ...process.env };
    if (conf) writeFileSync((env.EASEL_BROKER_CONF = path(dir, "broker.conf")), conf);
    super("broker", [path(ROOT, "scripts/broker.sh"), path(dir, "broker"), "0"], env, dir);
    this.dir = dir;
  }

  async start() {
    this.spawn();
    await this.line(/^ready$/m, 90_000);
    const { stdout } = await run(path(ROOT, "scripts/broker.sh"), ["url", path(this.dir, "broker")]);
    this.url = stdout.trim();
    this.port = new URL(this.url).port;
  }

  /** Erlang's own process: this one is the script that watches it. */
  get #erlang() {
    return Number(readFileSync(path(this.dir, "broker/rabbitmq.pid"), "utf8"));
  }

  freeze() {
    process.kill(this.#erlang, "SIGSTOP");
  }

  thaw() {
    process.kill(this.#erlang, "SIGCONT");
  }

  async restart() {
    await this.kill("SIGTERM");
    await this.start();
  }

  /** Again, and all that it had stored is gone. */
  async restartEmpty() {
    await this.kill("SIGTERM");
    rmSync(path(this.dir, "broker/data"), { recursive: true });
    mkdirSync(path(this.dir, "broker/data"));
    await this.start();
  }

  ctl(...words) {
    return run(path(ROOT, "scripts/broker.sh"), ["ctl", path(this.dir, "broker"), ...words]);
  }
}

/** A virtual host of the broker that tests share (scripts/test.sh), that nobody had before and nobody gets after
 *  us; null when there is none, or none is left. */
function sharedBroker() {
  const { EASEL_TEST_AMQP: address, EASEL_TEST_VHOSTS: free } = process.env;
  if (!free) return null;
  const taken = readdirSync(free).find((name) => {
    try {
      return unlinkSync(path(free, name)) ?? true;
    } catch {
      return false; // somebody else was faster
    }
  });
  return taken ? { url: address + taken, start() {}, kill() {} } : null;
}

/** A database file. "Stopped" means that another process holds its write lock. */
export class Sqlite {
  constructor(dir) {
    this.path = path(dir, "easel.db");
    this.url = `sqlite:${this.path}`;
  }

  async start() {}

  async stop() {
    this.locker = spawn("setpriv", ["--pdeathsig", "KILL", "sqlite3", "-batch", this.path], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.locker.stdin.write(".timeout 10000\nBEGIN IMMEDIATE;\nSELECT 'locked';\n");
    const [said] = await once(this.locker.stdout, "data");
    assert.equal(String(said).trim(), "locked");
  }

  async resume() {
    this.locker.stdin.end("ROLLBACK;\n");
    await once(this.locker, "exit");
  }

  /** A test that failed may have left it stopped. */
  async end() {
    this.locker?.kill("SIGKILL");
  }
}

/** A MongoDB-wire server of our own. Stopped, it keeps what it has stored. One with options asks for a user or a
 *  certificate, and has no index (tests/mongo/index.py): it is small. */
export class Mongo extends Process {
  constructor(dir, options = []) {
    super("mongo", null, process.env, dir);
    this.data = path(dir, "mongo");
    this.options = options;
  }

  async start() {
    const at = path(ROOT, "build/mongo");
    await run(path(ROOT, "tests/mongo/install.sh"), [at]);
    this.port = await freePort();
    this.url = `mongodb://127.0.0.1:${this.port}/easel`;
    this.command = [path(ROOT, "tests/mongo/start.sh"), at, this.data, String(this.port), ...this.options];
    await this.resume();
    if (this.options.length === 0) await run(path(at, "venv/bin/python"), [path(ROOT, "tests/mongo/index.py"), this.url]);
  }

  async resume() {
    this.spawn();
    await this.line(/listening on/, 60_000);
  }

  stop() {
    return this.kill("SIGTERM");
  }

  end() {
    return this.exit || this.stop();
  }
}

/** A link's token with these claims, as a gateway of the tests would sign it. */
export function signToken(claims, secret = SECRET, header = { alg: "HS256", typ: "JWT" }) {
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

// ---- the cluster --------------------------------------------------------------------------------

class Cluster {
  constructor({ gateways = 1, boards = 1, histories = 1, store = ELSEWHERE ? "mongo" : "sqlite", env = {}, build = BUILD, prefix = [], broker, brokerConf, prepare }) {
    this.prepare = prepare;
    this.make = (kind, index) => new Service(this, kind, index, env, build, prefix);
    this.dir = mkdtempSync(path(tmpdir(), "easel-test-"));
    this.broker = ((broker ?? brokerConf) ? null : sharedBroker()) ?? new Broker(this.dir, brokerConf);
    this.store = store === "mongo" ? new Mongo(this.dir) : store === "sqlite" ? new Sqlite(this.dir) : store;
    const make = (kind, count) => Array.from({ length: count }, (_, i) => this.make(kind, i));
    this.gateways = make("gateway", gateways);
    this.boards = make("board", boards);
    this.histories = make("history", histories);
  }

  get services() {
    return [...this.gateways, ...this.boards, ...this.histories];
  }

  /** What a service of this kind reads from its environment. */
  environment(kind, settings) {
    const own = {
      gateway: { EASEL_SECRET: SECRET, EASEL_PORT: "0" },
      board: {},
      history: { EASEL_STORE: this.store.url },
    };
    const sanitizers = { UBSAN_OPTIONS: "print_stacktrace=1" };
    return { PATH: process.env.PATH, ...sanitizers, EASEL_AMQP: this.broker.url, ...own[kind], ...settings };
  }

  async start() {
    await Promise.all([this.broker.start(), this.store.start()]);
    await Promise.all(this.services.map((service) => service.start()));
  }

  /** Makes a board; resolves with what the HTTP API answers: {board, name, links, tokens}. */
  async makeBoard(name = "A board", gateway = this.gateways[0]) {
    const answer = await fetch(`${gateway.url}/api/boards`, { method: "POST", body: JSON.stringify({ name }) });
    assert.equal(answer.status, 201, await answer.clone().text());
    return answer.json();
  }

  /** Everything leaves politely, the services before the broker and the database. */
  async end() {
    const faults = [];
    for (const group of [this.gateways, this.boards, this.histories]) {
      faults.push(...(await Promise.all(group.map((service) => service.end()))));
    }
    await Promise.all([this.broker.kill("SIGTERM"), this.store.end()]);
    const found = faults.filter(Boolean);
    if (found.length) throw new Error(`${found.join("\n")}\nlogs: ${this.dir}`);
  }
}

const clusters = new Set();
const people = new Set();

/**
 * Starts a cluster; it ends with the test file.
 * @param options gateways, boards, histories: how many; store: "sqlite", "mongo" or one that runs; env:
 *   settings for all services; build: "dev", "asan" or "release" (else EASEL_TEST_BUILD); prefix: the words
 *   of a command that execs a service; broker: "own" when the test does something to it; brokerConf: more
 *   lines of its rabbitmq.conf; prepare: called with each service before its first start, may change its settings
 */
export async function startCluster(options = {}) {
  const cluster = new Cluster(options);
  clusters.add(cluster);
  await cluster.start();
  return cluster;
}

/** Somebody joins a board through this gateway; leaves, at the latest, when the test file ends. */
export async function join(gateway, token, name, options = {}) {
  const person = await connect(gateway.url, token, { name, ...options });
  people.add(person);
  await person.caughtUp();
  return person;
}

/** All that was drawn is stored; everybody gets to the same offset, and sees the same picture. Resolves
 *  with the offset. */
export async function assertAllEqual(everybody) {
  const [first] = everybody;
  await first.settled();
  // What nobody drew may still come: a board that changes hands has events of that, too.
  const equal = () => everybody.every(({ applied, mark }) => applied === first.applied && mark >= applied);
  await until("all are at the same offset", equal).catch((error) => {
    throw new Error(`${error.message}: ${everybody.map(({ applied, mark }) => `${applied} (stored ${mark})`)}`);
  });
  for (const person of everybody) {
    assert.equal(person.holeInOffsets(), null);
    assert.ok(isDeepStrictEqual(person.picture(), first.picture()), "two people see different pictures");
  }
  return first.applied;
}

after(async () => {
  for (const person of people) person.stop();
  const ends = await Promise.allSettled([...clusters].map((cluster) => cluster.end()));
  const faults = ends.filter((end) => end.status === "rejected").map((end) => end.reason.message);
  assert.equal(faults.join("\n"), "");
});

process.on("exit", (code) => {
  for (const child of alive) child.child.kill("SIGKILL");
  for (const { dir } of clusters) {
    if (code === 0) rmSync(dir, { recursive: true, force: true });
    else console.error(`logs are kept in ${dir}`);
  }
});
