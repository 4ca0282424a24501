// SPDX-License-Identifier: Apache-2.0
//
// The worked example of CONTRIBUTING.md, applied to a copy of the tree: when a message is defined, the compilers
// name each place that must know it; and with what the example says there, nothing is left to complain of.
// Needs build/dev, whose compile commands it uses.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
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

/** What a line opens: a function, a method or a message. */
const OPENS = {
  c: /^[a-z][\w *]*?\b(\w+)\(/,
  ts: /^  (?:\w+ )*(#?\w+)\(.*\{$/,
  def: /^(?!FIELD|END)[A-Z]+\((\w+),/,
};

/** A patch that names the function, not the line: "@@ function @@". */
function patched(text, kind, name, hunk) {
  const side = (sign) => hunk.replace(/\n$/, "").split("\n").filter((line) => !line || line[0] === " " || line[0] === sign).map((line) => `${line.slice(1)}\n`).join("");
  const old = side("-");
  const opener = (at) => text.slice(0, at).split("\n").reverse().map((line) => OPENS[kind].exec(line)?.[1]).find(Boolean);
  const places = [];
  for (let at = text.indexOf(old); at >= 0; at = text.indexOf(old, at + 1)) if (opener(at) === name) places.push(at);
  assert.equal(places.length, 1, `one place in ${name} for:\n${hunk}`);
  return text.slice(0, places[0]) + side("+") + text.slice(places[0] + old.length);
}

function apply(patch) {
  for (const part of patch.split(/^--- .*\n/m).slice(1)) {
    const [head, ...hunks] = part.split(/^@@ (.*) @@\n/m);
    const file = join(copy, /^\+\+\+ b\/(\S+)$/m.exec(head)[1]);
    const kind = extname(file).slice(1);
    for (let i = 0; i < hunks.length; i += 2) writeFileSync(file, patched(readFileSync(file, "utf8"), kind, hunks[i], hunks[i + 1]));
  }
}

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

test("a place that is not in the function that the example names is found", () => {
  const text = "static void first(int x)\n{\n    case A:\n    case B:\n}\n\nstatic void second(int x)\n{\n    case B:\n}\n";
  const hunk = "     case B:\n+    case C:\n";
  assert.match(patched(text, "c", "second", hunk), /second[^]*case B:\n    case C:\n\}\n$/);
  assert.throws(() => patched(text, "c", "third", hunk), /one place in third/);
  assert.throws(() => patched(text, "c", "second", "     case A:\n+    case C:\n"), /one place in second/);
});
