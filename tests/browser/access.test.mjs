// SPDX-License-Identifier: Apache-2.0
//
// For everybody: axe finds nothing wrong in any state of the page, light, dark and on a phone; and a
// whole drawing is made without a mouse.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { startCluster, until } from "../service/harness.mjs";
import { assertSameInk, closeBrowser, DESKTOP, person, wave } from "./browser.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
const MODES = {
  light: { viewport: DESKTOP, colorScheme: "light", reducedMotion: "reduce" },
  dark: { viewport: DESKTOP, colorScheme: "dark", reducedMotion: "reduce" },
  "on a phone": { ...PHONE, colorScheme: "light", reducedMotion: "reduce" },
  "on its side, in the dark": { ...PHONE, viewport: { width: 844, height: 390 }, colorScheme: "dark", reducedMotion: "reduce" },
};

/** The rules that are broken in this state, and where. */
async function brokenIn(tab, state) {
  await tab.page.evaluate(AXE);
  const broken = await tab.page.evaluate(async (values) => {
    const { violations } = await globalThis.axe.run({ runOnly: { type: "tag", values } });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target, any }) => `${id}: ${target} ${any[0]?.message ?? ""}`));
  }, RULES);
  return broken.map((rule) => `${state}: ${rule}`);
}

describe("for everybody", { timeout: 600_000 }, () => {
  let cluster, gateway, url;

  before(async () => {
    cluster = await startCluster({ env: { EASEL_BOARD_SEATS: "3", EASEL_PEN_IDLE_S: "600", EASEL_PEN_GRACE_S: "15" } });
    [gateway] = cluster.gateways;
    url = gateway.url;
  });
  after(closeBrowser);

  const address = (made, role) => `${url}/b/${made.board}#${made.tokens[role]}`;

  for (const [mode, options] of Object.entries(MODES)) {
    test(`axe finds nothing ${mode}`, async () => {
      const made = await cluster.makeBoard("Access");
      const [ana, ben] = [await person([url], options), await person([url], options)];
      const broken = [];
      const look = async (tab, state) => broken.push(...(await brokenIn(tab, state)));

      const start = await ana.open(`${url}/`);
      await look(start, "start, empty");
      const viewer = await ben.open(address(made, "draw"));
      await viewer.allSaved();
      await look(viewer, "viewer of an empty board");

      const drawer = await ana.open(address(made, "own"));
      await drawer.allSaved();
      await drawer.takePen();
      await look(drawer, "drawer");
      await drawer.draw(wave(0.5, 0.1, 2));
      await viewer.strokes(1);
      await viewer.press("Ask for the pen");
      await drawer.page.waitForSelector(".asker");
      await look(drawer, "drawer, asked");
      await look(viewer, "viewer in line");
      await viewer.page.keyboard.press("+");
      await look(viewer, "viewer, zoomed");

      await drawer.press("Share");
      await drawer.page.waitForSelector(".link-row");
      await look(drawer, "share");
      await drawer.press("Close");
      await drawer.press("Keys and settings");
      await look(drawer, "help");
      await drawer.press("Close");
      await drawer.press("Clear");
      await look(drawer, "clear");
      await drawer.press("Keep");

      const here = await ben.open(address(made, "draw"));
      await viewer.seesText("#card p", /another tab/);
      await look(viewer, "replaced");
      await (await (await person([url], options)).open(address(made, "watch"))).allSaved();
      const full = await (await person([url], options)).open(address(made, "watch"));
      await full.seesText("#card p", /is full/);
      await look(full, "full");
      await full.page.goto(`${url}/b/${made.board}#nonsense`);
      await full.seesText("#card p", /does not open/);
      await look(full, "forbidden");

      await gateway.kill();
      await drawer.seesText("#status span", /^Reconnecting/);
      await here.seesText("#status span", /^Reconnecting/);
      await look(drawer, "drawer, reconnecting");
      await look(here, "viewer, reconnecting");
      await gateway.start();
      await drawer.allSaved();
      await start.page.reload();
      await start.seesText("#boards", /Access/);
      await look(start, "start, with boards");
      assert.deepEqual(broken, []);
      await closeBrowser();
    });
  }

  test("a drawing is made with keys alone", async () => {
    const made = await cluster.makeBoard("Keys");
    const [ana, ben] = [await person([url]), await person([url])];
    const tab = await ana.open(address(made, "own"));
    const viewer = await ben.open(address(made, "draw"));
    await viewer.allSaved();
    await tab.allSaved();
    const { keyboard } = tab.page;
    const press = async (...keys) => {
      for (const key of keys) await keyboard.press(key);
    };
    const focused = () => tab.page.evaluate(() => document.activeElement.textContent || document.activeElement.id);
    const tabTo = async (words) => {
      for (let i = 0; i < 30 && (await focused()) !== words; i++) await press("Tab");
      assert.equal(await focused(), words);
    };

    await press("Tab");
    assert.equal(await focused(), "Skip to the board");
    await tabTo("Take the pen");
    await press("Enter");
    await tab.page.waitForSelector("#palette:not([hidden])");

    await tab.page.evaluate(() => document.activeElement.blur());
    await tab.page.locator("#skip").focus();
    await press("Enter");
    assert.equal(await tab.page.evaluate(() => document.activeElement.id), "board");
    assert.match(tab.page.url(), new RegExp(`#${made.tokens.own}$`), "the address keeps its token");
    assert.equal(await tab.page.getAttribute("#board", "role"), "application");
    assert.match(await tab.page.textContent(`#${await tab.page.getAttribute("#board", "aria-describedby")}`), /^Arrow keys/);
    await tab.page.waitForSelector("#cross:not([hidden])");

    await press(" ", "Alt+ArrowRight", "Alt+ArrowDown", "ArrowLeft", "Shift+ArrowUp", " ");
    await viewer.strokes(1);
    await press("ArrowDown", "ArrowDown", "Enter");
    await viewer.strokes(2);
    await press("2", " ", "Alt+ArrowUp", "Escape"); // taken back
    await viewer.strokes(2);
    await tab.strokes(2);
    await tab.allSaved();
    const { inked } = await assertSameInk([tab, viewer]);
    assert.ok(inked > 100, `${inked} pixels of ink`);
    await press("Control+z");
    await viewer.strokes(1);

    await tab.page.locator("#palette [tabindex='0']").focus(); // the toolbar is one stop, with arrows inside
    const name = () => tab.page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.id);
    await press("Home");
    assert.equal(await name(), "Pen (P)");
    await press("ArrowDown", "Enter");
    assert.equal(await tab.page.getByRole("radio", { name: /^Highlighter/ }).getAttribute("aria-checked"), "true");
    assert.equal(await name(), "Highlighter (H)");
    await press("End");
    assert.equal(await name(), "clear");
    await press("Enter");
    await tab.page.waitForSelector("#question[open]");
    await press("Escape");
    assert.equal(await name(), "clear", "the focus goes back");
    assert.equal(await tab.page.locator("#palette [tabindex='0']").count(), 1);

    await press("h", "?");
    await tab.page.waitForSelector("#help[open]");
    await tab.page.locator("#singleKeys").focus();
    await press(" ", "Escape"); // letters are no shortcuts now
    await press("p", "Control+z");
    await viewer.strokes(0);
    await press("Control+y");
    assert.equal(await tab.page.getByRole("radio", { name: /^Highlighter/ }).getAttribute("aria-checked"), "true");
    await until("nothing was cleared", async () => /^Whiteboard, 1 stroke/.test(await viewer.page.getAttribute("#board", "aria-label")));
    await Promise.all([ana.leave(), ben.leave()]);
  });
});
