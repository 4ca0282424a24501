// SPDX-License-Identifier: Apache-2.0
//
// What stands where: the board never moves when the pen changes hands, nothing lies upon it for long that has not
// been opened, and all that folds away on small screens is one press away.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startCluster, until } from "../service/harness.mjs";
import { closeBrowser, everybodyLeaves, person } from "./browser.mjs";
import { SCREENS } from "./states.mjs";

describe("the layout", { timeout: 300_000 }, () => {
  let cluster, url;

  before(async () => {
    cluster = await startCluster({ env: { EASEL_PEN_IDLE_S: "600" } });
    url = cluster.gateways[0].url;
  });
  after(closeBrowser);

  /** One tab for each role, all on that screen. */
  async function tabs(screen, roles) {
    const made = await cluster.makeBoard("Layout");
    const all = [];
    for (const role of roles) {
      const tab = await (await person([url], { name: role, ...screen })).open(`${url}/b/${made.board}#${made.tokens[role]}`);
      await tab.allSaved();
      all.push(tab);
    }
    return all;
  }
  const box = (tab, selector) => tab.page.locator(selector).boundingBox();
  const apart = (a, b) => a.x + a.width <= b.x + 1 || b.x + b.width <= a.x + 1 || a.y + a.height <= b.y + 1 || b.y + b.height <= a.y + 1;

  for (const [name, screen] of Object.entries(SCREENS))
    test(`${name}: the board stays where it is when the pen changes hands, and the palette beside it`, async () => {
      const [ana, ben, cem] = await tabs(screen, ["own", "draw", "watch"]);
      const before = [await box(ana, "#board"), await box(ben, "#board")];
      assert.ok(Math.abs(before[0].width / before[0].height - 1.6) < 0.01, JSON.stringify(before[0]));
      assert.ok((await box(cem, "#board")).width >= before[0].width, "who watches has the palette's room");
      await ana.takePen();
      assert.ok(apart(await box(ana, "#palette"), before[0]), "the palette beside the board");
      await ben.press("Ask for the pen");
      await ana.press("Hand over");
      await ben.page.waitForSelector("#palette:not([hidden])");
      assert.deepEqual([await box(ana, "#board"), await box(ben, "#board")], before);
      await ben.setSwitch("Palette on the right");
      await until("the palette is beside the board", async () => apart(await box(ben, "#palette"), await box(ben, "#board")));
      const covered = await ben.page.evaluate(() =>
        [...document.querySelectorAll("#palette button")].filter((button) => {
          button.scrollIntoView({ block: "nearest", inline: "nearest" });
          const { left, top, width, height } = button.getBoundingClientRect();
          return width > 0 && !button.contains(document.elementFromPoint(left + width / 2, top + height / 2));
        }).map((button) => button.title),
      );
      assert.deepEqual(covered, [], "each button can be reached");
      await everybodyLeaves();
    });

  test("all else keeps its size when the board is zoomed", async () => {
    const [ana] = await tabs(SCREENS.desktop, ["own"]);
    await ana.takePen();
    const parts = ["header", "#palette", "#stage", "#zoomOut"];
    const sizes = () => Promise.all(parts.map((part) => box(ana, part)));
    const before = await sizes();
    for (let i = 0; i < 4; i++) await ana.page.keyboard.press("+");
    assert.equal(await ana.page.textContent("#zoomNow"), "244%");
    assert.deepEqual(await sizes(), before);
    await everybodyLeaves();
  });

  test("on a phone colours and sizes are behind a button that shows them", async () => {
    const [ana] = await tabs(SCREENS.phone, ["own"]);
    await ana.takePen();
    const { page } = ana;
    assert.equal(await page.isVisible("#colours"), false);
    await page.tap("#inkButton");
    assert.ok(apart(await box(ana, "#ink"), await box(ana, "#board")), "it does not cover the board");
    await page.getByRole("radio", { name: "Blue" }).tap();
    await page.getByRole("radio", { name: "Thick" }).tap();
    assert.equal(await page.getAttribute("#inkButton", "aria-label"), "Colour and size: Blue and Thick");
    await ana.draw([[0.2, 0.2], [0.5, 0.5]]);
    await page.waitForSelector("#ink", { state: "hidden" });
    await ana.strokes(1);
    assert.equal(await ana.colourAt(0.35, 0.35), "#2563eb");
    await page.getByRole("radio", { name: /^Pointer/ }).tap();
    assert.equal(await page.isDisabled("#inkButton"), true, "a pointer has neither");
    await everybodyLeaves();
  });

  for (const name of ["desktop", "tablet", "phone", "side"])
    test(`${name}: people and all buttons are one press away`, async () => {
      const [ana] = await tabs(SCREENS[name], ["own", "draw"]);
      const { page } = ana;
      assert.equal(await page.isVisible("#people"), false);
      assert.match(await page.textContent("#peopleButton"), /2\/10$/);
      await page.click("#peopleButton");
      assert.deepEqual(await page.locator(".who").allTextContents(), ["draw", "own"]);
      await page.click("#peopleButton");
      assert.equal(await page.isVisible("#people"), false);
      if (name !== "desktop") await page.tap("#menuButton");
      for (const button of ["#shareButton", "#fullButton", "#helpButton"]) assert.equal(await page.isVisible(button), true, button);
      assert.equal(await page.isVisible("#penButtons button"), true, "and the pen is there without one");
      await everybodyLeaves();
    });

  test("a phone held upright is told once that it can be turned", async () => {
    const [ana] = await tabs(SCREENS.phone, ["own"]);
    await ana.seesText("#notice", /^Turn your phone for a bigger board\.$/);
    await ana.page.reload();
    await ana.allSaved();
    await ana.takePen();
    await ana.seesText("#notice", /^You have the pen now\.$/);
    await everybodyLeaves();
    const [ben] = await tabs(SCREENS.side, ["own"]);
    assert.equal(await ben.page.isVisible("#notice"), false);
    await everybodyLeaves();
  });

  test("on a wide screen people stay in sight once they are shown, and the next time", async () => {
    const [ana] = await tabs(SCREENS.desktop, ["own"]);
    await ana.showPeople();
    await ana.takePen();
    await ana.draw([[0.2, 0.2], [0.5, 0.5]]);
    assert.equal(await ana.page.isVisible("#people"), true);
    await ana.page.reload();
    await ana.allSaved();
    assert.equal(await ana.page.isVisible("#people"), true);
    await ana.page.click("#peopleButton");
    await ana.page.reload();
    await ana.allSaved();
    assert.equal(await ana.page.isVisible("#people"), false);
    await everybodyLeaves();
  });

  test("settings are kept on the device", async () => {
    const [ana] = await tabs(SCREENS.desktop, ["own"]);
    const left = async () => (await box(ana, "#paletteColumn")).x < 200;
    assert.equal(await left(), true);
    await ana.setSwitch("Palette on the right");
    await ana.setSwitch("Same width everywhere");
    await ana.page.reload();
    await ana.allSaved();
    await until("the palette is on the right", async () => !(await left()));
    await ana.press("Keys and settings");
    const checked = await ana.page.locator("#help input").evaluateAll((all) => all.map((one) => one.checked));
    assert.deepEqual(checked, [true, true, true, true], "shortcuts, palette, finger, even width");
    await ana.closeHelp();
    await ana.setSwitch("Palette on the right", false);
    await until("the palette is on the left", left);
    await everybodyLeaves();
  });
});
