// SPDX-License-Identifier: Apache-2.0
//
// The maps at the head of core.h, board.h and shell.h: each file of the folder is in its map, and calls only what
// stands below it. Needs build/dev.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { cFiles, ROOT } from "./graph.mjs";

const graph = cFiles();
const mapOf = (header) =>
  [...readFileSync(join(ROOT, header), "utf8").split("*/")[0].matchAll(/^ \*   (\w+\.c) /gm)].map(([, file]) => file);
const users = (header) => Object.keys(graph).filter((file) => file.endsWith(".c") && graph[file].has(header)).map((file) => basename(file));

/** What a file of the map calls that does not stand below it. */
function upwards(header, map) {
  const below = (file) => map.slice(map.indexOf(file) + 1);
  return map.flatMap((file) =>
    [...graph[join(dirname(header), file)]].filter((path) => dirname(path) === dirname(header)).map((path) => basename(path))
      .filter((other) => map.includes(other) && !below(file).includes(other)).map((other) => `${file} -> ${other}`));
}

for (const header of ["gateway/core/core.h", "board-service/board.h", "gateway/shell/shell.h"]) {
  test(`${header}: its map has all files, and stands in floors`, () => {
    const map = mapOf(header);
    assert.deepEqual(users(header).filter((file) => !map.includes(file)), []);
    assert.deepEqual(map.filter((file) => !graph[join(dirname(header), file)]), []);
    assert.deepEqual(upwards(header, map), []);
  });

  test(`${header}: a map that stands on its head is found`, () => {
    assert.notDeepEqual(upwards(header, mapOf(header).reverse()), []);
  });
}
