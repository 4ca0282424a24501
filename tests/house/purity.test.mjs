// SPDX-License-Identifier: Apache-2.0
//
// The cores, and all that they are linked with, ask the system for nothing but memory: no file, no socket, no clock,
// no randomness, no log; and they keep nothing between two calls but in what they are given. Which files these are,
// CMake says: those of the libraries below. Needs build/dev.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { objects, ROOT } from "./graph.mjs";

const PURE = ["easel-proto", "easel-common", "easel-board-core", "easel-gateway-core", "easel-history-core"];

/** Of the C library: each gives the same for the same, but for memory. */
const ALLOWED = new Set([
  "abort", "calloc", "free", "realloc", "reallocarray", "memchr", "memcmp", "memcpy", "memmove", "memset", "qsort",
  "strchr", "strcmp", "strtoul", "strcspn", "strlen", "strncmp", "strnlen", "strspn", "strstr", "__ctype_b_loc", "tolower",
  "snprintf", "vsnprintf", "floor", "fmax", "ntohl", "ntohs",
  "check_failed", // common/checks.c; the simulator has one of its own
  "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail", "__errno_location", // the compiler's
]);

/** [file, symbol]: what a file may besides, and why. */
const BESIDES = {
  "buf.c": ["fprintf", "stderr"], // the last words of a process that gets no memory
  "hash.c": ["key"], // of this process: set once, before there is a core
};

/** {asks, has, keeps}: the symbols of an object; what it keeps may be written while it runs. */
function symbols(object) {
  const ret = { asks: [], has: [], keeps: [] };
  for (const line of execFileSync("nm", ["--format=sysv", object], { encoding: "utf8" }).split("\n")) {
    const [name, , kind, , , , section] = line.split("|").map((word) => word.trim());
    if (!section) continue;
    if (kind.toUpperCase() === "U") ret.asks.push(name.replace(/^__isoc\d+_/, "")); // as newer ones call the same
    else if (kind === kind.toUpperCase()) ret.has.push(name);
    if (/^\.(data|bss|tbss|tdata)$|^\*COM\*$/.test(section)) ret.keeps.push(name.replace(/\.\d+$/, ""));
  }
  return ret;
}

/** "file: symbol" of all that is not pure in {file: object}. */
function impure(files) {
  const all = Object.entries(files).map(([file, object]) => [file, symbols(object)]);
  const own = new Set(all.flatMap(([, { has }]) => has));
  const may = (file, name) => ALLOWED.has(name) || BESIDES[basename(file)]?.includes(name);
  return all.flatMap(([file, { asks, keeps }]) =>
    [...asks.filter((name) => !own.has(name)), ...keeps].filter((name) => !may(file, name)).map((name) => `${file}: ${name}`));
}

const pure = Object.fromEntries(objects().filter(({ target }) => PURE.includes(target)).map(({ file, object }) => [file, object]));

test("the cores ask the system for nothing but memory, and have no state of their own", () => {
  for (const part of ["board-service/owner.c", "gateway/core/pull.c", "history-service/history_core.c", "common/outbox.c", "proto/wire.c"])
    assert.ok(pure[part], part);
  assert.deepEqual(impure(pure), []);
});

test("nothing is allowed that nobody needs any more", () => {
  const asked = new Set(Object.values(pure).flatMap((object) => { const { asks, keeps } = symbols(object); return [...asks, ...keeps]; }));
  for (const [file, names] of Object.entries(BESIDES)) assert.deepEqual(names.filter((name) => !asked.has(name)), [], file);
});

test("a clock, a log, randomness and a global are found", () => {
  const dir = mkdtempSync(join(tmpdir(), "easel-purity-"));
  after(() => rmSync(dir, { recursive: true }));
  const source = join(dir, "planted.c"), object = join(dir, "planted.o");
  writeFileSync(source, `#include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <time.h>
    static unsigned calls;
    const char *const words[] = {"fine"};
    unsigned planted(const char *x)
    {
        puts(x);
        return (unsigned)time(NULL) + (unsigned)rand() + (unsigned)strlen(x) + ++calls;
    }`);
  execFileSync("cc", ["-fPIE", "-c", source, "-o", object]);
  assert.deepEqual(impure({ ...pure, "gateway/core/planted.c": object }).sort(),
    ["calls", "puts", "rand", "time"].map((name) => `gateway/core/planted.c: ${name}`));
});

test("the libraries that are checked are all that a core is linked with", () => {
  const links = (file) => [...readFileSync(join(ROOT, file), "utf8").matchAll(/^target_link_libraries\((easel-[\w-]+) (?:PUBLIC|PRIVATE) ([^)]*)\)/gm)];
  const needs = ["proto", "common", "board-service", "gateway", "history-service"].flatMap((part) => links(`${part}/CMakeLists.txt`))
    .filter(([, target]) => PURE.includes(target)).flatMap(([, , what]) => what.split(/\s+/)).filter((name) => /^\w/.test(name));
  assert.deepEqual([...new Set(needs)].filter((name) => !PURE.includes(name)).sort(), ["easel-checks", "m"]);
});
