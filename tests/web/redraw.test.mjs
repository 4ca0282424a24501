// SPDX-License-Identifier: Apache-2.0
//
// Strokes of a term that has ended: what is drawn again, and what is lost and told.
import assert from "node:assert/strict";
import { test } from "node:test";
import { StrokeWriter, visible } from "../../build/web-node/client.mjs";
import { clock, dot, drawn, grant, live, mark, ME, PEN, POINT, welcome } from "./live.mjs";

const nobody = { kind: "state", holder: "", instance: 0, term: 0, grace_ms: 0, pass_ms: 0, members: [] };
const LINE = { begin: { tool: 0, colour: 2, size: 90, even: true }, from: { x: 10, y: 20 } };

/** A drawer, and what she is told to be lost. */
function drawerTold() {
  const it = live({}, true);
  const lost = [];
  it.client.onLost = (...what) => lost.push(what);
  return { ...it, lost };
}

/** A drawer whose beginning of a line is stored, with the rest of it and more on its way when her term ends. */
function cutOff() {
  const it = drawerTold();
  const writer = new StrokeWriter(it.client, LINE.begin, LINE.from);
  writer.begin();
  it.last().says({ kind: "own", term: 3, offset: 4, cseq: 1, count: 1 }, mark(4));
  writer.add({ x: 30, y: 40 });
  writer.flush(true);
  dot(it.client);
  it.client.undo();
  dot(it.client);
  it.last().sent.splice(0);
  return it;
}
const ended = { kind: "ev_grant", offset: 5, time: 0, member: "", instance: 0, name: "", ended: 3, last: 1 };

test("nobody has drawn since a term ended: the page asks for the pen and draws again what was lost", () => {
  const { client, last, lost } = cutOff();
  last().says(ended, mark(5), nobody);
  assert.deepEqual([lost, client.keptStrokes, client.board.pendingFrames], [[], 3, 0]);
  assert.deepEqual(last().sent.map(({ kind }) => kind), ["ask"]);
  last().says(nobody);
  assert.equal(last().sent.length, 1, "once");
  last().says(grant(client, 6), mark(6));
  const again = last().sent.slice(1);
  assert.deepEqual(again.map(({ kind, term, cseq }) => [kind, term, cseq]), [["begin", 6, 1], ["begin", 6, 2], ["undo", 6, 3], ["begin", 6, 4]]);
  const [rest, , undo] = again;
  assert.deepEqual([rest.colour, rest.size, rest.flags], [2, 90, 4 | 8]);
  assert.deepEqual([...rest.points], [0, 10, 0, 20, 0, 20, 0, 20], "it begins where the stored part ends");
  assert.deepEqual([undo.stroke_term, undo.stroke_cseq], [6, 2]);
  assert.equal(client.keptStrokes, 0);
});

test("somebody has drawn since: the strokes are lost, and told", () => {
  const { client, last, lost } = cutOff();
  last().says(grant(client, 5, { member: "other", instance: 9 }), mark(5), { ...nobody, holder: "other", term: 5 });
  assert.deepEqual([lost, client.keptStrokes, last().sent], [[], 3, []], "not yet: and somebody has the pen");
  last().says(drawn(6, 5, 1));
  assert.deepEqual([lost, client.keptStrokes], [[[3, false]], 0]);
  last().says(grant(client, 7), mark(7));
  assert.deepEqual(last().sent, []);
});

test("somebody waits for the pen: the page does not push in, and what it has is drawn when it has the pen again", () => {
  const { client, last, lost } = cutOff();
  const waits = { ...nobody, members: [{ member: "other", name: "", role: 1, flags: 0, line: 1 }] };
  last().says(ended, mark(5), waits);
  assert.deepEqual(last().sent, []);
  last().says(grant(client, 6, { member: "other", instance: 9 }), grant(client, 7), mark(7));
  assert.deepEqual([last().sent.length, lost], [4, []]);
});

test("nobody can draw on a board that is full: what is lost is told at once, and nothing is asked for", () => {
  const { client, last, lost } = cutOff();
  last().says(ended, mark(5, 16), nobody);
  assert.deepEqual([lost, client.keptStrokes, last().sent], [[[3, false]], 0, []]);
});

