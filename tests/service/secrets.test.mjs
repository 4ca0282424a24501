// SPDX-License-Identifier: Apache-2.0
//
// Whatever is wrong with an address: nothing of the password in it is told, neither in a log nor at /readyz.
// Libraries quote what they do not understand, and who forgot to encode a password has it understood as a
// host, a port or a name.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { Process, program, until } from "./harness.mjs";

const PIECE = 4; // characters
const AT_ONCE = 8;
const NOWHERE = { amqp: "amqp://127.0.0.1:1/", mongodb: "mongodb://127.0.0.1:1/easel?serverSelectionTimeoutMS=200" };
const SAYS_WHY = /(broker link down|cannot open the store, trying again): /;

const dir = mkdtempSync(join(tmpdir(), "easel-secrets-"));
after(() => rmSync(dir, { recursive: true, force: true }));

// ---- passwords, and addresses that hold them ----------------------------------------------------

const SIGNS = [..."@:/?#[]%&=+ ,;\\\"'<>|^`{}!$()*~é"];

/** In front of the sign: what may be taken for a host, or for a port. */
const PASSWORDS = [
  ...SIGNS.map((sign) => `Zq7wXk2v${sign}Jy9uWf5t`),
  ...["/", "@", ":", "?", "@/", ":@", "/@"].map((signs) => `45671${signs}Jy9uWf5t`),
  ...["@Zq7wXk2v", "Zq7wXk2v@", "Zq7w@Xk2v@Jy9u", "@@Zq7wXk2v", "Zq7w%4", "Zq7wXk2v%zz", "Zq7wXk2v%00Jy9u", "Zq7w@[::1", "Zq7wXk2v\u0007\u202e"],
];

const ENCODED = encodeURIComponent("Zq7wXk2v@:/Jy9uWf5t");

/** Addresses with a password as it should be, and something else that is wrong. */
const WRONG = {
  amqp: (secret) => [
    `amqp://user:${secret}@127.0.0.1:99999/`, `amqp://user:${secret}@127.0.0.1:port/`, `amqp://user:${secret}@/`,
    `amqp://user:${secret}@[::1/`, `amqp://user:${secret}@127.0.0.1:1/a/b`, `amqp://user:${secret}@nowhere.invalid/`,
    `amqps://user:${secret}@127.0.0.1:1/`, `amqp:user:${secret}@127.0.0.1:1/`, `amq://user:${secret}@127.0.0.1:1/`,
    `amqp://amqp://user:${secret}@127.0.0.1:1/`, `user:${secret}@127.0.0.1:1`, `amqp://user:${secret}@127.0.0.1:1@/`,
    `amqp://us@er:${secret}@127.0.0.1:1/`, `amqp://user:${secret}`,
  ],
  mongodb: (secret) => [
    `mongodb://user:${secret}@127.0.0.1:99999/`, `mongodb://user:${secret}@127.0.0.1:port/`, `mongodb://user:${secret}@/easel`,
    `mongodb://user:${secret}@[::1/`, `mongodb://user:${secret}@127.0.0.1:1/a/b`, `mongodb://user:${secret}@127.0.0.1:1/?tls=perhaps`,
    `mongodb://user:${secret}@127.0.0.1:1/?replicaSet`, `mongodb://user:${secret}@127.0.0.1:1/?authMechanism=NONE`,
    `mongodb+srv://user:${secret}@localhost/`, `mongodbs://user:${secret}@127.0.0.1:1/`,
    `mongodb:user:${secret}@127.0.0.1:1/`, `mongo://user:${secret}@127.0.0.1:1/`, `sqlite:mongodb://user:${secret}@127.0.0.1:1/`,
    `mongodb://mongodb://user:${secret}@127.0.0.1:1/`, `user:${secret}@127.0.0.1:1`,
    `mongodb://us@er:${secret}@127.0.0.1:1/`, `mongodb://user:${secret}@127.0.0.1:1/?tls=true&tlsCertificateKeyFile=/nowhere&tlsCertificateKeyFilePassword=${secret}`,
    `mongodb://user:${secret}`,
  ],
};

const addresses = (scheme) => [
  ...PASSWORDS.map((password) => ({ password, address: NOWHERE[scheme].replace("://", `://user:${password}@`) })),
  ...WRONG[scheme](ENCODED).map((address) => ({ password: `${ENCODED} ${decodeURIComponent(ENCODED)}`, address })),
];

// ---- what a program tells -----------------------------------------------------------------------

const SETTINGS = {
  gateway: { EASEL_SECRET: "a secret that is long enough for the gateway", EASEL_PORT: "0" },
  board: {},
  history: { EASEL_STORE: `sqlite:${join(dir, "easel.db")}` },
};

let count = 0;

/** All that it says, in its log and at /readyz, until it gives up or tries again. */
async function told(kind, settings) {
  const env = { PATH: process.env.PATH, EASEL_AMQP: NOWHERE.amqp, ...SETTINGS[kind], ...settings };
  const one = new Process(`${kind}-${count++}`, program(kind), env, dir);
  one.spawn();
  await until(`${one.name} says why`, () => one.exit || SAYS_WHY.test(one.log));
  let text = one.log;
  if (!one.exit) {
    const [, admin] = await one.line(/admin on (http:\/\/\S+)/);
    const ready = await fetch(`${admin}/readyz`);
    assert.equal(ready.status, 503);
    text = `${one.log}\n${await ready.text()}`;
    assert.equal((await one.kill("SIGTERM")).code, 0);
  }
  return text;
}

const pieces = (secret) => Array.from({ length: Math.max(1, secret.length - PIECE + 1) }, (_, i) => secret.slice(i, i + PIECE));

/** The addresses of which something was told that nobody should read. */
async function leaks(list, tell) {
  const found = [];
  const waiting = [...list];
  const one = async () => {
    for (let next; (next = waiting.shift()); ) {
      const text = await tell(next.address);
      assert.match(text, /EASEL_|broker|store/, `${next.address}: something is said`);
      const leaked = pieces(next.password).filter((piece) => text.includes(piece));
      if (leaked.length) found.push(`${next.address}: ${leaked}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return found;
}

describe("nothing of a password is told,", { timeout: 240_000 }, () => {
  for (const [i, kind] of Object.keys(SETTINGS).entries()) {
    test(`by the ${kind}, whatever is wrong with the broker's address`, async () => {
      const list = addresses("amqp").filter((_, j) => j % 3 === i);
      assert.deepEqual(await leaks(list, (address) => told(kind, { EASEL_AMQP: address })), []);
    });
  }

  test("by the history service, whatever is wrong with the store's address", async () => {
    assert.deepEqual(await leaks(addresses("mongodb"), (address) => told("history", { EASEL_STORE: address })), []);
  });
});
