// SPDX-License-Identifier: Apache-2.0
//
// What the device remembers is what its storage says: other pages write there, too. The page's own memory
// serves for what the storage did not take, and for nothing else.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { boards, forget, known, remember } from "../../build/web-node/views.mjs";

const KEY = "easel.board.";
const refuse = () => {
  throw new Error("no storage");
};

/** The browser's storage: its keys, and what may be done with them. */
function storage() {
  const define = (name, value) => Object.defineProperty(fresh, name, { value, enumerable: false, writable: true });
  const fresh = {};
  define("getItem", (key) => fresh[key] ?? null);
  define("setItem", (key, value) => (fresh[key] = value));
  define("removeItem", (key) => delete fresh[key]);
  Object.defineProperty(globalThis, "localStorage", { value: fresh, configurable: true });
  return fresh;
}
const names = () => boards().map(({ board }) => board);

beforeEach(() => {
  storage();
  for (const board of ["one", "two"]) forget(board);
});

test("a board that another page forgot is forgotten here, too, and comes back as somebody new", () => {
  const { session } = remember("one", { token: "own" });
  delete localStorage[`${KEY}one`];
  assert.equal(known("one"), null);
  assert.deepEqual(names(), []);
  const again = remember("one", { name: "One" });
  assert.equal(again.token, "");
  assert.notEqual(again.session, session);
});

test("what another page wrote counts", () => {
  remember("one", { token: "draw" });
  localStorage[`${KEY}one`] = JSON.stringify({ ...known("one"), token: "own" });
  assert.equal(known("one").token, "own");
});

test("what the storage does not take is remembered as long as the page, over what it took before", () => {
  remember("one", { token: "draw" });
  localStorage.setItem = refuse; // it is full
  remember("one", { token: "own" });
  remember("two", { token: "watch" });
  assert.equal(known("one").token, "own");
  assert.deepEqual(names().sort(), ["one", "two"]);
  forget("two");
  assert.deepEqual(names(), ["one"]);
});

test("once the storage takes it, it is the storage's alone", () => {
  const taking = localStorage.setItem;
  localStorage.setItem = refuse;
  remember("one", { token: "own" });
  localStorage.setItem = taking;
  remember("one", { name: "One" });
  delete localStorage[`${KEY}one`];
  assert.equal(known("one"), null);
});

test("where there is no storage the page remembers by itself", () => {
  Object.defineProperty(globalThis, "localStorage", { get: refuse, configurable: true });
  remember("one", { token: "own" });
  assert.equal(known("one").token, "own");
  assert.deepEqual(names(), ["one"]);
  forget("one");
  assert.deepEqual(names(), []);
});
