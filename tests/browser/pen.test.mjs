// SPDX-License-Identifier: Apache-2.0
//
// Who draws: what the margin says to each of two or three people, what they can press, and what a screen
// reader hears of it. (Names stand with a typographic apostrophe: Ana’s.)
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startCluster, until } from "../service/harness.mjs";
import { Proxy } from "../service/proxy.mjs";
import { assertSameInk, closeBrowser, person, wave } from "./browser.mjs";

const PEN = "#penText";
const NOTICE = "#notice";

describe("the pen", { timeout: 600_000 }, () => {
  let cluster, gateway, board, net;

  before(async () => {
    cluster = await startCluster({ env: { EASEL_PEN_GRACE_S: "8", EASEL_PEN_IDLE_S: "600", EASEL_SEAT_KEEP_S: "8" } });
    [gateway] = cluster.gateways;
    [board] = cluster.boards;
    net = await Proxy.to(gateway.url);
  });
  after(closeBrowser);

  /** Tabs of people with these names and roles, on one board, who came in this order; the first has the pen. */
  async function room(roles, made) {
    made ??= await cluster.makeBoard("Pen");
    const people = [];
    const tabs = [];
    for (const [name, role] of Object.entries(roles)) {
      people.push(await person([gateway.url, net.url], { name }));
      tabs.push(await people.at(-1).open(`${name === "Ana" ? net.url : gateway.url}/b/${made.board}#${made.tokens[role]}`));
      await tabs.at(-1).allSaved();
    }
    await tabs[0].takePen();
    for (const tab of tabs.slice(1)) await tab.seesText(PEN, /^Ana is drawing\./);
    return { made, people, tabs, leave: () => Promise.all(people.map((self) => self.leave())) };
  }

  const buttons = (tab) => tab.page.locator("#pen button, #askers button").filter({ visible: true }).allTextContents();
  const sees = async (tab, text, ...names) => {
    await tab.seesText(PEN, text);
    await until(`can press ${names}`, async () => String(await buttons(tab)) === String(names));
  };
  const asked = (tab, text) => tab.seesText("#askerText", text);
  const tags = async (tab) => {
    const each = await tab.page.locator("#people li").evaluateAll((all) => all.map((one) => [".who", ".tag"].map((part) => one.querySelector(part).textContent).join(": ")));
    return each.join("; ");
  };
  const seesTags = (tab, text) => until(`people: ${text}`, async () => (await tags(tab)) === text);

  test("take, ask, wait in line, cancel, not now, hand over", async () => {
    const { tabs, people, leave } = await room({ Ana: "draw", Ben: "draw", Cem: "draw", Dia: "watch" });
    const [ana, ben, cem, dia] = tabs;
    await sees(ana, /^You have the pen\.$/, "Stop drawing");
    await sees(ben, /^Ana is drawing\.$/, "Ask for the pen");
    await sees(dia, /^Ana is drawing\. You are watching\.$/);
    await seesTags(dia, "Ana: pen; Ben: ; Cem: ; Dia: you");

    await cem.press("Ask for the pen");
    await sees(cem, /^Ana is drawing\. You are 1st in line\.$/, "Cancel");
    await asked(ana, /^Cem asks for the pen\.$/);
    await ben.press("Ask for the pen");
    await sees(ben, /^Ana is drawing\. You are 2nd in line\.$/, "Cancel");
    await sees(ana, /^You have the pen\.$/, "Stop drawing", "Hand over", "Later", "No");
    await seesTags(ben, "Ana: pen; Cem: 1st in line; Ben: you · 2nd in line; Dia: ");

    await cem.press("Cancel");
    await sees(cem, /^Ana is drawing\.$/, "Ask for the pen");
    await sees(ben, /^Ana is drawing\. You are 1st in line\.$/, "Cancel");
    await asked(ana, /^Ben asks for the pen\.$/);
    await ana.press("Later");
    await sees(ana, /^You have the pen\.$/, "Stop drawing");
    await sees(ben, /^Ana is drawing\. You are 1st in line\.$/, "Cancel");

    await cem.press("Ask for the pen");
    await sees(cem, /You are 2nd in line\.$/, "Cancel");
    await ben.press("Cancel");
    await asked(ana, /^Cem asks for the pen\.$/);
    await ana.press("Hand over");
    await sees(cem, /^You have the pen\.$/, "Stop drawing");
    await cem.seesText(NOTICE, /^You have the pen now\.$/);
    await ana.seesText(NOTICE, /^The pen is with Cem now\.$/);
    for (const tab of [ben, dia]) await tab.seesText(NOTICE, /^Cem has the pen now\.$/);
    await sees(ana, /^Cem is drawing\.$/, "Ask for the pen");

    await cem.press("Stop drawing");
    await sees(ben, /^Nobody is drawing\.$/, "Take the pen");
    await sees(dia, /^Nobody is drawing\. You are watching\.$/);
    await ben.press("Take the pen");
    await sees(ben, /^You have the pen\.$/, "Stop drawing");

    await people[2].context.pages()[0].evaluate(hideTab, true);
    await seesTags(ana, "Ben: pen; Ana: you; Cem: away; Dia: ");
    await people[2].context.pages()[0].evaluate(hideTab, false);
    await seesTags(ana, "Ben: pen; Ana: you; Cem: ; Dia: ");
    await leave();
  });

  test("a question about a pen that has passed on is not asked on: neither whether to take it, nor whether to clear", async () => {
    const { tabs, leave } = await room({ Ana: "draw", Ben: "own", Cem: "own" });
    const [ana, ben, cem] = tabs;
    const question = (tab, state = "visible") => tab.page.waitForSelector("#question", { state });
    await ana.draw(wave(0.5, 0.2, 1));
    await ben.press("Take the pen");
    await question(ben);
    await ana.page.click("#clear");
    await question(ana);
    await cem.press("Take the pen");
    await question(cem);
    await cem.page.locator("#questionYes").click();
    for (const tab of [ana, ben]) await question(tab, "hidden");
    await sees(cem, /^You have the pen\.$/, "Stop drawing");
    for (const tab of tabs) await tab.strokes(1);
    await leave();
  });

  test("the owner may take the pen, and is asked before", async () => {
    const { tabs, leave } = await room({ Ana: "draw", Ben: "own" });
    const [ana, ben] = tabs;
    await sees(ben, /^Ana is drawing\.$/, "Ask for the pen", "Take the pen");
    await ben.press("Ask for the pen");
    await sees(ben, /^Ana is drawing\. You are 1st in line\.$/, "Cancel", "Take the pen");
    await ben.press("Take the pen");
    await ben.seesText("#questionText", /^Take the pen from Ana\?$/);
    await ben.page.locator("#questionNo").click();
    await sees(ana, /^You have the pen\.$/, "Stop drawing", "Hand over", "Later", "No");
    await ben.press("Take the pen");
    await ben.page.locator("#questionYes").click();
    await sees(ben, /^You have the pen\.$/, "Stop drawing");
    await ana.seesText(NOTICE, /^The pen is with Ben now\.$/);
    await sees(ana, /^Ben is drawing\.$/, "Ask for the pen");
    await leave();
  });

  const LOST = /^Ana’s connection is lost\. The pen is kept until somebody asks for it\.$/;
  test("a holder whose connection is lost: it comes back in time, or the pen is free for who asks", async () => {
    const { tabs, leave } = await room({ Ana: "draw", Ben: "draw", Cem: "watch" });
    const [ana, ben, cem] = tabs;
    net.down();
    await sees(ben, LOST, "Ask for the pen");
    await cem.seesText(PEN, /^Ana is drawing\. You are watching\.$/);
    await ana.draw([[0.2, 0.5], [0.7, 0.5]]);
    net.up();
    await ana.page.evaluate(() => dispatchEvent(new Event("pageshow")));
    await sees(ben, /^Ana is drawing\.$/, "Ask for the pen");
    await sees(ana, /^You have the pen\.$/, "Stop drawing");
    await assertSameInk([ana, ben]); // all of it came through

    net.down();
    await ben.seesText(PEN, LOST);
    await ben.press("Ask for the pen");
    await sees(ben, /^Ana’s connection is lost\. The pen is free in [1-8] s\. You are 1st in line\.$/, "Cancel");
    await sees(ben, /^You have the pen\.$/, "Stop drawing");
    await ben.seesText(NOTICE, /^You have the pen now\.$/);
    await cem.seesText(NOTICE, /^Ben has the pen now\.$/);
    net.up();
    await sees(ana, /^Ben is drawing\.$/, "Ask for the pen");
    await ana.seesText(NOTICE, /^The pen is with Ben now\.$/);
    await leave();
  });

  test("a first visitor is a guest with a number, and may say a name, which is kept", async () => {
    const { made, tabs, leave } = await room({ Ana: "own" });
    const [ana] = tabs;
    const ben = await person([gateway.url]);
    const tab = await ben.open(`${gateway.url}/b/${made.board}#${made.tokens.watch}`);
    await tab.allSaved();
    assert.equal(await tab.page.getAttribute("#yourName", "placeholder"), "Guest 2");
    await tab.showPeople();
    assert.equal(await tab.page.getByLabel("Your name").isVisible(), true);
    await seesTags(ana, "Ana: pen · you; Guest 2: ");
    await tab.page.getByLabel("Your name").fill(" Ben \u202e  Okri ");
    await tab.press("Save");
    await seesTags(ana, "Ana: pen · you; Ben Okri: ");
    assert.equal(await tab.page.isVisible("#nameForm"), false);
    await tab.page.reload();
    await seesTags(tab, "Ana: pen; Ben Okri: you");
    assert.equal(await tab.page.isVisible("#nameForm"), false);
    await Promise.all([leave(), ben.leave()]);
  });

  test("what a screen reader hears of a lesson, and no more", async () => {
    const { made, tabs, leave } = await room({ Ana: "draw", Ben: "draw" });
    const [ana, ben] = tabs;
    const heard = (tab, sentence) => until(`hears "${sentence}"`, async () => (await tab.recorded("#polite")).texts.join(" ").includes(sentence));
    await ana.seesText("#assertive", /^You have the pen now\.$/);
    await ana.seesText("#polite", /Ben came\.$/);
    await ben.seesText("#polite", /^Ana has the pen now\.$/);
    for (const tab of tabs) for (const region of ["#polite", "#assertive"]) await tab.record(region);

    for (let i = 0; i < 50; i++) await ana.draw([[0.1 + (i % 10) * 0.08, 0.1 + Math.floor(i / 10) * 0.15], [0.14 + (i % 10) * 0.08, 0.2]]);
    await ben.strokes(50);
    const cem = await person([gateway.url], { name: "Cem" });
    const watcher = await cem.open(`${gateway.url}/b/${made.board}#${made.tokens.watch}`);
    for (const tab of tabs) await heard(tab, "Cem came.");
    await ana.page.keyboard.press("Control+z");
    for (const tab of tabs) await heard(tab, "A stroke was taken back.");
    await ana.press("Clear");
    await ana.page.locator("#questionYes").click();
    await heard(ana, "The board is cleared. Undo brings it back.");
    await heard(ben, "Ana cleared the board.");
    await watcher.page.click("a.home");
    for (const tab of tabs) await heard(tab, "Cem left.");
    await cem.leave();
    net.down(); // hers alone
    await heard(ana, "Your last strokes are kept.");
    net.up();
    await heard(ana, "Live. All saved.");
    await ben.press("Ask for the pen");
    await heard(ana, "Ben asks for the pen.");
    await ana.press("Hand over");
    await until("Ben has the pen", () => ben.hasPalette());
    await ben.press("Stop drawing");
    await heard(ana, "The pen is free.");

    const said = async (tab, region) => (await tab.recorded(region)).texts.slice(1).filter(Boolean);
    const sentences = async (tab) => (await said(tab, "#polite")).join(" ").replace(/ next try in \d s\./, "");
    assert.equal(
      await sentences(ana),
      "Cem came. A stroke was taken back. The board is cleared. Undo brings it back. Cem left. " +
        "Reconnecting… Your last strokes are kept. Live. All saved. Ben asks for the pen. The pen is free.",
    );
    assert.equal(await sentences(ben), "Cem came. A stroke was taken back. Ana cleared the board. Cem left.");
    assert.deepEqual(await said(ana, "#assertive"), ["The pen is with Ben now."]);
    assert.deepEqual(await said(ben, "#assertive"), ["You have the pen now.", "The pen is free."]);
    for (const tab of tabs) {
      const [, ...times] = (await tab.recorded("#polite")).times;
      assert.ok(times.at(-1) - times[0] > (times.length - 1.2) * 3_000, `at most one message in 3 s: ${times}`);
    }
    await leave();
  });

  test("an idle drawer is told that the pen passes on, and it does", async () => {
    board.settings.EASEL_PEN_IDLE_S = "12";
    await board.kill("SIGTERM");
    await board.start();
    const { tabs, leave } = await room({ Ana: "draw", Ben: "draw" });
    const [ana, ben] = tabs;
    await ben.press("Ask for the pen");
    await asked(ana, /^Ben asks for the pen\.$/);
    await ana.press("Later");
    await asked(ana, /^Ben is waiting\. Draw, or the pen passes on in [1-6] s\.$/); // said all the same
    await ana.draw(wave(0.5, 0.1, 1));
    await until("she drew, and keeps it", async () => !(await ana.page.isVisible("#askerText")));
    await asked(ana, /^Ben is waiting\. Draw, or the pen passes on in [1-6] s\.$/);
    await sees(ben, /^You have the pen\.$/, "Stop drawing");
    await ben.seesText(NOTICE, /^You have the pen now\.$/);
    await ana.seesText(NOTICE, /^The pen is with Ben now\.$/);
    await leave();
  });
});

/** Runs in the page: a headless browser hides no tab by itself. */
function hideTab(hidden) {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}
