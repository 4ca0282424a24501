// SPDX-License-Identifier: Apache-2.0
//
// A private header begins with the map of its module: the files that share it. Each of these calls only what stands
// below it, and nobody else sees the header, also not through another one. Needs build/dev.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { cFiles, cTests, includes, ROOT } from "./graph.mjs";

const graph = cFiles();
const seen = includes([...Object.keys(graph), ...cTests()]);
const headers = Object.keys(graph).filter((file) => file.endsWith("_private.h"));
const mapOf = (header) =>
  [...readFileSync(join(ROOT, header), "utf8").split("*/")[0].matchAll(/^ \*   (\w+\.c) /gm)].map(([, file]) => join(dirname(header), file));

/** What a file of the map calls that does not stand below it. */
const upwards = (map) =>
  map.flatMap((file, floor) => [...(graph[file] ?? [])].filter((other) => map.slice(0, floor).includes(other)).map((other) => `${file} -> ${other}`));

/** Files that see a header, by way of others, too. */
function viewers(header, all = seen) {
  const found = new Set();
  const visit = (of) => Object.keys(all).filter((file) => all[file].has(of) && !found.has(file)).forEach((file) => (found.add(file), visit(file)));
  visit(header);
  return [...found];
}

/** Those whom the header is not for: neither a file of the module, nor its header, nor a unit test named after one. */
function strangers(header, map, all = seen) {
  const modules = [header.replace("_private.h", ".c"), ...map].map((file) => basename(file, ".c"));
  const own = (file) => map.includes(file.replace(/\.h$/, ".c")) || modules.some((name) => file === `tests/unit/test_${name}.c`);
  return viewers(header, all).filter((file) => !own(file));
}

test("there are private headers", () => assert.ok(headers.length >= 6, headers.join()));

for (const header of headers) {
  const map = mapOf(header);

  test(`${header}: its map has all files that see it, which stand in floors`, () => {
    assert.deepEqual(map.filter((file) => !seen[file]), [], "each is there");
    assert.deepEqual(map.filter((file) => !viewers(header).includes(file)), [], "each needs it");
    assert.deepEqual(strangers(header, map), []);
    assert.deepEqual(upwards(map), []);
  });

  test(`${header}: a map that stands on its head is found, and a stranger who looks in by a back door`, () => {
    assert.notDeepEqual(upwards([...map].reverse()), []);
    const planted = { ...seen, "common/planted.h": new Set([header]), "gateway/planted.c": new Set(["common/planted.h"]) };
    assert.deepEqual(strangers(header, map, planted), ["common/planted.h", "gateway/planted.c"]);
  });
}

/** Has it structs or functions that some file must own? */
const owned = (text) => /^(struct \w+ \{|[a-z][\w *]+\([^{}]*\)[^{}]*;)/m.test(text);

test("a header that shares structs or functions is private, or that of one file", () => {
  const lone = Object.keys(graph).filter((file) => file.endsWith(".h") && !headers.includes(file) && !graph[file.replace(/\.h$/, ".c")]);
  assert.deepEqual(lone.filter((file) => owned(readFileSync(join(ROOT, file), "utf8"))), []);
  assert.ok(headers.every((file) => owned(readFileSync(join(ROOT, file), "utf8"))), "what they have would be found");
});
