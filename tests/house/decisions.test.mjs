// SPDX-License-Identifier: Apache-2.0
//
// Each decision of common/trace.def is told at some place of a core, by TRACE(core, board, kind, ...). (That each one
// told is defined, with so many numbers, is the compiler's to say.)

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cFiles, ROOT } from "./graph.mjs";

const read = (file) => readFileSync(join(ROOT, file), "utf8");
const CORES = Object.keys(cFiles()).filter((file) => /^(board-service|gateway\/core|history-service)\/.*\.c$/.test(file)).map(read).join("\n");
const kinds = (def) => [...def.matchAll(/^DECISION\((\w+), [1-3], "([^"\n]+)"\)$/gm)].map(([, kind]) => kind);
const places = (code) => new Set([...code.matchAll(/\bTRACE\(\s*[^,]+,\s*[^,]+,\s*(\w+),/g)].map(([, kind]) => kind));
const untold = (def, code) => kinds(def).filter((kind) => !places(code).has(kind));

test("each decision is told somewhere, and defined once", () => {
  const def = read("common/trace.def");
  assert.ok(kinds(def).length >= 40, "there are some");
  assert.equal(kinds(def).length, def.match(/^DECISION/gm).length, "each is one line, of the form that the others have");
  assert.equal(new Set(kinds(def)).size, kinds(def).length);
  assert.deepEqual(untold(def, CORES), []);
});

test("one that nobody tells is found", () => {
  const def = 'DECISION(frame_lost, 2, "frame % of term % is lost")\nDECISION(frame_eaten, 1, "frame % is eaten")\n';
  assert.deepEqual(untold(def, CORES), ["frame_eaten"]);
});
