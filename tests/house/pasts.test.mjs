// SPDX-License-Identifier: Apache-2.0
//
// Each item about a board says which past it is of (DESIGN D34): after a backup was restored, epochs, terms and offsets
// can have the very numbers that they had in the log that is gone. A question need not say it, since its answer does,
// and an answer that only counts by its nonce.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "./graph.mjs";

const QUESTIONS = ["create", "created", "look", "open", "read"];

/** The items about a board in a text like messages.def, with the names of their fields. */
function itemsIn(def) {
  const items = new Map([...def.matchAll(/^BOARD_ITEM\((\w+),/gm)].map(([, name]) => [name, []]));
  for (const [, name, field] of def.matchAll(/^[A-Z_]+\((\w+), (\w+), [A-Z]+, \w+, \w+\)$/gm)) items.get(name)?.push(field);
  return items;
}

const withoutPast = (def) => [...itemsIn(def)].filter(([, fields]) => !fields.includes("incarnation")).map(([name]) => name);

test("each item about a board says of which past it is", () => {
  const def = readFileSync(join(ROOT, "proto/messages.def"), "utf8");
  assert.ok(itemsIn(def).size > 20, "there are such items");
  assert.deepEqual(withoutPast(def).sort(), QUESTIONS);
});

test("one that does not say it is found", () => {
  const def = "BOARD_ITEM(erase, 99, b, g)\nFIELD(erase, epoch, UINT, 1, OFFSET_MAX)\nEND(erase)\n";
  assert.deepEqual(withoutPast(def), ["erase"]);
});
