// SPDX-License-Identifier: Apache-2.0
//
// The manifests and the programs agree: each program is started with exactly the settings that an overlay
// gives it, but for addresses, files and secrets; it must know all of them, listen where the manifest
// says, and answer the probes there. Each pod is an address of its own on the loopback interface. Broker
// and database of "production" want TLS and a password, as there.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { Mongo, Process, ROOT, freePort, program, startCluster, until } from "../service/harness.mjs";

const PROGRAMS = { gateway: "gateway", "board-service": "board", "history-service": "history" };

/** What the secrets hold that the manifests name; generated ones have a hash at the end. The broker's
 *  operator makes one when the broker is there. */
const SECRETS = {
  "easel-mongodb-user": { password: "a password: with @ and /" },
  "easel-gateway": { secret: "a secret that only this test uses, and nobody else" },
};

const files = mkdtempSync(path(tmpdir(), "easel-manifests-"));
after(() => rmSync(files, { recursive: true }));

const run = async (...command) => (await promisify(execFile)(command[0], command.slice(1))).stdout;
const given = async (overlay) =>
  JSON.parse(await run(path(ROOT, "build/k8s/venv/bin/python"), path(ROOT, "tests/k8s/check.py"), "programs", overlay));

/** The names of the settings that a program lists. */
const known = async (kind) => [...(await run(program(kind), "--help")).matchAll(/^ {2}(EASEL_\w+)/gm)].map(([, name]) => name);

const refused = ({ host, port }) =>
  new Promise((done) => connect({ host, port }).on("error", () => done(true)).on("connect", () => done(false)));

/** A program in a "pod". */
class Pod extends Process {
  constructor({ name, settings, ports, probes, graceSeconds }, host, cluster) {
    super(`${name}-${host}`, program(PROGRAMS[name]), null, cluster.dir);
    Object.assign(this, { kind: PROGRAMS[name], ports, probes, graceSeconds, settings, host });
    this.env = { PATH: process.env.PATH, ...this.environment(cluster) };
  }

  environment(cluster) {
    const env = {};
    for (const [name, value] of Object.entries(this.settings)) {
      const real = typeof value === "string" ? value : SECRETS[value.secret.replace(/-[a-z0-9]{10}$/, "")]?.[value.key];
      if (real === undefined) assert.ok(value.optional, `${name}: ${value.secret} has no ${value.key}`);
      else if (real) env[name] = this.here(name, real, cluster);
    }
    return env;
  }

  /** The same setting with the addresses that this test has. */
  here(name, value, cluster) {
    if (value === "0.0.0.0") return this.host;
    if (name === "EASEL_AMQP") return value.replace(/[^/]+:\d+/, cluster.brokerAt);
    if (name === "EASEL_STORE") value = value.replace(/[^/]+:\d+/, cluster.storeAt).replace("=easel-mongodb", "=secantus");
    return value.replace(/\/etc\/easel\/\w+\/ca.crt/, path(files, "ca.crt"));
  }

  /** Waits until that probe is answered with 200. */
  async answers(kind) {
    try {
      await until(`${this.name} answers its ${kind} probe`, async () => (await this.ask(kind)) === 200, 60_000);
    } catch (error) {
      throw new Error(`${error.message}; it said:\n${this.log}`, { cause: error });
    }
  }

  async ask(kind) {
    const { port, path } = this.probes[kind];
    try {
      return (await fetch(`http://${this.host}:${this.ports[port]}${path}`)).status;
    } catch {
      return 0; // it does not listen yet
    }
  }
}

// ---- what is outside ----------------------------------------------------------------------------

const NOBODY = { gateways: 0, boards: 0, histories: 0 };
async function plain() {
  const cluster = await startCluster({ ...NOBODY, broker: "own", store: "mongo" });
  return Object.assign(cluster, { brokerAt: `127.0.0.1:${cluster.broker.port}`, storeAt: `127.0.0.1:${cluster.store.port}` });
}

/** ca.crt, and tls.crt and tls.key for localhost (the database calls itself 127.0.0.1). */
async function certificates() {
  const key = (name) => ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path(files, name)];
  await run("openssl", "req", "-x509", "-subj", "/CN=easel-ca", "-days", "2", ...key("ca.key"), "-out", path(files, "ca.crt"));
  await run("openssl", "req", "-x509", "-subj", "/CN=localhost", "-days", "2", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
    "-addext", "basicConstraints=CA:FALSE", "-CA", path(files, "ca.crt"), "-CAkey", path(files, "ca.key"), ...key("tls.key"), "-out", path(files, "tls.crt"));
}

