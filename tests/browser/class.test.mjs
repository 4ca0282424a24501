// SPDX-License-Identifier: Apache-2.0
//
// A class of ten with one who does not behave: asks again and again, draws rubbish when the pen is given to it,
// clears, comes back after it was removed, and in a second browser with another session. Who owns the board keeps
// order, with two presses at most for each deed.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startCluster, until } from "../service/harness.mjs";
import { joins, stateOf } from "../service/ruler.mjs";
import { Wire } from "../service/wire.mjs";
import { closeBrowser, person, wave } from "./browser.mjs";

const cluster = await startCluster({ gateways: 2, env: { EASEL_CREATE_TOKEN: "", EASEL_BOARD_SEATS: "12" } });
const [here, there] = cluster.gateways;

after(async () => {
  Wire.endAll();
  await closeBrowser();
});

const point = Uint8Array.from([0, 100, 0, 100]);
const stroke = (term, cseq) => ({ kind: "begin", term, cseq, tool: 0, colour: 2, size: 2000, shape: 1, flags: 4, points: point });

/** Presses, and counts how often for the deed that is under way. */
class Hand {
  most = 0;
  #presses = 0;

  constructor(tab) {
    this.tab = tab;
  }
  async press(words, within = "body") {
    this.#presses++;
    await this.tab.page.locator(within).getByRole("button", { name: words, exact: true }).filter({ visible: true }).click();
  }
  /** One deed, and `then` it is seen. */
  async deed(presses, then) {
    this.#presses = 0;
    for (const [words, within] of presses) await this.press(words, within);
    this.most = Math.max(this.most, this.#presses);
    await then();
  }
}

/** The one who does not behave. */
async function rogue(token) {
  const wire = await joins(there, token, "Rolf");
  const { member } = wire.welcome;
  const nags = setInterval(() => wire.closed ?? wire.send({ kind: "ask" }), 100).unref();
  const term = () => wire.events.findLast(({ kind }) => kind === "ev_grant" && wire.events.length)?.offset;
  return {
    wire,
    stop: () => clearInterval(nags),
    async drawsRubbish() {
      const grant = await wire.gets("ev_grant", ({ instance }) => instance === wire.instance);
      await wire.gets("mark", ({ mark }) => mark >= grant.offset);
      wire.send(stroke(grant.offset, 1));
      wire.send({ kind: "clear", term: grant.offset, cseq: 2 });
      wire.send(stroke(grant.offset, 3));
      await wire.gets("own", ({ cseq, count }) => cseq + count > 3);
    },
    member,
    term,
  };
}

test("one who does not behave is kept in order by who owns the board", { timeout: 300_000 }, async () => {
  const made = await cluster.makeBoard("Class");
  const self = await person([here.url], { name: "Olga" });
  const olga = await self.open(`${here.url}/b/${made.board}#${made.tokens.own}`);
  await olga.allSaved();
  const class_ = [];
  for (let i = 1; i <= 8; i++) class_.push(await joins(i % 2 ? here : there, made.tokens.draw, `Pupil ${i}`));
  const hand = new Hand(olga);
  await olga.takePen();
  await olga.showPeople(); // where they stay in sight
  const rolf = await rogue(made.tokens.draw);
  await olga.draw(wave(0.5, 0.2, 1));
  await olga.strokes(1);

  // It asks again and again: she says no, and for a minute she is not asked again.
  await olga.seesText("#askerText", /^Rolf asks for the pen\.$/);
  await hand.deed([["No", "#askers"]], () => rolf.wire.gets("error", ({ code }) => code === "refused"));
  await until("she is not asked", async () => (await olga.page.locator("#askers .asker").count()) === 0);

  // It gets the pen, draws rubbish and clears: she takes the pen, and takes the clear back.
  await hand.deed([["Give Rolf the pen"]], () => rolf.drawsRubbish());
  await olga.strokes(1); // the rubbish
  await hand.deed([["Take the pen", "#pen"], ["Take the pen", "#question"]], () => olga.seesText("#penText", /^You have the pen\.$/));
  await hand.deed([["Undo: bring back what was cleared"]].map(() => ["Undo"]), () => olga.strokes(3));

  // It is removed, comes back, and comes as somebody else.
  await hand.deed([["Remove Rolf"], ["Remove", "#question"]], () => rolf.wire.closes());
  assert.equal(rolf.wire.errors.at(-1).code, "removed");
  rolf.stop();
  const back = await new Wire(here).opened();
  back.hello(made.tokens.draw, { name: "Rolf", session: rolf.wire.session, features: 3 });
  await back.closes();
  const other = await rogue(made.tokens.draw); // another browser, another session
  await olga.seesText("#people", /Rolf/);
  await hand.deed([["Rules of this board"], ["close the door"]].slice(0, 1), async () => {
    await olga.page.getByLabel("The door is closed: nobody new comes in", { exact: true }).check();
    await until("the door is closed", async () => (await olga.page.textContent("#rulesState")) === "");
    await olga.page.keyboard.press("Escape");
  });
  await hand.deed([["Remove Rolf"], ["Remove", "#question"]], () => other.wire.closes());
  other.stop();
  const third = await new Wire(there).opened();
  third.hello(made.tokens.draw, { name: "Rolf", features: 3 });
  await third.closes();
  assert.equal(third.errors.at(-1).code, "closed");

  // The class is all there, sees what she wants it to see, and she had no more than two presses to make.
  assert.ok(hand.most <= 2, `${hand.most} presses`);
  for (const pupil of class_) assert.equal(pupil.closed, null);
  assert.equal(stateOf(class_[0]).members.length, 9);
  await self.leave();
});
