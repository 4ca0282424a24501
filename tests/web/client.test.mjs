// SPDX-License-Identifier: Apache-2.0
//
// When a client connects again, and when it does not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "../../build/web-node/client.mjs";
import { clock, dot, drawn, grant, live, mark, start, welcome } from "./live.mjs";

/** The waits between the next `count` tries that fail at once. */
async function waits({ client, sockets, last }, count) {
  const ret = [];
  for (let i = 0; i < count; i++) {
    const { length } = sockets;
    last().breaks();
    const from = clock.now;
    while (sockets.length === length && client.phase !== "ended") await clock.pass(100);
    ret.push(last().at - from);
  }
  return ret;
}

test("tries again after 0.5 s with full jitter, doubling to 8 s", async () => {
  assert.deepEqual(await waits(live(), 7), [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  assert.deepEqual(await waits(live({ random: () => 0.2 }), 3), [100, 200, 400]);
});

test("who has the pen tries at least every second, also in a hidden tab", async () => {
  assert.deepEqual(await waits(live({}, true), 5), [500, 1_000, 1_000, 1_000, 1_000]);
  assert.deepEqual(await waits(live({ hidden: () => true }, true), 4), [500, 1_000, 1_000, 1_000]);
});

test("in a hidden tab up to 60 s, and at once when it is seen again", async () => {
  const it = live({ hidden: () => true });
  assert.deepEqual((await waits(it, 9)).slice(4), [8_000, 16_000, 32_000, 60_000, 60_000]);
  it.last().breaks();
  const { length } = it.sockets;
  it.client.tryNow();
  assert.equal(it.sockets.length, length + 1);
});

test("at once after a close for a restart", async () => {
  const { sockets, last } = live();
  last().breaks(1012);
  await clock.pass(0);
  assert.equal(sockets.length, 2);
});

test("a service of before takes no features: the hello is said again at once without them", async () => {
  const { client, sockets, last } = start();
  last().opens();
  assert.equal(last().sent[0].features, 3);
  last().says({ kind: "error", code: "bad_frame", sentence: "The number of fields is wrong.", frame: 1 });
  last().breaks(4400);
  await clock.pass(0);
  assert.deepEqual([client.phase, sockets.length], ["connecting", 2]);
  last().opens();
  assert.equal(last().sent[0].features, 0, "left out");
  last().says(welcome());
  assert.equal(client.phase, "live");
  last().breaks(1012); // to one of this version
  await clock.pass(0);
  last().opens();
  assert.equal(last().sent[0].features, 3);
});

test("a hello without features that comes to a service of now after all is said again with them", async () => {
  const { client, sockets, last } = start();
  last().opens();
  last().breaks(4400); // by one of before
  await clock.pass(0);
  last().opens();
  last().says({ kind: "error", code: "too_old", sentence: "This board uses what this client does not know.", frame: 0 });
  last().breaks(4426); // by one of now, in the middle of an update
  assert.deepEqual([client.phase, client.end], ["waiting", null]);
  await clock.pass(1_000);
  assert.equal(sockets.length, 3);
  last().opens();
  assert.equal(last().sent[0].features, 3);
  last().says({ kind: "error", code: "too_old", sentence: "This board uses what this client does not know.", frame: 0 });
  last().breaks(4426); // it is true
  await clock.pass(0);
  assert.deepEqual([client.phase, client.end], ["ended", "crash"]);
});

test("who came to a service of now without features says its hello again when the board uses one", async () => {
  const { client, sockets, last } = start();
  last().opens();
  last().breaks(4400);
  await clock.pass(0);
  last().opens();
  last().says(welcome()); // the board used none
  last().says({ kind: "error", code: "too_old", sentence: "This board uses what this client does not know.", frame: 0 });
  last().breaks(4426);
  assert.deepEqual([client.phase, client.end], ["waiting", null]);
  await clock.pass(1_000);
  assert.equal(sockets.length, 3);
  last().opens();
  assert.equal(last().sent[0].features, 3);
});

test("a try that hangs is given up for a better one, a fresh one is not", async () => {
  const { client, sockets } = start();
  await clock.pass(500);
  client.tryNow();
  assert.equal(sockets.length, 1);
  await clock.pass(1_000);
  client.tryNow();
  assert.equal(sockets.length, 2);
});

test("whoever sets the wall clock, a socket is dead after 10 s of silence, and tried again", async (t) => {
  const { now } = Date;
  t.after(() => (Date.now = now));
  for (const skew of [-600_000, 600_000]) {
    const { client, sockets } = live();
    Date.now = () => now() + skew;
    await clock.pass(9_000);
    assert.deepEqual([client.phase, sockets.length], ["live", 1]);
    await clock.pass(3_000);
    assert.equal(sockets.length, 2);
    Date.now = now;
  }
});

test("a socket silent for 10 s is dead, and its late close is ignored", async () => {
  const { client, sockets, last } = live();
  const [dead] = sockets;
  await clock.pass(9_000);
  last().says(mark(2));
  await clock.pass(10_000);
  assert.equal(client.phase, "live");
  await clock.pass(2_000);
  assert.equal(sockets.length, 2);
  assert.ok(dead.closed);
  assert.ok(clock.now - client.lostAt >= 10_000, "lost since it was heard last");
  last().opens();
  last().says(welcome());
  dead.breaks();
  await clock.pass(1_000);
  assert.equal(client.phase, "live");
  assert.equal(sockets.length, 2);
});

test("who draws while the socket is lost pauses after the grace of the pen", async () => {
  const { client, last } = live({}, true);
  last().breaks();
  await clock.pass(4_900);
  assert.equal(client.paused, null);
  dot(client);
  await clock.pass(200);
  assert.equal(client.paused, "grace");
  assert.equal(client.board.pendingFrames, 1, "what was drawn is kept");
});

test("replaced: does not come back by itself, and resumes when it is used here", async () => {
  const { client, sockets, last } = live({}, true);
  dot(client);
  last().breaks(4409);
  await clock.pass(120_000);
  client.tryNow();
  assert.equal(client.end, "replaced");
  assert.equal(sockets.length, 1);
  client.useHere();
  last().opens();
  const [hello] = last().sent;
  assert.equal(hello.instance, client.instance);
  assert.equal(hello.conn, 2);
  assert.equal(hello.from, 3);
  last().says(welcome({ head: 3, mark: 3, start: 3 }));
  const again = last().sent.slice(1).map(({ kind, term, cseq }) => [kind, term, cseq]);
  assert.deepEqual(again, [["begin", 3, 1]]);
  assert.equal(client.end, null);
});

test("an event of a kind that this page does not know takes its offset, and shows nothing", () => {
  const { client, last, sockets } = live({}, true);
  last().onmessage({ data: Uint8Array.of(0x93, 50, 4, 0xa1, 0x78).buffer });
  last().says(drawn(5, 3, 1), mark(5));
  assert.deepEqual([client.board.applied, client.board.mark, client.board.strokes.length, sockets.length], [5, 5, 1, 1]);
});

test("full: tries again every 15 s, and says how many places there are", async () => {
  const { client, sockets, last } = start();
  for (let i = 1; i <= 3; i++) {
    last().opens();
    last().says({ kind: "full", seats: 12 }, { kind: "error", code: "full", sentence: "", frame: 0 });
    last().breaks(4423);
    assert.deepEqual([client.full, client.seats, client.phase], [true, 12, "waiting"]);
    await clock.pass(14_900);
    assert.equal(sockets.length, i);
    await clock.pass(200);
    assert.equal(sockets.length, i + 1);
  }
  last().opens();
  last().says(welcome());
  assert.equal(client.full, false);
});

test("a network blocks WebSockets when three did not open while the service answers", async () => {
  const it = start({ service: async () => "same" });
  await waits(it, 2);
  assert.equal(it.client.blocked, false);
  await waits(it, 1);
  assert.equal(it.client.blocked, true);
  it.last().opens();
  it.last().says(welcome());
  assert.equal(it.client.blocked, false);
});

test("it is not the network when the service has just come back", async () => {
  let answer = "away";
  const it = start({ service: async () => answer });
  await waits(it, 4);
  answer = "same";
  await waits(it, 1);
  assert.equal(it.client.blocked, false);
  it.last().opens();
  it.last().says(welcome());
  answer = "away";
  await waits(it, 4);
  answer = "same";
  await waits(it, 1);
  assert.equal(it.client.blocked, false, "what was before the socket opened does not count");
});

test("nor is it the network when the service refuses what the page of this address sends", async () => {
  const it = start({ service: async () => "same", foreign: async () => true });
  await waits(it, 3);
  assert.deepEqual([it.client.blocked, it.client.foreign], [false, true]);
  it.last().opens();
  it.last().says(welcome());
  assert.equal(it.client.foreign, false);
});

test("once a socket opens, it is neither the network nor the address, whatever the service then says", async () => {
  for (const foreign of [false, true]) {
    let told;
    const it = start({ service: async () => "same", foreign: () => (foreign ? new Promise((tell) => (told = tell)) : Promise.resolve(false)) });
    await waits(it, 3);
    assert.equal(it.client.blocked, !foreign);
    it.last().opens();
    told?.(true); // late
    await clock.pass(0);
    assert.deepEqual([it.client.blocked, it.client.foreign], [false, false]);
  }
});

test("it is not the network when the service has too many connections: that is told, and tried again", async () => {
  let crowded = true;
  const it = start({ service: async () => "same", crowded: async () => crowded });
  await waits(it, 4);
  assert.deepEqual([it.client.crowded, it.client.blocked], [true, false]);
  crowded = false;
  await waits(it, 1);
  assert.deepEqual([it.client.crowded, it.client.blocked], [false, false]);
  it.last().opens();
  it.last().breaks(4429);
  assert.deepEqual([it.client.crowded, it.client.phase], [true, "waiting"], "so when the service says so itself");
  await clock.pass(10_000);
  it.last().opens();
  assert.equal(it.client.crowded, true, "as long as it is not known better");
  it.last().says(welcome());
  assert.equal(it.client.crowded, false);
});

test("it is not the network when the service does not answer, or when sockets open and close again", async () => {
  const away = start({ service: async () => "away" });
  await waits(away, 5);
  assert.equal(away.client.blocked, false);
  const busy = start({ service: async () => "same" });
  for (let i = 0; i < 5; i++) {
    busy.last().opens();
    await waits(busy, 1);
  }
  await waits(busy, 2);
  assert.equal(busy.client.blocked, false);
});

test("what the service refuses as wrong is a crash, unless the page is too old", async () => {
  for (const [service, end] of [["same", "crash"], ["away", "crash"], ["updated", "outdated"]]) {
    const { client, sockets, last } = live({ service: async () => service });
    last().breaks(4400);
    await clock.pass(60_000);
    assert.deepEqual([client.phase, client.end, sockets.length], ["ended", end, 1]);
  }
});

test("so is a message that this page does not understand", async () => {
  const { client, last } = live({ service: async () => "same" });
  last().onmessage({ data: Uint8Array.of(0x92, 66, 1).buffer }); // a mark with too few fields
  await clock.pass(1_000);
  assert.deepEqual([client.phase, client.end], ["ended", "crash"]);
});

test("after a reconnect a page that is too old makes way, once all of its strokes are stored and the pen is put down", async () => {
  const { client, last } = live({ service: async () => "updated" }, true);
  dot(client);
  last().breaks();
  await clock.pass(500);
  last().opens();
  last().says(welcome({ head: 3, mark: 3, start: 3 }));
  await clock.pass(5_000);
  assert.equal(client.end, null, "a dot is not stored yet");
  last().says({ kind: "own", term: 3, offset: 4, cseq: 1, count: 1 }, mark(4));
  await clock.pass(1_000);
  assert.equal(client.end, null, "the pen is here");
  last().says(grant(client, 5, { member: "" }), mark(5));
  await clock.pass(0);
  assert.deepEqual([client.phase, client.end], ["ended", "outdated"]);
});

test("a page that is too old to connect at all makes way at once, unless it has the pen or something that is not stored", async () => {
  const service = async () => "updated";
  const watching = live({ service });
  await waits(watching, 3);
  assert.equal(watching.client.end, "outdated");

  for (const draws of [false, true]) {
    const it = live({ service }, true);
    if (draws) dot(it.client);
    await waits(it, 2);
    assert.deepEqual([it.client.tooOld, it.client.end], [false, null], "the next try may open");
    await waits(it, 2);
    assert.deepEqual([it.client.tooOld, it.client.blocked, it.client.end], [true, false, null], "it says so, and goes on");
    it.last().opens();
    assert.equal(it.client.tooOld, false);
  }
});

test("nor is a page loaded again that went wrong, while something of it is not stored", async () => {
  const { client, last } = live({ service: async () => "updated" }, true);
  dot(client);
  last().breaks(4400);
  await clock.pass(0);
  assert.deepEqual([client.phase, client.end], ["ended", "crash"]);
});

// ---- who leaves, and who only goes elsewhere ---------------------------------------------------

test("who leaves for good says so, unless something of theirs is on its way", async () => {
  const { client, last } = live({}, true);
  client.stop();
  assert.deepEqual([last().closed, last().code], [true, 1000]);
  const busy = live({}, true);
  dot(busy.client);
  busy.client.stop();
  assert.deepEqual([busy.last().closed, busy.last().code], [true, undefined]);
});

test("who left and is still there some seconds later comes back, at once when the page is shown again", async () => {
  const { client, sockets, last } = live();
  client.leave();
  assert.equal(sockets[0].code, 1000);
  client.tryNow();
  assert.equal(sockets.length, 2);
  last().opens();
  last().says(welcome());
  client.leave();
  await clock.pass(8_100);
  assert.equal(sockets.length, 3);
  client.stop();
  client.leave();
  await clock.pass(60_000);
  assert.equal(sockets.length, 3, "but not who stopped");
});

test("a socket that is silent, or of a gateway that leaves, is closed without a word: the place is kept", async () => {
  const silent = live();
  await clock.pass(12_000);
  assert.deepEqual([silent.sockets[0].closed, silent.sockets[0].code], [true, undefined]);

  const { client, sockets, last } = live();
  last().says({ kind: "goaway", delay_ms: 100 });
  await clock.pass(100);
  const both = encode({ kind: "error", code: "waiting", sentence: "History does not answer.", frame: 1 });
  const then = encode(welcome());
  last().opens();
  last().onmessage({ data: Uint8Array.of(...both, ...then).buffer });
  assert.deepEqual([sockets[0].closed, sockets[0].code, client.phase], [true, undefined, "live"]);
  last().breaks();
  assert.equal(client.phase, "waiting", "it was the second one that we are at");
});

// ---- what the service tells in trouble ---------------------------------------------------------

test("what the flags of a mark say", () => {
  const { client, last } = live({}, true);
  const says = (flags) => {
    last().says(mark(3, flags));
    const { busy, troubleAt, unsaved, room, paused } = client;
    return { busy, trouble: troubleAt > 0, unsaved, room, paused };
  };
  const none = { busy: false, trouble: false, unsaved: false, room: "enough", paused: null };
  assert.deepEqual(says(0), none);
  assert.deepEqual(says(4), { ...none, unsaved: true });
  assert.deepEqual(says(2), { ...none, trouble: true });
  assert.deepEqual(says(8), { ...none, room: "little" });
  assert.deepEqual(says(16), { ...none, room: "none", paused: "room" });
  assert.deepEqual(says(8 | 16 | 1), { ...none, busy: true, room: "none", paused: "unsaved" });
  assert.deepEqual(says(32), none, "one of a later version");
});

test("drawing pauses when the service has had trouble for half a second, and when nobody answers for 3 s", async () => {
  const { client, last } = live({}, true);
  last().says(mark(3, 2));
  assert.equal(client.paused, null);
  await clock.pass(600);
  last().says(mark(3, 2));
  assert.equal(client.paused, "trouble");
  last().says(mark(3));
  assert.equal(client.paused, null);
  await clock.pass(8_000);
  assert.equal(client.paused, null, "who does not draw gets no answer");
  last().says(mark(3));
  dot(client);
  await clock.pass(2_900);
  assert.equal(client.paused, null);
  await clock.pass(200);
  assert.equal(client.paused, "grace");
  last().says(mark(3));
  assert.equal(client.paused, null);
});

test("while drawing pauses nothing is undone, redone or cleared; but what was just begun can be dropped", () => {
  const { client, last } = live({}, true);
  for (let i = 0; i < 3; i++) dot(client);
  client.undo();
  last().says({ kind: "own", term: 3, offset: 4, cseq: 1, count: 4 }, mark(7, 1));
  assert.equal(client.paused, "unsaved");
  last().sent.splice(0);
  client.undo();
  client.redo();
  client.clear();
  assert.deepEqual([last().sent, client.board.pendingFrames], [[], 0]);
  client.drop();
  assert.deepEqual(last().sent.map(({ kind }) => kind), ["undo"]);
});

test("no key that repeats makes more frames unsaved than there may be", () => {
  const { client } = live({}, true);
  dot(client);
  for (let i = 0; i < 3_000; i++) {
    client.undo();
    client.redo();
  }
  assert.deepEqual([client.board.unackedFrames, client.paused], [4_000, "unsaved"]);
});

test("who draws while the page stands still does not take that for the service's silence", async () => {
  const { client, last } = live({}, true);
  dot(client);
  clock.now += 5_000; // no timer has run, and what came meanwhile waits to be read
  assert.equal(client.paused, null);
  await clock.pass(500);
  assert.equal(client.paused, null);
  last().says(mark(3));
  dot(client);
  await clock.pass(3_100);
  assert.equal(client.paused, "grace", "nobody answered while it ran");
});

test("a board that cannot be opened yet: the connection stays as long as it says something", async () => {
  const { client, sockets, last } = start();
  last().opens();
  for (let i = 0; i < 5; i++) {
    await clock.pass(8_000);
    last().says({ kind: "error", code: "waiting", sentence: "History does not answer.", frame: 1 });
    assert.deepEqual([client.held, client.phase, sockets.length], [true, "connecting", 1]);
  }
  last().says(welcome());
  assert.deepEqual([client.held, client.phase], [false, "live"]);
});

test("start_fresh: forgets its log, comes by itself as another instance, and tells what is lost", async () => {
  const { client, sockets, last } = live({}, true);
  const lost = [];
  client.onLost = (strokes, setBack) => lost.push([strokes, setBack]);
  dot(client);
  dot(client);
  dot(client);
  last().says({ kind: "own", term: 3, offset: 4, cseq: 1, count: 2 }, mark(4)); // one is stored, one is in the log
  const { instance } = client;
  last().says({ kind: "error", code: "start_fresh", sentence: "", frame: 1 });
  last().breaks(4410);
  assert.deepEqual(lost, [[2, true]]);
  assert.deepEqual([client.end, client.board.applied, client.board.strokes, client.term], [null, 0, [], 0]);
  await clock.pass(500);
  assert.equal(sockets.length, 2);
  last().opens();
  const [hello] = last().sent;
  assert.notEqual(hello.instance, instance);
  assert.deepEqual([hello.from, hello.since, hello.conn], [null, null, 1]);
  last().says(welcome({ head: 5, mark: 5, start: 4 }), { ...grant(client, 5), ended: 3 }, mark(5));
  assert.equal(client.term, 5);
  dot(client);
  const [, first] = last().sent;
  assert.deepEqual([first.kind, first.term, first.cseq], ["begin", 5, 1]);
});

for (const first of ["welcome", "mark"])
  test(`another incarnation, told by a ${first}: a backup was restored, and it begins anew`, async () => {
    const { client, sockets, last } = live({}, true);
    const lost = [];
    client.onLost = (strokes, setBack) => lost.push([strokes, setBack]);
    dot(client);
    last().says({ kind: "own", term: 3, offset: 4, cseq: 1, count: 1 }, mark(4, 0, 7), mark(4, 0, 0));
    dot(client);
    last().breaks(1006);
    await clock.pass(1_500);
    last().opens();
    assert.equal(last().sent[0].from, 4);
    const { instance } = client;
    const before = sockets.length;
    last().says(welcome({ head: 4, mark: 4, start: 4, incarnation: first === "welcome" ? 8 : 0 }));
    if (first === "mark") last().says(mark(4, 0, 8));
    assert.deepEqual([lost, client.board.applied, client.board.strokes], [[[1, true]], 0, []]);
    await clock.pass(1_500);
    assert.equal(sockets.length, before + 1);
    last().opens();
    assert.deepEqual([last().sent[0].from, last().sent[0].instance === instance], [null, false]);
    last().says(welcome({ head: 5, mark: 5, start: 4, incarnation: 8 }), mark(5, 0, 8));
    assert.equal(client.phase, "live");
  });

test("a token of another board opens none here: nothing of it is shown, and its place is left at once", async () => {
  const told = [];
  const { client, sockets, last } = start({ board: "0000000000" });
  client.onMessage = ({ kind }) => told.push(kind);
  last().opens();
  last().says(welcome({ name: "Theirs", start: 1 }), { kind: "ev_open", offset: 2, time: 0, replica: "b1" });
  assert.deepEqual([client.phase, client.end, client.board.name, client.board.member], ["ended", "forbidden", "", ""]);
  assert.deepEqual([last().closed, last().code, told], [true, 1000, []]);
  await clock.pass(60_000);
  assert.equal(sockets.length, 1);
});

test("a token that is refused, or of another board, makes way for the next one; in the end it is forbidden", async () => {
  const { client, sockets, last } = start({ token: "one", others: ["two", "three"], board: "k3v9x2mq4t" });
  last().opens();
  last().breaks(4403);
  last().opens();
  last().says(welcome({ board: "0000000000" }));
  last().opens();
  assert.deepEqual(sockets.map(({ sent }) => sent[0].token), ["one", "two", "three"]);
  last().says(welcome());
  assert.deepEqual([client.phase, client.end, client.token], ["live", null, "three"]);
  last().breaks(4403); // it has expired
  assert.deepEqual([client.phase, client.end, sockets.length], ["ended", "forbidden", 3]);

  const other = start({ token: "one", others: ["two"] });
  for (let i = 0; i < 2; i++) {
    other.last().opens();
    other.last().breaks(4403);
  }
  assert.deepEqual([other.client.end, other.sockets.length], ["forbidden", 2]);
});
