// SPDX-License-Identifier: Apache-2.0
//
// The broker of development and of the tests (scripts/broker.sh), where several of them start together.

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { after, test } from "node:test";
import { Process, ROOT, until } from "./harness.mjs";

const dir = mkdtempSync(path(tmpdir(), "easel-test-"));
const broker = new Process("broker", [path(ROOT, "scripts/broker.sh"), path(dir, "broker"), "0"], process.env, dir);
const port = () => Number(readFileSync(path(dir, "broker/env"), "utf8").match(/^PORT=(\d+)$/m)[1]);

after(async () => {
  await broker.kill("SIGTERM");
  rmSync(dir, { recursive: true, force: true });
});

test("a new one whose port somebody else got picks another, and is not taken for who answers there", async () => {
  broker.spawn();
  await until("it has picked its port, and starts", () => existsSync(path(dir, "broker/log/console")));
  const taken = port();
  const other = createServer().listen(taken, "127.0.0.1").unref();
  await once(other, "listening");
  await broker.line(/^ready$/m, 90_000);
  assert.notEqual(port(), taken);
});
