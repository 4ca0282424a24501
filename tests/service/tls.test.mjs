// SPDX-License-Identifier: Apache-2.0
//
// As in production: TLS to the broker, with a certificate of our own, and to the database; users and
// passwords apart from the addresses, and quorum queues. And what is said when one of it is wrong.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { after, before, describe, test } from "node:test";
import { assertAllEqual, freePort, join, Mongo, Process, program, ROOT, startCluster, until } from "./harness.mjs";
import { strokes } from "./strokes.mjs";

const USER = "easel@tests";
const PASSWORD = "p@ss:w/rd?%41&x"; // would need encoding within an address

const dir = mkdtempSync(path(tmpdir(), "easel-tls-"));
process.on("exit", () => rmSync(dir, { recursive: true, force: true }));

// ---- certificates -------------------------------------------------------------------------------

const openssl = (...args) => execFileSync("openssl", args, { cwd: dir, stdio: "pipe" });
const file = (name) => path(dir, name);

function makeAuthority(name) {
  openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", `/CN=${name}`,
    "-keyout", `${name}.key`, "-out", `${name}.pem`);
}

function makeCertificate(name, authority, extension) {
  openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.csr`);
  writeFileSync(file(`${name}.ext`), extension);
  openssl("x509", "-req", "-in", `${name}.csr`, "-CA", `${authority}.pem`, "-CAkey", `${authority}.key`,
    "-CAcreateserial", "-days", "2", "-extfile", `${name}.ext`, "-out", `${name}.pem`);
}

makeAuthority("authority");
makeAuthority("stranger");
makeCertificate("server", "authority", "subjectAltName=DNS:localhost");
makeCertificate("client", "authority", "extendedKeyUsage=clientAuth");

// ---- the servers --------------------------------------------------------------------------------

/** The user is not in the configuration, where RabbitMQ 4 takes a colon in a password for the end of a tag. */
const definitions = {
  users: [{ name: USER, password: PASSWORD, tags: "administrator" }],
  vhosts: [{ name: "/" }],
  permissions: [{ user: USER, vhost: "/", configure: ".*", write: ".*", read: ".*" }],
};
writeFileSync(file("definitions.json"), JSON.stringify(definitions));

const brokerConf = (port) => `
listeners.ssl.1 = 127.0.0.1:${port}
ssl_options.cacertfile = ${file("authority.pem")}
ssl_options.certfile = ${file("server.pem")}
ssl_options.keyfile = ${file("server.key")}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
load_definitions = ${file("definitions.json")}
`;

/** With TLS, and a user who must show a password. */
class TlsMongo extends Mongo {
  async start() {
    await super.start();
    const makeUser = `import pymongo, sys; pymongo.MongoClient(sys.argv[1]).admin.command("createUser", sys.argv[2], pwd=sys.argv[3], roles=["root"])`;
    execFileSync(path(ROOT, "build/mongo/venv/bin/python"), ["-I", "-c", makeUser, this.url, USER, PASSWORD]);
    await this.stop();
    this.command.push("--auth", "--tls-cert-file", file("server.pem"), "--tls-key-file", file("server.key"));
    this.url = this.at("localhost", "authority.pem");
    await this.resume();
  }

  at(host, authority) {
    const tls = authority ? `tls=true&tlsCAFile=${file(authority)}&` : "";
    return `mongodb://${host}:${this.port}/easel?${tls}authSource=admin`;
  }
}

