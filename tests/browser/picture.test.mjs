// SPDX-License-Identifier: Apache-2.0
//
// The same bytes of ink for everybody, on a board that has seen everything: whoever drew it, watched it,
// came late or loaded it again, at each ratio of device pixels, after zooms, other windows, and a cut.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { decode } from "../../build/web-node/client.mjs";
import { join, startCluster, until } from "../service/harness.mjs";
import { randomOf } from "../web/random.mjs";
import { assertSameInk, closeBrowser, person } from "./browser.mjs";

const SEED = Number(process.env.EASEL_TEST_SEED ?? 20261124);
const STROKES = 200;
const LONG = 2_300; // points: more than one stroke holds
const RATIOS = { "1": 1, "1.25": 1.25, "2": 2 };
const CHOICES = [[8, 5], [4, 3], [1, 3]] // colours and sizes of pen, highlighter, eraser
  .flatMap(([colours, sizes], tool) => Array.from({ length: colours * sizes }, (_, i) => [tool, i % colours, Math.floor(i / colours)]));

/** Draws with the mouse as fast as the browser takes it. Places are parts of the board. */
class Pen {
  strokes = 0; // that must come to the log
  fences = 0;

  constructor(tab, random) {
    Object.assign(this, { tab, random });
    this.choices = CHOICES.map((choice) => [random.next(), choice]).sort(([a], [b]) => a - b).map(([, choice]) => choice);
  }

  choose([tool, colour, size]) {
    return this.tab.page.evaluate((places) => {
      for (const [group, place] of Object.entries(places)) document.querySelectorAll(`#${group} button`)[place]?.click();
    }, { tools: tool, colours: colour, sizes: size });
  }

  async draw(places) {
    this.cdp ??= await this.tab.page.context().newCDPSession(this.tab.page);
    const { x, y, width, height } = await this.tab.page.locator("#board").boundingBox();
    const mouse = (type, place, buttons) =>
      this.cdp.send("Input.dispatchMouseEvent", { type, x: x + place[0] * width, y: y + place[1] * height, button: "left", buttons, clickCount: 1 });
    const sent = [mouse("mousePressed", places[0], 1)];
    for (const place of places.slice(1)) sent.push(mouse("mouseMoved", place, 1));
    await Promise.all([...sent, mouse("mouseReleased", places.at(-1), 0)]);
    this.strokes++;
  }

  /** They begin on the board, and may leave it. */
  places(kind) {
    const { random } = this;
    let [x, y] = [0.01 + 0.98 * random.next(), 0.01 + 0.98 * random.next()];
    if (kind === "dot") return [[x, y]];
    if (kind === "across") return Array.from({ length: 30 }, (_, i) => [0.001 + i / 29, y + (x - 0.5) * (i / 29)]);
    if (kind === "long")
      return Array.from({ length: LONG }, (_, i) => [0.05 + ((i % 575) / 575) * 0.9, y + Math.floor(i / 575) * 0.02]);
    const step = (most) => (random.next() - 0.5) * most;
    return [[x, y], ...Array.from({ length: 1 + random.below(40) }, () => [(x += step(0.1)), (y += step(0.15))])];
  }

  /** Any stroke: with the next tool, colour and size, maybe beyond the edge of the board. */
  async scribble(kind = this.random.pick(["dot", "across", "wander", "wander", "wander", "wander"])) {
    await this.choose(this.choices[this.strokes % this.choices.length]);
    await this.draw(this.places(kind));
  }

  async undoSome() {
    const undone = 1 + this.random.below(3);
    const redone = this.random.below(undone + 1);
    for (let i = 0; i < undone; i++) await this.tab.page.keyboard.press("Control+z");
    for (let i = 0; i < redone; i++) await this.tab.page.keyboard.press("Control+Shift+z");
  }

  async clear() {
    await this.tab.press("Clear");
    await this.tab.page.locator("#questionYes").click();
  }

  /** A dot by keyboard, each in another place; who has it has all that was before. Resolves with its x. */
  async fence() {
    await this.tab.page.locator("#board").focus();
    await this.tab.page.keyboard.press("ArrowRight");
    await this.tab.page.keyboard.press("Enter");
    this.strokes++;
    return 16_000 + 200 * ++this.fences;
  }
}

/** What goes over the WebSockets of a page: the events that cuts took away, the frames sent again. */
class Spy {
  cutEvents = 0;
  resent = 0;
  #applied = 0;
  #mark = 0;
  #sent = new Set();

