// SPDX-License-Identifier: Apache-2.0
//
// Somebody who owns a board and rules it, as PROTOCOL.md says: nothing acks a deed but the rules that follow from
// it, so it is said again until they show it.
import { setTimeout } from "node:timers/promises";
import { Wire } from "./wire.mjs";

const AGAIN_MS = 1_000;
const UNRULED = { rules: 0, flags: 0, name: "", removed: [], outside: [] };

export const DOOR = 1;
export const CLEARS = 2;
export const GIVEN = 4;
export const IDLE = 8;
export const CODE_ENDS = 16;
export const WATCH_LINKS = 1;
export const DRAW_LINKS = 2;
export const OWN_LINKS = 4;
const CODES = { set: 14, rename: 15, remove: 16, let_in: 17, end_links: 18 };

export const joins = (gateway, token, name, more = {}) => Wire.join(gateway, token, { name, features: 3, ...more });
export const rulesOf = (wire) => wire.messages.findLast(({ kind }) => kind === "rules") ?? UNRULED;
export const stateOf = (wire) => wire.messages.findLast(({ kind }) => kind === "state");

/** Says it until `done`, for 20 s at most. */
async function again(wire, make, done) {
  for (const end = performance.now() + 20_000; performance.now() < end; ) {
    wire.send(make());
    for (let waited = 0; waited < AGAIN_MS; waited += 20) {
      if (done()) return;
      if (wire.closed) throw new Error(`closed with ${wire.closed}: ${JSON.stringify(wire.errors)}`);
      await setTimeout(20);
    }
  }
  throw new Error(`not done in 20 s: ${JSON.stringify(make())}`);
}

/** Resolves once the rules are by `wire`, with such a deed. */
export async function rules(wire, kind, fields) {
  const before = rulesOf(wire).rules;
  const done = () => {
    const { rules, what, member } = rulesOf(wire);
    return rules > before && what === CODES[kind] && member === wire.welcome.member;
  };
  await again(wire, () => ({ kind, rules: rulesOf(wire).rules, ...fields }), done);
}

export async function gives(wire, to) {
  const { term } = stateOf(wire);
  await again(wire, () => ({ kind: "give", term, to }), () => stateOf(wire).term !== term && stateOf(wire).holder === to);
}

export async function refuses(wire, member) {
  const { term } = stateOf(wire);
  const waits = () => stateOf(wire).members.some((one) => one.member === member && one.line > 0);
  await again(wire, () => ({ kind: "refuse", term, member }), () => !waits());
}
