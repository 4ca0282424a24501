// SPDX-License-Identifier: Apache-2.0
//
// A limit stands in proto/limits.def and nowhere else: no #define with a number, and no constant of an enum that is
// named like a limit, is in the product's C. And all who read limits.def read the same.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "../../gateway/web/build/limits.mjs";
import { PRODUCT, ROOT } from "./graph.mjs";

/** What is a number and no limit. */
const OTHER = {
  "what stands for none": "NIL NEVER",
  "versions": "BROKER_VERSION BROKER_VERSION_WRITTEN STORE_SCHEMA STORE_SCHEMA_WRITTEN",
  "codes of ours and of others": "EVENT_CODE_LOW EVENT_CODE_HIGH WATCHDOG_EXIT_STATUS CODE_DUPLICATE_KEY CLOSE_LEAVES CLOSE_GOES",
  "channels of a connection, which have numbers": "CHANNEL OWN_CHANNEL REPLAY_CHANNEL SHARD_CHANNEL",
  "the form of a number, a point, a key": "OFFSET_MAX TAG_BITS CHANNEL_BITS GENERATION_BITS DONE_CURSOR BITS_POINTS BITS_PRESSURE POINT_BYTES PRESSURE_POINT_BYTES HIGHLIGHTER_COLOUR KEY_CHARS",
  "how many of a list there are": "TRACE_NUMBERS_MAX ENTRY_RANKS SECONDS_BOUND_COUNT COUNT_BOUND_COUNT STORES EVENTS_COLUMN",
  "units": "TOKEN DAY_MS SECOND_MS",
  "how much a check of an invariant looks at, and allows": "CHECK_FEW ALONE_MAX FRAME_BYTES_MORE",
  "sizes of a struct": "ATTACHMENT_BYTES",
};
const other = new Set(Object.values(OTHER).flatMap((names) => names.split(" ")));
const NAMED_AS_LIMITS = /_(MAX|MIN|LIMIT|MS|US|NS|S|BYTES)$/;

const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", ...PRODUCT], { cwd: ROOT, encoding: "utf8" })
  .split("\n").filter((file) => /\.[ch]$/.test(file));
const all = new Map(files.map((file) => [file, readFileSync(join(ROOT, file), "utf8")]));

/** With digits besides those of text and of names in small letters; what begins with { is a row of a table. */
const isNumber = (value) => !value.startsWith("{") && /\d/.test(value.replace(/"[^"]*"|\b[a-z_]\w*\b/g, ""));

function* numbers(text) {
  const code = text.replace(/\/\*[^]*?\*\//g, "").replace(/\\\n/g, " ");
  for (const [, name, value] of code.matchAll(/^[ \t]*#[ \t]*define[ \t]+([A-Z]\w*)[ \t]+(.*)$/gm)) if (isNumber(value)) yield name;
  for (const [, name] of code.matchAll(/\b([A-Z][A-Z0-9_]*) = \(?[0-9]/g)) if (NAMED_AS_LIMITS.test(name)) yield name;
}
const limitsElsewhere = (sources) =>
  [...sources].flatMap(([file, text]) => [...numbers(text)].filter((name) => !other.has(name)).map((name) => `${file}: ${name}`));

test("no limit stands outside limits.def", () => {
  assert.ok(parse().length > 200, "there are limits at all");
  assert.deepEqual(limitsElsewhere(all), []);
});

test("what is no limit is still there", () => {
  const found = new Set([...all.values()].flatMap((text) => [...numbers(text)]));
  assert.deepEqual([...other].filter((name) => !found.has(name)), []);
});

test("each limit is used", () => {
  const messages = readFileSync(join(ROOT, "proto/messages.def"), "utf8");
  const page = execFileSync("git", ["ls-files", "gateway/web"], { cwd: ROOT, encoding: "utf8" }).split("\n")
    .filter((file) => file.endsWith(".ts")).map((file) => readFileSync(join(ROOT, file), "utf8")).join("\n");
  const used = new Set(([...all.values(), messages, page].join("\n")).match(/\b[A-Z][A-Z0-9_]+\b/g));
  assert.deepEqual(parse().map(({ name }) => name).filter((name) => !used.has(name)), []);
});

test("C, the page and the tables read the same numbers", () => {
  const folder = mkdtempSync(join(tmpdir(), "easel-limits-"));
  const program = `#include <stdio.h>
    #include "limit_values.h"
    #define LIMIT(name, value, unit, who, what) printf("%s %llu\\n", #name, (unsigned long long)name);
    int main(void) {
    #include "limits.def"
    }`;
  execFileSync("cc", ["-x", "c", "-I", join(ROOT, "proto"), "-o", join(folder, "limits"), "-"], { input: program });
  const python = 'import limits; print("".join(f"{name} {value}\\n" for name, value in limits.values().items()), end="")';
  const page = parse().map(({ name, value }) => `${name} ${value}\n`).join("");
  assert.equal(execFileSync(join(folder, "limits"), { encoding: "utf8" }), page);
  assert.equal(execFileSync("python3", ["-B", "-c", python], { cwd: join(ROOT, "proto"), encoding: "utf8" }), page);
  rmSync(folder, { recursive: true });
});

test("a limit that somebody puts elsewhere is found", () => {
  const planted = new Map([
    ["a.c", "#define WAIT_MS UINT64_C(20) /* so long */\n#define ROOM (4u << 10)\n#define NAMES_MAX \\\n    16\n"],
    ["b.h", "enum { LINES_MAX = 40 };\nstatic const unsigned PAUSE_MS = 5;\n#define NIL UINT64_MAX\nenum flag { FLAG_ONE = 1 };\n"],
  ]);
  assert.deepEqual(limitsElsewhere(planted), ["a.c: WAIT_MS", "a.c: ROOM", "a.c: NAMES_MAX", "b.h: LINES_MAX", "b.h: PAUSE_MS"]);
});
