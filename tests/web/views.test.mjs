// SPDX-License-Identifier: Apache-2.0
//
// What the page says about the pen and the connection, and what it makes of what people type.
import assert from "node:assert/strict";
import test from "node:test";
import { cleanName, parseCode, parseJoin, penView, showCode, StatusView } from "../../build/web-node/views.mjs";

// ---- the pen -----------------------------------------------------------------------------------

const member = (id, name, more = {}) => ({ member: id, name, role: 1, flags: 0, line: 0, ...more });
const ANA = member("ana", "Ana");
const BEN = member("ben", "Ben");
const CEM = member("cem", "Cem");
const state = (more, members = [ANA, BEN, CEM]) =>
  ({ kind: "state", holder: "", instance: 0, term: 0, grace_ms: 0, pass_ms: 0, ...more, members });
const facts = (more) => ({ me: "ben", role: 1, drawing: false, live: true, state: state({}), age: 0, dismissed: new Set(), ...more });
const says = (more) => {
  const { text, acts, asker } = penView(facts(more));
  return [text, ...acts.map((act) => `[${act.label}]`), ...(asker ? [asker.text] : [])].join(" ");
};

test("who may draw sees who draws, and what to do about it", () => {
  assert.equal(says({}), "Nobody is drawing. [Take the pen]");
  assert.equal(says({ state: state({ holder: "ana" }) }), "Ana is drawing. [Ask for the pen]");
  assert.equal(says({ role: 2, state: state({ holder: "ana" }) }), "Ana is drawing. [Ask for the pen] [Take the pen]");
  const waiting = [ANA, { ...BEN, line: 2 }, { ...CEM, line: 1 }];
  assert.equal(says({ state: state({ holder: "ana" }, waiting) }), "Ana is drawing. You are 2nd in line. [Cancel]");
});

test("a holder whose connection is lost is counted down", () => {
  const lost = state({ holder: "ana", grace_ms: 4_200 });
  assert.equal(says({ state: lost }), "Ana’s connection is lost. The pen is free in 5 s. [Ask for the pen]");
  assert.equal(says({ state: lost, age: 3_300 }), "Ana’s connection is lost. The pen is free in 1 s. [Ask for the pen]");
});

test("who only watches has no buttons", () => {
  assert.equal(says({ role: 0 }), "Nobody is drawing. You are watching.");
  assert.equal(says({ role: 0, state: state({ holder: "ana" }) }), "Ana is drawing. You are watching.");
});

test("nobody can ask for the pen over a lost connection", () => {
  assert.equal(says({ live: false }), "Nobody is drawing.");
  assert.equal(says({ live: false, role: 2, state: state({ holder: "ana" }) }), "Ana is drawing.");
});

test("the drawer sees who asks, can say not now, and is told when the pen passes on", () => {
  const asked = [ANA, BEN, { ...CEM, line: 1 }];
  const drawing = { drawing: true, state: state({ holder: "ben" }, asked) };
  assert.equal(says(drawing), "You have the pen. [Put it down] Cem asks for the pen.");
  assert.equal(says({ ...drawing, dismissed: new Set(["cem"]) }), "You have the pen. [Put it down]");
  const passing = { ...drawing, state: state({ holder: "ben", pass_ms: 12_000 }, asked), dismissed: new Set(["cem"]) };
  assert.equal(says(passing), "You have the pen. [Put it down] Cem is waiting. Draw, or the pen passes on in 12 s.");
});

// ---- the status --------------------------------------------------------------------------------

/** A client with just what the status reads. */
const client = (more = {}, board = {}) => ({
  phase: "live", trouble: false, paused: null, blocked: false, lostAt: 0, retryAt: 0, term: 0,
  board: { head: 10, applied: 10, mark: 10, pendingFrames: 0, unackedFrames: 0, member: "ben", ...board },
  ...more,
});

/** What the chip says after each of these, a second apart. */
function chip(...steps) {
  const view = new StatusView();
  return steps.map((step, i) => view.of(step, true, 1_000_000 + i * 1_000).text);
}

test("all is saved when stored = head = applied and no frame waits", () => {
  assert.deepEqual(chip(client()), ["Live. All saved."]);
});

