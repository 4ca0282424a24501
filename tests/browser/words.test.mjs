// SPDX-License-Identifier: Apache-2.0
//
// The share dialog with its picture, and the page in another language.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { generate } from "lean-qr";
import { en } from "../../build/web-node/words.mjs";
import { de } from "../../build/web-node/german.mjs";
import { startCluster } from "../service/harness.mjs";
import { closeBrowser, person } from "./browser.mjs";

describe("words and pictures", { timeout: 300_000 }, () => {
  let cluster, url;

  before(async () => {
    cluster = await startCluster();
    url = cluster.gateways[0].url;
  });
  after(closeBrowser);

  test("the QR code holds the link for watching", async () => {
    const made = await cluster.makeBoard("Share");
    const ana = await person([url]);
    const tab = await ana.open(`${url}/b/${made.board}#${made.tokens.own}`);
    await tab.allSaved();
    await tab.press("Share");
    const path = await tab.page.getAttribute("#qr path", "d");
    const link = await tab.page.getByLabel("Anyone with this link can watch.").inputValue();
    const code = generate(link);
    const dark = new Set([...path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map(([, x, y]) => `${x},${y}`));
    let wanted = 0;
    for (let y = 0; y < code.size; y++)
      for (let x = 0; x < code.size; x++)
        if (code.get(x, y)) {
          wanted++;
          assert.ok(dark.has(`${x},${y}`), `dark at ${x}, ${y}`);
        }
    assert.equal(dark.size, wanted);
    assert.equal(await tab.page.getAttribute("#qr svg", "aria-label"), en.qr);
    await ana.leave();
  });

  test("nobody shares a link stronger than their own; an owner shares all below it, on any device", async () => {
    const made = await cluster.makeBoard("Share");
    const shares = { own: ["watch", "draw"], draw: ["watch"], watch: ["watch"] };
    const sentences = { watch: en.watchLink, draw: en.drawLink(true, true) };
    for (const [role, expected] of Object.entries(shares)) {
      const ben = await person([url]); // who did not make it
      const tab = await ben.open(`${url}/b/${made.board}#${made.tokens[role]}`);
      await tab.allSaved();
      for (let time = 0; time < 2; time++) { // then from memory
        await tab.press("Share");
        await tab.page.waitForSelector("#qr svg");
        const rows = (where) =>
          tab.page.$$eval(`${where} > .link-row`, (all) =>
            all.map((row) => [row.querySelector("label").textContent, row.querySelector("input").value]));
        assert.deepEqual(await rows("#shareLinks"), expected.map((other) => [sentences[other], made.links[other]]), role);
        const own = role === "own" ? [[en.ownLink, made.links.own]] : [];
        assert.deepEqual(await rows("#shareLinks details"), own, "to other devices of one's own");
        await tab.press("Close");
      }
      await ben.leave();
    }
  });

  test("a German browser sees German words everywhere", async () => {
    const made = await cluster.makeBoard("Physik");
    const ana = await person([url], { locale: "de-DE" });
    const start = await ana.open(`${url}/`);
    assert.equal(await start.page.getAttribute("html", "lang"), "de");
    await start.seesText("#noBoards", new RegExp(`^${de.noBoards}$`));
    const tab = await ana.open(`${url}/b/${made.board}#${made.tokens.own}`);
    await tab.seesText("#status span", new RegExp(`^${de.live}$`));
    await tab.press(de.takePen);
    await tab.page.waitForSelector("#palette:not([hidden])");
    await tab.seesText("#penText", new RegExp(`^${de.youHavePen}$`));
    await tab.draw([[0.3, 0.3], [0.6, 0.6]]);
    await tab.press(de.share);
    await tab.page.waitForSelector(".link-row");
    for (const page of [start.page, tab.page]) {
      const left = await page.evaluate(
        ([english, german]) => {
          const roots = [document, ...[...document.querySelectorAll("template")].map(({ content }) => content)];
          const texts = roots.flatMap((root) =>
            [...root.querySelectorAll("*")].flatMap((one) => [
              one.childElementCount ? "" : one.textContent,
              ...["aria-label", "title", "placeholder"].map((name) => one.getAttribute(name)),
            ]),
          );
          return texts.filter((text) => english.includes(text) && !german.includes(text));
        },
        [Object.values(en), Object.values(de)].map((all) => all.flatMap((one) => (typeof one === "object" ? Object.values(one) : one)).filter((one) => typeof one === "string")),
      );
      assert.deepEqual(left, [], "nothing is left in English");
    }
    await ana.leave();
  });
});
