// SPDX-License-Identifier: Apache-2.0
//
// Zoom is everybody's own: by buttons, keys, wheel, mouse and fingers. Ink is crisp at each zoom, and the
// same bytes as before after zooming back.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startCluster, until } from "../service/harness.mjs";
import { assertSameInk, circle, closeBrowser, person, wave } from "./browser.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };

describe("zoom", { timeout: 300_000 }, () => {
  let cluster, url;

  before(async () => {
    cluster = await startCluster({ env: { EASEL_PEN_IDLE_S: "600" } });
    url = cluster.gateways[0].url;
  });
  after(closeBrowser);

  async function board(options = [{}]) {
    const made = await cluster.makeBoard("Zoom");
    const tabs = [];
    for (const [i, more] of options.entries()) {
      const self = await person([url], more);
      tabs.push(await self.open(`${url}/b/${made.board}#${made.tokens[i ? "draw" : "own"]}`));
      await tabs[i].allSaved();
    }
    await tabs[0].takePen();
    return tabs;
  }

  const zoomOf = async (tab) => Number.parseInt(await tab.page.textContent("#zoomNow"), 10);
  const crisp = (tab) =>
    until("the ink is crisp", () => tab.page.evaluate(() => document.querySelector("canvas.ink").style.transform === ""));
  const inkOf = async (tab) => {
    await crisp(tab);
    return tab.ink();
  };

  test("ink is crisp when zoomed, and the same bytes after zooming back", async () => {
    const [ana] = await board();
    await ana.draw(wave(0.4, 0.2, 3));
    await ana.draw(circle(0.5, 0.5, 0.1));
    await ana.strokes(2);
    await ana.allSaved();
    const whole = await inkOf(ana);
    await ana.page.keyboard.press("+");
    await ana.page.keyboard.press("+");
    assert.equal(await zoomOf(ana), 156);
    await until("the ink is another when zoomed", async () => (await inkOf(ana)).digest !== whole.digest);
    await ana.press("Zoom out");
    await ana.page.click("#zoomFit");
    assert.equal(await zoomOf(ana), 100);
    // The words change before the ink does: in between it is crisp, but of the zoom before.
    await until("the ink is the same bytes again", async () => (await inkOf(ana)).digest === whole.digest);
  });

  test("the wheel zooms with Ctrl and moves without; a stroke lies where the pointer was", async () => {
    const [ana, ben] = await board([{}, {}]);
    const box = await ana.page.locator("#board").boundingBox();
    await ana.page.mouse.move(box.x + box.width * 0.75, box.y + box.height * 0.5);
    await ana.page.keyboard.down("Control");
    for (let i = 0; i < 4; i++) await ana.page.mouse.wheel(0, -200);
    await ana.page.keyboard.up("Control");
    await until("zoomed in", async () => (await zoomOf(ana)) > 300);
    const before = (await inkOf(ana)).digest;
    await ana.page.mouse.down(); // what was under the pointer stayed there
    await ana.page.mouse.move(box.x + box.width * 0.75 + 9, box.y + box.height * 0.5, { steps: 3 });
    await ana.page.mouse.up();
    await ben.strokes(1);
    const where = await until("ben has the ink", () => ben.page.evaluate(() => {
      const canvas = document.querySelector("canvas.ink");
      const { width, height } = canvas;
      const copy = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
      copy.drawImage(canvas, 0, 0);
      const { data } = copy.getImageData(0, 0, width, height);
      for (let i = 0; i < data.length; i += 4) if (data[i] < 128) return [((i / 4) % width) / width, Math.floor(i / 4 / width) / height];
      return null;
    }));
    assert.ok(Math.abs(where[0] - 0.75) < 0.01 && Math.abs(where[1] - 0.5) < 0.01, `it lies at ${where}`);
    const drawn = (await inkOf(ana)).digest;
    assert.notEqual(drawn, before);
    await ana.page.mouse.wheel(0, 60);
    await until("the board moved", async () => (await inkOf(ana)).digest !== drawn);
    await ana.page.click("#zoomFit");
    await crisp(ana);
    await assertSameInk([ana, ben]);
  });

  test("the drawer's pen stays in sight, until one looks elsewhere", async () => {
    const [ana, ben] = await board([{}, {}]);
    await ben.page.keyboard.press("+");
    await ben.page.keyboard.press("+");
    await ben.page.keyboard.press("+");
    await ben.page.keyboard.press("+");
    const box = await ana.page.locator("#board").boundingBox();
    const at = (x, y) => [box.x + x * box.width, box.y + y * box.height];
    const draw = async (...places) => {
      await ana.page.mouse.move(...at(...places[0]));
      await ana.page.mouse.down();
      for (const place of places.slice(1)) await ana.page.mouse.move(...at(...place), { steps: 3 });
    };
    const follows = () => ben.page.getAttribute("#follow", "aria-pressed");
    await draw([0.05, 0.05], [0.1, 0.1]);
    await ana.page.mouse.up();
    await ben.strokes(1);
    await until("ben sees it in the corner", async () => (await inkOf(ben)).inked > 0);
    assert.equal(await follows(), "true", "who zooms goes on following");

    await draw([0.1, 0.1], [0.05, 0.1]);
    await ben.page.locator("#board").focus();
    for (let i = 0; i < 8; i++) await ben.page.keyboard.press("ArrowRight");
    await ben.page.waitForSelector("#there:not([hidden])");
    assert.equal(await follows(), "false", "who moves the board looks elsewhere");
    await ben.press("Drawing here");
    await ben.page.waitForSelector("#there", { state: "hidden" });
    assert.equal(await follows(), "true");

    await ben.press("Follow the pen"); // no more
    await ana.page.mouse.move(...at(0.95, 0.95), { steps: 4 });
    await ben.page.waitForSelector("#there:not([hidden])");
    await ben.press("Follow the pen");
    await ben.page.waitForSelector("#there", { state: "hidden" });
    await ana.page.mouse.up();
    await ben.page.click("#zoomFit");
    await ben.page.waitForSelector("#follow", { state: "hidden" }); // all is in sight
  });

  test("zoomed in, the board takes all the room there is, and a stroke lies where the hand was", async () => {
    const [ana, ben] = await board([{ viewport: { width: 700, height: 1000 } }, {}]);
    const boxOf = (selector) => ana.page.locator(selector).boundingBox();
    for (let i = 0; i < 6; i++) await ana.page.keyboard.press("+");
    const [sheet, room] = [await boxOf("#board"), await boxOf("#stage")];
    for (const side of ["width", "height"]) assert.ok(Math.abs(sheet[side] - room[side]) <= 1, `${side}: ${sheet[side]} of ${room[side]}`);
    await ana.draw([[0.4, 0.5], [0.6, 0.5]]); // of what is in sight: the middle of the board
    await ben.strokes(1);
    await until("ben has the ink in the middle", async () => (await ben.colourAt(0.5, 0.5)) !== "#ffffff");
    await ana.page.setViewportSize({ width: 1280, height: 800 });
    await until("it is in the middle still", async () => (await ana.colourAt(0.5, 0.5)) !== "#ffffff");
    await ana.page.click("#zoomFit");
    await assertSameInk([ana, ben]);
  });

  test("two fingers zoom on a phone and draw nothing; Fit shows all again", async () => {
    const [ana] = await board([PHONE]);
    const cdp = await ana.page.context().newCDPSession(ana.page);
    const touch = (type, points) => cdp.send("Input.dispatchTouchEvent", { type, touchPoints: points });
    const { x, y, width, height } = await ana.page.locator("#board").boundingBox();
    const fingers = (spread) => [
      { x: x + width / 2 - spread, y: y + height / 2, id: 1 },
      { x: x + width / 2 + spread, y: y + height / 2, id: 2 },
    ];
    assert.equal(await ana.page.isVisible("#zoom"), false);
    await touch("touchStart", fingers(30));
    for (let spread = 40; spread <= 120; spread += 20) await touch("touchMove", fingers(spread));
    await touch("touchEnd", []);
    await until("zoomed in", async () => (await zoomOf(ana)) > 200);
    await ana.strokes(0);
    await ana.page.click("#zoomFit");
    assert.equal(await zoomOf(ana), 100);
    await ana.page.waitForSelector("#zoom", { state: "hidden" });
  });
});
