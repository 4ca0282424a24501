// SPDX-License-Identifier: Apache-2.0
//
// Takes the pictures in docs/img of real services: node tests/browser/screenshots.mjs
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { ROOT, startCluster } from "../service/harness.mjs";
import { closeBrowser, person } from "./browser.mjs";
import { LESSON } from "./lesson.mjs";

const OUT = join(ROOT, "docs/img");
mkdirSync(OUT, { recursive: true });

after(closeBrowser);

const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
const shot = (tab, name) => tab.page.screenshot({ path: join(OUT, `${name}.png`) });

async function drawLesson(tab) {
  const chosen = {};
  const choose = async (key, name, exact = true) => {
    if (chosen[key] === name) return;
    if (key === "tool") Object.keys(chosen).forEach((other) => delete chosen[other]);
    chosen[key] = name;
    await tab.page.getByRole("radio", { name, exact }).click();
  };
  for (const { tool, colour, size, places } of LESSON) {
    await choose("tool", `${tool} (`, false);
    await choose("colour", colour);
    await choose("size", `Size ${size}`);
    await tab.draw(places.map(([x, y]) => [x / 1600, y / 1000]));
  }
}

test("pictures", { timeout: 120_000 }, async () => {
  const cluster = await startCluster();
  const [{ url }] = cluster.gateways;
  const made = await cluster.makeBoard("Calculus");
  const address = (role) => `${url}/b/${made.board}#${made.tokens[role]}`;
  const join = async (name, role, options) => {
    const self = await person([url], options);
    await self.context.addInitScript((name) => localStorage.setItem("easel.name", name), name);
    const tab = await self.open(address(role));
    await tab.allSaved();
    return tab;
  };

  const start = await (await person([url])).open(`${url}/`);
  await shot(start, "start");
  const ana = await join("Ana", "own");
  const ben = await join("Ben", "draw");
  await join("Cem", "watch");
  const phone = await join("Dia", "draw", PHONE);
  await ana.takePen();
  await drawLesson(ana);
  await ben.strokes(LESSON.length);
  await ana.page.waitForSelector("#notice", { state: "hidden" });
  await ben.page.waitForSelector("#notice", { state: "hidden" });
  await ana.page.mouse.move(5, 5);
  await shot(ana, "drawer");
  await shot(ben, "viewer");
  await shot(phone, "phone");
  await ben.press("Ask for the pen");
  await ana.page.waitForSelector(".asker");
  await shot(ana, "asked");
  await ana.press("Share");
  await ana.page.waitForSelector(".link-row");
  await shot(ana, "share");
  const dark = await join("Eli", "draw", { colorScheme: "dark" });
  await dark.strokes(LESSON.length);
  await shot(dark, "dark");
});
