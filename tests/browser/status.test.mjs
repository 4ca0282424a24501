// SPDX-License-Identifier: Apache-2.0
//
// What the chip says, each line by the fault that it is about, and "all saved" again afterwards: processes
// are killed and frozen, the database is stopped, and proxies stand for the networks. (A gateway that dies
// and comes back within the pen's grace: page.test.mjs.)
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { join, startCluster, until } from "../service/harness.mjs";
import { Proxy } from "../service/proxy.mjs";
import { strokes } from "../service/strokes.mjs";
import { assertSameInk, closeBrowser, person, wave } from "./browser.mjs";
import { connectsAt, gaps, socketCount, watchSockets } from "./sockets.mjs";

const CHIP = "#status span";

describe("the chip", { timeout: 600_000 }, () => {
  let cluster, gateway, amqp, net;

  before(async () => {
    cluster = await startCluster({ store: "mongo", env: { EASEL_PEN_GRACE_S: "4", EASEL_PEN_IDLE_S: "600" } });
    [gateway] = cluster.gateways;
    amqp = await Proxy.to(cluster.broker.url);
    gateway.settings.EASEL_AMQP = amqp.url;
    await gateway.kill("SIGTERM");
    await gateway.start();
    net = await Proxy.to(gateway.url);
  });
  after(closeBrowser);

  const address = (made, role) => `${net.url}/b/${made.board}#${made.tokens[role]}`;
  async function someone(name) {
    const self = await person([net.url], { name });
    await watchSockets(self);
    return self;
  }

  /** Ana has the pen, Ben watches; both note what their chips say. */
  async function anaAndBen() {
    const made = await cluster.makeBoard("Faults");
    const people = [await someone("Ana"), await someone("Ben")];
    const [ana, ben] = [await people[0].open(address(made, "own")), await people[1].open(address(made, "draw"))];
    for (const tab of [ana, ben]) await tab.allSaved();
    await ana.takePen();
    for (const tab of [ana, ben]) {
      await tab.allSaved();
      await tab.record(CHIP);
    }
    return { made, people, ana, ben, leave: () => Promise.all(people.map((self) => self.leave())) };
  }

  /** Each of these was shown, and nothing else. */
  async function assertShown(tab, ...patterns) {
    const texts = await tab.shown(CHIP);
    for (const pattern of patterns) assert.ok(texts.some((text) => pattern.test(text)), `${pattern} in ${JSON.stringify(texts)}`);
    for (const text of texts) assert.ok(patterns.some((pattern) => pattern.test(text)), `"${text}" in ${JSON.stringify(texts)}`);
  }

  const LIVE = /^Live\. All saved\.$/;
  const NOT_SAVED = /^Live\. (The newest strokes are not saved yet|Nothing is being saved right now; your strokes are kept here)\.$/;
  const SAVING = new RegExp(`^Live\\. Saving…$|${NOT_SAVED.source}`);

  test("a browser that is offline: the drawer's and only hers", async () => {
    const { people, ana, ben, leave } = await anaAndBen();
    await people[0].context.setOffline(true);
    await ana.seesText(CHIP, /^You are offline\. We reconnect as soon as you are back\.$/);
    await ana.draw(wave(0.5, 0.1, 1)); // kept
    await ana.seesText(CHIP, /^You are offline\. We reconnect as soon as you are back\. Drawing pauses until we are connected again\.$/);
    await people[0].context.setOffline(false);
    await ana.allSaved();
    await ben.strokes(1);
    await ben.allSaved();
    await assertShown(ana, LIVE, /^You are offline\.|^Drawing pauses/);
    await assertSameInk([ana, ben]);
    await leave();
  });

  test("a gateway that is gone for longer than the grace: the drawing pauses, and a press tries at once", async () => {
    const { ana, ben, leave } = await anaAndBen();
    await gateway.kill();
    await ben.seesText(CHIP, /^Reconnecting… next try in \d s\.$/);
    await ana.seesText(CHIP, /^Reconnecting… next try in \d s\. Drawing pauses until we are connected again\.$/);
    await ana.draw(wave(0.7, 0.1, 1));
    await ana.strokes(0);
    const tries = await socketCount(ben);
    await until("a press tries at once", async () => {
      if (await ben.page.isVisible("#status button")) await ben.press("Try now").catch(() => {}); // it tries by itself just now
      return (await socketCount(ben)) > tries;
    });
    await gateway.start();
    for (const tab of [ana, ben]) await tab.allSaved();
    await assertShown(ben, LIVE, /^Reconnecting…( next try in \d s\.)?$/);
    await assertShown(ana, LIVE, /^Reconnecting…( next try in \d s\.)? (Your last strokes are kept|Drawing pauses until we are connected again)\.$/);
    await leave();
  });

  test("a blip stays silent", async () => {
    const { ana, ben, leave } = await anaAndBen();
    await until("a loss shorter than a second", async () => {
      await ana.record(CHIP);
      const before = (await gaps(ana)).length;
      net.cut();
      await until("connected again", async () => (await gaps(ana)).length > before);
      await ana.allSaved();
      return (await gaps(ana)).at(-1) < 900;
    });
    await assertShown(ana, LIVE);
    await ana.draw(wave(0.5, 0.1, 1));
    await ben.strokes(1);
    await leave();
  });

  test("it connects at once when the browser is online, the page shown, the tab seen", async () => {
    const { people, ana, ben, leave } = await anaAndBen();
    net.down();
    await ben.seesText(CHIP, /^Reconnecting… next try in [2-9] s\.$/);
    await until("online", () => connectsAt(ben, "online"));
    await until("pageshow", () => connectsAt(ben, "pageshow"));
    await until("visible", () => connectsAt(ben, "visibilitychange"));
    await people[1].context.setOffline(true);
    net.up();
    await ben.seesText(CHIP, /^You are offline\./);
    await people[1].context.setOffline(false);
    for (const tab of [ana, ben]) await tab.allSaved();
    await leave();
  });

  test("a socket that says nothing: the drawer pauses, another one is opened, its late close is ignored", async () => {
    const { ana, ben, leave } = await anaAndBen();
    const swallowed = net.swallow();
    await ana.draw(wave(0.3, 0.1, 1));
    await ana.seesText(CHIP, /^Drawing pauses until we are connected again\.$/);
    await ana.draw(wave(0.7, 0.1, 1));
    await ana.strokes(1);
    for (const tab of [ana, ben]) await until("another socket", async () => (await socketCount(tab)) === 2);
    for (const tab of [ana, ben]) await tab.allSaved();
    await ben.strokes(1);
    for (const tab of [ana, ben]) await tab.record(CHIP);
    net.cut(swallowed);
    await ana.draw(wave(0.7, 0.1, 1));
    await ben.strokes(2);
    for (const tab of [ana, ben]) {
      await tab.allSaved();
      await assertShown(tab, LIVE);
      assert.equal(await socketCount(tab), 2);
    }
    await leave();
  });

  test("a gateway that lost the broker keeps everybody connected, and lets nobody draw meanwhile", async () => {
    const { ana, ben, leave } = await anaAndBen();
    await ana.draw(wave(0.2, 0.1, 1));
    amqp.down();
    await ben.seesText(CHIP, /^The service has a problem\. You stay connected and nothing is lost\.$/);
    await ana.seesText(CHIP, /^The service has a problem\. .* Drawing pauses until the board can be saved again\.$/);
    await ana.draw(wave(0.5, 0.1, 1));
    await ana.strokes(1);
    amqp.up();
    for (const tab of [ana, ben]) await tab.allSaved();
    await ana.draw(wave(0.7, 0.1, 1));
    await ben.strokes(2);
    await assertSameInk([ana, ben]);
    for (const tab of [ana, ben]) assert.equal(await socketCount(tab), 1);
    await assertShown(ben, LIVE, /^The service has a problem\./, /^Live\. /);
    await leave();
  });

  test("a history service that is frozen: saving, and not saved yet, until it goes on", async () => {
    const { ana, ben, leave } = await anaAndBen();
    cluster.histories[0].freeze();
    await ana.draw(wave(0.2, 0.1, 1));
    for (const tab of [ana, ben]) await tab.seesText(CHIP, SAVING);
    for (const tab of [ana, ben]) await tab.seesText(CHIP, NOT_SAVED);
    cluster.histories[0].thaw();
    for (const tab of [ana, ben]) await tab.allSaved();
    for (const tab of [ana, ben]) await assertShown(tab, LIVE, SAVING);
    await leave();
  });

  test("a database that is stopped: saving, not saved yet, and at the bound the drawing pauses", async () => {
    const { ana, ben, leave } = await anaAndBen();
    await cluster.store.stop();
    await ana.draw(wave(0.2, 0.1, 1));
    for (const tab of [ana, ben]) await tab.seesText(CHIP, SAVING);
    for (const tab of [ana, ben]) await tab.seesText(CHIP, NOT_SAVED);
    await ana.page.evaluate(drawMuch);
    await ana.seesText(CHIP, /^Drawing pauses until the board can be saved again\.$/, 60_000);
    await ben.seesText(CHIP, NOT_SAVED);
    const drawn = await ana.page.getAttribute("#board", "aria-label");
    await ana.draw(wave(0.8, 0.1, 1));
    assert.equal(await ana.page.getAttribute("#board", "aria-label"), drawn, "nothing more is drawn");
    await cluster.store.resume();
    for (const tab of [ana, ben]) await tab.allSaved();
    await assertSameInk([ana, ben]);
    await assertShown(ana, LIVE, SAVING, /^Drawing pauses until the board can be saved again\.$/);
    await assertShown(ben, LIVE, SAVING);
    await ana.draw(wave(0.8, 0.1, 1));
    await until("she draws again", async () => (await ben.page.getAttribute("#board", "aria-label")) !== drawn);
    await leave();
  });

  test("who comes to a long board over a slow network reads how far behind", async () => {
    const made = await cluster.makeBoard("Long");
    const drawer = await join(gateway, made.tokens.own, "Ana");
    await drawer.takePen();
    drawer.draw(strokes(60, 1, 1_000).map((stroke) => ({ ...stroke, perFrame: 500 })));
    await drawer.settled();
    const cem = await someone("Cem");
    const slow = await cem.open(`${net.url}/`);
    net.throttle(40_000);
    await slow.page.goto(address(made, "draw"));
    await slow.seesText(CHIP, /^Catching up: \d+ steps behind\.$/, 60_000);
    net.throttle(0);
    await slow.allSaved();
    await slow.strokes(60);
    drawer.stop();
    await cem.leave();
  });
});

/** Runs in the page: draws strokes of 2,000 places with as few events as there can be. */
function drawMuch() {
  const board = document.getElementById("board");
  const { left, top, width, height } = board.getBoundingClientRect();
  const event = (type, places) => {
    const of = ([x, y], more) =>
      new PointerEvent(type, { pointerId: 1, pointerType: "mouse", isPrimary: true, bubbles: true, button: type === "pointermove" ? -1 : 0, buttons: 1, clientX: left + x * width, clientY: top + y * height, ...more });
    board.dispatchEvent(of(places.at(-1), { coalescedEvents: places.map((place) => of(place)) }));
  };
  for (let stroke = 0; stroke < 40; stroke++) {
    const places = Array.from({ length: 1_900 }, (_, i) => [0.1 + 0.8 * (i % 2), 0.1 + (0.8 * i) / 1_900]);
    event("pointerdown", places.slice(0, 1));
    for (let at = 1; at < places.length; at += 200) event("pointermove", places.slice(at, at + 200));
    event("pointerup", places.slice(-1));
  }
}
