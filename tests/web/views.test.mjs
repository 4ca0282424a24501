// SPDX-License-Identifier: Apache-2.0
//
// What the page says about the pen and the connection, and what it makes of what people type.
import assert from "node:assert/strict";
import test from "node:test";
import { Announcer, betterOf, boardOf, cleanName, keptOf, madeOf, parseCode, parseJoin, penView, refusalOf, showCode, StatusView, tokenOf, tokensFor } from "../../build/web-node/views.mjs";

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
  assert.equal(says({ role: 2, state: state({ holder: "ana" }, waiting) }), "Ana is drawing. You are 2nd in line. [Cancel] [Take the pen]");
});

test("a holder whose connection is lost is counted down when somebody waits", () => {
  const alone = state({ holder: "ana", grace_ms: 600_000 });
  assert.equal(says({ state: alone }), "Ana’s connection is lost. The pen is kept until somebody asks for it. [Ask for the pen]");
  const lost = state({ holder: "ana", grace_ms: 4_200 }, [ANA, BEN, { ...CEM, line: 1 }]);
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
  assert.equal(says(drawing), "You have the pen. [Stop drawing] Cem asks for the pen.");
  assert.equal(says({ ...drawing, dismissed: new Set(["cem"]) }), "You have the pen. [Stop drawing]");
  const passing = { ...drawing, state: state({ holder: "ben", pass_ms: 12_000 }, asked), dismissed: new Set(["cem"]) };
  assert.equal(says(passing), "You have the pen. [Stop drawing] Cem is waiting. Draw, or the pen passes on in 12 s.");
});

// ---- the status --------------------------------------------------------------------------------

/** A client with just what the status reads. */
const client = (more = {}, board = {}) => ({
  phase: "live", troubleAt: 0, unsaved: false, room: "enough", held: false, paused: null, blocked: false, foreign: false, crowded: false, tooOld: false, lostAt: 0, heardAt: 0, retryAt: 0, term: 0,
  keptStrokes: 0, keptFrames: more.keptStrokes ?? 0,
  board: { head: 10, applied: 10, mark: 10, pendingFrames: 0, member: "ben", ...board },
  ...more,
});
const AT = 1_000_000;

/** What the chip says after each of these, `ms` apart; same words in a row count once. */
function chip(steps, ms = 1_000, online = () => true) {
  const view = new StatusView();
  const said = steps.map((step, i) => view.of(step, online(i), AT + i * ms).text);
  return said.filter((text, i) => text !== said[i - 1]);
}
const times = (n, what) => Array.from({ length: n }, (_, i) => (typeof what === "function" ? what(i) : what));

test("all is saved when stored = head = applied and no frame waits", () => {
  assert.deepEqual(chip([client()]), ["Live. All saved."]);
});

test("who comes in is connecting until the newest event is there", () => {
  const nowhere = client({ phase: "connecting" }, { head: 0, applied: 0, mark: 0, member: "" });
  const coming = client({}, { head: 900, applied: 20, mark: 20 });
  assert.deepEqual(chip([nowhere, coming, client()], 300), ["Connecting…", "Live. All saved."]);
});

test("what is not stored for 1 s is being saved, for 5 s is not saved yet", () => {
  const late = client({}, { head: 12, applied: 12 });
  assert.deepEqual(chip([client(), ...times(6, late), client()]), [
    "Live. All saved.", "Live. Saving…", "Live. The newest strokes are not saved yet.", "Live. All saved.",
  ]);
});

test("a drawer whose marks come in time never reads of saving", () => {
  const steps = times(50, (i) => client({}, { head: 20 + i, applied: 20 + i, mark: 18 + i, pendingFrames: 1 }));
  assert.deepEqual(chip([client(), ...steps], 100), ["Live. All saved."]);
});

test("own frames that do not come back are not saved either", () => {
  const waiting = client({}, { pendingFrames: 3 });
  assert.equal(chip([client(), waiting, waiting, waiting]).at(-1), "Live. Saving…");
});

test("who is behind for a second reads how far", () => {
  const behind = client({}, { head: 1_250, applied: 10, mark: 10 });
  assert.equal(chip([client(), behind, behind]).at(-1), "Catching up: 1,240 steps behind.");
});

test("trouble of the service is said after a second", () => {
  const trouble = client({ troubleAt: AT + 300 });
  const said = ["Live. All saved.", "The service has a problem. You stay connected and nothing is lost.", "Live. All saved."];
  assert.deepEqual(chip([client(), ...times(5, trouble), client()], 300), said);
  assert.deepEqual(chip([client(), ...times(3, trouble), client()], 300), ["Live. All saved."], "a blip stays silent");
});

