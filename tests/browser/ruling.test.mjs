// SPDX-License-Identifier: Apache-2.0
//
// Who owns the board keeps order among strangers: what she sees and presses, and what they are told. Each deed
// takes two presses at most.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startCluster, until } from "../service/harness.mjs";
import { assertSameInk, closeBrowser, person, wave } from "./browser.mjs";

describe("the owner's rule", { timeout: 600_000 }, () => {
  let cluster, here, there;

  before(async () => {
    cluster = await startCluster({ gateways: 2, env: { EASEL_CREATE_TOKEN: "", EASEL_BOARD_SEATS: "10" } });
    [here, there] = cluster.gateways;
  });
  after(closeBrowser);

  async function comes(made, name, role, gateway = here) {
    const self = await person([gateway.url], { name });
    const tab = await self.open(`${gateway.url}/b/${made.board}#${made.tokens[role]}`);
    return Object.assign(tab, { self });
  }

  /** Olga owns the board; Ana and Ben came by draw links, Ben at another gateway. */
  async function school(name = "School") {
    const made = await cluster.makeBoard(name);
    const olga = await comes(made, "Olga", "own");
    const ana = await comes(made, "Ana", "draw");
    const ben = await comes(made, "Ben", "draw", there);
    for (const tab of [olga, ana, ben]) await tab.allSaved();
    await olga.seesText("#count", /^3 of/);
    await olga.showPeople();
    return { made, olga, ana, ben, leave: () => Promise.all([olga, ana, ben].map(({ self }) => self.leave())) };
  }
  const names = async (tab) => (await tab.page.locator("#people .who").allTextContents()).sort().join();
  const seesPeople = (tab, text) => until(`people: ${text}`, async () => (await names(tab)) === text);
  const answers = async (tab, words) => {
    await tab.page.locator("#question").getByRole("button", { name: words, exact: true }).click();
    await tab.page.waitForSelector("#question", { state: "hidden" });
  };
  const rules = async (tab, words, on) => {
    await tab.press("Rules of this board");
    await tab.page.getByLabel(words, { exact: true }).setChecked(on);
    await until("it is a rule", async () => (await tab.page.textContent("#rulesState")) === "");
    await tab.page.keyboard.press("Escape");
  };

  test("somebody is removed, is told so, stays out after a reload, and can be let back in", async () => {
    const { olga, ana, ben, leave } = await school();
    await ana.takePen();
    await olga.press("Remove Ana");
    await answers(olga, "Remove");
    await ana.seesText("#card p", /^The owner of this board has removed you\.$/);
    await seesPeople(olga, "Ben,Olga");
    await olga.seesText("#penText", /^Nobody is drawing\.$/);
    await ana.page.reload();
    await ana.seesText("#card p", /^The owner of this board has removed you\.$/);
    assert.equal(await ben.page.getByRole("button", { name: /Remove/ }).count(), 0, "that is for who owns the board");
    await olga.press("Rules of this board");
    await olga.press("Let back in Ana");
    await until("nobody is removed any more", () => olga.page.isHidden("#removedPart"));
    await ana.page.reload();
    await ana.allSaved();
    await leave();
  });

  test("who is removed cannot slip in again where the links are ended and the door is closed, too", async () => {
    const { made, olga, ben, ana, leave } = await school();
    await olga.press("Remove Ben");
    await olga.page.getByLabel("End the links to watch and to draw, too.").check();
    await olga.page.getByLabel("Close the door, too: nobody new comes in.").check();
    await answers(olga, "Remove");
    await ben.seesText("#card p", /removed you/);
    await ana.seesText("#card p", /^The owner of this board has ended this link\. Ask for a new one\.$/);
    const other = await comes(made, "Bea", "draw", there);
    await other.seesText("#card p", /ended this link/);
    await seesPeople(olga, "Olga");
    await other.self.leave();
    await leave();
  });

  test("at a closed door one waits, is seen by name, and let in", async () => {
    const { made, olga, leave } = await school();
    await rules(olga, "The door is closed: nobody new comes in", true);
    const dan = await comes(made, "Dan", "draw", there);
    await dan.seesText("#card p", /^The door of this board is closed\. Its owner sees that you wait, and can let you in\.$/);
    await olga.seesText("#outside", /Dan/);
    await olga.press("Let in Dan");
    await dan.allSaved();
    await seesPeople(olga, "Ana,Ben,Dan,Olga");
    await until("nobody is outside", () => olga.page.isHidden("#outsidePart"));
    await dan.self.leave();
    await leave();
  });

  test("the pen is given to whom she picks, and refused to who asks", async () => {
    const { olga, ana, ben, leave } = await school();
    await olga.press("Give Ben the pen");
    await ben.seesText("#penText", /^You have the pen\.$/);
    await ana.press("Ask for the pen");
    await olga.seesText("#askerText", /^Ana asks for the pen\.$/);
    await olga.press("No");
    await ana.seesText("#notice", /^Not now, says who has the pen\. You can ask again in a minute\.$/);
    await ana.seesText("#penText", /^Ben is drawing\.$/);
    await olga.press("Give Ana the pen");
    await ana.seesText("#penText", /^You have the pen\.$/);
    await rules(olga, "The owner gives the pen; nobody asks for it", true);
    await ben.seesText("#penText", /^Ana is drawing\. The owner gives the pen here\.$/);
    assert.equal(await ben.page.locator("#penButtons button").count(), 0);
    await ben.seesText("#hint", /^Nothing here yet\.$/);
    await ben.draw([[0.3, 0.3], [0.4, 0.4]]);
    await ben.seesText("#notice", /^The owner gives the pen here\.$/);
    await ana.press("Stop drawing");
    await ben.seesText("#penText", /^Nobody is drawing\. The owner gives the pen here\.$/);
    await ben.seesText("#hint", /^Nothing here yet\.$/);
    await leave();
  });

  test("where only she clears, the clear of others comes back to them as none", async () => {
    const { olga, ana, ben, leave } = await school();
    await ana.takePen();
    await ana.draw(wave(0.5, 0.2, 1));
    for (const tab of [olga, ben]) await tab.strokes(1);
    await rules(olga, "Only the owner clears the board", true);
    await until("Clear is not hers", async () => (await ana.page.getAttribute("#clear", "aria-disabled")) === "true");
    await olga.press("Take the pen");
    await answers(olga, "Take the pen");
    await olga.page.click("#clear");
    await answers(olga, "Clear");
    await ben.strokes(0);
    await assertSameInk([olga, ana, ben], { empty: true });
    await leave();
  });

  test("what sharing says is what the rules are", async () => {
    const { olga, leave } = await school();
    const said = async () => {
      await olga.press("Share");
      await olga.page.waitForSelector(".link-row >> nth=1");
      const ret = (await olga.page.locator("#share").innerText()).split("\n").filter((line) => /draw|code|door/.test(line));
      await olga.press("Close");
      return ret;
    };
    const code = "On the start page, the code opens the board for watching.";
    assert.deepEqual(await said(), ["Anyone with this link can ask for the pen, draw and clear.", code]);
    await rules(olga, "Only the owner clears the board", true);
    assert.deepEqual(await said(), ["Anyone with this link can ask for the pen and draw.", code]);
    await rules(olga, "The owner gives the pen; nobody asks for it", true);
    await rules(olga, "The code opens the board no longer", true);
    await rules(olga, "The door is closed: nobody new comes in", true);
    assert.deepEqual(await said(), [
      "The door is closed: who is new here waits until the owner lets them in.",
      "Anyone with this link can draw when the owner gives them the pen.",
      "The code opens this board no longer.",
    ]);
    await leave();
  });

  test("a copy is a new board of her own that begins with this picture", async () => {
    const { made, olga, ana, ben, leave } = await school("Physics");
    await ana.takePen();
    await ana.draw(wave(0.3, 0.1, 2));
    await ana.draw(wave(0.6, 0.2, 1));
    await ana.page.click("#undo");
    await ana.draw(wave(0.7, 0.1, 3));
    for (const tab of [olga, ben]) await tab.strokes(2);
    await olga.press("Rules of this board");
    await olga.press("Copy to a new board");
    await olga.page.waitForURL((url) => /^\/b\/\w{10}$/.test(url.pathname) && !url.pathname.endsWith(made.board));
    await olga.allSaved();
    await olga.strokes(2);
    await olga.seesText("#boardName", /^Physics \(copy\)$/);
    await assertSameInk([olga, ana]);
    await leave();
  });

  test("a board gets another name, and is deleted", async () => {
    const { olga, ana, ben, leave } = await school("Physics");
    await olga.press("Rules of this board");
    await olga.page.fill("#rename", "Biology");
    await olga.page.keyboard.press("Enter");
    await ben.seesText("#boardName", /^Biology$/);
    await olga.press("Delete the board…");
    await answers(olga, "Delete the board…");
    for (const tab of [ana, ben, olga]) await tab.seesText("#card p", /^This board was deleted\.$/);
    await leave();
  });

  test("after all links are ended her own browser goes on, also when it is loaded again", async () => {
    const { made, olga, ana, leave } = await school();
    const otto = await comes(made, "Otto", "own", there);
    await otto.allSaved();
    await olga.press("Rules of this board");
    await olga.press("End all links…");
    await answers(olga, "End the links");
    for (const tab of [otto, ana]) await tab.seesText("#card p", /ended this link/);
    await seesPeople(olga, "Olga");
    await olga.page.goto(`${here.url}/b/${made.board}`);
    await olga.allSaved();
    await olga.page.waitForSelector("#rulesButton");
    await otto.self.leave();
    await leave();
  });

  test("all of it by keyboard, with its names said", async () => {
    const { olga, ana, leave } = await school();
    const focus = (name) => olga.page.getByRole("button", { name, exact: true }).focus();
    await focus("Give Ana the pen");
    await olga.page.keyboard.press("Enter");
    await ana.seesText("#penText", /^You have the pen\.$/);
    await focus("Remove Ana");
    await olga.page.keyboard.press("Enter");
    await olga.page.waitForSelector("#question");
    assert.equal(await olga.page.evaluate(() => document.activeElement.id), "questionNo", "a key that is held changes nothing");
    await olga.page.keyboard.press("Shift+Tab");
    await olga.page.keyboard.press("Enter");
    await ana.seesText("#card p", /removed you/);
    await leave();
  });
});
