// SPDX-License-Identifier: Apache-2.0
//
// What the programs tell of themselves is what docs/METRICS.md says, in the form that Prometheus
// reads; and what pods are scaled on rises under load and falls when it ends.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { before, describe, test } from "node:test";
import { join as path } from "node:path";
import { assertAllEqual, join, ROOT, startCluster, until } from "./harness.mjs";
import { strokes } from "./strokes.mjs";
import { Wire } from "./wire.mjs";

// ---- the list -----------------------------------------------------------------------------------

const SECTIONS = { "Every program": ["gateway", "board", "history"], Gateway: ["gateway"], "Board service": ["board"],
  "History service": ["history"] };

/** The metrics of docs/METRICS.md: {name, type, of, labels: {label: [values]}, programs}. */
function documented() {
  const found = [];
  let programs = null;
  for (const line of readFileSync(path(ROOT, "docs/METRICS.md"), "utf8").split("\n")) {
    if (line.startsWith("## ")) programs = SECTIONS[line.slice(3)];
    const row = programs && line.match(/^\| `(\w+)` \| (\w+), ([^|]+) \|([^|]*)\| [^|]+ \|$/);
    if (programs && line.startsWith("| `")) assert.ok(row, `not a row of the list: ${line}`);
    if (!row) continue;
    const labels = {};
    for (const label of row[4].split(";").filter((label) => label.trim())) {
      const [name, ...values] = [...label.matchAll(/`(\w+)`/g)].map(([, word]) => word);
      labels[name] = values;
    }
    found.push({ name: row[1], type: row[2], of: row[3].trim(), labels, programs });
  }
  return found;
}

/** What a program serves, as Prometheus' library (Debian's) reads it. */
async function served(service) {
  const answer = await fetch(`${service.admin}/metrics`);
  const python = spawn("/usr/bin/python3", [path(ROOT, "tests/service/metrics.py")], { stdio: ["pipe", "pipe", "inherit"] });
  python.stdin.end(await answer.text());
  const families = JSON.parse(await text(python.stdout));
  // The library takes "_total" off a counter's name.
  return families.map((family) => (family.type === "counter" ? { ...family, name: `${family.name}_total` } : family));
}

/** {label: [values]} of a family's samples; a histogram's buckets count as one. */
function labelsOf(family) {
  const labels = {};
  for (const sample of family.samples) {
    for (const [label, value] of Object.entries(sample.labels)) {
      if (label !== "le") (labels[label] ??= new Set()).add(value);
    }
  }
  return labels;
}

const series = ({ name, labels }) => `${name} ${JSON.stringify(Object.entries(labels).sort())}`;

function checkHistogram(family) {
  const of = ({ le, ...labels }) => JSON.stringify(labels);
  for (const count of family.samples.filter((sample) => sample.name.endsWith("_count"))) {
    const buckets = family.samples.filter((s) => s.name.endsWith("_bucket") && of(s.labels) === of(count.labels));
    const bounds = buckets.map((bucket) => Number(bucket.labels.le.replace("+Inf", "Infinity")));
    assert.deepEqual(bounds, [...bounds].sort((a, b) => a - b), `${family.name}: bounds rise`);
    assert.equal(bounds.at(-1), Infinity, family.name);
    buckets.reduce((below, { value }) => {
      assert.ok(value >= below, `${family.name} is cumulative`);
      return value;
    }, 0);
    assert.equal(buckets.at(-1).value, count.value, `${family.name}: the last bucket is the count`);
    assert.ok(family.samples.some((s) => s.name === `${family.name}_sum` && of(s.labels) === of(count.labels)));
  }
}

// ---- the tests ----------------------------------------------------------------------------------

