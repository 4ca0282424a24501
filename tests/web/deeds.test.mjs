// SPDX-License-Identifier: Apache-2.0
//
// What who owns the board wants done is said until it is done, and no longer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, live, ME, start, welcome } from "./live.mjs";

const KNOWS = { features: 3, role: 2 };
const rules = (more = {}) => ({ kind: "rules", rules: 0, member: ME, what: 0, flags: 0, name: "", removed: [], outside: [], ...more });
const state = (more = {}) => ({ kind: "state", holder: "ben", instance: 7, term: 5, grace_ms: 0, pass_ms: 0, members: [], ...more });

/** An owner who is there; `deeds()`: what was said since it was asked last. */
function owner() {
  const it = start();
  it.last().opens();
  it.last().says(welcome(KNOWS));
  const kinds = ["set", "rename", "remove", "let_in", "end_links", "give", "refuse"];
  const deeds = () => it.last().sent.splice(0).filter(({ kind }) => kinds.includes(kind));
  deeds();
  return { ...it, deeds, failed: new Promise((resolve) => (it.client.deeds.onFailed = resolve)) };
}

test("a deed is said again every second, until the rules show it", async () => {
  const { client, last, deeds } = owner();
  client.deeds.set(1, true);
  assert.deepEqual(deeds(), [{ kind: "set", rules: 0, flags: 1 }]);
  await clock.pass(2_500);
  assert.equal(deeds().length, 2);
  last().says(rules({ rules: 9, flags: 1 }));
  await clock.pass(5_000);
  assert.deepEqual(deeds(), []);
  assert.equal(client.deeds.busy, false);
});

test("a deed that came too late is decided anew on the newer rules", async () => {
  const { client, last, deeds } = owner();
  last().says(rules({ rules: 4, flags: 2 }));
  client.deeds.set(1, true);
  assert.deepEqual(deeds(), [{ kind: "set", rules: 4, flags: 3 }]);
  last().says(rules({ rules: 6, flags: 8, member: "otto" })); // the owner's other device was faster
  await clock.pass(1_000);
  assert.deepEqual(deeds(), [{ kind: "set", rules: 6, flags: 9 }]);
});

test("one deed after the other, at once when the one before is done", () => {
  const { client, last, deeds } = owner();
  client.deeds.remove("ben");
  client.deeds.set(1, true);
  assert.deepEqual(deeds(), [{ kind: "remove", rules: 0, member: "ben" }]);
  last().says(rules({ rules: 9, what: 16, removed: [{ member: "ben", name: "Ben" }] }));
  assert.deepEqual(deeds(), [{ kind: "set", rules: 9, flags: 1 }]);
});

test("links are ended once, whoever else rules meanwhile", async () => {
  const { client, last, deeds } = owner();
  client.deeds.endLinks(3);
  assert.deepEqual(deeds(), [{ kind: "end_links", rules: 0, roles: 3 }]);
  last().says(rules({ rules: 9, what: 18 }));
  await clock.pass(3_000);
  assert.deepEqual(deeds(), []);
});

test("the pen is given in the term that was seen, and to nobody else who got it meanwhile", async () => {
  const { client, last, deeds } = owner();
  last().says(state());
  client.deeds.give("ana");
  assert.deepEqual(deeds(), [{ kind: "give", term: 5, to: "ana" }]);
  last().says(state({ term: 8, holder: "cat" }));
  await clock.pass(3_000);
  assert.deepEqual(deeds(), []);
});

test("who asks is refused until they stand in the line no longer", async () => {
  const { client, last, deeds } = owner();
  const ana = { member: "ana", name: "Ana", role: 1, flags: 0, line: 1 };
  last().says(state({ members: [ana] }));
  client.deeds.refuse("ana");
  await clock.pass(1_500);
  assert.deepEqual(deeds(), Array(2).fill({ kind: "refuse", term: 5, member: "ana" }));
  last().says(state({ members: [{ ...ana, line: 0 }] }));
  await clock.pass(3_000);
  assert.deepEqual(deeds(), []);
});

test("what is not done for long has failed, and what was to follow with it", async () => {
  const { client, deeds, failed } = owner();
  client.deeds.remove("ben");
  client.deeds.remove("cat");
  await clock.pass(20_000);
  await failed;
  deeds();
  await clock.pass(5_000);
  assert.deepEqual(deeds(), []);
});

test("what it knew of the rules before a reconnect counts no longer", () => {
  const { client, last } = owner();
  last().says(rules({ rules: 9, flags: 5 }));
  last().says(welcome(KNOWS));
  assert.deepEqual([client.deeds.told.rules, client.deeds.told.flags], [0, 0]);
});

test("of a link that it ended itself it goes on with the new one", async () => {
  const { client, last, sockets } = owner();
  let token = "";
  client.onToken = (now) => (token = now);
  last().says({ kind: "token", token: "the new one" });
  assert.equal(token, "the new one");
  last().breaks();
  await clock.pass(1_000);
  last().opens();
  assert.equal(sockets.length, 2);
  assert.equal(last().sent[0].token, "the new one");
});

for (const [code, close, end] of [["removed", 4403, "removed"], ["ended", 4403, "linkended"], ["forbidden", 4403, "forbidden"]])
  test(`whoever is told ${code} does not come again by itself`, async () => {
    const { client, last, sockets } = live();
    last().says({ kind: "error", code, sentence: "No.", frame: 0 });
    last().breaks(close);
    await clock.pass(60_000);
    assert.deepEqual([client.end, sockets.length], [end, 1]);
  });

test("who finds the door closed tries again every 5 s, since somebody sees who waits", async () => {
  const { client, last, sockets } = live();
  last().says({ kind: "error", code: "closed", sentence: "The door is closed.", frame: 0 });
  last().breaks(4423);
  assert.deepEqual([client.closed, client.full, client.phase], [true, false, "waiting"]);
  await clock.pass(5_000);
  assert.equal(sockets.length, 2);
});
