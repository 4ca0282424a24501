// SPDX-License-Identifier: Apache-2.0
//
// Ink in pixels: whatever happened to a board, its ink equals that of the same board painted from
// scratch, byte for byte, at each size, zoom, and moment.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { closeBrowser, person } from "./browser.mjs";

const SEED = Number(process.env.EASEL_TEST_SEED ?? 1);
const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The page's own sources, in place of what is built of them for Node. */
const sources = {
  name: "sources",
  setup: ({ onResolve }) => onResolve({ filter: /web-node\/client\.mjs$/ }, () => ({ path: at("../../gateway/web/node.ts") })),
};

describe(`ink (seeds from ${SEED})`, { timeout: 300_000 }, () => {
  let page, script;

  before(async () => {
    const bundle = { entryPoints: [at("ink-page.mjs")], bundle: true, format: "iife", write: false, plugins: [sources] };
    const { outputFiles } = await build(bundle);
    ({ page } = await (await person([])).open("about:blank"));
    script = outputFiles[0].text;
    await page.addScriptTag({ content: script });
  });
  after(closeBrowser);

  async function plays(count, play) {
    let ink = 0;
    for (let seed = SEED; seed < SEED + count; seed++) {
      const result = await play(seed);
      assert.equal(result.differing, 0, `pixels differ: ${result.where}`);
      ink += result.ink;
    }
    assert.ok(ink > 50_000 * count, `only ${ink} pixels of ink were compared`);
  }

  for (const [width, height] of [[640, 400], [1100, 688]])
    test(`a sheet of ${width} × ${height} equals one painted from scratch`, () =>
      plays(width > 1000 ? 12 : 25, (seed) => page.evaluate((all) => globalThis.playSheets(...all), [seed, 60, width, height])));

  test("so does one whose older strokes have a canvas of their own", () =>
    plays(3, (seed) => page.evaluate((all) => globalThis.playSheets(...all), [seed, 400, 640, 400, true])));

  test("what the painter shows equals it too, at any size and zoom", () =>
    plays(12, (seed) => page.evaluate((all) => globalThis.playPainter(...all), [seed, 60, [[900, 562], [1100, 688], [640, 400]]])));

  test("also when it keeps the sheet of the whole board, and a finer one for who zooms in", async () => {
    let finer = 0;
    await plays(6, async (seed) => {
      const result = await page.evaluate((all) => globalThis.playPainter(...all), [seed, 60, [[450, 281], [320, 200]], 3]);
      finer += result.finer;
      return result;
    });
    assert.ok(finer > 6, `only ${finer} times the finer one was seen`);
  });

  test("a highlighter's line that goes on is no darker upon its part before", async () =>
    assert.deepEqual(await page.evaluate(() => globalThis.goesOn()), { upon: 0, beyond: 255 }));

  describe("while the clock stands still", () => {
    let held;
    /** What the board's ink is `ms` later, after this was done to it. */
    const inkAfter = async (ms, act = () => {}) => {
      await held.evaluate(act);
      await held.clock.runFor(ms);
      return held.evaluate(() => globalThis.stage.ink());
    };

    before(async () => {
      ({ page: held } = await (await person([])).open("about:blank"));
      await held.clock.install();
      await held.addScriptTag({ content: script });
      await held.clock.pauseAt(Date.now() + 1_000);
      await held.evaluate(() => (globalThis.stage = globalThis.still(800, 500)));
    });

    test("a cut is not seen when the same comes again within 300 ms, and else is", async () => {
      const whole = await inkAfter(100, () => globalThis.stage.draw(1, 10));
      assert.ok(whole > 10_000, `${whole} pixels of ink`);
      assert.equal(await inkAfter(250, () => globalThis.stage.board.cut(5)), whole);
      assert.equal(await inkAfter(100, () => globalThis.stage.draw(6, 10)), whole);
      assert.equal(await inkAfter(250, () => globalThis.stage.board.cut(5)), whole);
      const five = await inkAfter(250);
      assert.ok(five < whole && five > 0, `${five} of ${whole} pixels of ink`);
      assert.equal(await inkAfter(250, () => globalThis.stage.draw(6, 10)), whole);
    });

    test("a canvas has at most nine million pixels", async () => {
      const [width, height] = await held.evaluate(() => globalThis.still(6400, 4000).size());
      assert.ok(width * height <= 9_010_000 && width * height > 8_900_000, `${width} × ${height}`);
      assert.ok(Math.abs(width / height - 1.6) < 0.001);
    });
  });
});
