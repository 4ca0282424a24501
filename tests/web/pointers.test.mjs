// SPDX-License-Identifier: Apache-2.0
//
// Sequences of pointer events, as devices send them, and the strokes and gestures that come of them:
// these, and no other. A line is: ms, what happens, pointer, x, y, and more where it matters.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Client, END, JOINED, StrokeWriter, toBoard } from "../../build/web-node/client.mjs";
import { nearest, Pointers, pressureOf, Sampler } from "../../build/web-node/views.mjs";

/** What came out: strokes as their places, taken back or kept, and gestures summed up. */
class Hand {
  draws = true;
  strokes = [];
  gestures = { dx: 0, dy: 0, factor: 1, count: 0 };
  #open = null;

  mayBegin() {
    return this.draws;
  }
  begin(at) {
    assert.equal(this.#open, null, "one stroke at a time");
    this.#open = { places: [[at.x, at.y]], pressures: [pressureOf(at)], end: "" };
    this.strokes.push(this.#open);
  }
  move(through) {
    for (const at of through) {
      this.#open.places.push([at.x, at.y]);
      this.#open.pressures.push(pressureOf(at));
    }
  }
  end(at) {
    if (at) this.#open.places.push([at.x, at.y]);
    this.#finish("kept");
  }
  drop() {
    this.#finish("taken back");
  }
  gesture(x, y, dx, dy, factor) {
    this.gestures.dx += dx;
    this.gestures.dy += dy;
    this.gestures.factor *= factor;
    this.gestures.count++;
  }
  #finish(end) {
    assert.notEqual(this.#open, null, "no end without a stroke");
    this.#open.end = end;
    this.#open = null;
  }
  get ends() {
    return this.strokes.map(({ end }) => end);
  }
}

/** Letters name the pointers: m the mouse, a b c fingers, p a pen. */
function play(recording, setUp = () => {}) {
  const hand = new Hand();
  const pointers = new Pointers(hand);
  setUp(pointers, hand);
  for (const line of recording.trim().split("\n")) {
    const [ms, act, who, x, y, ...more] = line.trim().split(/\s+/);
    const time = Number(ms);
    if (pointers.due !== null && pointers.due < time) pointers.tick(pointers.due);
    const { pressure = 0.5, width = 20, button = 0, buttons = 1, alone } = Object.fromEntries(more.map((one) => one.split("=")));
    const type = who === "m" ? "mouse" : who === "p" ? "pen" : "touch";
    const numbers = { pressure: Number(pressure), width: Number(width), button: Number(button), buttons: Number(buttons), alone: alone === "yes" };
    pointers[act]({ id: who.charCodeAt(0), type, x: Number(x), y: Number(y), time, ...numbers });
  }
  return { hand, pointers };
}

const gestureOf = ({ gestures }) => [gestures.dx, gestures.dy, Number(gestures.factor.toFixed(3))];

describe("the mouse", () => {
  test("begins at once and ends where it is let go", () => {
    const { hand } = play(`
      0 move m 5 5
      10 down m 10 10
      18 move m 20 12
      26 up m 30 14
      34 move m 60 60`);
    assert.deepEqual(hand.strokes.map(({ places }) => places), [[[10, 10], [20, 12], [30, 14]]]);
    assert.deepEqual(hand.strokes[0].pressures, [undefined, undefined], "a mouse has no pressure");
    assert.deepEqual(hand.ends, ["kept"]);
  });

  test("the other buttons draw nothing", () => {
    const { hand } = play(`
      0 down m 10 10 button=2
      8 move m 40 40
      16 up m 40 40 button=2`);
    assert.deepEqual([hand.strokes, hand.gestures.count], [[], 0]);
  });

  test("draws with the first of several buttons", () => {
    const { hand } = play(`
      0 down m 10 10
      8 move m 20 10 button=2
      16 move m 30 10 button=0 buttons=2
      24 move m 90 90 buttons=2
      32 up m 90 90 button=2 buttons=2`);
    assert.deepEqual(hand.strokes.map(({ places, end }) => [places, end]), [[[[10, 10], [20, 10], [30, 10]], "kept"]]);
  });

  test("moves the board with the middle button", () => {
    const { hand } = play(`
      0 down m 10 10 button=1 buttons=4
      8 move m 40 50 buttons=4
      16 up m 40 50 button=1 buttons=0
      24 move m 90 90 buttons=0`);
    assert.deepEqual([hand.strokes, gestureOf(hand)], [[], [30, 40, 1]]);
  });

  test("whose end never came draws again all the same", () => {
    const { hand } = play(`
      0 down m 10 10 alone=yes
      8 move m 20 10
      900 down m 70 70 alone=yes
      908 up m 80 80`);
    assert.deepEqual(hand.strokes.map(({ places, end }) => [places, end]), [[[[10, 10], [20, 10]], "kept"], [[[70, 70], [80, 80]], "kept"]]);
  });

  test("that was let go unseen ends its stroke where it was", () => {
    const { hand } = play(`
      0 down m 10 10
      8 move m 20 10
      16 lost m 20 10
      24 move m 50 50
      32 down m 70 70
      40 up m 80 80`);
    assert.deepEqual(hand.strokes.map(({ places }) => places), [[[10, 10], [20, 10]], [[70, 70], [80, 80]]]);
    assert.deepEqual(hand.ends, ["kept", "kept"]);
  });

  test("moves the board while Space is down, and while somebody else draws", () => {
    const recording = `
      0 down m 10 10
      8 move m 40 50
      16 up m 40 50
      24 move m 90 90 buttons=2`;
    const space = play(recording, (pointers) => (pointers.grab = true)).hand;
    const viewer = play(recording, (_, hand) => (hand.draws = false)).hand;
    for (const hand of [space, viewer]) assert.deepEqual([hand.strokes, gestureOf(hand)], [[], [30, 40, 1]]);
  });

  test("a second pointer does not disturb a stroke", () => {
    const { hand } = play(`
      0 down m 10 10
      8 down a 200 200
      16 move m 20 20
      20 move a 230 230
      24 up m 30 30
      32 up a 230 230`);
    assert.deepEqual(hand.strokes.map(({ places }) => places), [[[10, 10], [20, 20], [30, 30]]]);
    assert.equal(hand.gestures.count, 0);
  });
});

describe("a finger", () => {
  test("is held back for 6 px, and then draws from where it came down", () => {
    const { hand } = play(`
      0 down a 100 100
      10 move a 103 101
      20 move a 106 102
      30 move a 120 104
      40 up a 120 104`);
    assert.deepEqual(hand.strokes[0].places, [[100, 100], [106, 102], [120, 104], [120, 104]]);
    assert.deepEqual(hand.strokes[0].pressures, [undefined, undefined, undefined]);
  });

  test("or for 80 ms", () => {
    const { hand, pointers } = play("0 down a 100 100");
    assert.equal(pointers.due, 80);
    pointers.tick(79);
    assert.equal(hand.strokes.length, 0);
    pointers.tick(80);
    assert.equal(hand.strokes.length, 1);
    assert.equal(pointers.due, null);
  });

  test("a tap is a dot", () => {
    const { hand } = play(`
      0 down a 100 100
      30 up a 101 100`);
    assert.deepEqual(hand.strokes.map(({ places, end }) => [places, end]), [[[[100, 100], [101, 100]], "kept"]]);
  });

  test("that the system takes away leaves nothing", () => {
    const { hand } = play(`
      0 down a 100 100
      10 move a 150 100
      20 cancel a 0 0
      400 down b 100 100
      410 cancel b 0 0`);
    assert.deepEqual(hand.ends, ["taken back"]);
  });

  test("moves the board while somebody else draws", () => {
    const { hand } = play(`
      0 down a 100 100
      10 move a 110 90
      20 move a 130 80
      30 up a 130 80`, (_, hand) => (hand.draws = false));
    assert.deepEqual([hand.strokes, gestureOf(hand)], [[], [30, -20, 1]]);
  });

  test("held back when the pen goes away draws nothing", () => {
    const { hand, pointers } = play("0 down a 100 100");
    hand.draws = false;
    pointers.tick(80);
    assert.equal(hand.strokes.length, 0);
  });
});

describe("two fingers", () => {
  test("at the same time move and stretch the board, and draw nothing", () => {
    const { hand } = play(`
      0 down a 100 100
      12 down b 200 100
      20 move a 80 100
      28 move b 240 100
      36 move a 80 120
      44 move b 240 120
      52 up b 240 120
      60 up a 80 120`);
    assert.deepEqual(hand.strokes, []);
    const [dx, dy, factor] = gestureOf(hand);
    assert.deepEqual([dx, dy], [10, 20]);
    assert.ok(Math.abs(factor - 1.6) < 0.01, `stretched by ${factor}`);
  });

  test("within 250 ms the second takes the first one's stroke back", () => {
    const { hand } = play(`
      0 down a 100 100
      20 move a 130 100
      240 down b 200 100
      250 move b 210 100
      260 up a 130 100
      270 up b 210 100`);
    assert.deepEqual(hand.ends, ["taken back"]);
    assert.deepEqual(gestureOf(hand), [5, 0, Number((80 / 70).toFixed(3))], "the board does not jump");
  });

  test("later the second is ignored", () => {
    const { hand } = play(`
      0 down a 100 100
      20 move a 130 100
      260 down b 200 100
      280 move b 260 100
      290 move a 140 100
      300 up b 260 100
      310 up a 150 100`);
    assert.deepEqual(hand.ends, ["kept"]);
    assert.deepEqual(hand.strokes[0].places, [[100, 100], [130, 100], [140, 100], [150, 100]]);
    assert.equal(hand.gestures.count, 0);
  });

  test("the one that stays after a gesture moves the board on, and a third is ignored", () => {
    const { hand } = play(`
      0 down a 100 100
      10 down b 200 100
      20 down c 300 300
      30 move c 400 400
      40 up b 200 100
      50 move a 110 100
      60 up a 110 100
      70 up c 400 400`);
    assert.deepEqual([hand.strokes, gestureOf(hand)], [[], [10, 0, 1]]);
  });
});

describe("a pen", () => {
  test("draws at once, with its pressure", () => {
    const { hand } = play(`
      0 move p 5 5 pressure=0 buttons=2
      10 down p 10 10 pressure=0.25
      14 move p 14 12 pressure=0.75
      18 up p 18 14 pressure=0
      22 leave p 18 14 pressure=0`);
    assert.deepEqual(hand.strokes.map(({ places }) => places), [[[10, 10], [14, 12], [18, 14]]]);
    assert.deepEqual(hand.strokes[0].pressures, [0.25, 0.75]);
    assert.deepEqual(hand.strokes[0].pressures.map((p) => toBoard(0, 0, p).pressure), [64, 191], "a byte each");
  });

  test("without a sensor has no pressure", () => {
    const { hand } = play(`
      0 down p 10 10 pressure=0.5
      10 up p 10 10`);
    assert.deepEqual(hand.strokes[0].pressures, [undefined]);
  });

  test("that the system takes away keeps its stroke", () => {
    const { hand } = play(`
      0 down p 10 10 pressure=0.3
      10 move p 30 10 pressure=0.3
      20 cancel p 0 0`);
    assert.deepEqual(hand.strokes.map(({ places, end }) => [places, end]), [[[[10, 10], [30, 10]], "kept"]]);
  });

  test("a palm that rests beside it, before, while and after it writes, does nothing", () => {
    const { hand } = play(`
      0 down a 300 300 width=30
      100 move a 308 300 width=33
      110 move p 100 100 pressure=0 buttons=2
      120 down p 100 100 pressure=0.4
      125 move a 312 302
      130 down b 330 310
      140 move p 120 100 pressure=0.6
      145 move b 360 340
      160 up p 140 100 pressure=0
      165 leave p 140 100
      170 move a 320 310
      180 up b 360 340
      400 down c 310 300
      410 move c 350 300
      420 up c 350 300
      430 up a 320 310`);
    assert.deepEqual(hand.ends, ["taken back", "kept"], "only the palm's first mark, before the pen was known");
    assert.deepEqual(hand.strokes[1].places, [[100, 100], [120, 100], [140, 100]]);
    assert.equal(hand.gestures.count, 0, "the board stays where it is");
  });

  test("once seen, fingers move the board; broad ones are palms", () => {
    const { hand } = play(`
      0 down p 10 10 pressure=0.3
      10 up p 10 10
      12 leave p 10 10
      600 down a 100 100
      610 move a 130 100
      620 down b 200 100 width=60
      630 move b 300 100 width=60
      640 up b 300 100 width=60
      650 up a 130 100`);
    assert.deepEqual(hand.ends, ["kept"]);
    assert.deepEqual(gestureOf(hand), [30, 0, 1]);
  });

  test("never zooms: a gesture ends when it comes", () => {
    const { hand } = play(`
      0 down a 100 100
      10 down b 200 100
      20 down p 150 100 pressure=0.3
      30 move b 300 100
      40 move a 50 100
      50 move p 160 100 pressure=0.3
      60 up p 160 100`);
    assert.equal(hand.gestures.count, 0);
    assert.deepEqual(hand.ends, ["kept"]);
  });

  test("the switch lets fingers draw beside it, but not while it is near", () => {
    const { hand } = play(`
      0 down p 10 10 pressure=0.3
      10 up p 10 10
      100 down a 100 100
      110 up a 100 100
      112 leave p 10 10
      700 down a 100 100
      710 move a 150 100
      720 up a 150 100`, (pointers) => (pointers.fingerDraws = true));
    assert.deepEqual(hand.strokes.map(({ places }) => places[0]), [[10, 10], [100, 100]]);
  });
});

describe("sampling", () => {
  test("places too near to the last point are left out, except the last of all", () => {
    const sampler = new Sampler({ x: 0, y: 0 });
    const taken = [3, 5, 7, 9, 10].map((x) => sampler.add({ x, y: 0 }, 4)?.x ?? null);
    assert.deepEqual(taken, [null, 5, null, 9, null]);
    assert.deepEqual(sampler.rest(), { x: 10, y: 0 });
    assert.equal(sampler.rest(), null, "only once");
  });

  test("a pointer that did not move has no rest", () => {
    const sampler = new Sampler({ x: 7, y: 7 });
    sampler.add({ x: 7, y: 7 }, 4);
    assert.equal(sampler.rest(), null);
  });

  test("near is 4 units, or three quarters of a pixel where that is more", () => {
    assert.equal(nearest(2), 4);
    assert.equal(nearest(80), 60);
  });

  /** A page that has the pen, and no network. */
  function offline() {
    const client = new Client({ token: "", session: new Uint8Array(16), name: "", open: () => assert.fail("stays offline") });
    const { board } = client;
    board.member = "me0000000000";
    board.reset(0);
    const grant = { kind: "ev_grant", offset: 1, time: 0, member: board.member, instance: client.instance };
    board.event({ ...grant, name: "", ended: 0, last: 0 });
    board.marked(1, 1);
    return client;
  }
  const STYLE = { tool: 0, colour: 0, size: 80 };
  const framesOf = (client) => client.board.pending().map(({ kind, flags, points }) => [kind, flags, points.length / 4]);

  test("a stroke begins at once and goes on in frames of 64 points", () => {
    const client = offline();
    const writer = new StrokeWriter(client, STYLE, toBoard(10, 10));
    writer.begin();
    for (let i = 1; i <= 100; i++) writer.add(toBoard(10 + i * 20, 10));
    writer.flush();
    writer.flush(true);
    assert.deepEqual(framesOf(client), [["begin", 0, 1], ["points", 0, 64], ["points", 0, 36], ["points", END, 0]]);
  });

  test("a tap is one frame, with begin and end", () => {
    for (const more of [[], [toBoard(30, 10)]]) {
      const client = offline();
      const writer = new StrokeWriter(client, STYLE, toBoard(10, 10));
      for (const point of more) writer.add(point);
      writer.flush(true);
      writer.begin();
      assert.deepEqual(framesOf(client), [["begin", END, 1 + more.length]]);
      assert.equal(client.board.open, null);
    }
  });

  test("a stroke ends at 2,000 points, and the next begins there, joined", () => {
    const client = offline();
    const { board } = client;
    const places = Array.from({ length: 5000 }, (_, i) => toBoard(10 + i * 5, 100 + (i % 7)));
    const writer = new StrokeWriter(client, STYLE, places[0]);
    for (const [i, place] of places.entries()) {
      if (i > 0) writer.add(place);
      if (i % 50 === 0) writer.flush();
    }
    writer.flush(true);
    const shown = board.strokes.map(({ points, joined, ended }) => [points.count, joined, ended]);
    assert.deepEqual(shown, [[2000, false, true], [2000, true, true], [1002, true, true]]);
    assert.equal(board.pending().filter((frame) => frame.kind === "begin" && frame.flags & JOINED).length, 2);
    const inked = board.strokes.flatMap(({ points }, part) => [...points.xy.subarray(part ? 2 : 0, points.count * 2)]);
    assert.deepEqual(inked, places.flatMap(({ x, y }) => [x, y]), "not a place is lost");
    assert.equal(board.undoable().length, 3, "undo takes all parts");
  });
});