describe("over TLS, with quorum queues:", { timeout: 300_000 }, () => {
  let cluster, store, port, settings;

  before(async () => {
    port = await freePort();
    store = new TlsMongo(dir);
    settings = {
      EASEL_AMQP: `amqps://localhost:${port}/`,
      EASEL_AMQP_USER: USER,
      EASEL_AMQP_PASSWORD: PASSWORD,
      EASEL_AMQP_CA: file("authority.pem"),
      EASEL_AMQP_CERT: file("client.pem"),
      EASEL_AMQP_KEY: file("client.key"),
      EASEL_STORE_USER: USER,
      EASEL_STORE_PASSWORD: PASSWORD,
      EASEL_QUORUM: "1",
    };
    cluster = await startCluster({ histories: 2, store, brokerConf: brokerConf(port), env: settings }).catch(async (error) => {
      await store.end(); // else this process would never end
      throw error;
    });
  });

  test("what is drawn is seen, stored, and read again; also when a history service dies", async () => {
    const board = await cluster.makeBoard();
    const [gateway] = cluster.gateways;
    const ana = await join(gateway, board.tokens.own, "Ana");
    const ben = await join(gateway, board.tokens.watch, "Ben");
    await ana.takePen();
    for (const history of cluster.histories) {
      ana.draw(strokes(5));
      await assertAllEqual([ana, ben, await join(gateway, board.tokens.watch, "Late")]);
      await history.kill();
      ana.draw(strokes(5));
      await assertAllEqual([ana, ben]);
      await history.start();
    }
    assert.equal(ben.picture().length, 20);
    const queues = execFileSync(path(ROOT, "scripts/broker.sh"),
      ["ctl", path(cluster.dir, "broker"), "-q", "list_queues", "name", "type"], { encoding: "utf8" });
    const history = queues.split("\n").filter((line) => line.startsWith("history."));
    assert.equal(history.length, 32);
    for (const line of history) assert.match(line, /\tquorum$/);
  });

  test("no program says a secret: not in its log, nor with --help", () => {
    for (const { log } of cluster.services) assert.ok(!log.includes(PASSWORD));
    for (const kind of ["gateway", "board", "history"]) {
      const help = execFileSync(program(kind), ["--help"], { env: settings, encoding: "utf8" });
      assert.match(help, /EASEL_AMQP_PASSWORD/);
      assert.ok(!help.includes(PASSWORD));
    }
  });

  /** Starts one with these settings over the good ones; resolves when both its log and its readiness say so. */
  async function says(kind, wrong, pattern) {
    const own = { gateway: { EASEL_SECRET: "a secret of thirty-two characters", EASEL_PORT: "0" }, history: {} };
    const env = { PATH: process.env.PATH, EASEL_STORE: store.url, ...own[kind], ...settings, ...wrong };
    const one = new Process(`wrong-${kind}`, program(kind), env, dir);
    one.spawn();
    const [, admin] = await one.line(/admin on (http:\/\/\S+)/);
    await one.line(pattern, 60_000);
    const answer = await until("it is not ready, and says why", async () => {
      const ready = await fetch(`${admin}/readyz`);
      const text = await ready.text();
      return ready.status === 503 && pattern.test(text) && text;
    });
    assert.doesNotMatch(one.log + answer, /hunter2|p@ss/);
    assert.equal((await one.kill("SIGTERM")).code, 0);
  }

  const BROKER = [
    ["a certificate that no known authority has signed", () => ({ EASEL_AMQP_CA: file("stranger.pem") }), /verif/],
    ["a certificate for another host", () => ({ EASEL_AMQP: `amqps://127.0.0.1:${port}/` }), /hostname/i],
    ["TLS where there is none", () => ({ EASEL_AMQP: `amqps://localhost:${cluster.broker.port}/` }), /wrong version number/],
    ["no TLS where there is some", () => ({ EASEL_AMQP: `amqp://localhost:${port}/` }), /amqps:\/\/ where TLS is spoken/],
    ["no certificate of our own", () => ({ EASEL_AMQP_CERT: "" }), /certificate required/],
    ["a list of authorities that is not there", () => ({ EASEL_AMQP_CA: "/nowhere.pem" }), /EASEL_AMQP_CA \/nowhere\.pem/],
    ["a key that is not there", () => ({ EASEL_AMQP_KEY: "/nowhere.pem" }), /EASEL_AMQP_CERT .*\/nowhere\.pem/],
    ["a wrong password", () => ({ EASEL_AMQP_PASSWORD: "hunter2" }), /ACCESS_REFUSED/],
  ];
  for (const [what, wrong, pattern] of BROKER) {
    test(`the broker: ${what} is refused and named`, () => says("gateway", wrong(), pattern));
  }

  const DATABASE = [
    ["a certificate that no known authority has signed", () => ({ EASEL_STORE: store.at("localhost", "stranger.pem") }), /certificate verify failed/],
    ["a certificate for another host", () => ({ EASEL_STORE: store.at("127.0.0.1", "authority.pem") }), /hostname|TLS handshake failed/i],
    ["no TLS where there is some", () => ({ EASEL_STORE: store.at("localhost") }), /MongoDB: /],
    ["a wrong password", () => ({ EASEL_STORE_PASSWORD: "hunter2" }), /[Aa]uthentication failed/],
  ];
  for (const [what, wrong, pattern] of DATABASE) {
    test(`the database: ${what} is refused and named`, () => says("history", wrong(), pattern));
  }
});
