// SPDX-License-Identifier: Apache-2.0
//
// What a trial has shown, judged: from the reports of the honest crowd, the visitors and the hostile camp to a
// list of broken promises. Pure.

const MIB = 1 << 20;

/** Most resident memory of each process: the limits that k8s/base gives them. */
export const MEMORY_MAX = { gateway: 1024 * MIB, board: 1024 * MIB, history: 512 * MIB };

/** What the load client counts that must not be. */
const PROMISES = {
  lost: "frames were lost",
  repeated: "frames came twice",
  disordered: "offsets had holes, or frames were out of order",
  closed: "people were dropped",
  errors: "people were told of an error",
  pens_lost: "drawers lost the pen",
  unreadable: "messages could not be read",
  shut_out: "people came back and were not let in",
};

/** What each kind must have been answered, or it was no attack. */
const SIGNS = {
  1: /^HTTP (4|2)/,
  3: /^welcome$/,
  4: /^(welcome|error)/,
  5: /^welcome$/,
  8: /^welcome$/,
  11: /^welcome$/,
  12: /^welcome$/,
  15: /^HTTP 404$/,
  17: /^(HTTP 4|close 4)/,
};

/** Who guesses codes closes them for its own address, and who shares that one must come by a link meanwhile: were right
 *  codes answered, the limit would be none. */
const GUESSED = /^HTTP 429/;

const DELIVERIES_MIN = 0.5; // of those that there should be in the time: the others come late, or are counted as lost

/** One turn. honest: what the load client reports, null when it broke off; visitors: {came, refused: {answer:
 *  count}}; hostile: what the camp reports, if there was one, and `own`: from addresses of its own; owing: the honest
 *  people's address still owes for what was guessed from it before; died, silent: names of processes; memory: the most
 *  that each had, [{name, kind, bytes}] */
export function faultsOf({ honest, visitors, hostile, own = true, owing = false, died, silent, memory, kinds }) {
  const faults = [...died.map((name) => `${name} died`), ...silent.map((name) => `${name} does not answer`)];
  if (!honest) faults.push("the honest people did not get in, or the load client broke off");
  else faults.push(...brokenPromises(honest));
  for (const [answer, count] of Object.entries(visitors.refused))
    if ((own && !owing) || !GUESSED.test(answer)) faults.push(`${count} visitors with a right code got: ${answer}`);
  if (!visitors.came && own && !owing) faults.push("no visitor came");
  if (hostile !== undefined) faults.push(...kindsThatWereOff(hostile, kinds));
  for (const { name, kind, bytes } of memory)
    if (bytes > MEMORY_MAX[kind]) faults.push(`${name} had ${Math.round(bytes / MIB)} MiB, more than its limit of ${MEMORY_MAX[kind] / MIB}`);
  return faults;
}

function brokenPromises(honest) {
  const faults = Object.entries(PROMISES).filter(([field]) => honest[field] > 0).map(([field, what]) => `${what} (${honest[field]})`);
  const viewers = honest.boards * (honest.members - 1) * honest.rate * honest.seconds;
  if (!(honest.deliveries >= viewers * DELIVERIES_MIN)) faults.push(`only ${honest.deliveries} of ${Math.round(viewers)} deliveries`);
  for (const field of ["came_back", "reloaded"])
    if (!honest[field]) faults.push(`nobody ${field.replace("_", " ")}: the trial did not try it`);
  return faults;
}

function kindsThatWereOff(hostile, kinds) {
  if (!hostile) return ["the hostile camp broke off"];
  const on = (kind) => Object.keys(hostile.answers[kind] ?? {}).some((answer) => SIGNS[kind].test(answer));
  return kinds.filter((kind) => !on(kind)).map((kind) => `kind ${kind} was not on: ${JSON.stringify(hostile.answers[kind] ?? {})}`);
}

/** How much slower a turn was than the quiet one, as the p99 from draw to view. */
export const slowdown = (quiet, honest) => honest.view_us.p99 / quiet.view_us.p99;

/** The turns that are too slow beside the first. */
export function slowTurns([quiet, ...turns], most = 2) {
  return turns.filter(({ honest }) => !quiet.honest || !honest || !(slowdown(quiet.honest, honest) <= most))
    .map(({ name }) => `${name}: p99 from draw to view is more than ${most} times that of "${quiet.name}"`);
}
