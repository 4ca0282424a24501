// SPDX-License-Identifier: Apache-2.0
//
// The idea of Easel as one story: three gateways, nine people at one board, three on each; one of
// them draws and all see it.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { connect } from "../client/client.mjs";
import { assertAllEqual, join, startCluster } from "./harness.mjs";
import { strokes } from "./strokes.mjs";
import { Wire } from "./wire.mjs";

describe("three gateways, nine people at one board, three on each:", { timeout: 120_000 }, () => {
  let cluster, board, people, ana, ben;

  before(async () => {
    cluster = await startCluster({ gateways: 3 });
    board = await cluster.makeBoard("Physics");
    people = [];
    for (let i = 0; i < 9; i++) {
      const token = i === 0 ? board.tokens.own : board.tokens.draw;
      people.push(await join(cluster.gateways[Math.floor(i / 3)], token, `Person ${i + 1}`));
    }
    [ana, ben] = people;
  });

  test("one on the first gateway draws, and all nine end with the same picture and the same offsets", async () => {
    await ana.takePen();
    ana.draw(strokes(12));
    ana.undo();
    await assertAllEqual(people);
    assert.equal(ana.picture().length, 11, "twelve strokes, one of them undone");
  });

  test("everybody sees who draws and who is there", async () => {
    for (const person of people) {
      await person.waitFor(() => person.members.length === 9, "sees nine members");
      await person.waitFor(() => person.state.holder === ana.member, "knows who draws");
    }
  });

  test("a person who is not the drawer tries to draw and is refused", async () => {
    const intruder = await Wire.join(cluster.gateways[1], board.tokens.draw, { session: ben.session });
    const { applied } = ana;
    intruder.send({ kind: "begin", term: ana.term, cseq: 1, tool: 0, colour: 0, size: 80, shape: 1, flags: 4,
      points: new Uint8Array(4) });
    assert.equal((await intruder.gets("error")).code, "not_drawer");
    await assertAllEqual(people);
    assert.equal(ana.applied, applied, "nothing was added to the log");
  });

  test("a tenth joins late and gets it whole", async () => {
    const tenth = await join(cluster.gateways[2], board.tokens.draw, "The tenth");
    await assertAllEqual([...people, tenth]);
    people.push(tenth);
  });

  test("an eleventh finds a place, since Ana is the owner; a twelfth is told that the board is full", async () => {
    people.push(await join(cluster.gateways[1], board.tokens.draw, "The eleventh"));
    for (const { url } of cluster.gateways) {
      await assert.rejects(connect(url, board.tokens.draw, { name: "The twelfth" }), { end: "full" });
    }
    await assertAllEqual(people);
  });

  test("when one leaves, the twelfth finds a seat", async () => {
    people.pop().stop();
    await ana.waitFor(() => ana.members.length === 10, "the seat is free at once");
    people.push(await join(cluster.gateways[0], board.tokens.draw, "The twelfth"));
    await assertAllEqual(people);
  });
});
