// SPDX-License-Identifier: Apache-2.0
//
// Lines as hands and keys mean them: a circle that goes over the edge of the board is cut there, a right angle
// made by keys is one, and who draws by keys hears where the crosshair is.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { join, startCluster, until } from "../service/harness.mjs";
import { assertSameInk, closeBrowser, person } from "./browser.mjs";

const WIDTH = 32_000; // units of the board
const QUIET_MS = 700; // after ink the ring is not shown for so long

describe("lines", { timeout: 300_000 }, () => {
  let gateway, made, tab, watcher;

  before(async () => {
    const cluster = await startCluster({ env: { EASEL_CREATE_TOKEN: "", EASEL_PEN_IDLE_S: "600" } });
    [gateway] = cluster.gateways;
    made = await cluster.makeBoard("Lines");
    const ana = await person([gateway.url], { name: "Ana" });
    tab = await ana.open(`${gateway.url}/b/${made.board}#${made.tokens.own}`);
    await tab.allSaved();
    await tab.takePen();
    watcher = await join(gateway, made.tokens.watch, "Wim");
  });
  after(closeBrowser);

  const strokes = () => watcher.board.strokes.filter(({ undone }) => !undone);
  const ends = ({ points: { xy, count } }) => [[xy[0], xy[1]], [xy[count * 2 - 2], xy[count * 2 - 1]]];
  const clear = async () => {
    await tab.page.click("#clear");
    await tab.page.click("#questionYes");
    await tab.strokes(0);
  };

  test("a circle over the edge of the board is cut where it leaves, and goes on where it comes back", async () => {
    const { page } = tab;
    const box = await page.locator("#board").boundingBox();
    const at = (angle) => [box.x + box.width * 0.95 + 0.1 * box.width * Math.cos(angle), box.y + box.height / 2 + 0.1 * box.width * Math.sin(angle)];
    await page.mouse.move(...at(Math.PI));
    await page.mouse.down();
    for (let i = 1; i <= 40; i++) await page.mouse.move(...at(Math.PI + (i / 40) * 2 * Math.PI));
    await page.mouse.up();
    await watcher.waitFor(() => strokes().length === 2 && watcher.board.open === null, "two strokes");
    const [first, second] = strokes();
    const [[, out], [, back]] = [ends(first)[1], ends(second)[0]];
    assert.deepEqual([ends(first)[1][0], ends(second)[0][0]], [WIDTH, WIDTH], "both at the edge");
    assert.ok(Math.abs(out - back) > 2_000, `it left at ${out} and came back at ${back}`);
    for (const { points } of strokes())
      for (let i = 1; i < points.count; i++) assert.ok(points.xy[i * 2] < WIDTH || points.xy[i * 2 - 2] < WIDTH, "nothing lies along the edge");
    assert.equal(second.joined, true);
    await tab.strokes(1); // one movement
    await page.click("#undo");
    await tab.strokes(0);
  });

  test("a right angle drawn by keys is one", async () => {
    const { page } = tab;
    await page.focus("#board");
    const times = async (key, count) => {
      for (let i = 0; i < count; i++) await page.keyboard.press(key);
    };
    await page.keyboard.press("Space");
    await times("ArrowRight", 8);
    await times("ArrowDown", 8);
    await page.keyboard.press("Space");
    await tab.strokes(1);
    assert.notEqual(await tab.colourAt(880 / 1600, 500 / 1000), "#ffffff", "ink in the corner");
    assert.notEqual(await tab.colourAt(840 / 1600, 500 / 1000), "#ffffff", "and along the line");
    assert.equal(await tab.colourAt(872 / 1600, 508 / 1000), "#ffffff", "and not inside of it");
    await clear();
  });

  test("where the crosshair came to is said, and that the pen is down or up", async () => {
    const { page } = tab;
    await page.focus("#board");
    await tab.record("#polite");
    for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowLeft");
    await until("the place is said", async () => (await tab.shown("#polite")).some((text) => /850 across, 580 down\./.test(text)));
    await page.keyboard.press("Space");
    await until("the pen is down", async () => (await tab.shown("#polite")).some((text) => /Pen down\./.test(text)));
    await page.keyboard.press("Space");
    await until("the pen is up", async () => (await tab.shown("#polite")).some((text) => /Pen lifted\./.test(text)));
    await clear();
  });

  test("who looks at a part of the board is led to the pointer, and not by it between two letters", async () => {
    const ben = await person([gateway.url], { name: "Ben" });
    const viewer = await ben.open(`${gateway.url}/b/${made.board}#${made.tokens.watch}`);
    await viewer.allSaved();
    for (let i = 0; i < 6; i++) await viewer.page.keyboard.press("+");
    const box = await tab.page.locator("#board").boundingBox();
    const moves = (x, y) => tab.page.mouse.move(box.x + x * box.width, box.y + y * box.height);
    await moves(0.9, 0.9);
    await moves(0.92, 0.92);
    await until("the pointer is in sight", () =>
      viewer.page.evaluate(() => {
        const [ring, board] = ["pointer", "board"].map((id) => document.getElementById(id).getBoundingClientRect());
        return ring.width > 0 && ring.left > board.left && ring.right < board.right && ring.top > board.top && ring.bottom < board.bottom;
      }),
    );
    await viewer.page.evaluate(() => {
      const ring = document.getElementById("pointer");
      new MutationObserver(() => (globalThis.seen += !ring.hidden)).observe(ring, { attributes: true });
    });
    /** Four letters; how often the ring was seen between them, and the longest pause. */
    const writes = async (y, before) => {
      let [pause, ended] = [0, 0];
      for (let i = 0; i < 4; i++) {
        if (i) pause = Math.max(pause, performance.now() - ended);
        await tab.draw([[0.85 + i / 100, y], [0.85 + i / 100, y + 0.02]]);
        if (i === 0) {
          await viewer.strokes(before + 1);
          await viewer.page.evaluate(() => (globalThis.seen = 0)); // before the first one it is there
        }
        ended = performance.now();
        await moves(0.855 + i / 100, y + 0.01);
      }
      return { pause, seen: await viewer.page.evaluate(() => globalThis.seen) };
    };
    const before = await tab.page.evaluate(() => Number(/\d+/.exec(document.querySelector("#board").ariaLabel)));
    let trial = { pause: Infinity };
    for (let i = 0; i < 8 && trial.pause > QUIET_MS / 2; i++) {
      trial = await writes(0.8 + i / 50, before + 4 * i);
      await viewer.strokes(before + 4 * (i + 1));
    }
    assert.equal(trial.seen, 0, "no ring between letters");
    await assertSameInk([tab, tab]);
    await ben.leave();
  });
});
