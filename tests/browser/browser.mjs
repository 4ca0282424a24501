// SPDX-License-Identifier: Apache-2.0
//
// People in headless Chromium. Each has a browser profile of their own. Whatever goes wrong in a page
// fails the test that closes it: an error or a warning on the console, a breach of the content security
// policy, an uncaught exception, a request to another host, one for a file that is not there, a box.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { until } from "../service/harness.mjs";

const ARGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
export const DESKTOP = { width: 1280, height: 800 };

let browser;
const people = new Set();

/** One tab. */
class Tab {
  faults = [];

  constructor(page, origins) {
    this.page = page;
    page.on("console", (message) => {
      // What the browser itself says about a socket or a request that fails is not the page's fault.
      const refused = /WebSocket connection to|Failed to load resource/.test(message.text());
      if (["error", "warning"].includes(message.type()) && !refused) this.faults.push(message.text());
    });
    page.on("pageerror", (error) => this.faults.push(String(error)));
    const asked = (address) => {
      const { host, protocol } = new URL(address);
      const known = !/^(http|ws)/.test(protocol) || origins.some((one) => new URL(one).host === host);
      if (!known) this.faults.push(`asked ${address}`);
    };
    page.on("request", (request) => asked(request.url()));
    page.on("websocket", (socket) => asked(socket.url()));
    page.on("response", (answer) => {
      const why = answer.url().endsWith("/ws"); // a page that asks why its socket does not open is always refused
      if (answer.status() >= 400 && answer.request().method() === "GET" && !why) this.faults.push(`${answer.status()} for ${answer.url()}`);
    });
    page.on("dialog", (box) => {
      this.faults.push(`box: ${box.message()}`);
      void box.dismiss();
    });
  }

  // ---- what it shows

  chip() {
    return this.page.textContent("#status span");
  }
  penText() {
    return this.page.textContent("#penText");
  }
  hasPalette() {
    return this.page.isVisible("#palette");
  }
  card() {
    return this.page.textContent("#card p");
  }
  async seesText(selector, pattern, ms) {
    let text;
    const says = async () => pattern.test((text = (await this.page.textContent(selector)) ?? ""));
    await until(`${selector} says ${pattern}`, says, ms).catch((error) => {
      throw new Error(`${error.message}, but "${text}"`);
    });
  }
  allSaved() {
    return this.seesText("#status span", /^Live\. All saved\.$/);
  }
  strokes(count) {
    const label = new RegExp(`^Whiteboard, ${count} strokes?\\.`);
    return until(`sees ${count} strokes`, async () => label.test(await this.page.getAttribute("#board", "aria-label")));
  }

  /** Notes each text that this element shows from now on, and when; shown() gives the texts in order. */
  record(selector) {
    return this.page.evaluate((selector) => {
      const element = document.querySelector(selector);
      const texts = [element.textContent];
      const times = [0];
      (globalThis.recorded ??= {})[selector] = { texts, times };
      const note = () => texts.push(element.textContent) && times.push(performance.now());
      new MutationObserver(note).observe(element, { subtree: true, childList: true, characterData: true });
    }, selector);
  }
  async recorded(selector) {
    return this.page.evaluate((selector) => globalThis.recorded[selector], selector);
  }
  async shown(selector) {
    const { texts } = await this.recorded(selector);
    return texts.filter((text, i) => text !== texts[i - 1]);
  }

  /** Resolves when all that the page knows of is painted. */
  painted() {
    return this.page.evaluate(async () => {
      const frame = () => new Promise(requestAnimationFrame);
      await frame();
      do await frame();
      while (document.querySelector("canvas.behind"));
    });
  }
  /** The bytes of the ink: {size, digest, inked: how many pixels are not white}. */
  async ink() {
    await this.painted();
    return this.page.evaluate(async () => {
      const canvas = document.querySelector("canvas.ink");
      const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
      const context = copy.getContext("2d", { willReadFrequently: true });
      context.drawImage(canvas, 0, 0);
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      let inked = 0;
      for (let i = 0; i < data.length; i += 4) if (data[i] + data[i + 1] + data[i + 2] < 765) inked++;
      const digest = [...new Uint8Array(await crypto.subtle.digest("SHA-256", data))].join(".");
      return { size: `${canvas.width}x${canvas.height}`, digest, inked };
    });
  }