  static async on(tab) {
    const self = new Spy();
    const cdp = await tab.page.context().newCDPSession(tab.page);
    const bytes = ({ response }) => (response.opcode === 2 ? Buffer.from(response.payloadData, "base64") : new Uint8Array(0));
    cdp.on("Network.webSocketFrameReceived", (frame) => decode(bytes(frame)).forEach((message) => self.#received(message)));
    cdp.on("Network.webSocketFrameSent", (frame) => decode(bytes(frame)).forEach((message) => self.#frameSent(message)));
    await cdp.send("Network.enable");
    return self;
  }

  #received(message) {
    if (message.kind === "own") this.#applied = message.offset + message.count - 1;
    else if (message.offset) this.#applied = message.offset;
    else if (message.kind === "mark") this.#mark = Math.max(this.#mark, message.mark);
    else if (message.kind === "cut") {
      const to = Math.max(message.to, Math.min(this.#mark, this.#applied));
      this.cutEvents += Math.max(0, this.#applied - to);
      this.#applied = Math.min(this.#applied, to);
    }
  }
  #frameSent({ cseq, term }) {
    if (cseq === undefined) return;
    if (this.#sent.has(`${term}:${cseq}`)) this.resent++;
    this.#sent.add(`${term}:${cseq}`);
  }
}

/** Strokes as people count them: what goes on with another one is of it. */
const seenBy = ({ board }) => board.strokes.filter(({ undone, joined, before }) => !undone && !(joined && before && !before.undone)).length;

describe(`the picture (seed ${SEED})`, { timeout: 900_000 }, () => {
  let cluster, near, far, made, ana, watcher, pen, spy;
  const viewers = {}; // by ratio: those who see it from the start

  before(async () => {
    cluster = await startCluster({
      broker: "own", gateways: 2, env: { EASEL_PEN_IDLE_S: "600", EASEL_PEN_GRACE_S: "120", EASEL_BOARD_SEATS: "40" },
    });
    [near, far] = cluster.gateways;
    made = await cluster.makeBoard("Picture");
    ana = await enter(1, near, "own");
    await ana.takePen();
    for (const [name, ratio] of Object.entries(RATIOS)) viewers[name] = await enter(ratio);
    watcher = await join(far, made.tokens.watch, "Watcher");
    spy = { ana: await Spy.on(ana), ben: await Spy.on(viewers["1"]) };
    pen = new Pen(ana, randomOf(SEED));
  });
  after(closeBrowser);

  async function enter(ratio, gateway = far, role = "draw") {
    const self = await person([near.url, far.url], { deviceScaleFactor: ratio });
    const tab = await self.open(`${gateway.url}/b/${made.board}#${made.tokens[role]}`);
    tab.leave = () => self.leave();
    await tab.allSaved();
    return tab;
  }

  /** All that was done so far is seen by all pages that are there. */
  async function settle(tabs = [ana, ...Object.values(viewers)]) {
    await ana.seesText("#status span", /^Live\. All saved\.$/, 60_000); // else she may have to pause
    const x = await pen.fence();
    await watcher.waitFor(({ board }) => board.strokes.at(-1)?.points.xy[0] === x && board.open === null, "the last dot", 120_000);
    const seen = seenBy(watcher);
    for (const tab of tabs) await tab.strokes(seen);
    await ana.allSaved();
  }

  /** At each ratio: who was there, and who comes now. */
  async function assertAllSame() {
    await settle();
    for (const [name, ratio] of Object.entries(RATIOS)) {
      const late = await enter(ratio);
      await late.strokes(seenBy(watcher));
      const others = ratio === 1 ? [ana, viewers[name], late] : [viewers[name], late];
      await assertSameInk(others);
      // The pointer, which who came late has not seen, comes back for a while after ink, and goes.
      await until(`the same screens at ratio ${name}`, async () => {
        const shown = await Promise.all([viewers[name], late].map((tab) => tab.page.locator("#board").screenshot()));
        return shown[0].equals(shown[1]);
      });
      await late.leave();
    }
  }

  test(`is the same for all after ${STROKES} strokes with every tool, colour and size, undo, redo and clear`, async () => {
    for (let i = 1; i <= STROKES; i++) {
      await pen.scribble(i % 90 === 0 ? "long" : undefined);
      if (pen.random.chance(0.2)) await pen.undoSome();
      if (i === STROKES / 2) {
        await assertAllSame();
        await pen.clear();
      }
    }
    await assertAllSame();
    const begins = watcher.messages.filter(({ kind }) => kind === "ev_begin");
    const joined = begins.filter(({ flags }) => flags & 2).length;
    assert.equal(begins.length - joined, pen.strokes);
    assert.equal(new Set(begins.map(({ tool, colour, size }) => (tool === 2 ? [tool, size] : [tool, colour, size]).join())).size, CHOICES.length);
    assert.ok(joined >= Math.floor(STROKES / 90), "long strokes, and what was cut at the edge, went on as joined ones");
    for (const tab of [ana, viewers["1"]]) await tab.page.reload();
    await ana.page.waitForSelector("#palette:not([hidden])");
    pen.fences = 0; // the crosshair is in the middle again
    await settle();
    await assertSameInk([ana, viewers["1"]]);
  });

  test("one undo takes all parts of a long stroke, one redo brings them back", async () => {
    await settle();
    const before = seenBy(watcher);
    await pen.scribble("long");
    for (const [key, count] of [["Control+z", 0], ["Control+Shift+z", 1]]) {
      await ana.page.keyboard.press(key);
      for (const tab of [ana, viewers["1"]]) await tab.strokes(before + count);
      await assertSameInk([ana, viewers["1"]]);
    }
  });

  test("a redo puts a stroke back beneath what others drew since", async () => {
    const ben = viewers["1"];
    const black = [0, 0, 4];
    await pen.choose(black);
    await pen.draw([[0.3, 0.5], [0.7, 0.5]]);
    await ana.press("Stop drawing");
    await ben.seesText("#penText", /^Nobody is drawing\.$/);
    await ben.takePen();
    const hers = new Pen(ben, pen.random);
    await hers.choose([0, 5, 4]);
    await hers.draw([[0.5, 0.3], [0.5, 0.7]]);
    await ben.press("Stop drawing");
    await ana.seesText("#penText", /^Nobody is drawing\.$/);
    await ana.takePen();
    const count = seenBy(watcher);
    await ana.strokes(count);
    const before = await assertSameInk([ana, ben]);
    await ana.page.keyboard.press("Control+z");
    for (const tab of [ana, ben]) await tab.strokes(count - 1);
    assert.notEqual((await assertSameInk([ana, ben])).digest, before.digest);
    await ana.page.keyboard.press("Control+Shift+z");
    for (const tab of [ana, ben]) await tab.strokes(count);
    assert.equal((await assertSameInk([ana, ben])).digest, before.digest);
  });

  test("comes back after a zoom, another window, another screen", async () => {
    const ben = viewers["1"];
    const { page } = ben;
    const whole = await assertSameInk([ana, ben]);
    await page.keyboard.press("+");
    await page.keyboard.press("+");
    assert.notEqual((await ben.ink()).digest, whole.digest);
    await page.click("#zoomFit");
    await assertSameInk([ana, ben]);

    const { width, height } = page.viewportSize();
    await page.setViewportSize({ width: 900, height: 640 });
    assert.notEqual((await ben.ink()).size, whole.size);
    await page.setViewportSize({ width, height });
    await assertSameInk([ana, ben]);

    const cdp = await page.context().newCDPSession(page);
    const screen = (deviceScaleFactor) => cdp.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor, mobile: false });
    await screen(2);
    await assertSameInk([ben, viewers["2"]]);
    await screen(1);
    await assertSameInk([ana, ben]);
  });

  test("is the same after a cut: what was not stored is taken back, and comes again from who drew it", async () => {
    const [board] = cluster.boards;
    const [history] = cluster.histories;
    await history.kill();
    const before = seenBy(watcher);
    for (let i = 0; i < 5; i++) await pen.scribble("wander");
    for (const tab of Object.values(viewers)) await tab.strokes(before + 5);
    const cutBefore = spy.ben.cutEvents;
    await Promise.all([board.kill(), near.kill()]);
    await pen.scribble("wander"); // the page has no connection now
    await cluster.broker.restart(); // and forgets what waits for history
    await Promise.all([history.start(), board.start(), near.start()]);
    await assertAllSame();
    assert.ok(spy.ben.cutEvents > cutBefore, "nothing was cut");
    assert.ok(spy.ana.resent > 0, "nothing was sent again");
    assert.equal(seenBy(watcher), before + 7, "six strokes and a dot");
  });
});
