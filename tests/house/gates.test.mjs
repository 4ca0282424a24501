// SPDX-License-Identifier: Apache-2.0
//
// How large things may be: a file, a function of the product's C, and the ways through one (its cyclomatic
// complexity: one, and one more for each place where the way parts).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT, tracked } from "./graph.mjs";

const FILE_LINES = 700;
const FUNCTION_LINES = 60;
const WAYS = 15;

const read = (files) => new Map(files.map((file) => [file, readFileSync(join(ROOT, file), "utf8")]));
const lines = (text) => text.split("\n").length - 1;

const tooLong = (files) => [...files].filter(([, text]) => lines(text) > FILE_LINES).map(([file, text]) => `${file}: ${lines(text)} lines`);

/** Without comments, and without what is quoted. */
const bare = (text) => text.replace(/\/\*[^]*?\*\/|\/\/.*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'/g, (found) => found.replace(/[^\n]/g, " "));

/** {name, lines, ways} of each function: our format has its name at the margin, and its braces alone there. */
function functions(text) {
  return [...bare(text).matchAll(/^(?:__attribute__\(\(.*\)\) )?[a-z][\w *]*?\b(\w+)\([^;{}]*\)\n\{\n[^]*?\n\}$/gm)].map(([whole, name]) => ({
    name,
    lines: lines(whole) + 1,
    ways: 1 + (whole.match(/\b(?:if|for|while|case|[A-Z]+_FOREACH\w*)\b|&&|\|\||\?/g) ?? []).length,
  }));
}

const tooLarge = (files) =>
  [...files].flatMap(([file, text]) =>
    functions(text).filter((one) => one.lines > FUNCTION_LINES || one.ways > WAYS).map((one) => `${file}: ${one.name}: ${one.lines} lines, ${one.ways} ways`));

const product = read(tracked(/\.[ch]$/));

test(`no file has more than ${FILE_LINES} lines`, () => {
  const files = read(tracked(/\.([ch]|ts|m?js|py|sh)$/, ["."]));
  assert.ok(files.size > 250, "there are some");
  assert.deepEqual(tooLong(files), []);
});

test(`no function of the product has more than ${FUNCTION_LINES} lines, or ${WAYS} ways through it`, () => {
  const all = [...product].flatMap(([, text]) => functions(text));
  assert.ok(all.length > 1000, `functions are found: ${all.length}`);
  assert.deepEqual(tooLarge(product), []);
});

test("a file and functions that are too large are found", () => {
  const body = (statement, times) => `static int planted(int x)\n{\n${`    ${statement}\n`.repeat(times)}}\n`;
  const planted = (text) => new Map([["common/planted.c", text]]);
  assert.deepEqual(tooLong(planted("x\n".repeat(701))), ["common/planted.c: 701 lines"]);
  assert.deepEqual(tooLong(planted("x\n".repeat(700))), []);
  assert.deepEqual(tooLarge(planted(body("x++;", 58))), ["common/planted.c: planted: 61 lines, 1 ways"]);
  assert.deepEqual(tooLarge(planted(body("x++;", 57))), []);
  assert.deepEqual(tooLarge(planted(body("if (x && x > 1)", 7) + body("x++;", 1))), []);
  assert.deepEqual(tooLarge(planted(body("x = x ? 1 : 2; // or is it?", 14))), []);
  assert.deepEqual(tooLarge(planted(body("LIST_FOREACH (x, y, z) /* if */", 15))), ["common/planted.c: planted: 18 lines, 16 ways"]);
});