test("a clear comes too late in another term: it is told, and what it was to remove is not drawn again, what follows is", () => {
  const { client, last, lost } = drawerTold();
  dot(client);
  last().says({ kind: "own", term: 3, offset: 4, cseq: 1, count: 1 }, mark(4));
  dot(client);
  client.clear();
  dot(client);
  assert.equal(client.board.strokes.length, 1);
  last().sent.splice(0);
  last().says(ended, mark(5), nobody);
  assert.deepEqual([client.keptStrokes, client.board.strokes.length, lost], [1, 1, [[0, false]]]);
  last().says(grant(client, 6), mark(6));
  assert.deepEqual(last().sent.map(({ kind }) => kind), ["ask", "begin"]);
  assert.equal(client.board.strokes.length, 2, "what was stored is there");
});

test("nor is the rest of a stroke that a clear was to remove", () => {
  const { client, last, lost } = drawerTold();
  const writer = new StrokeWriter(client, PEN, POINT);
  writer.begin();
  client.clear();
  writer.add({ x: 30, y: 40 });
  writer.flush(true);
  last().sent.splice(0);
  last().says({ ...ended, offset: 4, last: 0 }, mark(4), nobody);
  assert.deepEqual([client.keptFrames, lost, last().sent], [0, [[0, false]], []]);
});

test("an undo is kept as a stroke is, and told when it comes too late", () => {
  for (const late of [false, true]) {
    const { client, last, lost } = drawerTold();
    dot(client);
    last().says({ kind: "own", term: 3, offset: 4, cseq: 1, count: 1 }, mark(4));
    client.undo();
    last().sent.splice(0);
    last().says(ended, mark(5), nobody);
    assert.deepEqual([client.keptFrames, client.keptStrokes, lost], [1, 0, []]);
    last().says(...(late ? [drawn(6, 5, 1)] : [grant(client, 6), mark(6)]));
    assert.deepEqual(last().sent.map(({ kind }) => kind), late ? ["ask"] : ["ask", "undo"]);
    assert.deepEqual([client.keptFrames, lost], [0, late ? [[0, false]] : []]);
  }
});

test("the rest of a stroke is not drawn again when the stroke is undone, be it there or in the log; after a redo it is", () => {
  const again = (...acts) => {
    const { client, last } = drawerTold();
    const writer = new StrokeWriter(client, LINE.begin, LINE.from);
    writer.begin();
    last().says({ kind: "own", term: 3, offset: 4, cseq: 1, count: 1 }, mark(4));
    for (const act of acts) {
      if (act !== "points") client[act]();
      else writer.add({ x: 30, y: 40 });
      writer.flush();
    }
    last().sent.splice(0);
    last().says(ended, mark(5), nobody, grant(client, 6), mark(6));
    return [last().sent.map(({ kind }) => kind).slice(1), visible(client.board).length];
  };
  assert.deepEqual(again("points", "points"), [["begin", "points"], 2]);
  assert.deepEqual(again("points", "undo", "points"), [["undo"], 0]);
  assert.deepEqual(again("undo", "points", "redo"), [["undo", "begin", "redo"], 2]);

  const { client, last } = drawerTold();
  const writer = new StrokeWriter(client, LINE.begin, LINE.from);
  writer.begin();
  client.undo();
  last().says({ kind: "own", term: 3, offset: 4, cseq: 1, count: 2 }, mark(5));
  writer.add({ x: 30, y: 40 });
  writer.flush(true);
  last().says({ ...ended, offset: 6, last: 2 }, mark(6), nobody);
  assert.equal(client.keptFrames, 0);
});

test("nobody may have heard that the page asked for the pen: it asks again, once, when it has come again and reads that the pen is free", async () => {
  const { client, last } = drawerTold();
  dot(client);
  last().says({ ...ended, offset: 4, last: 0 }, mark(4), nobody);
  assert.equal(last().sent.at(-1).kind, "ask");
  const reconnect = async () => {
    last().breaks();
    await clock.pass(10_000);
    last().opens();
    last().says(welcome({ head: 4, mark: 4, start: 4 }));
    last().sent.splice(0);
  };
  await reconnect();
  last().says(mark(4));
  assert.deepEqual(last().sent, [], "how things are is not known yet");
  last().says(nobody);
  last().says(nobody);
  assert.deepEqual(last().sent.map(({ kind }) => kind), ["ask"]);
  await reconnect();
  last().says({ ...nobody, members: [{ member: ME, name: "", role: 1, flags: 0, line: 1 }] });
  assert.deepEqual(last().sent, [], "it was heard");
});

test("what gave the pen away is not done again", () => {
  const { client, last } = live({}, true);
  dot(client);
  client.pass("");
  last().sent.splice(0);
  last().says({ ...ended, offset: 4 }, mark(4), nobody, grant(client, 5), mark(5));
  assert.deepEqual(last().sent.map(({ kind }) => kind), ["ask", "begin"]);
});
