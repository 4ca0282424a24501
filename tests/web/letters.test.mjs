// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import test from "node:test";
import { letterOf } from "../../build/web-node/views.mjs";

const letter = (key, code) => letterOf({ key, code });

test("a Latin layout counts by letter, wherever the key lies", () => {
  assert.equal(letter("Z", "KeyY"), "z"); // German
  assert.equal(letter("p", "KeyR"), "p"); // Dvorak
  assert.equal(letter("ö", "Semicolon"), "ö"); // not what lies there elsewhere
});

test("other layouts count by the place of the key", () => {
  assert.equal(letter("з", "KeyP"), "p"); // Cyrillic
  assert.equal(letter("ζ", "KeyZ"), "z"); // Greek
  assert.equal(letter("٣", "Digit3"), "3"); // Arabic
  assert.equal(letter("х", "BracketLeft"), "[");
});

test("a layout without brackets has them by place", () => {
  assert.equal(letter("ü", "BracketLeft"), "[");
  assert.equal(letter("+", "BracketRight"), "+", "but what it writes goes first");
});

test("keys with names keep them", () => {
  assert.equal(letter("Escape", "Escape"), "Escape");
  assert.equal(letter(" ", "Space"), " ");
});
