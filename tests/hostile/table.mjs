// SPDX-License-Identifier: Apache-2.0
//
// The table of a hostile trial. Pure.

import { slowdown } from "./verdict.mjs";

const WIDTH = 44;
const COUNTS = ["lost", "repeated", "disordered", "closed", "errors", "pens_lost", "unreadable", "shut_out", "waits", "troubled", "held", "cuts", "came_back", "reloaded"];

const row = (what, cells) => `  ${what.padEnd(WIDTH)}${cells.map((cell) => String(cell).padStart(18)).join("")}`;
const mib = (bytes) => (bytes / (1 << 20)).toFixed(1);

/** The rows of what the honest people saw, a column a turn. */
function honestRows(turns) {
  const of = (what, figure) => row(what, turns.map(({ honest }) => (honest ? figure(honest) : "–")));
  const ms = (latency, share) => (honest) => (honest[latency][share] / 1_000).toFixed(1);
  const quiet = turns[0].hostile === undefined ? turns[0].honest : null;
  return [
    of("deliveries a second", (honest) => honest.deliveries_per_s.toFixed(0)),
    of("draw to view, ms, p50", ms("view_us", "p50")),
    of("  p99", ms("view_us", "p99")),
    ...(quiet ? [of("  p99 beside the quiet turn's", (honest) => slowdown(quiet, honest).toFixed(2))] : []),
    of("draw to stored, ms, p99", ms("stored_us", "p99")),
    of("coming back, ms, p99", ms("back_us", "p99")),
    of("sent late by, ms, p99", ms("late_us", "p99")),
    ...COUNTS.map((count) => of(count.replace("_", " "), (honest) => honest[count])),
  ];
}

function processRows(turns) {
  const names = turns[0].before.map(({ name }) => name);
  const bytes = (list, name) => list.find((process) => process.name === name)?.bytes ?? NaN;
  const cores = (honest, i) => honest.processes[i + 1]?.cores.toFixed(2); // the first is the load client
  const memory = (turn, name) => [turn.before, turn.after, turn.memory].map((list) => mib(bytes(list, name))).join(" ");
  return [
    row("the machine's load at the end", turns.map(({ load }) => load.toFixed(1))),
    ...[...names, "broker"].map((name, i) => row(`${name}: cores`, turns.map(({ honest }) => (honest && cores(honest, i)) ?? "–"))),
    ...names.map((name) => row(`${name}: MiB before, after, at most`, turns.map((turn) => memory(turn, name)))),
  ];
}

/** How often a hostile client was answered what, by kind. */
function answerLines({ name, hostile }) {
  const lines = Object.entries(hostile.answers).map(([kind, answers]) => {
    const most = Object.entries(answers).sort(([, a], [, b]) => b - a).map(([answer, count]) => `${answer} ${count}`);
    return `  ${kind.padStart(3)}  ${most.join(", ")}`;
  });
  return [`${name}: the hostile clients used ${hostile.cores.toFixed(2)} cores, drew ${hostile.inkMiB.toFixed(0)} MiB, and were answered, by kind`, ...lines];
}

export function table(turns) {
  return [
    row("", turns.map((_, i) => `turn ${i + 1}`)),
    ...honestRows(turns),
    row("visitors by code: came", turns.map(({ visitors }) => visitors.came)),
    ...processRows(turns),
    ...turns.filter(({ hostile }) => hostile).flatMap(answerLines),
  ].join("\n");
}
