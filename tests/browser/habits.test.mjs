// SPDX-License-Identifier: Apache-2.0
//
// What people do whom nobody has taught: they press twice, draw at once, hold other buttons, come twice under one
// name, and lose the browser that their board is in.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startCluster, until } from "../service/harness.mjs";
import { closeBrowser, person, wave } from "./browser.mjs";

describe("habits", { timeout: 300_000 }, () => {
  let cluster, gateway, url;

  before(async () => {
    cluster = await startCluster({ env: { EASEL_CREATE_TOKEN: "" } });
    [gateway] = cluster.gateways;
    ({ url } = gateway);
  });
  after(closeBrowser);

  const comes = async (made, role, options = {}) => {
    const self = await person([url], { name: "Ana", ...options });
    const tab = await self.open(`${url}/b/${made.board}#${made.tokens[role]}`);
    await tab.allSaved();
    return Object.assign(tab, { self });
  };
  const drawer = async (name) => {
    const ana = await comes(await cluster.makeBoard(name), "own");
    await ana.takePen();
    return ana;
  };
  const focused = (tab) => tab.page.evaluate(() => document.activeElement.tagName);
  const zoomOf = async (tab) => Number.parseInt(await tab.page.textContent("#zoomNow"), 10);

  test("who makes a board keeps its link for a browser that is lost, and is asked before it is forgotten", async () => {
    const ana = await (await person([url], { name: "Ana" })).open(`${url}/`);
    await ana.page.fill("#name", "Biology");
    await ana.press("New board");
    await ana.page.waitForSelector("#palette:not([hidden])");
    await ana.press("Copy the owner’s link");
    await ana.page.waitForSelector("#share details[open] input");
    const link = await ana.page.inputValue("#share details input");
    await ana.press("Close");
    await ana.page.waitForSelector("#keep", { state: "hidden" });

    const elsewhere = await (await person([url], { name: "Ana" })).open(link);
    await elsewhere.allSaved();
    await elsewhere.showPeople();
    await elsewhere.page.getByRole("button", { name: "Rules of this board" }).waitFor();

    await ana.page.goto(`${url}/`);
    await ana.press("Forget Biology on this device");
    await ana.seesText("#questionText", /^Forget Biology on this device\? It is your board: only who has kept the owner’s link can rule it then/);
    assert.equal(await ana.page.evaluate(() => document.activeElement.textContent), "Keep");
    await ana.page.keyboard.press("Enter");
    await ana.page.waitForSelector("#question", { state: "hidden" });
    assert.equal(await ana.page.locator("#boards li").count(), 1);
  });

  test("a first stroke takes a free pen; one that is not free is not taken, and it is said what to press", async () => {
    const made = await cluster.makeBoard("First strokes");
    const ana = await comes(made, "draw");
    const ben = await comes(made, "draw", { name: "Ben" });
    await ana.seesText("#hint", /^Draw here: the pen is free\.$/);
    await ana.draw(wave(0.5, 0.2, 1));
    await ana.seesText("#penText", /^You have the pen\.$/);
    for (const tab of [ana, ben]) await tab.strokes(1);
    await ben.draw(wave(0.3, 0.1, 1));
    await ben.seesText("#notice", /^Ana is drawing\. Press “Ask for the pen” to draw\.$/);
    await ben.strokes(1);
  });

  test("a double click on Take the pen takes it", async () => {
    const ana = await comes(await cluster.makeBoard("Twice"), "draw");
    await ana.page.getByRole("button", { name: "Take the pen" }).dblclick();
    await ana.page.waitForSelector("#palette:not([hidden])");
    await ana.draw(wave(0.5, 0.2, 1));
    await ana.strokes(1);
    assert.equal(await ana.penText(), "You have the pen.");
  });

  test("the focus stays where the hands are when the pen comes and goes", async () => {
    const made = await cluster.makeBoard("Focus");
    const ana = await comes(made, "draw");
    await ana.page.getByRole("button", { name: "Take the pen" }).press("Enter");
    await ana.page.waitForSelector("#palette:not([hidden])");
    assert.notEqual(await focused(ana), "BODY");
    const ben = await comes(made, "draw", { name: "Ben" });
    await ben.press("Ask for the pen");
    await ana.page.getByRole("button", { name: "Hand over" }).press("Enter");
    await ben.page.waitForSelector("#palette:not([hidden])");
    await ana.seesText("#penText", /^Ben is drawing\.$/);
    assert.notEqual(await focused(ana), "BODY");
  });

  test("Space and a drag move the board, whatever was pressed before", async () => {
    const ana = await drawer("Space");
    await ana.press("Zoom in");
    await ana.press("Zoom in");
    const place = () => ana.page.locator("canvas.ink").evaluate((canvas) => JSON.stringify(canvas.getBoundingClientRect()) + canvas.style.transform);
    const before = await place();
    await ana.page.keyboard.down(" ");
    await ana.draw([[0.5, 0.5], [0.6, 0.6]]);
    await ana.page.keyboard.up(" ");
    await until("the board moved", async () => (await place()) !== before);
    await ana.strokes(0);
    assert.equal(await zoomOf(ana), 156, "the button was not pressed again");
    await ana.page.keyboard.press("Tab");
    await ana.page.locator("#zoomIn").press(" "); // where keys led, Space presses
    await until("larger", async () => (await zoomOf(ana)) === 195);
  });

  test("keys that come at once all count", async () => {
    const ana = await drawer("Keys");
    const { page } = ana;
    const full = () => page.evaluate(() => document.fullscreenElement !== null);
    await page.keyboard.press("b");
    await until("the board fills the screen", full);
    await page.evaluate(() => {
      for (let i = 0; i < 2; i++) document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "b", bubbles: true }));
    });
    await until("it fills the screen again", full);
    await page.getByRole("button", { name: "Show the bar again (B)" }).click();
    await page.waitForSelector(".bar");
    await page.keyboard.press("?");
    await page.focus("#singleKeys");
    await page.evaluate(() => {
      document.querySelector("#help").close();
      document.querySelector("#singleKeys").dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true }));
    });
    await page.waitForSelector("#help[open]");
    await ana.closeHelp();
  });

  test("the end of a pen erases, and its barrel moves the board", async () => {
    const ana = await drawer("Pen tablet");
    await ana.draw([[0.2, 0.5], [0.8, 0.5]]);
    await until("ink", async () => (await ana.colourAt(0.5, 0.5)) !== "#ffffff");
    const stroke = (button, buttons, from, to) =>
      ana.page.evaluate(([button, buttons, from, to]) => {
        const board = document.querySelector("#board");
        const { left, top, width, height } = board.getBoundingClientRect();
        const says = (type, part, more) =>
          board.dispatchEvent(new PointerEvent(type, {
            pointerId: 77, pointerType: "pen", isPrimary: true, bubbles: true, cancelable: true, pressure: 0.5,
            clientX: left + width * (from[0] + part * (to[0] - from[0])), clientY: top + height * (from[1] + part * (to[1] - from[1])), ...more,
          }));
        says("pointerdown", 0, { button, buttons });
        for (let i = 1; i <= 20; i++) says("pointermove", i / 20, { button: -1, buttons });
        says("pointerup", 1, { button, buttons: 0 });
      }, [button, buttons, from, to]);
    await stroke(5, 32, [0.5, 0.4], [0.5, 0.6]);
    await ana.strokes(2);
    await until("erased", async () => (await ana.colourAt(0.5, 0.5)) === "#ffffff");
    await stroke(2, 2, [0.3, 0.3], [0.4, 0.4]);
    await ana.painted();
    await ana.strokes(2);
  });

  test("undo in the middle of a stroke takes that one, and the next press draws again", async () => {
    const ana = await drawer("Undo");
    const box = await ana.page.locator("#board").boundingBox();
    const to = (x, y) => ana.page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 5 });
    await to(0.2, 0.2);
    await ana.page.mouse.down();
    await to(0.5, 0.5);
    await ana.page.keyboard.press("Control+z");
    await to(0.8, 0.2);
    await ana.page.mouse.up();
    await ana.strokes(0);
    await ana.draw(wave(0.5, 0.2, 1));
    await ana.strokes(1);
  });

  test("the device remembers tool, colour and size", async () => {
    const ana = await drawer("Remembered");
    for (const key of ["3", "]", "]"]) await ana.page.keyboard.press(key);
    const chosen = () => ana.page.locator("#palette [aria-checked=true]").evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")).join());
    const before = await chosen();
    assert.match(before, /Pen.*Red.*Thick/);
    await ana.page.reload();
    await ana.page.waitForSelector("#palette:not([hidden])");
    assert.equal(await chosen(), before);
  });

  test("the eraser that a key chose has its ring at once, where the pointer rests", async () => {
    const ana = await drawer("Eraser");
    const box = await ana.page.locator("#board").boundingBox();
    await ana.page.mouse.move(box.x + 300, box.y + 300);
    await ana.page.keyboard.press("e");
    await ana.page.waitForSelector("#ring:not([hidden])");
  });

  test("an address that is none leads to the start page, which says so", async () => {
    const tab = await (await person([url])).open(`${url}/whiteboard`);
    assert.deepEqual(tab.faults.splice(0), [`404 for ${url}/whiteboard`]);
    await tab.seesText("main", /There is nothing at that address\. Here you make a board, or join one\./);
  });

  test("two who come at once are guests with two numbers; a name can be said, changed, and told from the same one", async () => {
    const made = await cluster.makeBoard("Guests");
    const two = await Promise.all([1, 2].map(() => comes(made, "draw", { name: undefined })));
    const names = async (tab) => (await tab.page.locator("#people .who").allTextContents()).sort().join();
    const see = (text) => Promise.all(two.map(async (tab) => {
      await tab.showPeople();
      await until(`people: ${text}`, async () => (await names(tab)) === text);
    }));
    await see("Guest 1,Guest 2");
    for (const tab of two) await tab.giveName("Eli");
    await see("Eli,Eli (2)");
    await two[0].press("Change");
    await two[0].giveName("Elias");
    await see("Eli,Elias");
  });

  test("a trackpad's pinch to twice is twice, and a wheel with Ctrl goes in steps", async () => {
    const ana = await drawer("Pinch");
    const wheel = (deltaY) =>
      ana.page.locator("#board").evaluate((board, deltaY) => {
        const { left, top, width, height } = board.getBoundingClientRect();
        board.dispatchEvent(new WheelEvent("wheel", { deltaY, ctrlKey: true, clientX: left + width / 2, clientY: top + height / 2, bubbles: true, cancelable: true }));
      }, deltaY);
    for (let i = 0; i < 40; i++) await wheel(-Math.LN2 * 100 / 40); // no step of it is large
    await until("twice", async () => Math.abs((await zoomOf(ana)) - 200) <= 2);
    for (let i = 0; i < 60; i++) await wheel(Math.LN2 * 100 / 40);
    await until("all of it", async () => (await zoomOf(ana)) === 100);
    await ana.page.keyboard.down("Control");
    await wheel(-100);
    await ana.page.keyboard.up("Control");
    await until("a step", async () => Math.abs((await zoomOf(ana)) - 125) <= 1);
  });
});
