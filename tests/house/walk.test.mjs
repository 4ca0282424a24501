// SPDX-License-Identifier: Apache-2.0
//
// docs/WALK.md names functions as file:function. Each is defined there.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "./graph.mjs";

const read = (file) => readFileSync(join(ROOT, file), "utf8");

/** [file, function], as a text names them. */
const places = (text) => [...text.matchAll(/`([\w./-]+\.(?:c|h|ts|mjs)):(#?\w+)`/g)].map(([, file, name]) => [file, name]);

/** In C a function begins at the margin and has a body; in TypeScript it is a function, a method or a getter. */
function isDefined(file, name, text) {
  if (/\.[ch]$/.test(file)) return new RegExp(`^[a-z][\\w *]*\\b${name}\\([^;{]*\\)\\n\\{`, "m").test(text);
  const method = `^ +(?:get |async )*${name}\\([^;]*\\{$`;
  return new RegExp(`^(?:export )?(?:async )?function ${name}\\(|${method}`, "m").test(text);
}

const lost = (text) =>
  places(text).filter(([file, name]) => !existsSync(join(ROOT, file)) || !isDefined(file, name, read(file))).map((place) => place.join(":"));

test("each function that the walk names is there", () => {
  const text = read("docs/WALK.md");
  assert.ok(places(text).length > 60, "it names some");
  assert.deepEqual(lost(text), []);
});

test("each that is no longer there, or called elsewhere only, is found", () => {
  const dead = ["gateway/core/client.c:client_massage", "gateway/core/clients.c:join", "gateway/core/client.c:session_keep",
    "board-service/main.c:outbox_next", "gateway/web/net/client.ts:#dawdle", "gateway/web/ui/stage.ts:draw"];
  assert.deepEqual(lost(dead.map((place) => `\`${place}\``).join(" and ")), dead);
});
