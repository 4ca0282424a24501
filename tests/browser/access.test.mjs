// SPDX-License-Identifier: Apache-2.0
//
// For everybody: in every state and on every screen axe finds nothing, buttons are large enough, and all
// words fit; the page is used, and a whole drawing made, without a mouse.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startCluster, until } from "../service/harness.mjs";
import { assertSameInk, closeBrowser, everybodyLeaves, person } from "./browser.mjs";
import { faultsOf } from "./checks.mjs";
import { SCREENS, SEATS, tour } from "./states.mjs";

/** Who told the browser to write twice as large. */
const largeText = async (tab) => {
  const cdp = await tab.page.context().newCDPSession(tab.page);
  await cdp.send("Page.setFontSizes", { fontSizes: { standard: 32, fixed: 26 } });
};
const dark = { colorScheme: "dark" };
const german = { locale: "de-DE", longNames: true };
/** In several colours, everything is looked at again in each. */
const MODES = {
  "on a desktop, in the light and in the dark in forced colours": {
    ...SCREENS.desktop,
    colours: [{ colorScheme: "light", forcedColors: "none" }, { colorScheme: "dark", forcedColors: "active" }],
  },
  "on a desktop at 400%": SCREENS.zoomed,
  "on a tablet, in the dark and in German": { ...SCREENS.tablet, ...dark, ...german },
  "on a phone": SCREENS.phone,
  "on a phone on its side, in the dark": { ...SCREENS.side, ...dark },
  "320 px wide, in German with long names": { ...SCREENS.small, ...german },
  "with text of twice the size, and long names": { ...SCREENS.desktop, longNames: true, before: largeText },
};