describe("metrics", { timeout: 280_000 }, () => {
  let cluster, board, ana, ben;
  const find = async (kind, name) => (await cluster[kind][0].metrics())[name];
  const gateway = (name) => find("gateways", `easel_gateway_${name}`);
  const accepted = () => find("boards", 'easel_board_frames_total{result="accepted"}');
  const history = (name) => find("histories", `easel_history_${name}`);

  before(async () => {
    cluster = await startCluster({ env: { EASEL_CREATES_PER_MIN: "1000", EASEL_CONNECTIONS_PER_ADDRESS: "1000" } });
    board = await cluster.makeBoard();
    ana = await join(cluster.gateways[0], board.tokens.own, "Ana");
    ben = await join(cluster.gateways[0], board.tokens.draw, "Ben");
    await ana.takePen();
    ana.draw(strokes(20));
    await assertAllEqual([ana, ben]);
  });

  test("the names carry their units, and every metric is in the list once", () => {
    const list = documented();
    assert.equal(new Set(list.map(({ name }) => name)).size, list.length);
    for (const { name, type, of } of list) {
      assert.match(name, /^(easel|process)_[a-z_]+$/);
      assert.equal(name.endsWith("_total"), type === "counter", `${name}: counters end in _total, and nothing else`);
      for (const unit of ["seconds", "bytes"]) {
        assert.equal(new RegExp(`_${unit}(_total)?$`).test(name), of === unit, `${name} is of ${of}`);
      }
    }
  });

  for (const kind of ["gateway", "board", "history"]) {
    test(`the ${kind} tells what the list says, no more and no less`, async () => {
      const families = await served(cluster[{ gateway: "gateways", board: "boards", history: "histories" }[kind]][0]);
      const list = documented().filter(({ programs }) => programs.includes(kind));
      const names = (of) => of.map(({ name }) => name).sort();
      assert.deepEqual(names(families), names(list));
      for (const family of families) {
        const { type, labels } = list.find(({ name }) => name === family.name);
        assert.equal(family.type, type, family.name);
        assert.match(family.help, /^[A-Z0-9].*\.$/, `${family.name} has help, a sentence`);
        const found = labelsOf(family);
        assert.deepEqual(Object.keys(found).sort(), Object.keys(labels).sort(), family.name);
        for (const [label, values] of Object.entries(found)) {
          for (const value of label === "version" ? [] : values) assert.ok(labels[label].includes(value), `${label}=${value}`);
          if (label !== "version" && label !== "program") assert.equal(values.size, labels[label].length, family.name);
        }
        assert.equal(new Set(family.samples.map(series)).size, family.samples.length, `${family.name}: no series twice`);
        if (type === "histogram") checkHistogram(family);
      }
      const { labels } = families.find(({ name }) => name === "easel_build_info").samples[0];
      assert.equal(labels.program, kind);
      assert.match(labels.version, /^\d+\.\d+/);
    });
  }

  test("what was drawn was followed to a viewer, and to the store", async () => {
    assert.ok((await gateway("draw_to_view_seconds_count")) > 0);
    assert.equal(await gateway("draw_to_stored_seconds_count"), await accepted());
    assert.equal(await gateway("unacked_frames"), 0);
    assert.equal(await find("boards", "easel_board_unstored_events"), 0);
    assert.equal(await history("events_total"), ana.mark);
  });

  test("an error is counted by its code", async () => {
    const before = await gateway('errors_total{code="bad_frame"}');
    const wire = await new Wire(cluster.gateways[0]).opened();
    wire.sendBytes(Buffer.from("nonsense"));
    await until("the connection is closed", () => wire.closed);
    assert.equal(await gateway('errors_total{code="bad_frame"}'), before + 1);
    assert.equal(await gateway('errors_total{code="bad_websocket"}'), 0);
  });

  test("the connections of a gateway rise by 100 with 100 clients, and fall when these leave", async () => {
    const before = 2; // Ana and Ben
    await until("nobody else is here", async () => (await gateway("connections")) === before);
    const boards = await Promise.all(Array.from({ length: 10 }, () => cluster.makeBoard()));
    const people = [];
    for (const { tokens } of boards) {
      people.push(...(await Promise.all(Array.from({ length: 10 }, () => join(cluster.gateways[0], tokens.draw)))));
    }
    assert.equal(await gateway("connections"), before + 100);
    for (const person of people) person.stop();
    await until("they are gone", async () => (await gateway("connections")) === before);
  });

  test("the accepted frames of a board service rise while people draw, and stand still when they do not", async () => {
    const idle = await accepted();
    const offset = ana.applied;
    await ben.waitFor(() => ben.mark === offset, "has all");
    assert.equal(await accepted(), idle);
    ana.draw(strokes(50));
    await assertAllEqual([ana, ben]);
    const drawn = (await accepted()) - idle;
    assert.equal(drawn, ana.applied - offset, "every frame became an event");
    assert.equal(await accepted(), idle + drawn);
  });

  test("boards that no owner answers for are counted, and no longer when one does", async () => {
    const unowned = () => gateway("unowned_boards");
    assert.equal(await unowned(), 0);
    await cluster.boards[0].kill();
    await until("Ana's board has no owner", async () => (await unowned()) === 1, 60_000);
    await cluster.boards[0].start();
    await until("it has one", async () => (await unowned()) === 0, 60_000);
    await assertAllEqual([ana, ben]);
  });

  test("the append lag of a history service rises while the database is slow, and falls when it is not", async () => {
    const quick = async () => (await history("append_lag_seconds")) < 1.5;
    await until("the lag is low", quick, 60_000);
    await cluster.store.stop();
    ana.draw(strokes(5));
    await until("the lag is high", async () => !(await quick()), 60_000);
    await until("the board service knows", async () =>
      (await find("boards", "easel_board_oldest_unstored_seconds")) > 1.5, 60_000);
    assert.ok((await find("boards", "easel_board_unstored_events")) > 0);
    assert.ok((await gateway("unacked_frames")) > 0);
    await until("it was tried twice", async () => (await history("unknown_results_total")) >= 2, 60_000);
    assert.equal(await history("database_up"), 0);
    assert.doesNotMatch(cluster.histories[0].log, /stored again/, "that it can be read is not enough");
    await cluster.store.resume();
    await assertAllEqual([ana, ben]);
    assert.equal(await find("boards", "easel_board_oldest_unstored_seconds"), 0);
    assert.equal(await history("database_up"), 1);
    await until("the lag is low again", quick, 60_000);
  });
});
