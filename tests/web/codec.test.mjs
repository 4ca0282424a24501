// SPDX-License-Identifier: Apache-2.0
//
// The page's codec against the test vectors that all codecs share, and against bytes that nobody
// should send.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { BadFrame, codec, decode, encode } from "../../build/web-node/client.mjs";
import { parse } from "../../gateway/web/build/messages.mjs";
import { randomOf } from "./random.mjs";

const VECTORS = readFileSync(new URL("../../proto/vectors.txt", import.meta.url), "utf8");
const DEFINED = parse();
const ALL = DEFINED.map(({ name, code, fields }) => ({
  kind: name,
  code,
  fields: fields.map(({ name, type, low, high, later }) => [name, type, low, high, later]),
}));
const kindOf = (name) => ALL.find((kind) => kind.kind === name);
const LISTS = DEFINED.flatMap(({ name, fields }) => fields.filter((f) => f.tuple).map((f) => [`${name}.${f.name}`, f.tuple]));
const TUPLES = Object.fromEntries(LISTS.map(([list, tuple]) => [list, kindOf(tuple)]));
// A tuple stands in the vectors by itself: there its first field takes the place of the code.
const whole = codec(ALL.filter((kind) => kind.code > 0), TUPLES);

const lines = VECTORS.split("\n").filter((line) => line && !line.startsWith("#") && !line.startsWith("shard "));
const good = lines.filter((line) => line.split(" ")[1] !== "!");
const bad = lines.filter((line) => line.split(" ")[1] === "!");
const bytesOf = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));

/** Reads `field=value field=value …` from the front of `text`. */
function readFields(kind, text) {
  const ret = {};
  for (const [name, type] of kind.fields) {
    assert.ok(text.startsWith(`${name}=`), `${name} expected at ${text.slice(0, 60)}`);
    [ret[name], text] = readValue(`${kind.kind}.${name}`, type, text.slice(name.length + 1));
    text = text.replace(/^ /, "");
  }
  return [ret, text];
}

function readValue(place, type, text) {
  if (type === "LIST") return readList(TUPLES[place], text.slice(1));
  if (type === "ID" || type === "STR") {
    const [json] = /^"(?:[^"\\]|\\.)*"/.exec(text);
    return [JSON.parse(json), text.slice(json.length)];
  }
  const [word] = /^[^ }\]]*/.exec(text);
  const value = type === "BIN" ? bytesOf(word) : word === "nil" ? null : Number(word);
  return [value, text.slice(word.length)];
}

