// SPDX-License-Identifier: Apache-2.0
//
// Strangers on real clusters: client.py was written from proto/PROTOCOL.md alone and shares no line
// with our own clients, so what works here is what the file says.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startCluster } from "../service/harness.mjs";
import { Stranger } from "./stranger.mjs";

const cluster = await startCluster({ gateways: 2 });
const [here, there] = cluster.gateways;

/** The nth of many different strokes: of 1 to 4 frames, every third with pressure. Some leave the board. */
function stroke(n) {
  const pressure = n % 3 === 0;
  const points = Array.from({ length: 4 + (n % 5) }, (_, i) => [
    1000 + 1300 * n - 311 * i,
    19000 - 800 * n + 97 * i * i,
    ...(pressure ? [(n * 37 + i * 50) % 256] : []),
  ]);
  return { points, frames: 1 + (n % 4), tool: n % 2, colour: n % 2 ? 8 + (n % 4) : n % 8, size: 20 + n };
}

const onBoard = ([x, y, ...pressure]) => [Math.min(Math.max(x, 0), 32_000), Math.min(Math.max(y, 0), 20_000), ...pressure];

/** Strokes `from` to `to`, as they are to be seen in a picture. */
const drawn = (term, from, to) =>
  Array.from({ length: to - from + 1 }, (_, i) => stroke(from + i)).map(({ points, tool, colour, size }) =>
    ({ term, tool, colour, size, flags: points[0].length - 2, points: points.map(onBoard) }));

function draw(stranger, from, to) {
  for (let n = from; n <= to; n++) stranger.do("stroke", stroke(n));
}

const DRAWN = [36, 37, 38, 39, 40, 42, 45]; // events that have the cseq of a frame
const picture = (shown) => shown.picture.map(({ term, tool, colour, size, flags, points }) =>
  ({ term, tool, colour, size, flags, points }));

/**
 * All are at the same offset, with everything stored; their logs are equal, without holes, and no
 * frame is there twice or missing. Resolves with {log, picture}.
 */
async function assertSame(first, ...others) {
  await first.saved();
  const head = first.now.applied;
  const all = await Promise.all([first, ...others].map(async (stranger) => {
    await stranger.reaches(head);
    return stranger.show();
  }));
  const timeless = (shown) => shown.log.map(([code, offset, , ...fields]) => [code, offset, ...fields]);
  for (const shown of all) {
    assert.deepEqual(timeless(shown), timeless(all[0]));
    assert.deepEqual(shown.picture, all[0].picture);
  }
  assert.deepEqual(all[0].log.map((event) => event[1]), all[0].log.map((_, i) => head - all[0].log.length + 1 + i));
  const next = new Map();
  for (const [code, , , term, cseq] of all[0].log) {
    if (!DRAWN.includes(code)) continue;
    assert.equal(cseq, (next.get(term) ?? 0) + 1, `cseq of term ${term}`);
    next.set(term, cseq);
  }
  return all[0];
}

/** Makes a board: Ana has the pen of it, Ben watches on the other gateway; both have it all. */
async function makePeople() {
  const { tokens } = await cluster.makeBoard("Strangers");
  const ana = new Stranger(here, tokens.own, { name: "Ana" });
  const ben = new Stranger(there, tokens.draw, { name: "Ben", args: ["--from", "0"] });
  await Promise.all([ana, ben].map((one) => one.when("is in", () => one.now.joined)));
  return { tokens, ana, ben, term: await ana.draws() };
}

const events = (stranger) => stranger.all("event");

test("[R1] [G4] one stranger draws, another watches on the other gateway, a third comes late", async () => {
  const { tokens, ana, ben, term } = await makePeople();
  draw(ana, 1, 20);
  const shown = await assertSame(ana, ben);
  assert.deepEqual(picture(shown), drawn(term, 1, 20));

  const late = new Stranger(there, tokens.watch, { name: "Late", args: ["--from", "0"] });
  assert.equal((await assertSame(ana, ben, late)).log.length, ana.now.applied);

  // They were told of Ana's frames only what they do not know: Ben all, she herself none.
  assert.ok(events(ana).filter((event) => event[0] === 36).every((event) => event[2] === null));
  assert.ok(events(ben).every((event) => event[2] > 0));
});