async function secured() {
  await certificates();
  const [ca, cert, key] = ["ca.crt", "tls.crt", "tls.key"].map((name) => path(files, name));
  const store = new Mongo(files);
  await store.start();
  await run(path(ROOT, "build/mongo/venv/bin/python"), "-I", "-c", `import pymongo, sys
pymongo.MongoClient(sys.argv[1]).admin.command("createUser", "easel", pwd=sys.argv[2], roles=[{"db": "easel", "role": "readWrite"}])`,
    store.url, SECRETS["easel-mongodb-user"].password);
  await store.stop();
  store.options = ["--auth", "--tls-cert-file", cert, "--tls-key-file", key];
  const port = await freePort();
  const brokerConf = `listeners.ssl.1 = 127.0.0.1:${port}
ssl_options.cacertfile = ${ca}
ssl_options.certfile = ${cert}
ssl_options.keyfile = ${key}
`;
  const cluster = await startCluster({ ...NOBODY, store, brokerConf });
  return Object.assign(cluster, { brokerAt: `localhost:${port}`, storeAt: `localhost:${store.port}` });
}

// -------------------------------------------------------------------------------------------------

for (const [i, [overlay, outside]] of [["dev", plain], ["production", secured]].entries()) {
  describe(`overlay ${overlay}`, { timeout: 240_000 }, () => {
    let pods;
    const gateway = () => pods.find(({ kind }) => kind === "gateway");

    before(async () => {
      const cluster = await outside();
      const { username, password } = new URL(cluster.broker.url);
      SECRETS["easel-rabbitmq-default-user"] = { username, password };
      pods = (await given(overlay)).map((what, j) => new Pod(what, `127.86.${i + 1}.${j + 1}`, cluster));
      for (const pod of pods) pod.spawn();
    });
    after(() => Promise.all((pods ?? []).map((pod) => pod.exit || pod.kill())));

    test("names all three programs, and only settings that they have", async () => {
      assert.deepEqual(pods.map(({ kind }) => kind).sort(), ["board", "gateway", "history"]);
      for (const pod of pods) {
        const names = await known(pod.kind);
        assert.deepEqual(Object.keys(pod.settings).filter((name) => !names.includes(name)), [], pod.name);
      }
    });

    test("its probes are answered: first that it has started, then that it is ready, always that it is alive", async () => {
      for (const pod of pods) {
        for (const kind of ["startup", "readiness", "liveness"]) await pod.answers(kind);
        assert.doesNotMatch(pod.log, /is no setting|must be/);
      }
    });

    test("its ports are those where the programs listen", async () => {
      for (const pod of pods) {
        for (const port of Object.values(pod.ports)) assert.equal(await refused({ host: pod.host, port }), false, `${pod.name}:${port}`);
      }
      assert.equal(await refused({ host: gateway().host, port: 8082 }), true);
    });

    test("links begin with its public address", async () => {
      const { host, ports, settings } = gateway();
      const answer = await fetch(`http://${host}:${ports.http}/api/boards`, { method: "POST", body: JSON.stringify({ name: "A board" }) });
      assert.equal(answer.status, 201);
      assert.ok((await answer.json()).links.watch.startsWith(`${settings.EASEL_PUBLIC_URL}/`));
    });

    test("at SIGTERM each ends with 0 within its grace period", async () => {
      for (const pod of pods) {
        pod.kill("SIGTERM");
        await until(`${pod.name} has left`, () => pod.exit, pod.graceSeconds * 1000);
        assert.deepEqual(pod.exit, { code: 0, signal: null }, pod.log);
      }
    });
  });
}

test("every secret that DEPLOY.md tells to make has the keys that the manifests ask for", async () => {
  const told = readFileSync(path(ROOT, "docs/DEPLOY.md"), "utf8");
  const pods = await given("production");
  for (const value of pods.flatMap(({ settings }) => Object.values(settings))) {
    if (typeof value === "string" || value.optional || value.secret.startsWith("easel-rabbitmq")) continue;
    assert.match(told, new RegExp(`create secret generic ${value.secret} --from-literal=${value.key}=`));
  }
});
