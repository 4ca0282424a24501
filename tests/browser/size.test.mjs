// SPDX-License-Identifier: Apache-2.0
//
// The board is what the window is for: how much of it the sheet itself takes, for who draws, with the palette beside
// it; and what asks for an answer never lies on the place where one draws for long.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startCluster, until } from "../service/harness.mjs";
import { closeBrowser, everybodyLeaves, person } from "./browser.mjs";

const TOUCH = { hasTouch: true, isMobile: true };
const WINDOWS = {
  "1280 × 800": {},
  "1024 × 768": {},
  "800 × 600": {},
  "820 × 1180": TOUCH,
  "390 × 844": TOUCH,
  "844 × 390": TOUCH,
  "320 × 256": {}, // 1280 × 1024 at 400%
};
const WHOLE = 0.85; // of the largest rectangle of its shape
const ZOOMED = 0.85; // of the window
const BARE = 0.98;

describe("the size of the board", { timeout: 300_000 }, () => {
  let cluster, url;

  before(async () => {
    cluster = await startCluster({ env: { EASEL_PEN_IDLE_S: "600" } });
    url = cluster.gateways[0].url;
  });
  after(closeBrowser);

  async function drawer(width, height, more) {
    const made = await cluster.makeBoard("Large");
    const tab = await (await person([url], { name: "Ana", viewport: { width, height }, ...more })).open(`${url}/b/${made.board}#${made.tokens.own}`);
    await tab.allSaved();
    await tab.takePen();
    return tab;
  }

  /** What of the sheet is seen in the window, in square pixels: not under what stands above it. */
  const sheet = (tab) =>
    tab.page.evaluate(() => {
      const { left, top, right, bottom } = document.getElementById("board").getBoundingClientRect();
      const [wide, high] = [Math.min(right, innerWidth) - Math.max(left, 0), Math.min(bottom, innerHeight) - Math.max(top, 0)];
      return Math.max(0, wide) * Math.max(0, high);
    });
  const largest = (width, height) => Math.min(width, height * 1.6) ** 2 / 1.6;

  for (const [name, more] of Object.entries(WINDOWS))
    test(`${name}: ${WHOLE * 100}% of the largest sheet there could be, and zoomed in of the window`, async () => {
      const [width, height] = name.split(" × ").map(Number);
      const tab = await drawer(width, height, more);
      const whole = (await sheet(tab)) / largest(width, height);
      assert.ok(whole >= WHOLE, `the whole board: ${whole.toFixed(3)}`);
      for (let i = 0; i < 8; i++) await tab.page.keyboard.press("+");
      const zoomed = (await sheet(tab)) / (width * height);
      assert.ok(zoomed >= ZOOMED, `zoomed in: ${zoomed.toFixed(3)}`);
      await everybodyLeaves();
    });

  test("1920 × 1080, the board only: all of the screen, and B or the button leads back", async () => {
    const tab = await drawer(1920, 1080, {});
    await tab.press("Board only");
    await until("the board fills the screen", async () => (await sheet(tab)) >= BARE * largest(1920, 1080));
    assert.equal(await tab.page.isVisible(".bar"), false);
    await tab.draw([[0.2, 0.2], [0.5, 0.5]]);
    await tab.strokes(1);
    await tab.page.keyboard.press("b");
    await tab.page.waitForSelector(".bar");
    await tab.page.keyboard.press("b");
    await tab.page.getByRole("button", { name: "Show the bar again (B)" }).click();
    await tab.page.waitForSelector(".bar");
    await everybodyLeaves();
  });

  test("while somebody draws the screen stays on, for who watches as well, and goes dark again after", async () => {
    const made = await cluster.makeBoard("Awake");
    const open = async (role) => {
      const self = await person([url], { name: role });
      await self.context.addInitScript(() => {
        window.held = 0;
        const ask = navigator.wakeLock.request.bind(navigator.wakeLock);
        navigator.wakeLock.request = async (kind) => {
          const lock = await ask(kind);
          window.held++;
          lock.addEventListener("release", () => window.held--);
          return lock;
        };
      });
      const tab = await self.open(`${url}/b/${made.board}#${made.tokens[role]}`);
      await tab.allSaved();
      return tab;
    };
    const ana = await open("own");
    const ben = await open("watch");
    const held = (tab, count) => until(`${count} held`, () => tab.page.evaluate((count) => window.held === count, count));
    await held(ben, 0);
    await ana.takePen();
    await held(ana, 1);
    await ben.page.bringToFront();
    await held(ben, 1);
    await ana.press("Stop drawing");
    await held(ana, 0);
    await held(ben, 0);
    await everybodyLeaves();
  });
});
