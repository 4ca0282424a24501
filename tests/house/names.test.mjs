// SPDX-License-Identifier: Apache-2.0
//
// One name means one thing wherever it can be met. Each program is a world of its own, with proto/ and common/ in
// it: a board is another thing to a gateway than to history, and no file sees both. So:
//  - a struct, enum or union, a constant and a macro have one meaning within a program;
//  - functions that other files may call have one name in all the product, since the simulator links the three cores;
//  - a static function is local speech, and may be called like another file's static one (`end`, `find`), but not
//    like a function that its program could call; and two that also say the same belong together.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT, tracked } from "./graph.mjs";

const SHARED = ["proto", "common"];
const PROGRAMS = ["gateway", "board-service", "history-service"];

const bare = (text) => text.replace(/\/\*[^]*?\*\//g, " ").replace(/__attribute__\(\((?:[^()]|\([^()]*\))*\)\)\s*/g, "");
const plain = (text) => text.replace(/\s+/g, " ").trim();

/** {kind, name, what, file} of all that a file defines. */
function* definitions(file, whole) {
  const text = bare(whole);
  for (const [, kind, name] of text.matchAll(/\b(struct|enum|union) (\w+) \{/g)) yield { kind: "type", name, what: `${kind} in ${file}`, file };
  for (const [, body] of text.matchAll(/\benum(?: \w+)? \{([^}#]*)\}/g))
    for (const [, name] of body.matchAll(/(?:^|,)\s*([A-Za-z_]\w*)/g)) yield { kind: "constant", name, what: `enum in ${file}`, file };
  for (const [, name, value] of text.matchAll(/^ *# *define (\w+)(?!\()[ \t]+(.+(?:\\\n.*)*)$/gm)) yield { kind: "constant", name, what: plain(value), file };
  for (const [, before, name, rest] of text.matchAll(/^(?!#)([a-z][\w *]*?)\b(\w+)(\([^;{}]*\)\n\{[^]*?\n\})$/gm))
    yield { kind: /\bstatic\b/.test(before) ? "static" : "function", name, what: plain(rest), file };
}

const part = (file) => file.split("/")[0];
const areOfOneProgram = (a, b) => part(a.file) === part(b.file) || SHARED.includes(part(a.file)) || SHARED.includes(part(b.file));
const statements = (body) => body.split(";").length - 1;

/** Why two definitions of one name are one too many; or nothing. */
function clash(a, b) {
  const kinds = [a.kind, b.kind].sort().join();
  if (kinds === "function,function") return a.name !== "main";
  if (kinds === "static,static") return a.file !== b.file && a.what === b.what && statements(a.what) > 1;
  if (!areOfOneProgram(a, b)) return false;
  if (kinds === "function,static") return true;
  if (a.file === b.file) return false; // with an #else between them, or the compiler would say so
  return a.kind === b.kind && a.what !== b.what;
}

function clashes(files) {
  const all = new Map();
  for (const [file, text] of files)
    for (const one of definitions(file, text)) all.set(one.name, [...(all.get(one.name) ?? []), one]);
  return [...all].flatMap(([name, ones]) =>
    ones.flatMap((a, i) => ones.slice(i + 1).filter((b) => clash(a, b)).map((b) => `${name}: ${a.kind} in ${a.file}, ${b.kind} in ${b.file}`)));
}

const product = new Map(tracked(/\.[ch]$/).map((file) => [file, readFileSync(join(ROOT, file), "utf8")]));

test("no name means two things in one program", () => {
  const found = [...product].flatMap(([file, text]) => [...definitions(file, text)]);
  for (const [kind, least] of [["type", 150], ["constant", 150], ["function", 500], ["static", 800]])
    assert.ok(found.filter((one) => one.kind === kind).length > least, kind);
  assert.ok(PROGRAMS.every((one) => found.some(({ kind, name, file }) => kind === "type" && name === "board" && part(file) === one)), "each has its board");
  assert.deepEqual(clashes(product), []);
});

test("names that mean two things are found", () => {
  const clashing = (...texts) => clashes(new Map(texts.map(([file, text]) => [file, text]))).length;
  const types = (a, b) => clashing([a, "struct planted {\n    int x;\n};\n"], [b, "struct planted {\n    int y;\n};\n"]);
  assert.equal(types("gateway/core/a.h", "gateway/shell/b.c"), 1);
  assert.equal(types("common/a.c", "gateway/b.c"), 1);
  assert.equal(types("gateway/core/a.h", "history-service/b.h"), 0, "other programs");

  const macros = (a, b) => clashing(["gateway/a.c", `#define PLANTED_MAX ${a}\n`], ["common/b.c", `#define PLANTED_MAX ${b}\n`]);
  assert.equal(macros("1u /* one */", "2u"), 1);
  assert.equal(macros("1u /* one */", "1u"), 0);
  assert.equal(clashing(["gateway/a.c", "enum a { PLANTED, OTHER };\n"], ["gateway/b.c", "#define PLANTED 1\n"]), 1);

  const functions = (a, b, other = "board-service/b.c") =>
    clashing(["gateway/a.c", `${a} planted(int x)\n{\n    x++;\n    return x;\n}\n`], [other, `${b} planted(int x)\n{\n    x++;\n    return x;\n}\n`]);
  assert.equal(functions("int", "int"), 1);
  assert.equal(functions("int", "static int"), 0, "cannot be mistaken");
  assert.equal(functions("int", "static int", "common/b.c"), 1);
  assert.equal(functions("static int", "static int"), 1, "says the same");
  assert.equal(clashing(["gateway/a.c", "static int planted(int x)\n{\n    return x;\n}\n"], ["common/b.c", "static int planted(int x)\n{\n    return -x;\n}\n"]), 0);
});