test("who draws reads that drawing pauses while the service has trouble, as soon as it does", () => {
  const trouble = client({ troubleAt: AT, paused: "trouble", term: 7 });
  assert.deepEqual(chip([client({ term: 7 }), trouble], 600).at(-1),
    "The service has a problem. You stay connected and nothing is lost. Drawing pauses until the board can be saved again.");
});

test("strokes that wait for the pen are told after a second", () => {
  const said = (keptStrokes) => chip([client(), ...times(5, client({ keptStrokes })), client()], 300);
  assert.deepEqual(said(1), ["Live. All saved.", "Your last stroke is kept. It is drawn as soon as you have the pen.", "Live. All saved."]);
  assert.equal(said(17)[1], "Your last 17 strokes are kept. They are drawn as soon as you have the pen.");
  assert.equal(chip(times(5, client({ keptFrames: 2 }))).at(-1), "Your last step is kept. It is done as soon as you have the pen.", "an undo");
});

test("who draws reads that drawing pauses while too much is unsaved; who watches cannot draw anyway", () => {
  const full = { paused: "unsaved" };
  const late = { head: 12, applied: 12 };
  assert.equal(chip(times(3, client({ ...full, term: 7 }, late))).at(-1), "Drawing pauses until the board can be saved again.");
  assert.equal(chip(times(3, client(full, late))).at(-1), "Live. Saving…");
});

test("who draws reads at once that nothing is being saved; who watches, that the newest strokes are not yet", () => {
  const late = { head: 12, applied: 12 };
  assert.deepEqual(chip([client({ term: 7 }), client({ term: 7, unsaved: true }, late), client({ term: 7 })], 100), [
    "Live. All saved.", "Live. Nothing is being saved right now; your strokes are kept here.", "Live. All saved.",
  ]);
  assert.deepEqual(chip(times(7, client({ unsaved: true }, late))), [
    "Live. All saved.", "Live. Saving…", "Live. The newest strokes are not saved yet.",
  ]);
});

test("a board that is nearly full, and one that is: said as long as it is so, after all that is worse", () => {
  assert.equal(chip([client({ room: "little" })])[0], "Live. All saved. This board is nearly full: make a new one soon.");
  const full = { room: "none", paused: "room", term: 7 };
  assert.equal(chip([client(full)])[0], "This board is full, and nobody can draw on it any more. Make a new one.");
  assert.equal(chip(times(3, client(full, { head: 12, applied: 12 }))).at(-1), "Live. Saving…");
  assert.equal(chip(times(3, client({ ...full, troubleAt: AT }))).at(-1), "The service has a problem. You stay connected and nothing is lost.");
});

test("a board that cannot be opened yet: the chip says why, at once, also where it is opened again", () => {
  const held = "The board cannot be opened yet: the service does not get at what is stored. We wait for it.";
  const nowhere = client({ phase: "connecting", held: true }, { head: 0, applied: 0, mark: 0, member: "" });
  assert.deepEqual(chip([nowhere, client()]), [held, "Live. All saved."]);
  const again = client({ phase: "connecting", held: true, lostAt: AT, term: 7 });
  assert.equal(chip(times(3, again)).at(-1), `${held} Your last strokes are kept.`);
});

test("a lost socket is silent for a second, then counts down", () => {
  const lost = (more) => client({ phase: "waiting", lostAt: AT, retryAt: AT + 5_000, ...more });
  assert.deepEqual(chip(times(3, lost())), [
    "Live. All saved.", "Reconnecting… next try in 4 s.", "Reconnecting… next try in 3 s.",
  ]);
  assert.equal(chip(times(2, lost({ term: 7 })))[1], "Reconnecting… next try in 4 s. Your last strokes are kept.");
  const paused = lost({ term: 7, paused: "grace" });
  assert.equal(chip([paused, paused]).at(-1), "Reconnecting… next try in 4 s. Drawing pauses until we are connected again.");
  assert.equal(chip(times(2, lost({ phase: "connecting" })))[1], "Reconnecting…");
  assert.equal(chip(times(2, lost({ blocked: true })))[1], "This network blocks live connections. Try another network.");
  assert.match(chip(times(2, lost({ foreign: true })))[1], /does not know itself by the address/);
  assert.equal(chip(times(2, lost({ crowded: true })))[1], "Too many people are connected just now. We try again.");
  assert.match(chip(times(2, lost({ tooOld: true })))[1], /^Easel was updated, and this page is too old to connect\. Reload it: /);
});

