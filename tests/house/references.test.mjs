// SPDX-License-Identifier: Apache-2.0
//
// What comments and documents refer to is there: sections, rules and promises by their numbers, links and their
// anchors, files, settings, and what make can be asked for. And each rule of DESIGN.md has what guards it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { ROOT } from "./graph.mjs";

const ALL = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: ROOT, encoding: "utf8" }).trim().split("\n");
const TEXTS = ALL.filter((file) => /(\.(c|h|def|ts|mjs|py|sh|md|css|html)|CMakeLists\.txt|Makefile|Dockerfile)$/.test(file));
const read = (file) => readFileSync(join(ROOT, file), "utf8");
const files = new Map(TEXTS.map((file) => [file, read(file)]));
const self = "tests/house/references.test.mjs"; // names what is not there

// ---- what there is ------------------------------------------------------------------------------

const DOCS = { DESIGN: files.get("docs/DESIGN.md"), PROTOCOL: files.get("proto/PROTOCOL.md") };
const each = (text, pattern) => [...text.matchAll(pattern)].map(([, found]) => found);
const sections = Object.fromEntries(Object.entries(DOCS).map(([name, text]) => [name, new Set(each(text, /^## (\d+)\. /gm))]));
const rules = new Set(Object.values(DOCS).flatMap((text) => each(text, /\*\*\[([A-Z]\d+)\]\*\*/g)));
const promises = new Set(each(DOCS.DESIGN, /^- \*\*(P\d)\*\* /gm));
const names = new Set(ALL.map((file) => basename(file)));
const folders = new Set(ALL.flatMap((file) => { const ret = []; for (let at = dirname(file); at !== "."; at = dirname(at)) ret.push(at); return ret; }));
const targets = new Set(files.get("Makefile").match(/^\.PHONY: .*$|^PARTS := .*$|^[a-z][\w-]*(?=:)/gm).join(" ").match(/[a-z][\w-]*/g));
const elsewhere = [...files].filter(([file]) => !file.endsWith(".md") && file !== self).map(([, text]) => text).join("\n") +
  ALL.filter((file) => /\.(env|yaml)$/.test(file)).map(read).join("\n");

/** Not in the tree: made by builds, or the system's. */
const MADE = /^((messages|errors|limits)\.gen\.ts|client\.mjs|(limits|sysexits|queue|stdint)\.h)$/;
const TOP = "docs|proto|tests|scripts|common|gateway|board-service|history-service|k8s";

/** Headings, as links name them. */
const anchors = (text) =>
  new Set(each(withoutCode(text), /^#+ (.+)$/gm).map((heading) => heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")));
const withoutCode = (text) => text.replace(/^```[^]*?^```$/gm, "").replace(/`[^`\n]*`/g, "``");

/** What people read of a file: documents whole, of code the comments. */
function prose(file, text) {
  if (file.endsWith(".md") || file.endsWith(".def")) return text.replace(/^```diff[^]*?^```$/gm, "");
  if (/\.(c|h|ts|mjs|css)$/.test(file)) return (text.match(/\/\*[^]*?\*\/|(?<=^|\s)\/\/ .*$/gm) ?? []).join("\n");
  return (text.match(/(?<=^|\s)# .*$/gm) ?? []).join("\n");
}

function isThere(path) {
  const plain = path.replace(/[.,:]+$|\/$/g, "");
  const braces = /^(.*)\{(.*)\}(.*)$/.exec(plain);
  if (braces) return braces[2].split(",").every((one) => isThere(braces[1] + one + braces[3]));
  if (plain.includes("*")) {
    const like = new RegExp(`^${plain.replace(/[.+]/g, "\\$&").replaceAll("*", "[^/]*")}$`);
    return ALL.some((file) => like.test(file));
  }
  return ALL.includes(plain) || folders.has(plain) || ALL.includes(`${plain}.test.mjs`);
}

// ---- what is referred to ------------------------------------------------------------------------

function* sectionsCited(file, text) {
  const own = file === "proto/PROTOCOL.md" || file === "proto/errors.def" ? "PROTOCOL" : file === "docs/DESIGN.md" ? "DESIGN" : null;
  for (const { 1: number, index } of text.matchAll(/§(\d+)/g)) {
    const before = text.slice(Math.max(0, index - 45), index).match(/DESIGN|PROTOCOL/g)?.at(-1);
    const document = before ?? own;
    if (!sections[document]?.has(number)) yield `${document ?? "of what?"} §${number}`;
  }
}

function* numbersCited(file, text) {
  for (const id of each(text, /\[([A-Z]\d{1,2})\]/g)) if (!rules.has(id)) yield `[${id}]`;
  if (!/\.(md|c|h|mjs)$/.test(file)) return;
  for (const id of each(text, /(?<![\w+#-])(P\d)(?![\w.])/g)) if (!promises.has(id)) yield id;
  if (file.endsWith(".md")) for (const id of each(withoutCode(text), /(?<![\w+\[-])([DJ]\d{1,2})(?!\w)/g)) if (!rules.has(id)) yield id;
}

function* linksOf(file, text) {
  if (!file.endsWith(".md")) return;
  for (const link of each(withoutCode(text), /\]\(([^()\s]+)\)/g)) {
    if (/^[a-z]+:/.test(link)) continue;
    const [path, anchor] = link.split("#");
    const to = path ? normalize(join(dirname(file), path)) : file;
    if (!isThere(to)) yield link;
    else if (anchor && !anchors(to === file ? text : files.get(to)).has(anchor)) yield link;
  }
}

function* filesNamed(file, text) {
  const paths = new RegExp(`(?<![\\w/.$*}-])(?:\\.\\./)*((?:${TOP})/[\\w./*{},-]*[\\w*}/])`, "g");
  for (const path of each(text, paths)) if (!isThere(path) && !/\/easel-\w+$|^tests\/(load|sim|fuzz)\/\w+$|^k8s\/venv/.test(path)) yield path;
  for (const name of each(text, /(?<![\w/.*$}-])([\w-]{2,}(?:\.(?:test|gen))?\.(?:c|h|mjs|ts|def|md|py|sh))(?![\w-])/g))
    if (!names.has(name) && !MADE.test(name) && !name.includes("NAME")) yield name;
}

function* commandsOf(file, text) {
  if (!file.endsWith(".md")) return;
  for (const target of each(text, /(?:^|`)make ([a-z][\w-]*)/gm)) if (!targets.has(target)) yield `make ${target}`;
  for (const name of each(text, /\b(EASEL_[A-Z_0-9]*[A-Z0-9])\b/g)) if (!elsewhere.includes(name)) yield name;
}

/** "file: what", of all that leads nowhere. */
const dead = (all) =>
  [...all].filter(([file]) => file !== self).flatMap(([file, whole]) => {
    const text = prose(file, whole);
    return [sectionsCited, numbersCited, linksOf, filesNamed, commandsOf]
      .flatMap((find) => [...find(file, text)]).map((what) => `${file}: ${what}`);
  });

// ---- tests --------------------------------------------------------------------------------------

test("nothing that comments and documents refer to is missing", () => {
  assert.ok(rules.size > 60 && promises.size === 6 && sections.DESIGN.size > 10, "there is something to refer to");
  assert.deepEqual(dead(files), []);
});

test("a reference that leads nowhere is found", () => {
  const planted = new Map([
    ["common/planted.c", "/* As DESIGN §99 and [D99] say, P9 is kept by tests/unit/test_planted.c; see planted.h.\n * §3 of what? */\nint x; // PROTOCOL §77"],
    ["docs/PLANTED.md", "[a](NOWHERE) and [b](DESIGN.md#nowhere), (D98), `make planted`, `EASEL_PLANTED`, `gateway/shell/planted.c`"],
    ["tests/service/planted.test.mjs", "// [J99]: tests/service/{pen,planted}.test.mjs"],
  ]);
  assert.deepEqual(dead(planted).sort(), [
    "common/planted.c: DESIGN §99", "common/planted.c: PROTOCOL §77", "common/planted.c: P9", "common/planted.c: [D99]",
    "common/planted.c: of what? §3", "common/planted.c: planted.h", "common/planted.c: tests/unit/test_planted.c",
    "docs/PLANTED.md: D98", "docs/PLANTED.md: DESIGN.md#nowhere", "docs/PLANTED.md: EASEL_PLANTED", "docs/PLANTED.md: NOWHERE",
    "docs/PLANTED.md: gateway/shell/planted.c", "docs/PLANTED.md: make planted",
    "tests/service/planted.test.mjs: [J99]", "tests/service/planted.test.mjs: tests/service/{pen,planted}.test.mjs",
  ].sort());
});

test("what is only named in code, not in a comment, is nobody's reference", () => {
  assert.deepEqual(dead(new Map([["common/planted.c", 'const char *x = "DESIGN §99 [D99] tests/planted.c";']])), []);
});

/** The last table of DESIGN.md: {rule: {tests: [files], switches: [names]}} */
function guards() {
  const ret = {};
  for (const [, which, where, how] of DOCS.DESIGN.split(/^## 16\. /m)[1].matchAll(/^\| (D\d[^|]*) \| ([^|]+) \| ([^|]+) \|$/gm)) {
    const numbers = which.split(", ").flatMap((part) => {
      const [first, last = first] = part.match(/\d+/g).map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => `D${first + i}`);
    });
    const tests = (where.match(/[\w/.-]+\.(?:c|mjs)/g) ?? []).map((file) => (file.includes("/") ? file : `tests/unit/${file}`));
    const switches = how.match(/(?:EASEL|SIM)_\w+/g) ?? [];
    for (const number of numbers) (ret[number] ??= []).push({ tests, switches });
  }
  return ret;
}

test("each rule of the design stands once among the guards, and a test there cites it", () => {
  const table = guards();
  const numbers = (list) => [...list].sort((a, b) => a.slice(1) - b.slice(1));
  assert.deepEqual(numbers(Object.keys(table)), numbers([...rules].filter((id) => id.startsWith("D"))));
  for (const [rule, rows] of Object.entries(table)) {
    assert.equal(rows.length, 1, `${rule} once`);
    const [{ tests }] = rows;
    assert.ok(tests.some((file) => files.get(file).includes(`[${rule}]`)), `a test of ${rule}`);
  }
});

test("each switch of the design is in the simulator's build, and in code", () => {
  const switches = [...new Set(Object.values(guards()).flatMap(([row]) => row.switches))];
  const built = each(files.get("tests/sim/CMakeLists.txt"), /^simulator\(\w+ (\w+)\)$/gm);
  assert.deepEqual(switches.sort(), built.sort());
  const code = [...files].filter(([file]) => /\.[ch]$/.test(file)).map(([, text]) => text).join("\n");
  for (const name of switches) assert.ok(new RegExp(`^#ifn?def ${name}\\b.*\\[D\\d+\\]`, "m").test(code), `${name} says which rule it turns off`);
});
