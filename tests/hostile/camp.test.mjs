// SPDX-License-Identifier: Apache-2.0
//
// The parts of a hostile trial do what its figures rest on: bytes are framed as they should be, budgets hold,
// each client does all kinds, and visitors and the watch see what goes wrong.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import { decode } from "../../build/web-node/client.mjs";
import { random } from "../service/strokes.mjs";
import { Attacker } from "./attacker.mjs";
import { Allowance } from "./budget.mjs";
import { frames, messages } from "./kinds-frames.mjs";
import { readFrame, wsFrame } from "./line.mjs";
import { MEMORY_MAX } from "./verdict.mjs";
import { visitors } from "./visitors.mjs";
import { Watch } from "./watch.mjs";

describe("frames of WebSocket", () => {
  for (const length of [0, 1, 125, 126, 65_535, 65_536])
    test(`with ${length} bytes are read as they were written, and not before they are whole`, () => {
      const payload = Buffer.alloc(length, 7);
      const bytes = wsFrame(payload, { masked: false });
      assert.deepEqual(readFrame(bytes), { opcode: 2, payload, size: bytes.length });
      for (const cut of [0, 1, 2, 3, bytes.length - 1].filter((cut) => cut < bytes.length))
        assert.equal(readFrame(bytes.subarray(0, cut)), null);
    });

  test("are masked with a mask that changes nothing, if they are not told otherwise", () => {
    assert.deepEqual([...wsFrame(Buffer.from([9]))], [0x82, 0x81, 0, 0, 0, 0, 9]);
    assert.deepEqual([...wsFrame(Buffer.from([9]), { masked: false, rsv: 4, opcode: 1 })], [0xc1, 0x01, 9]);
  });

  test("hold no more than a gateway takes in one message, and each cseq once", () => {
    const sent = [...messages(frames(7, 1, 1, 4_000))].map((bytes) => bytes.subarray(wsFrame(Buffer.alloc(126)).length - 126));
    assert.ok(sent.length > 1 && sent.every(({ length }) => length <= 65_536));
    const cseqs = sent.flatMap((bytes) => decode(bytes)).map(({ cseq }) => cseq);
    assert.deepEqual(cseqs, Array.from({ length: 4_000 }, (_, i) => i + 1));
  });
});

test("an allowance holds over time, and what was not used long ago is lost", () => {
  const allowance = new Allowance(10);
  let spent = 0;
  allowance.pass(1_000_000);
  allowance.pass(1);
  for (let ms = 0; ms < 1_000; ms++) {
    while (allowance.left) allowance.spend(7), (spent += 7);
    allowance.pass(1);
  }
  assert.ok(spent >= 9_990 && spent <= 10_020, `${spent}`);
});

test("a hostile client does each kind before it does any again", async () => {
  const done = [];
  const camp = { until: Infinity, budget: { turn: async () => {} }, note: (kind) => done.push(kind) };
  const attacker = new Attacker(camp, random(3), "127.0.0.1", null);
  const bout = async (who) => {
    who.boutEnd = 0;
    if (done.length === 30) camp.until = 0;
  };
  await attacker.attack(["a", "b", "c"].map((kind) => [kind, bout]));
  for (let i = 0; i < 30; i += 3) assert.deepEqual(done.slice(i, i + 3).sort(), ["a", "b", "c"]);
});

test("visitors count what they are refused", async () => {
  const server = createServer((_, answer) => answer.writeHead(429).end("{}")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = new AbortController();
  const report = visitors([server.address().port], ["k3v9x2mq4t"], stop.signal);
  stop.abort();
  assert.deepEqual((await report).refused, { "HTTP 429 (look)": 1 });
  server.close();
});

describe("the watch", () => {
  const service = (name, more = {}) => ({ name, kind: "gateway", exit: null, rss: 5, admin: "http://127.0.0.1:1", kill() {}, ...more });

  test("tells who died and who does not answer", async () => {
    const gone = service("gateway-0");
    const watch = new Watch({ services: [gone, service("gateway-1")] });
    gone.exit = { code: 1 };
    const { died, silent } = await watch.end();
    assert.deepEqual([died, silent], [["gateway-0"], ["gateway-1"]]);
  });

  test("remembers the most memory, and ends one that has far too much", async () => {
    let killed = false;
    const fat = service("gateway-0", { rss: 3 * MEMORY_MAX.gateway, kill: () => (killed = true) });
    const watch = new Watch({ services: [fat] });
    fat.rss = 7;
    const { memory, after } = await watch.end();
    assert.equal(memory[0].bytes, 3 * MEMORY_MAX.gateway);
    assert.equal(after[0].bytes, 7);
    fat.rss = 3 * MEMORY_MAX.gateway;
    await new Watch({ services: [fat] }).end();
    assert.ok(killed);
  });
});