test("what is not stored for 1 s is being saved, for 5 s is not saved yet", () => {
  const late = client({}, { head: 12, applied: 12 });
  const said = chip(client(), late, late, late, late, late, late, client());
  assert.deepEqual(said, [
    "Live. All saved.", "Live. All saved.", "Live. Saving…", "Live. Saving…", "Live. Saving…", "Live. Saving…",
    "Live. The newest strokes are not saved yet.", "Live. All saved.",
  ]);
});

test("a drawer whose marks come in time never reads of saving", () => {
  const steps = Array.from({ length: 50 }, (_, i) => client({}, { head: 20 + i, applied: 20 + i, mark: 18 + i, pendingFrames: 1 }));
  const view = new StatusView();
  const said = steps.map((step, i) => view.of(step, true, 1_000_000 + i * 100).text);
  assert.deepEqual(new Set(said), new Set(["Live. All saved."]));
});

test("own frames that do not come back are not saved either", () => {
  const waiting = client({}, { pendingFrames: 3 });
  assert.equal(chip(client(), waiting, waiting, waiting).at(-1), "Live. Saving…");
});

test("who is behind for a second reads how far", () => {
  const behind = client({}, { head: 1_250, applied: 10, mark: 10 });
  assert.equal(chip(client(), behind, behind).at(-1), "Catching up: 1,240 steps behind.");
});

test("trouble of the service is said, and that drawing pauses", () => {
  assert.equal(chip(client({ trouble: true }))[0], "The service has a problem. You stay connected and nothing is lost.");
  assert.equal(chip(client({ paused: "unsaved" }))[0], "Drawing pauses until the board can be saved again.");
});

test("a lost socket is silent for a second, then counts down", () => {
  const at = 1_000_000;
  const lost = (more, board) => client({ phase: "waiting", lostAt: at, retryAt: at + 5_000, ...more }, board);
  assert.deepEqual(chip(lost(), lost(), lost()), [
    "Live. All saved.", "Reconnecting… next try in 4 s.", "Reconnecting… next try in 3 s.",
  ]);
  const drawer = lost({ term: 7 }, { unackedFrames: 2 });
  assert.equal(chip(drawer, drawer)[1], "Reconnecting… next try in 4 s. Your last strokes are kept.");
  const paused = lost({ term: 7, paused: "grace" }, { unackedFrames: 2 });
  assert.equal(chip(paused, paused)[1], "Reconnecting… next try in 4 s. Drawing pauses until we are connected again.");
});

test("offline is said at once", () => {
  const status = new StatusView().of(client({ phase: "waiting", lostAt: 1 }), false, 2);
  assert.equal(status.text, "You are offline. We reconnect as soon as you are back.");
});

// ---- what people type --------------------------------------------------------------------------

test("codes are read as people type them", () => {
  assert.equal(parseCode("K3V9-X2MQ-4T"), "k3v9x2mq4t");
  assert.equal(parseCode(" k3v9 x2mq 4t "), "k3v9x2mq4t");
  assert.equal(parseCode("kIv9-x2mq-4O"), "k1v9x2mq40");
  for (const wrong of ["", "k3v9x2mq4", "k3v9x2mq4tt", "k3v9x2mq4u", "k3v9/x2mq4"]) assert.equal(parseCode(wrong), null, wrong);
  assert.equal(showCode("k3v9x2mq4t"), "k3v9-x2mq-4t");
});

test("links of this place are read, others are named", () => {
  const here = "https://easel.example";
  const link = (text) => parseJoin(text, here);
  assert.deepEqual(link(`${here}/b/k3v9x2mq4t#a.b.c`), { kind: "link", board: "k3v9x2mq4t", token: "a.b.c" });
  assert.deepEqual(link(`${here}/b/k3v9x2mq4t`), { kind: "code", board: "k3v9x2mq4t" });
  assert.deepEqual(link("https://other.example/b/k3v9x2mq4t#a"), { kind: "elsewhere", host: "other.example" });
  for (const wrong of ["hello", `${here}/`, "javascript:alert(1)//b/k3v9x2mq4t", `${here}/b/../x`])
    assert.deepEqual(link(wrong), { kind: "bad" }, wrong);
});

test("names lose what could disturb others", () => {
  assert.equal(cleanName("  Ana \u202eLovelace\u0007 "), "Ana Lovelace");
  assert.equal([...cleanName("😀".repeat(40))].length, 32);
  assert.equal(cleanName("\u200b\n"), "");
});
