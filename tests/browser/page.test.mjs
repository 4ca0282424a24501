// SPDX-License-Identifier: Apache-2.0
//
// The page as people use it: a palette for the drawer alone, the same pixels for all, hand-over,
// reload, a gateway that dies.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startCluster } from "../service/harness.mjs";
import { assertSameInk, circle, closeBrowser, person, wave } from "./browser.mjs";

// Long enough for a slow machine: the pen must not move while a test looks at something else.
const SETTINGS = { EASEL_PEN_GRACE_S: "15", EASEL_PEN_IDLE_S: "600" };

describe("the page", { timeout: 600_000 }, () => {
  let cluster, first, second, origins;

  before(async () => {
    cluster = await startCluster({ gateways: 2, env: SETTINGS });
    [first, second] = cluster.gateways;
    origins = [first.url, second.url];
  });
  after(closeBrowser);

  const address = (made, role, gateway = first) => `${gateway.url}/b/${made.board}#${made.tokens[role]}`;
  const someone = () => person(origins);

  /** Ana owns the board, Ben may draw; Ana has the pen. */
  async function anaAndBen(made) {
    const [ana, ben] = [await someone(), await someone()];
    const tabs = [await ana.open(address(made, "own"))];
    await tabs[0].allSaved(); // she is the first guest
    tabs.push(await ben.open(address(made, "draw", second)));
    await tabs[1].allSaved();
    await tabs[0].takePen();
    return { ana, ben, tabs, leave: () => Promise.all([ana.leave(), ben.leave()]) };
  }

  test("only the drawer has a palette, and nobody else can draw", async () => {
    const made = await cluster.makeBoard("Palettes");
    const { tabs, leave } = await anaAndBen(made);
    const cem = await someone();
    const [ana, ben] = tabs;
    const watcher = await cem.open(address(made, "watch"));
    await ben.seesText("#penText", /^Guest 1 is drawing\.$/);
    await watcher.seesText("#penText", /^Guest 1 is drawing\. You are watching\.$/);
    assert.equal(await ana.hasPalette(), true);
    assert.equal(await ben.hasPalette(), false);
    assert.equal(await watcher.hasPalette(), false);
    assert.deepEqual(await watcher.page.locator("#penButtons button").count(), 0, "who watches has no buttons");
    await ben.draw(wave(0.5, 0.2, 1));
    await ana.draw(wave(0.5, 0.2, 2));
    await ben.strokes(1);
    await ben.allSaved();
    await Promise.all([leave(), cem.leave()]);
  });

  test("the viewers' ink equals the drawer's to the byte: strokes, undo, redo, late join, clear", async () => {
    const made = await cluster.makeBoard("Pixels");
    const { tabs, leave } = await anaAndBen(made);
    const [ana, ben] = tabs;
    await ana.draw(wave(0.3, 0.15, 3));
    await ana.page.getByRole("radio", { name: "Blue" }).click();
    await ana.page.getByRole("radio", { name: "Thick" }).click();
    await ana.draw(circle(0.5, 0.5, 0.2));
    await ana.page.getByRole("radio", { name: /^Highlighter/ }).click();
    await ana.draw([[0.1, 0.45], [0.9, 0.5]]);
    await ana.page.getByRole("radio", { name: /^Eraser/ }).click();
    await ana.draw([[0.4, 0.1], [0.6, 0.9]]);
    await ben.strokes(4);
    const four = await assertSameInk(tabs);

    await ana.page.keyboard.press("Control+z");
    await ana.page.keyboard.press("Control+z");
    await ben.strokes(2);
    const two = await assertSameInk(tabs);
    assert.notEqual(two.digest, four.digest);
    await ana.press("Redo");
    await ana.press("Redo");
    await ben.strokes(4);
    assert.equal((await assertSameInk(tabs)).digest, four.digest, "redo brings the same pixels back");

    const cem = await someone();
    const late = await cem.open(address(made, "draw", second));
    await late.strokes(4);
    assert.equal((await assertSameInk([...tabs, late])).digest, four.digest, "who comes late sees the same pixels");

    await ana.press("Clear");
    await ana.press("Keep");
    await ana.strokes(4);
    await ana.press("Clear");
    await ana.page.locator("#questionYes").click();
    await ben.strokes(0);
    await assertSameInk([...tabs, late], { empty: true });

    const dan = await someone();
    const after = await dan.open(address(made, "draw"));
    await after.allSaved(); // begins at the clear, and has nothing of what was before
    await after.strokes(0);
    await ana.page.keyboard.press("Control+z");
    for (const tab of [...tabs, late, after]) await tab.strokes(4);
    const all = [...tabs, late, after];
    assert.equal((await assertSameInk(all)).digest, four.digest, "undo brings back what was cleared, for all");
    await ana.press("Redo");
    for (const tab of all) await tab.strokes(0);
    await ana.press("Undo");
    await ana.draw(wave(0.7, 0.1, 1));
    for (const tab of all) await tab.strokes(5);
    await assertSameInk(all);
    await Promise.all([leave(), cem.leave(), dan.leave()]);
  });

  test("whoever has the pen can take back a clear, also after a reload; a key that is held down clears nothing", async () => {
    const made = await cluster.makeBoard("Second thoughts");
    const { tabs, leave } = await anaAndBen(made);
    const [first, ben] = tabs;
    await first.draw(wave(0.3, 0.15, 3));
    await ben.press("Ask for the pen");
    await first.press("Hand over");
    await ben.page.waitForSelector("#palette:not([hidden])");
    await ben.page.focus("#clear");
    for (let i = 0; i < 12; i++) await ben.page.keyboard.down("Enter"); // repeats, as a held key does
    await ben.page.keyboard.up("Enter");
    await ben.strokes(1);
    await ben.page.keyboard.press("Escape");
    await ben.press("Clear");
    await ben.page.locator("#questionYes").click();
    await first.strokes(0);
    await first.page.reload();
    await first.press("Take the pen");
    await first.page.locator("#questionYes").click();
    await first.page.waitForSelector("#palette:not([hidden])");
    await first.press("Undo");
    for (const tab of tabs) await tab.strokes(1);
    await assertSameInk(tabs);

    for (let left = 2; left > 0; left--) {
      await first.draw(wave(0.2 * left, 0.1, 2));
      await first.press("Clear");
      await first.page.locator("#questionYes").click();
      await ben.strokes(0);
    }
    await first.page.keyboard.press("Control+z");
    await ben.strokes(1);
    await first.page.keyboard.press("Control+z"); // the stroke
    await first.page.keyboard.press("Control+z"); // and the clear before it
    for (const tab of tabs) await tab.strokes(2);
    await ben.page.reload();
    await ben.strokes(2);
    await assertSameInk(tabs);
    await leave();
  });

  test("a hand-over swaps the palettes", async () => {
    const { tabs, leave } = await anaAndBen(await cluster.makeBoard("Hand over"));
    const [ana, ben] = tabs;
    await ben.press("Ask for the pen");
    await ben.seesText("#penText", /You are 1st in line\.$/);
    await ana.seesText("#askerText", /^Guest 2 asks for the pen\.$/);
    await ana.press("Hand over");
    await ben.page.waitForSelector("#palette:not([hidden])");
    await ben.seesText("#penText", /^You have the pen\.$/);
    await ben.seesText("#notice", /^You have the pen now\.$/);
    await ana.seesText("#penText", /^Guest 2 is drawing\.$/);
    await ana.seesText("#notice", /^The pen is with Guest 2 now\.$/);
    assert.equal(await ana.hasPalette(), false);
    await ben.draw(wave(0.5, 0.2, 1));
    await ana.strokes(1);
    await assertSameInk(tabs);

    await ana.press("Take the pen"); // it is her board
    await ana.page.locator("#questionYes").click();
    await ana.page.waitForSelector("#palette:not([hidden])");
    await ben.seesText("#penText", /^Guest 1 is drawing\.$/);
    assert.equal(await ben.hasPalette(), false);
    await ana.press("Stop drawing");
    await ben.seesText("#penText", /^Nobody is drawing\.$/);
    await leave();
  });

  test("a reload brings the board and the pen back", async () => {
    const { tabs, leave } = await anaAndBen(await cluster.makeBoard("Reload"));
    const [ana, ben] = tabs;
    await ana.draw(wave(0.4, 0.2, 2));
    await ana.draw(circle(0.5, 0.5, 0.1));
    await ben.strokes(2);
    const before = await assertSameInk(tabs);
    await ana.page.reload();
    await ana.strokes(2);
    await ana.page.waitForSelector("#palette:not([hidden])");
    assert.equal((await assertSameInk(tabs)).digest, before.digest);
    await ana.page.keyboard.press("Control+z"); // drawn before the reload, and still hers to undo
    await ben.strokes(1);
    await ana.draw(wave(0.7, 0.1, 2));
    await ben.strokes(2);
    await assertSameInk(tabs);
    await leave();
  });

  test("a gateway dies under the drawer: the page says so, reconnects, and nothing is missing", async () => {
    const { tabs, leave } = await anaAndBen(await cluster.makeBoard("A gateway dies"));
    const [ana, ben] = tabs;
    await ana.draw(wave(0.2, 0.1, 1));
    await ben.strokes(1);
    await first.kill();
    await ana.draw(wave(0.5, 0.1, 2)); // within the grace she draws on
    await ana.strokes(2);
    await ana.seesText("#status span", /^Reconnecting… (next try in \d s\. Your last strokes are kept|Drawing pauses until we are connected again)\.$/);
    await first.start();
    await ana.allSaved();
    await ben.strokes(2);
    await assertSameInk(tabs);
    assert.equal(await ana.hasPalette(), true, "the pen waited for her");
    await leave();
  });

  test("a gateway dies under a viewer: it catches up with what was drawn meanwhile", async () => {
    const { tabs, leave } = await anaAndBen(await cluster.makeBoard("Catching up"));
    const [ana, ben] = tabs;
    await second.kill();
    await ben.seesText("#status span", /^Reconnecting/);
    await ana.draw(wave(0.5, 0.1, 2));
    await second.start();
    await ben.strokes(1);
    await ben.allSaved();
    await assertSameInk(tabs);
    await leave();
  });

  test("the start page makes boards, joins them by code or link, and remembers them", async () => {
    const ana = await someone();
    const tab = await ana.open(`${first.url}/`);
    await tab.seesText("#noBoards", /^No boards yet\./);
    await tab.page.fill("#name", "Physics");
    await tab.press("New board");
    await tab.page.waitForURL(/\/b\/\w{10}/);
    await tab.allSaved();
    assert.equal(await tab.page.textContent("#boardName"), "Physics");

    await tab.press("Share");
    await tab.page.waitForSelector(".link-row");
    const links = await tab.page.locator("#shareLinks > .link-row input").evaluateAll((all) => all.map((input) => input.value));
    assert.equal(links.length, 2, "a link to watch and one to draw");
    const code = await tab.page.textContent("#shareCode");
    assert.match(code, /^\w{4}-\w{4}-\w{2}$/);

    await tab.press("Close");
    await tab.press("Stop drawing"); // who makes a board has its pen

    const ben = await someone();
    const other = await ben.open(`${first.url}/`);
    await other.page.fill("#code", "no code at all");
    await other.press("Join");
    await other.seesText("#joinProblem", /^This is neither a link nor a code/);
    await other.page.fill("#code", code.toUpperCase());
    await other.press("Join");
    await other.seesText("#penText", /You are watching\.$/);

    await other.page.goto(`${first.url}/`);
    await other.page.fill("#code", links[1]);
    await other.press("Join");
    await other.seesText("#penText", /^Nobody is drawing\.$/);
    await other.takePen();

    await tab.page.goto(`${first.url}/`);
    await tab.seesText("#boards", /Physics.*Your board/);
    await tab.page.getByRole("button", { name: "Forget Physics on this device" }).click();
    await tab.seesText("#questionText", /It is your board: only who has kept/);
    await tab.press("Keep");
    await tab.page.getByRole("button", { name: "Forget Physics on this device" }).click();
    await tab.page.locator("#questionYes").click();
    await tab.seesText("#boards", /^$/);
    await Promise.all([ana.leave(), ben.leave()]);
  });

  test("a name is asked for once, and seen by all", async () => {
    const { ana, tabs, leave } = await anaAndBen(await cluster.makeBoard("Names"));
    const [tab, ben] = tabs;
    await tab.giveName("Ana \u202e  Lovelace");
    await ben.seesText("#penText", /^Ana Lovelace is drawing\.$/);
    await tab.page.reload();
    await tab.allSaved();
    assert.equal(await tab.page.isVisible("#nameForm"), false);
    await ben.seesText("#people", /Ana Lovelace/);
    assert.ok(ana);
    await leave();
  });

  test("a finger draws on a phone", async () => {
    const made = await cluster.makeBoard("Phone");
    const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
    const ana = await person(origins, phone);
    const tab = await ana.open(address(made, "own"));
    await tab.allSaved();
    await tab.takePen();
    const cdp = await ana.context.newCDPSession(tab.page);
    const touch = (type, points) => cdp.send("Input.dispatchTouchEvent", { type, touchPoints: points });
    const box = await tab.page.locator("#board").boundingBox();
    await touch("touchStart", [{ x: box.x + 40, y: box.y + 40 }]);
    for (let i = 1; i <= 10; i++) await touch("touchMove", [{ x: box.x + 40 + i * 20, y: box.y + 40 + i * 8 }]);
    await touch("touchEnd", []);
    await tab.strokes(1);
    await touch("touchStart", [{ x: box.x + 40, y: box.y + 150 }]); // a tap is a dot
    await touch("touchEnd", []);
    await tab.strokes(2);
    await tab.allSaved();
    await ana.leave();
  });
});