describe("for everybody", { timeout: 900_000 }, () => {
  let cluster, gateway, url;

  before(async () => {
    const env = { EASEL_BOARD_SEATS: String(SEATS), EASEL_PEN_IDLE_S: "600", EASEL_PEN_GRACE_S: "60" };
    cluster = await startCluster({ env });
    [gateway] = cluster.gateways;
    url = gateway.url;
  });
  after(closeBrowser);

  const address = (made, role) => `${url}/b/${made.board}#${made.tokens[role]}`;

  for (const [mode, { colours = [{}], ...options }] of Object.entries(MODES)) {
    test(`nothing is wrong ${mode}`, async () => {
      const wrong = [];
      await tour(cluster, options, async (tab, state) => {
        for (const media of colours) {
          await tab.page.emulateMedia(media);
          for (const fault of await faultsOf(tab.page)) wrong.push(`${[state, ...Object.values(media)].join(", ")}: ${fault}`);
        }
      });
      assert.deepEqual(wrong, []);
      await everybodyLeaves();
    });
  }

  test("what is looked for would be found", async () => {
    const tab = await (await person([url], SCREENS.phone)).open(`${url}/`);
    await tab.page.evaluate(() => {
      const { body } = document;
      const add = (text, style) => Object.assign(body.appendChild(document.createElement("button")), { textContent: text }).style.cssText = style;
      add("small", "min-height: 0; height: 40px");
      add("far away", "position: absolute; left: 500px");
      add("cut", "position: absolute; width: 60px; padding: 0; overflow: hidden; white-space: nowrap; text-indent: 50px");
      add("one", "position: absolute; left: 100px; top: 20px");
      add("two", "position: absolute; left: 100px; top: 20px; color: #ddd; background: #fff");
    });
    const found = (await faultsOf(tab.page)).join("\n");
    for (const pattern of [/color-contrast/, /small is .* × 40/, /"far away" is beyond/, /html#\..* scrolls sideways/, /"cut" is cut off/, /"one" lies upon "two"/])
      assert.match(found, pattern);
    await everybodyLeaves();
  });

  /** Light and dark; axe sees to their contrast. */
  const COLOURS = {
    page: ["#f4f5f7", "#1b1c1f"],
    text: ["#1a1a1a", "#e8e8ea"],
    muted: ["#5a5f69", "#a8abb2"],
    accent: ["#1f5fd6", "#8ab4f8"],
    good: ["#0b6e4f", "#6fcf97"],
    warn: ["#8a5a00", "#f2b84b"],
    bad: ["#b3261e", "#ff8a80"],
  };
  for (const [i, colorScheme] of ["light", "dark"].entries())
    test(`the colours are those of the ${colorScheme} scheme, the paper is white, and nothing moves for who wants no motion`, async () => {
      const made = await cluster.makeBoard("Colours");
      const tab = await (await person([url], { colorScheme, reducedMotion: "reduce" })).open(address(made, "own"));
      await tab.allSaved();
      await tab.takePen();
      await tab.page.waitForSelector("#notice:not([hidden])");
      const seen = await tab.page.evaluate((names) => {
        const root = getComputedStyle(document.documentElement);
        const moving = [...document.querySelectorAll("*")].filter((one) => getComputedStyle(one).transitionDuration !== "0s");
        return {
          colours: names.map((name) => root.getPropertyValue(`--${name}`).trim()),
          paper: getComputedStyle(document.querySelector("#board")).backgroundColor,
          moving: document.getAnimations().length + moving.length,
        };
      }, Object.keys(COLOURS));
      const colours = Object.values(COLOURS).map((pair) => pair[i]);
      assert.deepEqual(seen, { colours, paper: "rgb(255, 255, 255)", moving: 0 });
      await everybodyLeaves();
    });

  /** Where the focus is, and how well its ring can be seen. */
  const focus = (tab) =>
    tab.page.evaluate(() => {
      const one = document.activeElement;
      const light = (colour) => {
        const [r, g, b] = colour.match(/[\d.]+/g).slice(0, 3).map((part) => {
          const value = part / 255;
          return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const { outlineStyle, outlineWidth, outlineColor, outlineOffset } = getComputedStyle(one);
      // What the ring lies on: an outer one on what is around the element.
      let under = parseFloat(outlineOffset) < 0 ? one : one.parentElement;
      const clear = (element) => /, 0\)$|^transparent$/.test(getComputedStyle(element).backgroundColor);
      while (under.parentElement && clear(under)) under = under.parentElement;
      const [a, b] = [light(outlineColor), light(getComputedStyle(under).backgroundColor)].sort((x, y) => y - x);
      return {
        id: one.id || one.textContent.trim(),
        part: one.closest(".skip, .bar, .palette, .board, .zoom, .margin, dialog")?.className || one.closest("dialog")?.id,
        ring: outlineStyle === "none" ? 0 : parseFloat(outlineWidth),
        contrast: (a + 0.05) / (b + 0.05),
      };
    });

  for (const colorScheme of ["light", "dark"])
    test(`Tab leads through the page in order, with a ring that can be seen, ${colorScheme}`, async () => {
      const made = await cluster.makeBoard("Tab");
      const tab = await (await person([url], { colorScheme })).open(address(made, "own"));
      await tab.allSaved();
      await tab.takePen();
      await tab.page.keyboard.press("Tab"); // from now on the ring shows
      await tab.page.focus("#skip");
      const parts = [];
      for (let i = 0; i < 40; i++) {
        if (i) await tab.page.keyboard.press("Tab");
        const { id, part, ring, contrast } = await focus(tab);
        if (!part) break; // at the end of the page
        assert.ok(ring >= 2 && contrast >= 3, `${id}: ring of ${ring} px, ${contrast.toFixed(1)}:1`);
        if (parts.at(-1) !== part) parts.push(part);
      }
      assert.deepEqual(parts.map((part) => part.split(" ")[0]), ["skip", "bar", "zoom", "bar", "palette", "board"]);
      await everybodyLeaves();
    });

  test("dialogs and panels take the focus, and Esc gives it back to what opened them", async () => {
    const open = async (options) => {
      const made = await cluster.makeBoard("Focus");
      const tab = await (await person([url], options)).open(address(made, "own"));
      await tab.allSaved();
      await tab.takePen();
      await tab.draw([[0.2, 0.2], [0.4, 0.4]]);
      return tab;
    };
    const opens = async (tab, buttons, panel, back = buttons.at(-1)) => {
      for (const button of buttons) {
        await tab.page.focus(button);
        await tab.page.keyboard.press("Enter");
      }
      await tab.page.waitForSelector(panel);
      const inside = () => tab.page.evaluate((panel) => document.querySelector(panel)?.contains(document.activeElement), panel);
      await until(`the focus is in ${panel}`, inside);
      await tab.page.keyboard.press("Escape");
      await until(`${panel} is closed`, async () => !(await tab.page.isVisible(panel)));
      assert.equal(`#${(await focus(tab)).id}`, back, `after ${panel}`);
    };
    const desk = await open({});
    await opens(desk, ["#shareButton"], "#share[open]");
    await opens(desk, ["#helpButton"], "#help[open]");
    await opens(desk, ["#clear"], "#question[open]");
    const phone = await open(SCREENS.phone);
    await opens(phone, ["#menuButton", "#shareButton"], "#share[open]", "#menuButton");
    await opens(phone, ["#menuButton", "#helpButton"], "#help[open]", "#menuButton");
    await opens(phone, ["#peopleButton"], "#peoplePanel.open");
    await phone.page.focus("#inkButton");
    await phone.page.keyboard.press("Enter");
    await phone.page.keyboard.press("ArrowRight");
    assert.equal(await phone.page.evaluate(() => document.activeElement.ariaLabel), "Black", "arrows lead into what is open");
    await phone.page.keyboard.press("Escape");
    assert.equal((await focus(phone)).id, "inkButton");
    await phone.page.keyboard.press("ArrowRight");
    assert.equal((await focus(phone)).id, "undo", "and past what is closed");
    await phone.page.tap("#menuButton");
    await phone.page.waitForSelector("#menu.open");
    await phone.draw([[0.1, 0.5], [0.3, 0.6]]);
    await phone.page.waitForSelector("#menu.open", { state: "hidden" });
    await phone.strokes(2); // what closes a panel also draws
    await everybodyLeaves();
  });

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
    assert.match(tab.page.url(), new RegExp(`#${made.tokens.watch}$`), "the address stays as it is");
    assert.equal(await tab.page.getAttribute("#board", "role"), "application");
    assert.match(await tab.page.textContent(`#${await tab.page.getAttribute("#board", "aria-describedby")}`), /^Arrow keys/);
    await tab.page.waitForSelector("#cross:not([hidden])");

    /** Where the crosshair is, in points of the board. */
    const crosshair = () =>
      tab.page.evaluate(() => {
        const board = document.querySelector("#board").getBoundingClientRect();
        const cross = document.querySelector("#cross").getBoundingClientRect();
        const middle = [cross.left + cross.width / 2 - board.left, cross.top + cross.height / 2 - board.top];
        return middle.map((px) => Math.round((px * 16000) / board.width) / 10);
      });
    await press(" ");
    for (const [key, place] of [["Alt+ArrowRight", [850, 500]], ["Alt+ArrowDown", [850, 550]], ["ArrowLeft", [840, 550]], ["Shift+ArrowUp", [840, 549]]]) {
      await press(key);
      const at = await crosshair();
      assert.ok(at.every((points, i) => Math.abs(points - place[i]) < 0.9), `${key}: ${at} instead of ${place}`);
    }
    await press(" ");
    await viewer.strokes(1);
    await press("ArrowDown", "ArrowDown", "Enter");
    await viewer.strokes(2);
    assert.equal(await viewer.page.getAttribute("#board", "role"), "img");
    assert.match(await viewer.page.getAttribute("#board", "aria-label"), /^Whiteboard, 2 strokes\. Guest \d is drawing\.$/);
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
