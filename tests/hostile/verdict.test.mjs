// SPDX-License-Identifier: Apache-2.0
//
// The judge of a hostile trial finds each fault, and none where there is none.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MEMORY_MAX, faultsOf, slowTurns } from "./verdict.mjs";

const HONEST = {
  boards: 100, members: 4, rate: 10, seconds: 20, deliveries: 59_990, came_back: 140, reloaded: 120,
  lost: 0, repeated: 0, disordered: 0, closed: 0, errors: 0, pens_lost: 0, unreadable: 0, shut_out: 0,
  cuts: 3, held: 2, waits: 1, troubled: 5, view_us: { p50: 2_500, p99: 8_000 },
};
const ANSWERS = {
  1: { "HTTP 400": 5 }, 3: { welcome: 9, "close 4409": 8 }, 4: { "error start_fresh": 3 }, 5: { welcome: 3, full: 9 },
  8: { welcome: 1 }, 11: { welcome: 1 }, 12: { welcome: 2 }, 15: { "HTTP 404": 30, "HTTP 429": 70 }, 17: { "close 4400": 1 },
};
const KINDS = Object.keys(ANSWERS);
const turn = (changed = {}) => ({
  honest: HONEST, visitors: { came: 20, refused: {} }, hostile: { answers: ANSWERS }, died: [], silent: [], kinds: KINDS,
  memory: [{ name: "gateway-0", kind: "gateway", bytes: 30 << 20 }], ...changed,
});

describe("a turn", () => {
  test("in which all is well has no fault, and cuts and waiting are none", () => {
    assert.deepEqual(faultsOf(turn()), []);
    assert.deepEqual(faultsOf(turn({ hostile: undefined })), []);
  });

  for (const field of ["lost", "repeated", "disordered", "closed", "errors", "pens_lost", "unreadable", "shut_out"])
    test(`in which one is counted as ${field} has one fault`, () => {
      const faults = faultsOf(turn({ honest: { ...HONEST, [field]: 1 } }));
      assert.equal(faults.length, 1);
      assert.match(faults[0], /\(1\)$/);
    });

  test("whose honest crowd broke off has a fault", () => {
    assert.match(faultsOf(turn({ honest: null })).join(), /did not get in/);
  });

  test("with far too few deliveries has a fault, also when their number is missing", () => {
    assert.match(faultsOf(turn({ honest: { ...HONEST, deliveries: 20_000 } })).join(), /only 20000 of 60000/);
    assert.match(faultsOf(turn({ honest: { ...HONEST, deliveries: undefined } })).join(), /only/);
  });

  test("in which nobody came back or reloaded has a fault", () => {
    assert.match(faultsOf(turn({ honest: { ...HONEST, came_back: 0 } })).join(), /nobody came back/);
    assert.match(faultsOf(turn({ honest: { ...HONEST, reloaded: 0 } })).join(), /nobody reloaded/);
  });

  test("in which a process died has a fault", () => {
    assert.deepEqual(faultsOf(turn({ died: ["gateway-1"] })), ["gateway-1 died"]);
  });

  test("in which a process stopped to answer has a fault", () => {
    assert.deepEqual(faultsOf(turn({ silent: ["board-0"] })), ["board-0 does not answer"]);
  });

  test("in which a visitor was refused, or none came, has a fault", () => {
    assert.match(faultsOf(turn({ visitors: { came: 30, refused: { "HTTP 429": 2 } } })).join(), /2 visitors .* HTTP 429/);
    assert.match(faultsOf(turn({ own: false, visitors: { came: 30, refused: { "HTTP 503 (look)": 2 } } })).join(), /2 visitors/);
    assert.deepEqual(faultsOf(turn({ owing: true, visitors: { came: 90, refused: { "HTTP 429 (look)": 12 } } })), []);
    assert.deepEqual(faultsOf(turn({ own: false, visitors: { came: 0, refused: { "HTTP 429 (look)": 2 } } })), []);
    assert.match(faultsOf(turn({ visitors: { came: 0, refused: {} } })).join(), /no visitor came/);
  });

  for (const kind of KINDS)
    test(`in which kind ${kind} was not on has a fault`, () => {
      const { [kind]: _, ...others } = ANSWERS;
      assert.match(faultsOf(turn({ hostile: { answers: others } })).join(), new RegExp(`kind ${kind} was not on`));
      const idle = { answers: { ...others, [kind]: { bouts: 5, "closed without an answer": 5 } } };
      assert.match(faultsOf(turn({ hostile: idle })).join(), new RegExp(`kind ${kind} was not on`));
    });

  test("whose hostile camp broke off has a fault", () => {
    assert.match(faultsOf(turn({ hostile: null })).join(), /camp broke off/);
  });

  for (const kind of Object.keys(MEMORY_MAX))
    test(`after which a ${kind} is above its limit has a fault`, () => {
      const memory = [{ name: `${kind}-0`, kind, bytes: MEMORY_MAX[kind] + 1 }];
      assert.match(faultsOf(turn({ memory })).join(), /more than its limit/);
    });
});

describe("the p99", () => {
  const named = (name, p99) => ({ name, honest: { view_us: { p99 } } });

  test("may double", () => {
    assert.deepEqual(slowTurns([named("quiet", 8_000), named("hostile", 16_000)]), []);
  });
  test("may not be more than double, in any turn", () => {
    const found = slowTurns([named("quiet", 8_000), named("a", 16_001), named("b", 9_000), named("c", 99_000)]);
    assert.equal(found.length, 2);
    assert.match(found.join(), /^a: .*,c: /);
  });
  test("is too slow when it is not known", () => {
    assert.equal(slowTurns([named("quiet", 8_000), { name: "a", honest: null }]).length, 1);
    assert.equal(slowTurns([{ name: "quiet", honest: null }, named("a", 8_000)]).length, 1);
  });
});