test("what was not stored when the socket was lost has a second again when it is back", () => {
  const waiting = { head: 12, applied: 12 };
  const lost = client({ phase: "waiting", lostAt: AT, retryAt: AT + 5_500 }, waiting);
  const back = client({}, waiting);
  const said = chip([client({}, waiting), ...times(15, lost), ...times(3, back)], 500);
  assert.deepEqual(said.slice(-2), ["Live. All saved.", "Live. Saving…"]);
});

test("a drawer whom nobody answers pauses, before the socket counts as dead", () => {
  const deaf = client({ term: 7, paused: "grace" });
  assert.deepEqual(chip([deaf]), ["Drawing pauses until we are connected again."]);
});

test("offline is said after a second, unless the service is heard", () => {
  const offline = "You are offline. We reconnect as soon as you are back.";
  const deaf = client({ heardAt: AT - 100 });
  assert.deepEqual(chip(times(5, deaf), 300, (i) => i > 0), ["Live. All saved."], "not a second yet");
  assert.deepEqual(chip(times(6, deaf), 300, (i) => i < 1), ["Live. All saved.", offline]);
  const lost = client({ phase: "waiting", lostAt: AT, retryAt: AT + 9_000 });
  assert.deepEqual(chip(times(3, lost), 1_000, () => false), ["Live. All saved.", offline]);
  const pauses = client({ phase: "waiting", lostAt: AT, term: 7, paused: "grace" });
  assert.equal(chip(times(2, pauses), 9_000, () => false).at(-1), `${offline} Drawing pauses until we are connected again.`);
  const near = times(12, (i) => client({ heardAt: AT + i * 1_000 - 500 })); // a service on the same machine
  assert.deepEqual(chip(near, 1_000, () => false).at(-1), "Live. All saved.");
});

// ---- what screen readers are told --------------------------------------------------------------

/** What is said when, of [second, what happens] in order: words to say, or who is here. */
function said(...happenings) {
  const announcer = new Announcer();
  const ret = [];
  for (let ms = 0; ms <= 20_000; ms += 250) {
    for (const [second, what] of happenings) {
      if (second * 1_000 !== ms) continue;
      if (typeof what === "string") announcer.say(what);
      else announcer.people(new Map(Object.entries(what)), AT + ms);
    }
    const text = announcer.take(AT + ms);
    if (text) ret.push([ms / 1_000, text]);
  }
  return ret;
}

test("of a crowd that comes a few are named, the others counted", () => {
  const crowd = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`m${i}`, `P${i}`]));
  assert.deepEqual(said([0, {}], [1, crowd]), [[2, "P0, P1, P2, P3, P4, P5, and 34 others came."]]);
});

test("of a flood only the newest messages are told", () => {
  const flood = Array.from({ length: 100 }, (_, i) => [2, `${i}.`]);
  assert.deepEqual(said([1, "One."], ...flood), [[1, "One."], [4, "96. 97. 98. 99."]]);
});

test("the first message comes at once, the next ones joined and three seconds later", () => {
  assert.deepEqual(said([1, "One."], [2, "Two."], [3, "Three."], [3, "Two."], [9, "Four."]), [
    [1, "One."], [4, "Two. Three."], [9, "Four."],
  ]);
});

test("who comes and leaves is told together, under the newest names", () => {
  assert.deepEqual(said([0, { a: "Ana" }], [2, { a: "Ana", b: "Guest" }], [2.25, { a: "Ana", b: "Ben", c: "Cem" }]), [[3, "Ben and Cem came."]]);
  assert.deepEqual(said([0, { a: "Ana", b: "Ben" }], [1, { a: "Ann", b: "Ben" }], [5, { d: "Dia" }]), [[6, "Dia came. Ann and Ben left."]]);
});

test("who came and left within a second is not told, nor who was here before us", () => {
  assert.deepEqual(said([0, { a: "Ana" }], [1, { a: "Ana", b: "Ben" }], [1.5, { a: "Ana" }]), []);
});

// ---- what is answered over HTTP ----------------------------------------------------------------

const TOKENS = { own: "o", draw: "d", watch: "w" };

test("of an answer counts what has the service's form, and nothing else", () => {
  assert.equal(tokenOf({ token: "a.b.c", link: "…" }), "a.b.c");
  assert.deepEqual(madeOf({ board: "k3v9x2mq4t", name: "", tokens: TOKENS, links: {} }), { board: "k3v9x2mq4t", tokens: TOKENS });
  for (const other of [undefined, null, 7, "text", [], {}, { token: 7 }, { token: "" }]) assert.equal(tokenOf(other), null, JSON.stringify(other));
  for (const other of [undefined, null, {}, { tokens: TOKENS }, { board: "k3v9x2mq4t" }, { board: 7, tokens: TOKENS }, { board: "k3v9x2mq4t", tokens: { ...TOKENS, draw: null } }])
    assert.equal(madeOf(other), null, JSON.stringify(other));
});

