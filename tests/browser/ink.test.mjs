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
  let page;

  before(async () => {
    const bundle = { entryPoints: [at("ink-page.mjs")], bundle: true, format: "iife", write: false, plugins: [sources] };
    const { outputFiles } = await build(bundle);
    ({ page } = await (await person([])).open("about:blank"));
    await page.addScriptTag({ content: outputFiles[0].text });
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

  test("what the painter shows equals it too, at any size and zoom", () =>
    plays(12, (seed) => page.evaluate((all) => globalThis.playPainter(...all), [seed, 60, [[900, 562], [1100, 688], [640, 400]]])));
});
