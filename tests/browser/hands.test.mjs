// SPDX-License-Identifier: Apache-2.0
//
// Mice, fingers, pens and palms on the page itself (the recordings of hands.mjs), through the browser's
// own input: the strokes and gestures that should come out do, and no other. A member in Node reads the
// log. What the browser cannot be told to do is done to the page: it hides, a pen is cancelled, a capture
// is lost.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { END } from "../../build/web-node/client.mjs";
import { join, startCluster } from "../service/harness.mjs";
import { closeBrowser, person } from "./browser.mjs";
import { HANDS } from "./hands.mjs";

const BUTTONS = { left: 1, right: 2, middle: 4, none: 0 };
const FENCE = [16_000, 10_000]; // the middle of the board, where Enter makes a dot

/** Somebody's hands on a page. Times are those of the recording, not those of a slow machine: events are
 *  stamped from a time to come, so that no timer of the page overtakes them. */
class Hands {
  #touches = new Map();
  #buttons = 0;
  #start = Date.now() / 1000 + 3;

  static async of(tab) {
    const self = new Hands();
    self.tab = tab;
    self.cdp = await tab.page.context().newCDPSession(tab.page);
    self.box = await tab.page.locator("#board").boundingBox();
    return self;
  }

  async play(lines, seen) {
    for (const line of lines.trim().split("\n")) {
      const [ms, act, who, ...rest] = line.trim().split(/\s+/);
      const more = Object.fromEntries(rest.filter((one) => one.includes("=")).map((one) => one.split("=")));
      const timestamp = this.#start + Number(ms) / 1000;
      if (act === "seen") await seen(Number(who));
      else if (act === "switch") await this.tab.setSwitch([who, ...rest].join(" "));
      else if (act === "hide") await this.tab.page.evaluate(() => {
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      });
      else if (act === "lose") await this.tab.page.evaluate(() => document.getElementById("board").releasePointerCapture(1));
      else if (act === "cancel" && who === "p") await this.#cancelPen(timestamp);
      else if ("abc".includes(who)) await this.#touch(timestamp, act, who, Number(rest[0]), Number(rest[1]), more);
      else if (act === "leave") for (const place of [2, -5]) await this.#mouse(timestamp, act, who, place, place, more); // by way of the page
      else await this.#mouse(timestamp, act, who, Number(rest[0]), Number(rest[1]), more);
    }
  }

  async #touch(timestamp, act, who, x, y, { radius = 5 }) {
    const { left, top } = { left: this.box.x, top: this.box.y };
    if (act === "down" || act === "move")
      this.#touches.set(who, { x: left + x, y: top + y, id: who.charCodeAt(0), radiusX: Number(radius), radiusY: 5 });
    const types = { down: "touchStart", move: "touchMove", up: "touchEnd", cancel: "touchCancel" };
    const ended = act === "up" ? [this.#touches.get(who)] : [];
    const touchPoints = act === "down" || act === "move" ? [...this.#touches.values()] : ended;
    if (act === "up") this.#touches.delete(who);
    if (act === "cancel") this.#touches.clear();
    await this.cdp.send("Input.dispatchTouchEvent", { type: types[act], touchPoints, timestamp });
  }

  async #mouse(timestamp, act, who, x, y, { button = "left", force = 0 }) {
    const types = { down: "mousePressed", move: "mouseMoved", up: "mouseReleased", leave: "mouseMoved" };
    if (act === "down") this.#buttons |= BUTTONS[button];
    if (act === "up") this.#buttons &= ~BUTTONS[button];
    const held = Object.keys(BUTTONS).find((name) => BUTTONS[name] & this.#buttons) ?? "none";
    const place = act === "leave" ? { x, y } : { x: this.box.x + x, y: this.box.y + y };
    await this.cdp.send("Input.dispatchMouseEvent", {
      type: types[act],
      ...place,
      timestamp,
      pointerType: who === "p" ? "pen" : "mouse",
      buttons: this.#buttons,
      force: Number(force),
      ...(act === "down" || act === "up" ? { button, clickCount: 1 } : { button: held }),
    });
  }

  #cancelPen() {
    this.#buttons = 0;
    return this.tab.page.evaluate(() => {
      const pointerId = globalThis.lastPen;
      document.getElementById("board").dispatchEvent(new PointerEvent("pointercancel", { pointerId, pointerType: "pen" }));
    });
  }
}