test("[F5] [G5] [R4] [J1] undo, redo, clear and pass; who comes now begins at the clear", async () => {
  const { tokens, ana, ben, term } = await makePeople();
  draw(ana, 1, 2); // two frames, three frames
  ana.do("undo", { stroke: [term, 1] });
  assert.deepEqual(picture(await assertSame(ana, ben)), drawn(term, 2, 2));
  ana.do("redo", { stroke: [term, 1] });
  assert.deepEqual(picture(await assertSame(ana, ben)), drawn(term, 1, 2));
  ana.do("clear");
  draw(ana, 3, 4);
  ana.do("pass", { to: ben.member });
  const next = await ben.when("is the drawer", () => ben.now.drawer);
  await ana.saved();
  assert.deepEqual(ana.now.lost, []);
  ben.do("undo", { stroke: [term, 9] }); // not his: does nothing
  draw(ben, 5, 5);
  assert.deepEqual(picture(await assertSame(ben, ana)), [...drawn(term, 3, 4), ...drawn(next, 5, 5)]);

  const late = new Stranger(here, tokens.watch, { name: "Late" });
  await late.reaches(ben.now.applied);
  const [clear] = (await late.show()).log;
  assert.equal(clear[0], 40);
  assert.deepEqual((await late.show()).picture, (await ben.show()).picture);
});

test("[F10] [G5] [J11] a clear is taken back by whoever has the pen; who came after it reads on from where the picture begins", async () => {
  const { tokens, ana, ben, term } = await makePeople();
  draw(ana, 1, 2);
  ana.do("clear");
  await ana.saved();
  const clear = ana.now.applied;
  draw(ana, 3, 3);
  ana.do("pass", { to: ben.member });
  await ben.when("is the drawer", () => ben.now.drawer);
  const late = new Stranger(here, tokens.watch, { name: "Late" });
  await late.reaches(ben.now.applied);
  assert.deepEqual(picture(await late.show()), drawn(term, 3, 3));

  ben.do("restore", { clear: clear - 1 }); // not the one that is in force: does nothing
  ben.do("restore", { clear });
  await assertSame(ben, ana);
  assert.deepEqual(picture(await ben.show()), drawn(term, 1, 3));
  assert.deepEqual(events(ben).filter((event) => event[0] === 42).map((event) => event.slice(5)), [[clear - 1, null], [clear, 0]]);
  await late.reaches(ben.now.applied);
  assert.deepEqual(picture(await late.show()), drawn(term, 1, 3));
  assert.equal((await late.show()).log[0][1], 1);

  const fresh = new Stranger(there, tokens.watch, { name: "Fresh" });
  await fresh.reaches(ben.now.applied);
  assert.deepEqual(picture(await fresh.show()), drawn(term, 1, 3));

  const clears = [];
  for (let i = 0; i < 2; i++) {
    ben.do("clear");
    await ben.saved();
    clears.unshift(ben.now.applied);
  }
  const between = new Stranger(here, tokens.watch, { name: "Between" });
  await between.reaches(ben.now.applied);
  for (const newest of clears) ben.do("restore", { clear: newest });
  await assertSame(ben, ana);
  const newest = new Stranger(there, tokens.watch, { name: "Newest" });
  for (const one of [ben, late, fresh, between, newest]) {
    await one.reaches(ben.now.applied);
    assert.deepEqual(picture(await one.show()), drawn(term, 1, 3), one.name);
  }
});

test("[F9] a client of before draws and watches, until the board has what it does not know", async () => {
  const { tokens, ana, term } = await makePeople();
  const old = new Stranger(there, tokens.draw, { name: "Old", args: ["--before"] });
  draw(ana, 1, 1);
  ana.do("clear");
  await ana.saved();
  await old.reaches(ana.now.applied);
  assert.deepEqual(picture(await old.show()), []);
  const told = old.next("error");
  ana.do("restore", { clear: ana.now.applied });
  assert.equal((await told)[0], "too_old");
  await old.when("is sent away", () => old.all("closed").includes("4426"));
  assert.deepEqual(picture(await assertSame(ana)), drawn(term, 1, 1));
});

test("[E2] a viewer who draws gets not_drawer, and stays", async () => {
  const { tokens, ana, ben, term } = await makePeople();
  const eve = new Stranger(there, tokens.watch, { name: "Eve" });
  await eve.reaches(term);
  for (const viewer of [ben, eve]) {
    const error = viewer.next("error");
    viewer.do("send", { frame: [2, term, 1, 0, 0, 60, 1, 4, { hex: "00010001" }] });
    const [code, , frame] = await error;
    assert.deepEqual([code, frame], ["not_drawer", 2]);
  }
  const refused = eve.next("error");
  eve.do("ask");
  assert.equal((await refused)[0], "not_allowed");
  draw(ana, 1, 3);
  assert.deepEqual(picture(await assertSame(ana, ben)), drawn(term, 1, 3));
  assert.ok(eve.now.joined && ben.now.joined);
});

