// SPDX-License-Identifier: Apache-2.0
//
// The drawer's pointer as the others see it: a ring with the name, by mouse, finger and keys; and lines
// of even width.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { join, startCluster, until } from "../service/harness.mjs";
import { assertSameInk, closeBrowser, person, wave } from "./browser.mjs";

const AXE = new URL("../../node_modules/axe-core/axe.min.js", import.meta.url);

describe("the pointer", { timeout: 300_000 }, () => {
  let cluster, gateway, made, ana, ben, drawer, viewer;

  before(async () => {
    cluster = await startCluster({ env: { EASEL_PEN_IDLE_S: "600" } });
    [gateway] = cluster.gateways;
    made = await cluster.makeBoard("Pointer");
    ana = await person([gateway.url], { hasTouch: true });
    ben = await person([gateway.url]);
    drawer = await ana.open(`${gateway.url}/b/${made.board}#${made.tokens.own}`);
    viewer = await ben.open(`${gateway.url}/b/${made.board}#${made.tokens.draw}`); // the board as large as Ana's
    await drawer.allSaved();
    await drawer.giveName("Ana");
    await drawer.takePen();
    await viewer.seesText("#penText", /^Ana is drawing\./);
  });
  after(closeBrowser);

  /** The middle of the ring in parts of the board, and the name beside it; null: there is none. */
  const ring = ({ page }) =>
    page.evaluate(() => {
      const element = document.getElementById("pointer");
      if (element.hidden) return null;
      const [at, board] = [element, document.getElementById("board")].map((one) => one.getBoundingClientRect());
      const part = (value) => Math.round(value * 100) / 100;
      return {
        x: part((at.left + at.width / 2 - board.left) / board.width),
        y: part((at.top + at.height / 2 - board.top) / board.height),
        name: element.textContent,
      };
    });
  const sees = (tab, x, y, name) =>
    until(`a ring of ${name || "one's own"} at ${x}, ${y}`, async () => {
      const now = await ring(tab);
      return now && now.x === x && now.y === y && now.name === name;
    });
  const seesNone = (tab) => until("no ring", async () => (await ring(tab)) === null);
  const tool = (name) => drawer.page.getByRole("radio", { name }).click();
  const moveTo = async (x, y) => {
    const box = await drawer.page.locator("#board").boundingBox();
    await drawer.page.mouse.move(box.x + x * box.width, box.y + y * box.height);
  };

  test("of a mouse that hovers is shown to the others with its name, and is gone after a while", async () => {
    await moveTo(0.3, 0.3);
    await moveTo(0.25, 0.4);
    await sees(viewer, 0.25, 0.4, "Ana");
    assert.equal(await ring(drawer), null, "the drawer has the mouse itself");
    await seesNone(viewer);
    assert.match(await viewer.page.getAttribute("#board", "aria-label"), /^Whiteboard, 0 strokes/);
  });

  test("gives way to the tip of the ink", async () => {
    await moveTo(0.2, 0.2);
    await sees(viewer, 0.2, 0.2, "Ana");
    await drawer.page.mouse.down();
    await moveTo(0.3, 0.2);
    await seesNone(viewer);
    await moveTo(0.4, 0.2);
    await drawer.page.mouse.up();
    await viewer.strokes(1);
    await moveTo(0.5, 0.5);
    await sees(viewer, 0.5, 0.5, "Ana");
  });

  test("is a tool, which draws nothing and shows the drawer the ring, too", async () => {
    await drawer.page.keyboard.press("l");
    assert.deepEqual(await drawer.page.locator("#tools [aria-checked=true]").getAttribute("aria-label"), "Pointer (L)");
    assert.equal(await drawer.page.isVisible("#colours"), false);
    assert.equal(await drawer.page.isVisible("#sizes"), false);
    await drawer.draw([[0.7, 0.3], [0.75, 0.35], [0.8, 0.5]]);
    await sees(viewer, 0.8, 0.5, "Ana");
    await sees(drawer, 0.8, 0.5, "");
    await seesNone(drawer);
    await seesNone(viewer);
    await viewer.strokes(1);
  });

  test("is where it should be on a board that somebody zoomed", async () => {
    const sizeOf = () => viewer.page.locator("#board").boundingBox();
    const whole = await sizeOf();
    for (let i = 0; i < 4; i++) await viewer.press("Zoom in"); // around the middle, by 1.25^4
    const { width, height } = await sizeOf(); // of what is in sight
    await moveTo(0.5, 0.5);
    await sees(viewer, 0.5, 0.5, "Ana");
    await moveTo(0.6, 0.4);
    const from = (middle, size, of) => Math.round((0.5 + (middle * 1.25 ** 4 * of) / size) * 100) / 100;
    await sees(viewer, from(0.1, width, whole.width), from(-0.1, height, whole.height), "Ana");
    await viewer.page.keyboard.press("0");
    await sees(viewer, 0.6, 0.4, "Ana");
  });

  test("follows a finger, which draws nothing and does not move the board", async () => {
    const box = await drawer.page.locator("#board").boundingBox();
    const cdp = await drawer.page.context().newCDPSession(drawer.page);
    const touch = (type, x, y) =>
      cdp.send("Input.dispatchTouchEvent", {
        type,
        touchPoints: type === "touchEnd" ? [] : [{ x: box.x + x * box.width, y: box.y + y * box.height }],
      });
    await touch("touchStart", 0.4, 0.6);
    await touch("touchMove", 0.45, 0.65);
    await touch("touchMove", 0.3, 0.7);
    await sees(viewer, 0.3, 0.7, "Ana");
    await sees(drawer, 0.3, 0.7, "");
    await touch("touchEnd");
    await viewer.strokes(1);
  });

  test("moves with the crosshair; Enter and Space draw nothing with it", async () => {
    await drawer.page.locator("#board").focus();
    await drawer.page.keyboard.press("Alt+ArrowRight"); // 50 of 1600 points
    await drawer.page.keyboard.press("Alt+ArrowDown"); // 50 of 1000
    await sees(viewer, 0.53, 0.55, "Ana");
    for (const key of ["Enter", "Space", "ArrowRight", "Space"]) await drawer.page.keyboard.press(key);
    await viewer.strokes(1);
    await tool("Pen (P)");
    await drawer.page.locator("#board").focus();
    await drawer.page.keyboard.press("Alt+ArrowUp");
    await sees(viewer, 0.54, 0.5, "Ana");
  });

  test("of one who has put the pen down is gone at once", async () => {
    await moveTo(0.9, 0.9);
    await sees(viewer, 0.9, 0.9, "Ana");
    const named = await viewer.page.evaluate(() => {
      const [name, board] = ["#pointer span", "#board"].map((one) => document.querySelector(one).getBoundingClientRect());
      return name.right <= board.right && name.left >= board.left;
    });
    assert.ok(named, "the name stands within the board");
    await viewer.page.evaluate(await readFile(AXE, "utf8"));
    const { violations } = await viewer.page.evaluate(() => globalThis.axe.run());
    assert.deepEqual(violations.map(({ id }) => id), []);
    await moveTo(0.9, 0.9);
    await drawer.press("Stop drawing");
    await viewer.seesText("#penText", /^Nobody is drawing\./);
    assert.equal(await ring(viewer), null);
    await drawer.takePen();
  });

  test("lines of even width are so on all pages, and the device remembers", async () => {
    const watcher = await join(gateway, made.tokens.watch, "Watcher");
    await drawer.draw(wave(0.6, 0.1, 2));
    await drawer.press("Keys and settings");
    await drawer.page.getByLabel("Same width everywhere").check();
    await drawer.press("Close");
    await drawer.draw(wave(0.8, 0.1, 2));
    await viewer.strokes(3);
    await watcher.waitFor(({ board }) => board.strokes.length === 3, "three strokes");
    assert.deepEqual(watcher.board.strokes.map(({ even }) => even), [false, false, true]);
    await assertSameInk([drawer, viewer]);
    await drawer.page.reload();
    await drawer.allSaved();
    assert.equal(await drawer.page.getByLabel("Same width everywhere").isChecked(), true);
    await assertSameInk([drawer, viewer]);
  });
});