describe("hands", { timeout: 600_000 }, () => {
  let cluster, gateway, width;

  before(async () => {
    cluster = await startCluster({ env: { EASEL_PEN_IDLE_S: "600", EASEL_PEN_GRACE_S: "60" } });
    [gateway] = cluster.gateways;
  });
  after(closeBrowser);

  /** A drawer's page, and a member in Node who watches. */
  async function setUp() {
    const made = await cluster.makeBoard("Hands");
    const ana = await person([gateway.url], { hasTouch: true });
    const tab = await ana.open(`${gateway.url}/b/${made.board}#${made.tokens.own}`);
    await tab.allSaved();
    await tab.takePen();
    await tab.page.evaluate(() => addEventListener("pointerdown", (event) => {
      if (event.pointerType === "pen") globalThis.lastPen = event.pointerId;
    }));
    ({ width } = await tab.page.locator("#board").boundingBox()); // of the whole board
    return { ana, tab, watcher: await join(gateway, made.tokens.watch, "Watcher") };
  }

  const isFence = ({ points }) => points.count === 1 && FENCE.every((value, i) => points.xy[i] === value);

  /** All strokes of the log up to a dot that is made with the keyboard now, as the recordings tell them. */
  async function strokesOf(tab, watcher) {
    await tab.page.locator("#board").focus();
    await tab.page.keyboard.press("Enter");
    await watcher.waitFor(({ board }) => board.strokes.some(isFence), "the last dot");
    return watcher.board.strokes.filter((stroke) => !isFence(stroke)).map(({ points, undone }) => {
      const px = (i) => Math.round((points.xy[i] * width) / 32_000);
      const places = Array.from({ length: points.count }, (_, i) => `${px(2 * i)},${px(2 * i + 1)}`);
      const pressure = points.pressure ? ` pressure ${points.pressure.subarray(0, points.count).join()}` : "";
      return `${places.join(" ")}${pressure}${undone ? " undone" : ""}`;
    });
  }

  const framesOf = ({ messages }) =>
    messages.filter(({ kind }) => /^ev_(begin|points|undo)$/.test(kind)).slice(0, -1)
      .map(({ kind, flags }) => kind.slice(3) + (flags & END ? " and end" : ""));

  for (const { name, lines, strokes, zoom = 100, frames } of HANDS)
    test(name, async () => {
      const { ana, tab, watcher } = await setUp();
      const hands = await Hands.of(tab);
      await hands.play(lines, (count) => watcher.waitFor(({ board }) => board.strokes.length === count, `${count} strokes`));
      assert.deepEqual(await strokesOf(tab, watcher), strokes);
      assert.equal(await tab.page.textContent("#zoomNow"), `${zoom}%`);
      if (frames) assert.deepEqual(framesOf(watcher), frames);
      await ana.leave();
    });

  for (const [socket, least, most] of [["quick", 1, 64], ["slow", 65, 256]])
    test(`a ${socket} socket gets frames of ${least} to ${most} points, and not a place is lost`, async () => {
      const { ana, tab, watcher } = await setUp();
      const { cdp, box } = await Hands.of(tab);
      if (socket === "slow")
        await tab.page.evaluate(() => Object.defineProperty(WebSocket.prototype, "bufferedAmount", { get: () => 100_000 }));
      const mouse = (type, i, buttons) =>
        cdp.send("Input.dispatchMouseEvent", { type, x: box.x + 20 + i, y: box.y + 100 + (i % 9) * 5, button: "left", buttons, clickCount: 1 });
      await mouse("mousePressed", 0, 1);
      await Promise.all(Array.from({ length: 700 }, (_, i) => mouse("mouseMoved", i + 1, 1))); // many per frame: coalesced
      await mouse("mouseReleased", 700, 0);
      const [places] = await strokesOf(tab, watcher);
      assert.equal(places.split(" ").length, 701, "each place is a point");
      const frames = watcher.messages.filter(({ kind }) => kind === "ev_points").map(({ points }) => points.length / 4);
      assert.ok(Math.max(...frames) >= least && Math.max(...frames) <= most, `frames of ${frames} points`);
      await ana.leave();
    });

  test("the board keeps the browser's own gestures away, and only the board", async () => {
    const { ana, tab, watcher } = await setUp();
    const { page } = tab;
    const style = (selector, name) => page.evaluate(([where, what]) => getComputedStyle(document.querySelector(where))[what], [selector, name]);
    assert.equal(await style("#board", "touchAction"), "none");
    assert.equal(await style("#board", "userSelect"), "none");
    assert.equal(await style("html", "overscrollBehavior"), "none");
    assert.equal(await style("body", "overscrollBehavior"), "none");
    assert.equal(await style("body", "touchAction"), "auto");
    assert.equal(await style("#undo", "touchAction"), "manipulation");
    assert.ok(Number.parseFloat(await style("#yourName", "fontSize")) >= 16);
    assert.doesNotMatch(await page.getAttribute("meta[name=viewport]", "content"), /user-scalable|maximum-scale/);
    const css = await page.evaluate(() => document.querySelector("style").textContent);
    for (const rule of [/\.board\{[^}]*-webkit-touch-callout:none/, /100dvh/, /safe-area-inset-bottom/]) assert.match(css, rule);

    await page.evaluate(() => {
      globalThis.touches = [];
      for (const type of ["touchstart", "touchmove"])
        addEventListener(type, (event) => globalThis.touches.push(`${type} ${event.defaultPrevented ? "kept away" : "let through"}`), { passive: true });
    });
    const hands = await Hands.of(tab);
    await hands.play("0 down a 100 100\n 10 move a 130 100\n 20 up a");
    await hands.play(`30 down b ${hands.box.width + 60} 100\n 40 move b ${hands.box.width + 60} 130\n 50 up b`);
    const [start, move] = ["touchstart let through", "touchmove let through"];
    assert.deepEqual(await page.evaluate(() => globalThis.touches), [start, "touchmove kept away", start, move]);
    assert.deepEqual(await strokesOf(tab, watcher), ["100,100 130,100"]);
    await ana.leave();
  });
});
