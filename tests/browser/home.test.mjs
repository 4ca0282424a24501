// SPDX-License-Identifier: Apache-2.0
//
// Taking the picture home: as a file in the size that one picks, with and without its paper, through the
// clipboard, and on paper.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { startCluster, until } from "../service/harness.mjs";
import { closeBrowser, person, wave } from "./browser.mjs";

describe("taking the picture home", { timeout: 300_000 }, () => {
  let gateway, tab, self;

  before(async () => {
    const cluster = await startCluster({ env: { EASEL_CREATE_TOKEN: "" } });
    [gateway] = cluster.gateways;
    const made = await cluster.makeBoard("Physics: 1/2");
    self = await person([gateway.url], { name: "Ana", acceptDownloads: true });
    tab = await self.open(`${gateway.url}/b/${made.board}#${made.tokens.own}`);
    await tab.allSaved();
    await tab.takePen();
    await tab.draw(wave(0.5, 0.2, 1));
    await tab.strokes(1);
    await tab.page.keyboard.press("+"); // what is in sight does not matter
  });
  after(async () => {
    await self?.leave();
    await closeBrowser();
  });

  const open = () => tab.press("Picture");
  const close = async () => {
    await tab.page.keyboard.press("Escape");
    await tab.page.waitForSelector("#picture", { state: "hidden" });
  };
  /** What the bytes of a PNG show: {size, inked, clear, edge: the colour at the corner}. */
  const look = (bytes) =>
    tab.page.evaluate(async (base64) => {
      const blob = new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], { type: "image/png" });
      const bitmap = await createImageBitmap(blob);
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      const ctx = canvas.getContext("2d");
      ctx.drawImage(bitmap, 0, 0);
      const { data } = ctx.getImageData(0, 0, bitmap.width, bitmap.height);
      let inked = 0;
      for (let i = 0; i < data.length; i += 4) inked += data[i + 3] > 127 && data[i] + data[i + 1] + data[i + 2] < 300;
      return { size: [bitmap.width, bitmap.height], inked, edge: [...data.slice(0, 4)] };
    }, bytes.toString("base64"));

  async function save() {
    const [download] = await Promise.all([tab.page.waitForEvent("download"), tab.press("Save as picture")]);
    await tab.seesText("#pictureState", /^Saved\.$/);
    return { name: download.suggestedFilename(), ...(await look(await readFile(await download.path()))) };
  }

  test("a file in the size that one picks, with its paper or without, by the board's name", async () => {
    await open();
    const paper = await save();
    assert.deepEqual([paper.name, paper.size, paper.edge], ["Physics- 1-2.png", [3200, 2000], [255, 255, 255, 255]]);
    assert.ok(paper.inked > 5_000, `${paper.inked} pixels`);
    await tab.page.getByLabel("With its white paper").uncheck();
    await tab.page.getByLabel("Size, in pixels").selectOption("1");
    const glass = await save();
    assert.deepEqual([glass.size, glass.edge], [[1600, 1000], [0, 0, 0, 0]]);
    assert.ok(glass.inked > 1_000, `${glass.inked} pixels`);
    await close();
  });

  test("through the clipboard", async () => {
    await self.context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: new URL(gateway.url).origin });
    await open();
    await tab.press("Copy as picture");
    await tab.seesText("#pictureState", /^Copied$/);
    const types = await tab.page.evaluate(async () => (await navigator.clipboard.read()).flatMap(({ types }) => types));
    assert.ok(types.includes("image/png"), `${types}`);
    await close();
  });

  for (const landscape of [false, true])
    test(`on one sheet of paper, ${landscape ? "across" : "upright"}, the board alone and as large as it can be`, async () => {
      const pdf = await tab.page.pdf({ format: "A4", landscape, printBackground: false });
      assert.equal(pdf.toString("latin1").match(/\/Type\s*\/Page\b/g).length, 1, "one sheet");
      await tab.page.evaluate(() => dispatchEvent(new Event("beforeprint")));
      await tab.page.emulateMedia({ media: "print" });
      const seen = await tab.page.evaluate(() => {
        const shown = [...document.body.children].filter((one) => one.getClientRects().length > 0).map(({ id }) => id);
        return { shown, part: document.querySelector("#printed canvas").getBoundingClientRect().width / innerWidth };
      });
      assert.deepEqual(seen.shown, ["printed"]);
      assert.ok(seen.part > 0.9, `${seen.part} of the width`);
      await tab.page.emulateMedia({ media: null });
      await tab.page.evaluate(() => dispatchEvent(new Event("afterprint")));
      await until("it is the board again", () => tab.page.isVisible("#board"));
    });

  test("all of it by keyboard", async () => {
    await tab.page.locator("#pictureButton").focus();
    await tab.page.keyboard.press("Enter");
    await tab.page.waitForSelector("#picture[open]");
    const names = [];
    for (let i = 0; i < 7; i++) {
      names.push(await tab.page.evaluate(() => document.activeElement.id));
      await tab.page.keyboard.press("Tab");
    }
    for (const id of ["pictureSize", "picturePaper", "pictureSave", "picturePrint", "pictureClose"]) assert.ok(names.includes(id), `${id} in ${names}`);
    await close();
  });
});