test("a refusal is one of the service; whatever else refuses is no answer of it", () => {
  const error = (code) => ({ error: { code, sentence: "…" } });
  assert.deepEqual(refusalOf(429, error("too_many"), "7"), { status: 429, code: "too_many", waitS: 7 });
  assert.deepEqual(refusalOf(404, error("not_found"), null), { status: 404, code: "not_found", waitS: 60 });
  for (const later of [null, "", "0", "-5", "soon", "Wed, 21 Oct 2026 07:28:00 GMT"]) assert.equal(refusalOf(503, error("unavailable"), later).waitS, 60, later);
  for (const other of [undefined, null, "text", {}, { error: "no" }, { error: { code: 5 } }])
    for (const status of [0, 200, 403, 404, 503]) assert.equal(refusalOf(status, other, null).status, 0, `${status} ${JSON.stringify(other)}`);
});

// ---- what people type --------------------------------------------------------------------------

test("codes are read as people type them", () => {
  assert.equal(parseCode("K3V9-X2MQ-4T"), "k3v9x2mq4t");
  assert.equal(parseCode(" k3v9 x2mq 4t "), "k3v9x2mq4t");
  assert.equal(parseCode("kIv9-x2mq-4O"), "k1v9x2mq40");
  for (const wrong of ["", "k3v9x2mq4", "k3v9x2mq4tt", "k3v9x2mq4u", "k3v9/x2mq4"]) assert.equal(parseCode(wrong), null, wrong);
  assert.equal(showCode("k3v9x2mq4t"), "k3v9-x2mq-4t");
});

test("a code may be copied with what cannot be seen, and typed with another keyboard", () => {
  for (const typed of ["\u200bk3v9\u00a0x2mq\u20114t\u2060", "ｋ３Ｖ９－ｘ２ｍｑ－４ｔ", "k3v9_x2mq.4t"]) assert.equal(parseCode(typed), "k3v9x2mq4t", typed);
  for (const wrong of ["к3v9x2mq4t", "k3v9x2mq4\u0131t", "../k3v9x2mq4t"]) assert.equal(parseCode(wrong), null, wrong);
});

test("an address names a board as people write its code", () => {
  assert.equal(boardOf("/b/k3v9x2mq4t"), "k3v9x2mq4t");
  assert.equal(boardOf("/b/K3V9-X2MQ-4T"), "k3v9x2mq4t");
  assert.equal(boardOf("/b/k3v9%20x2mq%204t"), "k3v9x2mq4t");
  for (const none of ["nothing", "%ff", "__proto__"]) assert.equal(boardOf(`/b/${none}`), none);
});

const KNOWN = { board: "k3v9x2mq4t", name: "", role: 2, token: "own", links: { draw: "draw", watch: "watch" }, session: "0".repeat(32), last: 1 };

test("what opens a board: what the tab had, what the address brings, what the device knows", () => {
  const kept = { board: KNOWN.board, token: "kept", session: KNOWN.session };
  assert.deepEqual(tokensFor("new", null, null), ["new"]);
  assert.deepEqual(tokensFor("", null, KNOWN), ["own"]);
  assert.deepEqual(tokensFor("new", null, KNOWN), ["new", "own"]);
  assert.deepEqual(tokensFor("new", kept, KNOWN), ["kept", "new", "own"]);
  for (const weaker of ["watch", "draw"]) assert.deepEqual(tokensFor(weaker, null, KNOWN), ["own", weaker]);
  assert.deepEqual(tokensFor("watch", null, { ...KNOWN, token: "", links: {} }), ["watch"]);
  assert.deepEqual(tokensFor("", null, null), []);
  assert.deepEqual(tokensFor("x".repeat(2_048), null, null), ["x".repeat(2_048)]);
  for (const wrong of ["x".repeat(2_049), "é", "a b"]) assert.deepEqual(tokensFor(wrong, null, KNOWN), ["none", "own"], "refused as any wrong one");
});