  /** The colour of the ink at a place, in parts of the board's width and height: "#2563eb". */
  async colourAt(x, y) {
    await this.painted();
    return this.page.evaluate(([x, y]) => {
      const canvas = document.querySelector("canvas.ink");
      const pixel = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
      pixel.drawImage(canvas, -Math.floor(canvas.width * x), -Math.floor(canvas.height * y));
      const [red, green, blue] = pixel.getImageData(0, 0, 1, 1).data;
      return `#${((1 << 24) | (red << 16) | (green << 8) | blue).toString(16).slice(1)}`;
    }, [x, y]);
  }

  // ---- what it does

  press(words) {
    return this.page.getByRole("button", { name: words, exact: true }).filter({ visible: true }).click();
  }
  /** Who is here, and one's own name, are behind a button. */
  async showPeople() {
    if (!(await this.page.isVisible("#people"))) await this.page.click("#peopleButton");
  }
  /** A guest says who they are. */
  async giveName(name) {
    await this.showPeople();
    await this.page.fill("#yourName", name);
    await this.press("Save");
  }
  /** A setting of this device, in its dialog. */
  async setSwitch(words, on = true) {
    await this.page.keyboard.press("?");
    await this.page.getByLabel(words, { exact: true }).setChecked(on);
    await this.closeHelp();
  }
  /** Until it is gone, it takes the keys. */
  async closeHelp() {
    await this.page.keyboard.press("Escape");
    await this.page.waitForSelector("#help", { state: "hidden" });
  }
  async takePen() {
    await this.press("Take the pen");
    await this.page.waitForSelector("#palette:not([hidden])");
  }
  /** Draws with the mouse; places are parts of the board's width and height. */
  async draw(places) {
    const box = await this.page.locator("#board").boundingBox();
    const at = ([x, y]) => [box.x + x * box.width, box.y + y * box.height];
    await this.page.mouse.move(...at(places[0]));
    await this.page.mouse.down();
    for (const place of places.slice(1)) await this.page.mouse.move(...at(place), { steps: 2 });
    await this.page.mouse.up();
  }
  async close() {
    await this.page.close();
    assert.deepEqual(this.faults, []);
  }
}

/** Some breaches of the policy are not told on the console. */
const tellBreaches = () =>
  addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
    console.error(`policy: ${violatedDirective} ${blockedURI}`),
  );

/** Somebody with a browser of their own. `origins` are the gateways that they may speak to; `name`: what
 *  they called themselves before. */
export async function person(origins, { name, ...options } = {}) {
  browser ??= await chromium.launch({ executablePath: "/usr/bin/chromium", args: ARGS });
  const context = await browser.newContext({ viewport: DESKTOP, ...options });
  if (name) await context.addInitScript((name) => location.origin !== "null" && localStorage.setItem("easel.name", name), name);
  context.setDefaultTimeout(15_000);
  const self = {
    context,
    tabs: [],
    /** `before(tab)` may change something before the page is there. */
    async open(address, before) {
      const tab = new Tab(await context.newPage(), origins);
      self.tabs.push(tab);
      await tab.page.addInitScript(tellBreaches);
      await before?.(tab);
      await tab.page.goto(address);
      return tab;
    },
    async leave() {
      people.delete(self);
      for (const tab of self.tabs) if (!tab.page.isClosed()) await tab.close();
      await context.close();
    },
  };
  people.add(self);
  return self;
}

/** Fails when a page had a fault. */
export async function everybodyLeaves() {
  for (const self of [...people]) await self.leave();
}

/** Closes everything; fails when a page had a fault. */
export async function closeBrowser() {
  try {
    await everybodyLeaves();
  } finally {
    await browser?.close();
    browser = undefined;
  }
}

/** All see the same pixels, and not an empty board (unless it is to be empty). */
export async function assertSameInk(tabs, { empty = false } = {}) {
  const seen = await until("the same pixels everywhere", async () => {
    const inks = await Promise.all(tabs.map((tab) => tab.ink()));
    const equal = inks.every((ink) => ink.digest === inks[0].digest && ink.size === inks[0].size);
    return equal && (inks[0].inked === 0) === empty && inks[0];
  });
  return seen;
}

/** A wave from left to right. */
export const wave = (y, height, turns, from = 0.1, to = 0.9, count = 40) =>
  Array.from({ length: count }, (_, i) => {
    const part = i / (count - 1);
    return [from + part * (to - from), y + height * Math.sin(part * turns * 2 * Math.PI)];
  });

export const circle = (x, y, radius, count = 30) =>
  Array.from({ length: count + 1 }, (_, i) => {
    const angle = (i / count) * 2 * Math.PI;
    return [x + radius * Math.cos(angle), y + radius * 1.6 * Math.sin(angle)];
  });
