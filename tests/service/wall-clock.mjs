// SPDX-License-Identifier: Apache-2.0
//
// The wall clock of programs that run, in the hand of a test; see wall-clock.c.

import { execFileSync } from "node:child_process";
import { mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { ROOT } from "./harness.mjs";

const dir = mkdtempSync(path(tmpdir(), "easel-clock-"));
process.on("exit", () => rmSync(dir, { recursive: true, force: true }));
const file = openSync(path(dir, "ahead"), "w");
setWallClock(0);

/** The environment of programs whose wall clock can be set. */
export function clockEnvironment() {
  const library = path(dir, "clock.so");
  execFileSync("gcc", ["-shared", "-fPIC", "-O1", "-o", library, path(ROOT, "tests/service/wall-clock.c")]);
  return { LD_PRELOAD: library, WALL_CLOCK_FILE: path(dir, "ahead"), ASAN_OPTIONS: "verify_asan_link_order=0" };
}

/** From now on it is so far ahead of this machine's. */
export function setWallClock(seconds) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(seconds));
  writeSync(file, bytes, 0, 8, 0);
}