test("[J2] a drawer whose gateway dies goes on at another one: nothing twice, nothing lost", async () => {
  const { tokens, ana, ben, term } = await makePeople();
  draw(ana, 1, 6);
  await ben.when("sees some", () => ben.now.applied > term);
  here.freeze(); // what she draws now goes nowhere
  draw(ana, 7, 12);
  await ana.when("has unsaved frames", () => ana.now.unsaved >= 12);
  await here.kill();
  await ana.when("is cut off", () => !ana.now.joined);
  draw(ana, 13, 14); // she is the drawer still
  ana.do("resume", { url: there.url });
  draw(ana, 15, 16);
  assert.deepEqual(picture(await assertSame(ana, ben)), drawn(term, 1, 16));
  assert.deepEqual(ana.now.lost, []);

  await here.start();
  draw(ana, 17, 18);
  ana.do("drop"); // hard, with frames on their way
  ana.do("resume", { url: here.url });
  draw(ana, 19, 20);
  const late = new Stranger(here, tokens.watch, { name: "Late", args: ["--from", "0"] });
  assert.deepEqual(picture(await assertSame(ana, ben, late)), drawn(term, 1, 20));
  assert.equal(ana.now.drawer, term);
});

test("[R2] a cut takes back what was not stored, and it comes again", async () => {
  const { ana, ben, term } = await makePeople();
  draw(ana, 1, 3);
  await assertSame(ana, ben);
  const stored = ana.now.applied;
  await cluster.histories[0].kill();
  draw(ana, 4, 6);
  await Promise.all([ana, ben].map((one) => one.when("sees stroke 6", () => one.now.applied === stored + 6)));
  assert.equal(ben.now.mark, stored);
  await cluster.boards[0].kill();
  await cluster.boards[0].start();
  await cluster.histories[0].start();
  assert.deepEqual(picture(await assertSame(ana, ben)), drawn(term, 1, 6));
  for (const one of [ana, ben]) assert.equal(one.all("cut")[0], stored);
});

test("[R5] frames of a drawer who was away are lost when another one got the pen", async () => {
  const { ana, ben, term } = await makePeople();
  ana.do("pass", { to: ben.member });
  const next = await ben.when("is the drawer", () => ben.now.drawer);
  draw(ben, 1, 1);
  await ben.saved();
  ben.do("drop");
  draw(ben, 2, 3); // 3 + 4 frames that nobody gets
  await ben.when("has unsaved frames", () => ben.now.unsaved === 7);
  ana.do("take");
  const last = await ana.when("is the drawer", () => ana.now.drawer > term && ana.now.drawer);
  ben.do("resume");
  await ben.when("knows it", () => ben.now.lost.length === 7);
  assert.deepEqual(ben.now.lost, [3, 4, 5, 6, 7, 8, 9].map((cseq) => [next, cseq]));
  draw(ana, 4, 4);
  assert.deepEqual(picture(await assertSame(ana, ben)), [...drawn(next, 1, 1), ...drawn(last, 4, 4)]);
});

test("[J5] a viewer resumes by time, and another begins by time", async () => {
  const { tokens, ana, ben, term } = await makePeople();
  draw(ana, 1, 3);
  await assertSame(ana, ben);
  const [, offset, time] = events(ben).find((event) => event[0] === 36); // stored, some way back
  ben.do("drop");
  draw(ana, 4, 6);
  await ana.saved();
  ben.do("resume", { url: here.url, since: time });
  assert.deepEqual(picture(await assertSame(ana, ben)), drawn(term, 1, 6));
  assert.ok(ben.all("welcome").at(-1)[7] < offset, "it begins at that event or before it");

  const since = new Stranger(there, tokens.watch, { name: "Since", args: ["--since", String(time)] });
  await since.reaches(ana.now.applied);
  const start = since.all("welcome")[0][7];
  const timeless = ([code, at, , ...fields]) => [code, at, ...fields];
  assert.deepEqual((await since.show()).log.map(timeless), (await ana.show()).log.slice(start).map(timeless));
  assert.deepEqual((await since.show()).log, (await ben.show()).log.slice(start), "with the same times");
});