test("what a tab kept counts for its own board alone, and only when it is whole", () => {
  const kept = { board: KNOWN.board, token: "kept", session: KNOWN.session };
  assert.deepEqual(keptOf(kept, KNOWN.board), kept);
  for (const other of [null, undefined, 7, {}, { ...kept, board: "0000000000" }, { ...kept, token: 1 }, { ...kept, session: "x" }])
    assert.equal(keptOf(other, KNOWN.board), null);
});

test("a weaker link takes no stronger one's place, unless that one was refused", () => {
  const better = (known, token, role, tried) => betterOf(known, token, role, tried).token;
  assert.equal(better(null, "new", 0, ["new"]), "new");
  assert.equal(better({ ...KNOWN, token: "" }, "new", 0, ["new"]), "new");
  assert.equal(better(KNOWN, "new", 1, ["new", "own"]), undefined);
  assert.equal(better(KNOWN, "new", 2, ["new", "own"]), "new");
  assert.equal(better(KNOWN, "watch", 0, ["own", "watch"]), "watch");
});

test("links stay as long as the token that they came with", () => {
  const links = (known, token, role, tried) => ({ ...known, ...betterOf(known, token, role, tried) }).links;
  assert.deepEqual(links(KNOWN, "own", 2, ["own"]), KNOWN.links);
  assert.deepEqual(links(KNOWN, "draw", 1, ["draw", "own"]), KNOWN.links);
  assert.deepEqual(links(KNOWN, "new", 2, ["new", "own"]), {});
  assert.deepEqual(links(KNOWN, "new", 1, ["own", "new"]), {});
});

test("links of this place are read, others are named", () => {
  const here = "https://easel.example";
  const link = (text) => parseJoin(text, here);
  assert.deepEqual(link(`${here}/b/k3v9x2mq4t#a.b.c`), { kind: "link", board: "k3v9x2mq4t", token: "a.b.c" });
  assert.deepEqual(link(`${here}/b/K3V9-x2mq-4t`), { kind: "code", board: "k3v9x2mq4t" });
  assert.deepEqual(link(`${here}/b/k3v9x2mq4t`), { kind: "code", board: "k3v9x2mq4t" });
  assert.deepEqual(link("https://other.example/b/k3v9x2mq4t#a"), { kind: "elsewhere", host: "other.example" });
  // As mails, chats and people have them.
  for (const text of [`<${here}/b/k3v9x2mq4t>`, `Come: ${here}/b/k3v9x2mq4t.`, `${here}/b/K3V9X2MQ4T/`, `${here}/b/k3v9\u2011x2mq\u20114t`,
    "The code is k3v9-x2mq-4t", "Code: K3V9\u2011X2MQ\u20114T!", "k3v9 x2mq 4t (physics)", "<k3v9-x2mq-4t>", "“k3v9x2mq4t”"])
    assert.deepEqual(link(text), { kind: "code", board: "k3v9x2mq4t" }, text);
  assert.deepEqual(link(`(${here}/b/k3v9x2mq4t#a.b.c)`), { kind: "link", board: "k3v9x2mq4t", token: "a.b.c" });
  assert.deepEqual(link(`"${here}/b/k3v9x2mq4t#a.b.c", he said`), { kind: "link", board: "k3v9x2mq4t", token: "a.b.c" });
  assert.deepEqual(link("Come to the great party"), { kind: "bad" }, "words are no code");
  for (const wrong of ["hello", `${here}/`, "javascript:alert(1)//b/k3v9x2mq4t", `${here}/b/../x`])
    assert.deepEqual(link(wrong), { kind: "bad" }, wrong);
});

test("names lose what could disturb others", () => {
  for (const [name, clean] of [
    ["  Ana \u202eLovelace\u0007 ", "Ana Lovelace"],
    ["<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"],
    ["\u2066a\u2069\u061c\u200fb\u202a", "ab"],
    ["Z\u200be\u2060r\ufeffo\u00ad", "Zero"],
    ["two\nlines\tand\u2028more", "two lines and more"],
    ["half \ud83d", "half"],
    ["\u200b\n\u3164", ""],
    ["👩🏽‍🚀 and 🏳️‍🌈", "👩🏽‍🚀 and 🏳️‍🌈"], // one picture of several
    ["a\u200db \u200d👩", "ab 👩"],
    ["e\u0301\u0302 " + "o" + "\u0300".repeat(40), "e\u0301\u0302 o" + "\u0300".repeat(4)],
    ["x".repeat(200), "x".repeat(32)],
    ["😀".repeat(40), "😀".repeat(32)],
    ["x".repeat(30) + "👩‍🚀", "x".repeat(30) + "👩"], // not cut in the middle of a picture
  ])
    assert.equal(cleanName(name), clean, JSON.stringify(name));
});
