// SPDX-License-Identifier: Apache-2.0
//
// Reads the whole log of a board and what each of its people recorded, and counts what should never be. Pure:
// it knows nothing of the services but their protocol.
import { keyOf, numberOf } from "./person.mjs";

export const COUNTS = {
  missing: "acked, and not in the log",
  doubled: "in the log twice",
  disordered: "not in the order drawn",
  usurped: "drawn by somebody who was not the holder",
  changed: "told as stored, and changed",
  lost: "lost, though nobody else had taken the pen",
  untold: "lost, and not told",
  differing: "people whose view is not the log",
  wrong: "errors that were not theirs",
};

/** The log as people should see it: by offset, {key, number, member} of each event. */
function read(log) {
  const ret = [];
  let holder = "";
  let term = 0;
  for (const event of log) {
    if (event.kind === "ev_grant") [holder, term] = [event.member, event.offset];
    const drawn = "cseq" in event;
    ret[event.offset] = {
      key: keyOf(event),
      number: event.kind === "ev_begin" ? numberOf(event) : null,
      holder,
      usurped: drawn && event.term !== term,
      drawn,
    };
  }
  return ret;
}

/** Has somebody else drawn between this person's stroke and the end? Then its loss is what the pen's passing on
 *  costs; else there was no reason for it. */
function othersDrewAfter(entries, person) {
  return entries.some((entry) => entry?.drawn && entry.holder !== person.member);
}

/** What is wrong, by the names of COUNTS: a list of sentences for each. */
export function verdict(log, people) {
  const entries = read(log);
  const found = Object.fromEntries(Object.keys(COUNTS).map((count) => [count, []]));
  const at = new Map(); // number -> its offsets
  entries.forEach(({ number }, offset) => number !== null && at.set(number, [...(at.get(number) ?? []), offset]));

  entries.forEach(({ usurped }, offset) => usurped && found.usurped.push(`event ${offset}`));
  for (const person of people) {
    const who = person.name;
    let last = 0;
    let lost = 0;
    for (const number of person.drawn.keys()) {
      const places = at.get(number) ?? [];
      if (places.length > 1) found.doubled.push(`${who}: stroke ${number} at ${places}`);
      if (places.length && places[0] < last) found.disordered.push(`${who}: stroke ${number} at ${places[0]}, after ${last}`);
      last = Math.max(last, places[0] ?? 0);
      if (places.length && person.member && entries[places[0]].holder !== person.member)
        found.usurped.push(`${who}: stroke ${number} at ${places[0]}, in the term of ${entries[places[0]].holder}`);
      if (places.length) continue;
      if (person.acked.has(number)) found.missing.push(`${who}: stroke ${number}`);
      if (person.forgone?.has(number)) continue; // a page that is gone cannot tell, nor draw again
      lost++;
      if (!othersDrewAfter(entries, person)) found.lost.push(`${who}: stroke ${number}`);
    }
    if (lost > person.lost) found.untold.push(`${who}: ${lost} are lost, ${person.lost} were told`);
    for (const offset of person.changed) found.changed.push(`${who}: event ${offset}`);
    person.stored.forEach((key, offset) => {
      if (key !== entries[offset]?.key) found.changed.push(`${who}: event ${offset} was ${key}, is ${entries[offset]?.key}`);
    });
    const differs = person.isHere && person.shown.findIndex((entry, offset) => entry && entry.key !== entries[offset]?.key);
    if (differs > 0) found.differing.push(`${who}: event ${differs} is ${entries[differs]?.key}, shown as ${person.shown[differs].key}`);
    for (const wrong of person.wrongs) found.wrong.push(`${who}: ${wrong}`);
  }
  return { found, acked: people.reduce((sum, { acked }) => sum + acked.size, 0) };
}