function readList(tuple, text) {
  const ret = [];
  while (!text.startsWith("]")) {
    const [fields, rest] = readFields(tuple, text.replace(/^ ?\{/, ""));
    ret.push(fields);
    text = rest.slice(1); // }
  }
  return [ret, text.slice(1)];
}

test(`${good.length} vectors: decoding gives the fields, encoding the bytes`, () => {
  const seen = new Set();
  for (const line of good) {
    const [hex, name] = line.split(" ", 2);
    const kind = kindOf(name);
    const [fields, rest] = readFields(kind, line.slice(hex.length + name.length + 2));
    assert.equal(rest, "");
    seen.add(name);
    if (kind.code === 0) continue; // tuples are in the lists of messages
    const message = { kind: name, ...fields };
    assert.deepEqual(whole.decode(bytesOf(hex)), [message], line.slice(0, 200));
    assert.equal(Buffer.from(whole.encode(message)).toString("hex"), hex, line.slice(0, 200));
  }
  for (const { kind } of ALL) assert.ok(seen.has(kind), `no vector for ${kind}`);
});

test("several frames in one message are read one after the other", () => {
  const frames = [{ kind: "ask" }, { kind: "pass", term: 5, cseq: 9, to: "" }, { kind: "cut", to: 2 ** 40 }];
  const bytes = Buffer.concat(frames.map((frame) => encode(frame)));
  assert.deepEqual(decode(new Uint8Array(bytes)), frames);
});

test("kinds and fields that we do not know are skipped", () => {
  const bytes = bytesOf("93cd04d20102" + "9343" + "05" + "a161"); // code 1234; cut to 5 with one more
  assert.deepEqual(decode(bytes), [{ kind: "cut", to: 5 }]);
});

test("a field that came later may be left out, and no other", () => {
  assert.deepEqual(decode(bytesOf("94420a0900")), [{ kind: "mark", head: 10, mark: 9, flags: 0, incarnation: 0 }]);
  assert.throws(() => decode(bytesOf("93420a09")), BadFrame);
});

test("roles and flags of a version to come are read", () => {
  const member = { member: "ana", name: "", role: 255, flags: 255, line: 0, number: 0 };
  const state = { kind: "state", holder: "", instance: 0, term: 0, grace_ms: 0, pass_ms: 0, members: [member] };
  const points = { kind: "ev_points", offset: 4, time: 0, term: 3, cseq: 2, flags: 255, points: new Uint8Array() };
  for (const message of [state, points]) assert.deepEqual(decode(encode(message)), [message]);
});

test("events, and only these, have the codes that stand for them", () => {
  for (const { form, code } of DEFINED) assert.equal(code >= 32 && code <= 63, form === "EVENT");
});

test("of an event that we do not know we know its offset; frames beyond the events are none", () => {
  assert.deepEqual(decode(bytesOf("923e07" + "9337" + "cf001fffffffffffff" + "c0" + "925f07")), [
    { kind: "ev_unknown", offset: 7 },
    { kind: "ev_unknown", offset: 2 ** 53 - 1 },
  ]);
  for (const hex of ["913e", "923e00", "923ec0", "923ea0"]) assert.throws(() => decode(bytesOf(hex)), BadFrame);
});

test("fields beyond those that we know may be anything: long, large, of any type", () => {
  const text = (length) => [0xda, length >> 8, length & 255, ...Array(length).fill(97)];
  const map = Array.from({ length: 300 }, (_, i) => [0xcd, i >> 8, i & 255, i & 7]).flat();
  const extra = [
    text(16_000),
    [0xde, 300 >> 8, 300 & 255, ...map],
    [0x83, 0xc0, 1, 0x91, 1, 2, 0x80, 3], // keys: nil, a list, a map
    [0xc8, 1, 0, 5, ...Array(256).fill(0)], // an extension
    [0xd4, 0xff, 0], // one that would be a time, if it were longer
    [0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0], // not a number
    Array(5_000).fill(0x91).concat(0xc0), // deep
  ];
  for (const bytes of extra) assert.deepEqual(decode(Uint8Array.of(0x93, 0x43, 5, ...bytes)), [{ kind: "cut", to: 5 }]);
});

test("a field out of its bounds throws, in both directions", () => {
  assert.throws(() => encode({ kind: "begin", term: 0, cseq: 1 }), BadFrame);
  assert.throws(() => encode({ kind: "profile", name: "x".repeat(129), flags: 0 }), BadFrame);
  assert.throws(() => encode({ kind: "profile", name: "é".repeat(65), flags: 0 }), BadFrame);
  assert.throws(() => encode({ kind: "pass", term: 1, cseq: 1, to: "Ana" }), BadFrame);
  assert.throws(() => decode(bytesOf("9243ff")), BadFrame); // cut to -1
  assert.throws(() => decode(bytesOf("9243cb3ff8000000000000")), BadFrame); // cut to 1.5
  assert.throws(() => decode(bytesOf("9243cfffffffffffffffff")), BadFrame); // cut to 2^64 - 1
  assert.throws(() => decode(bytesOf("9143")), BadFrame); // cut without a field
});

test(`whatever the bytes, the worst is an exception (${bad.length} bad frames, 20,000 damaged ones)`, () => {
  const random = randomOf(42);
  const harmless = (bytes) => {
    try {
      for (const message of decode(bytes)) assert.equal(typeof message.kind, "string");
    } catch (error) {
      assert.ok(!(error instanceof assert.AssertionError), error);
    }
  };
  for (const line of bad) harmless(bytesOf(line.split(" ")[0]));
  const short = good.map((line) => bytesOf(line.split(" ")[0])).filter((bytes) => bytes.length < 200);
  for (let i = 0; i < 20_000; i++) {
    const bytes = random.pick(short).slice();
    for (let n = random.below(3); n >= 0; n--) bytes[random.below(bytes.length)] = random.below(256);
    harmless(random.chance(0.2) ? bytes.slice(0, random.below(bytes.length)) : bytes);
  }
});
