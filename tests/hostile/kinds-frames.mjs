// SPDX-License-Identifier: Apache-2.0
//
// Attacks with frames: numbers that are not so, ink without an end, and what no page would send.

import { wsFrame } from "./line.mjs";
import { encode } from "../../build/web-node/client.mjs";

const MOST = Number.MAX_SAFE_INTEGER; // 2^53 - 1, the greatest offset there can be
const FRAME_POINTS = 1_280; // 5,120 bytes
const MESSAGE_BYTES = 60_000;
const KEPT_FRAMES = 4_000;
const STROKE_FRAMES = 32; // 40,000 points in frames of 1,280

const BEGIN = { kind: "begin", tool: 0, colour: 0, size: 80, shape: 1, flags: 0, points: new Uint8Array(4) };
const BIG_POINTS = Uint8Array.from({ length: FRAME_POINTS * 4 }, (_, i) => (i % 2 ? (i * 7) % 40 : 0));
const FAR_POINTS = new Uint8Array(FRAME_POINTS * 4).fill(0x7f); // each 32,639 to the right and down

/** Frames as messages of at most 60,000 bytes each. */
export function* messages(frames) {
  let [batch, size] = [[], 0];
  for (const frame of frames) {
    const bytes = encode(frame);
    if (size + bytes.length > MESSAGE_BYTES) {
      yield wsFrame(Buffer.concat(batch));
      [batch, size] = [[], 0];
    }
    batch.push(bytes);
    size += bytes.length;
  }
  if (size) yield wsFrame(Buffer.concat(batch));
}

/** `count` frames of a term, from the cseq `first` on, `step` apart. */
export function* frames(term, first, step, count) {
  for (let i = 0; i < count; i++) {
    const cseq = first + i * step;
    yield i % 20 ? { kind: "points", term, cseq, flags: 0, points: new Uint8Array(8) } : { ...BEGIN, term, cseq };
  }
}

/** Kind 4: a `from`, a term and a cseq that cannot be, and 4,000 frames to be kept. */
export async function believedNumbers(who) {
  const { link } = who;
  const from = who.pick([MOST, MOST, null, 0, 1_000_000]);
  const line = await who.hello(who.pick([link.draw, link.watch]), { from });
  if (!line || !(await line.welcomed(1_000))) return;
  line.reading = false;
  const term = who.pick([MOST, MOST, 1, 1_000_000, from || MOST]);
  const [first, step] = who.pick([[1, 1], [1, 2], [2, 1], [2 ** 32 - KEPT_FRAMES, 1]]);
  for (const message of messages(frames(term, first, step, KEPT_FRAMES))) {
    await who.pace();
    line.send(message);
  }
  await who.pause(2_000);
}

/** Kind 11: big strokes as fast as they are read, on boards of their own, of which more are made. */
export async function floods(who) {
  const line = await who.drawer(await who.ownBoard());
  if (!line) return who.pause(300);
  let cseq = 0;
  while (!who.over && !line.closed) {
    await who.pace();
    const batch = [{ ...BEGIN, term: line.term, cseq: ++cseq }];
    while (batch.length < 11) batch.push({ kind: "points", term: line.term, cseq: ++cseq, flags: 0, points: BIG_POINTS });
    const [message] = messages(batch);
    await who.camp.budget.ink(message.length);
    if (line.socket.writableLength > 1 << 18) await line.until(() => line.socket.writableLength < 1 << 16, 500);
    line.send(message);
  }
}

/** Kind 12: a stroke of 40,000 points. */
function* endless(term) {
  yield { ...BEGIN, term, cseq: 1 };
  for (let i = 0; i < STROKE_FRAMES; i++) yield { kind: "points", term, cseq: 2 + i, flags: 0, points: BIG_POINTS };
}

/** Kind 12: points far off the board, beyond 32 bits. */
function* outside(term) {
  yield { ...BEGIN, term, cseq: 1 };
  for (let i = 0; i < 60; i++) yield { kind: "points", term, cseq: 2 + i, flags: 0, points: FAR_POINTS };
}

/** Kind 12: a begin that is repeated with the pressure flag, which cuts its points in another way. */
function* anotherPressure(term) {
  yield { ...BEGIN, term, cseq: 1, points: new Uint8Array(20) };
  yield { ...BEGIN, term, cseq: 1, flags: 1, points: new Uint8Array(20) };
  yield { kind: "points", term, cseq: 2, flags: 0, points: new Uint8Array(20) };
  yield { kind: "points", term, cseq: 3, flags: 0, points: new Uint8Array(16) };
}

/** Kind 12: colours of another tool. */
function* wrongColours(term) {
  const looks = [[0, 8], [0, 11], [1, 0], [2, 11]];
  for (const [i, [tool, colour]] of looks.entries()) yield { ...BEGIN, term, cseq: 1 + i, tool, colour, flags: 4 };
}

export async function monsters(who) {
  const line = await who.drawer(await who.ownBoard());
  if (!line) return who.pause(300);
  const what = who.pick([endless, outside, anotherPressure, wrongColours]);
  line.say({ kind: "profile", name: who.pick(["\u202eevil", "a\u0007\u009b31m", "\u2066\u2069"]), flags: 0 });
  for (const message of messages(what(line.term))) {
    await who.pace();
    await who.camp.budget.ink(message.length);
    line.send(message);
  }
  await who.pause(300);
}

const ODD_MESSAGES = [
  ["an unmasked frame", () => wsFrame(encode({ kind: "ask" }), { masked: false })],
  ["RSV1", () => wsFrame(encode({ kind: "ask" }), { rsv: 4 })],
  ["a text message", () => wsFrame(Buffer.from("ask"), { opcode: 1 })],
  ["an empty message", () => wsFrame(Buffer.alloc(0))],
  ["a second hello", (who, token) => wsFrame(encode(who.helloFrame(token)))],
  ["an opcode that there is not", () => wsFrame(Buffer.alloc(1), { opcode: 11 })],
  ["a message that never ends", () => wsFrame(Buffer.alloc(60_000), { fin: false })],
  ["a message of 100,000 bytes", () => wsFrame(Buffer.alloc(100_000))],
  ["a close frame of one byte", () => wsFrame(Buffer.alloc(1), { opcode: 8 })],
  ["a ping of 200 bytes", () => wsFrame(Buffer.alloc(200), { opcode: 9 })],
];

/** Kind 17: frames of WebSocket that are nearly right, before the welcome or after it. */
export async function oddMessages(who) {
  const token = who.link.watch;
  const line = who.next() < 0.3 ? who.line() : await who.hello(token);
  if (!line || (!line.upgraded && !(await line.upgrade()))) return;
  if (who.next() < 0.7) await line.welcomed(500);
  line.reading = false;
  line.send(who.pick(ODD_MESSAGES)[1](who, token));
  await line.until(() => false, 500); // or until it is closed
}
