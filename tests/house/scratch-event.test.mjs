// SPDX-License-Identifier: Apache-2.0
//
// The worked example of CONTRIBUTING.md, applied to a copy of the tree: when a message is defined, the compilers
// name each place that must know it; and with what the example says there, nothing is left to complain of.
// Needs build/dev, whose compile commands it uses.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PRODUCT = ["proto", "common", "gateway", "board-service", "history-service"];
const copy = mkdtempSync(join(tmpdir(), "easel-scratch-"));
const patches = [...readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8").matchAll(/^```diff\n([^]*?)^```$/gm)].map(([, text]) => text);
const touched = (patch) => [...patch.matchAll(/^\+\+\+ b\/(\S+)$/gm)].map(([, file]) => file).sort();

before(() => {
  const files = execFileSync("git", ["ls-files", ...PRODUCT, "package.json"], { cwd: ROOT, encoding: "utf8" }).trim().split("\n");
  for (const file of files) {
    mkdirSync(join(copy, dirname(file)), { recursive: true });
    cpSync(join(ROOT, file), join(copy, file));
  }
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
});
after(() => rmSync(copy, { recursive: true }));

const apply = (patch) => execFileSync("git", ["apply", "-"], { cwd: copy, input: patch });

/** What the C compiler says of each file of the copy. */
function complaints() {
  const ret = new Map();
  for (const { file, command } of JSON.parse(readFileSync(join(ROOT, "build/dev/compile_commands.json"), "utf8"))) {
    const name = file.slice(ROOT.length);
    if (!PRODUCT.some((part) => name.startsWith(`${part}/`)) || ret.has(name)) continue;
    const there = command.replaceAll(ROOT, `${copy}/`).replace(/ -o \S+/, " -fsyntax-only");
    const { stderr } = spawnSync("sh", ["-c", there], { cwd: copy, encoding: "utf8" });
    ret.set(name, stderr);
  }
  return ret;
}
const of = (all) => [...all].filter(([, text]) => text).map(([name]) => name).sort();

const types = () => spawnSync("npm", ["run", "--silent", "check"], { cwd: copy, encoding: "utf8" }).stdout;

test("a message that is defined and not handled is named by the compilers, at each place", { timeout: 120_000 }, () => {
  const [definition, rest] = patches;
  assert.equal(patches.length, 2);
  assert.equal(types(), "");
  apply(definition);
  const all = complaints();
  for (const [name, text] of all) if (text) assert.match(text, /enumeration value .*nudge.* not handled in switch/, name);
  assert.deepEqual(of(all), touched(rest).filter((file) => file.endsWith(".c")));
  assert.match(types(), /^gateway\/web\/model\/board\.ts.*never/m);
});

test("with what the example says at these places, nobody complains", { timeout: 120_000 }, () => {
  apply(patches[1]);
  assert.deepEqual(of(complaints()), []);
  assert.equal(types(), "");
  execFileSync("python3", ["vectors.py"], { cwd: join(copy, "proto") });
  assert.match(readFileSync(join(copy, "proto/vectors.txt"), "utf8"), / ev_nudge offset=1 /);
});
