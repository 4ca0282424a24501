// SPDX-License-Identifier: Apache-2.0
//
// Faults of processes that no program can be asked for; see fault.c.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { ROOT } from "./harness.mjs";

const dir = mkdtempSync(path(tmpdir(), "easel-fault-"));
process.on("exit", () => rmSync(dir, { recursive: true, force: true }));

/** The environment of programs that can be given a fault. */
export function faultyEnvironment() {
  const library = path(dir, "fault.so");
  execFileSync("gcc", ["-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-o", library, path(ROOT, "tests/service/fault.c"), "-ldl"]);
  return { LD_PRELOAD: library, FAULT_DIR: dir, ASAN_OPTIONS: "verify_asan_link_order=0" };
}

/** From now on this process has the fault: "spin", "block", "deaf", "full", "slow" or "alone". */
export const give = (pid, fault) => writeFileSync(path(dir, `${pid}.${fault}`), "");

/** And no longer. */
export const cure = (pid, fault) => rmSync(path(dir, `${pid}.${fault}`), { force: true });
