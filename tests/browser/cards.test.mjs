// SPDX-License-Identifier: Apache-2.0
//
// What stands in place of the board, each by its cause, and the way back from it; and what becomes of
// strokes that were not stored meanwhile.
import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join as path } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { join, ROOT, signToken, startCluster, until } from "../service/harness.mjs";
import { Proxy } from "../service/proxy.mjs";
import { closeBrowser, person, wave } from "./browser.mjs";
import { connectsAt, sendBytes, socketCount, watchSockets } from "./sockets.mjs";

const CARD = "#cardText";
const FULL = /^This board is full: 10 of 10 places are taken\. We try again every 15 s\.$/;
const FORBIDDEN = /^This link does not open the board\. It may be cut off or no longer valid\. Ask for a new one\.$/;
const NOT_FOUND = /^There is no such board\. Check the link or the code\.$/;
const REPLACED = /^This board is open in another tab or window\.$/;
const CRASH = /^Something went wrong in this page\. The board is safe\.$/;
const CROWDED = /^Too many people are connected just now\. We try again\.$/;
const TOO_OLD = /^Easel was updated, and this page is too old to connect\. Reload it: what is not saved by now is lost then\.$/;
const BLOCKED = /^This network blocks live connections\. Try another network\.$/;

describe("instead of the board", { timeout: 600_000 }, () => {
  let cluster, gateway, history, net;

  before(async () => {
    cluster = await startCluster({ env: { EASEL_PEN_IDLE_S: "600", EASEL_SEAT_KEEP_S: "6" } });
    [gateway] = cluster.gateways;
    [history] = cluster.histories;
    net = await Proxy.to(gateway.url);
  });
  after(closeBrowser);

  const address = (made, role, origin = gateway.url) => `${origin}/b/${made.board}#${made.tokens[role]}`;
  async function someone(name) {
    const self = await person([gateway.url, net.url], { name });
    await watchSockets(self);
    return self;
  }
  const buttons = (tab) => tab.page.locator("#cardButtons button").allTextContents();
  const ended = (tab) => tab.page.isVisible("#card");

  test("full: comes in by itself, and by a press", async () => {
    const made = await cluster.makeBoard("Full");
    const here = [];
    for (let i = 0; i < 10; i++) here.push(await join(gateway, made.tokens.watch, `Guest ${i}`));
    const ana = await someone("Ana");
    const tab = await ana.open(address(made, "draw"));
    await tab.seesText(CARD, FULL);
    assert.deepEqual(await buttons(tab), ["Try now", "Start page"]);
    here.pop().stop();
    await tab.allSaved();
    assert.equal(await ended(tab), false);

    const ben = await someone("Ben");
    const other = await ben.open(address(made, "draw"));
    await other.seesText(CARD, FULL);
    here.pop().stop();
    await until("a press lets Ben in", async () => {
      if (await ended(other)) await other.press("Try now").catch(() => {}); // in already
      return (await other.chip()) === "Live. All saved.";
    });
    here.forEach((one) => one.stop());
    await Promise.all([ana.leave(), ben.leave()]);
  });

  test("full, with strokes that nobody has: they are kept, and their loss is told when it is certain", async () => {
    const made = await cluster.makeBoard("Lost");
    const ana = await someone("Ana");
    const tab = await ana.open(address(made, "draw", net.url));
    await tab.allSaved();
    await tab.takePen();
    await tab.draw(wave(0.2, 0.1, 1));
    await tab.allSaved();
    const here = [];
    for (let i = 1; i <= 10; i++) here.push(await join(gateway, made.tokens[i === 1 ? "own" : "draw"], `Guest ${i}`)); // the owner has a place of her own
    net.down();
    for (const y of [0.4, 0.6, 0.8]) await tab.draw([[0.2, y], [0.7, y]]);
    await tab.strokes(4);
    here[0].take();
    await here[0].waitFor(() => here[0].term !== 0, "the owner takes the pen");
    await until("Ana's place is free", () => here[0].members.length === 10);
    here.push(await join(gateway, made.tokens.watch, "Guest 11"));
    net.up();
    await tab.seesText(CARD, FULL);
    assert.equal(await tab.page.isVisible("#notice"), false, "nobody knows yet");
    here.pop().stop();
    await tab.seesText("#status span", /^Your last 3 strokes are kept\. They are drawn as soon as you have the pen\.$/, 60_000);
    here[0].draw([{ points: [[100, 100], [900, 500]] }]);
    await tab.seesText("#notice", /^The pen had already passed on\. Your last 3 strokes were not added\.$/, 60_000);
    await tab.strokes(2);
    await tab.allSaved();
    await tab.seesText("#penText", /^Guest 1 is drawing\.$/);
    here.forEach((one) => one.stop());
    await ana.leave();
  });

  test("not the drawer any more: the strokes stand until that is certain, and are lost when somebody else draws", async () => {
    const made = await cluster.makeBoard("Passed on");
    const [ana, ben] = [await someone("Ana"), await someone("Ben")];
    const tab = await ana.open(address(made, "draw", net.url));
    const owner = await ben.open(address(made, "own"));
    for (const one of [tab, owner]) await one.allSaved();
    await tab.takePen();
    net.down();
    await tab.draw([[0.2, 0.5], [0.7, 0.5]]);
    await tab.strokes(1);
    await owner.seesText("#penText", /^(Nobody|Ana) is drawing\.$|^Ana’s connection is lost\. /);
    await owner.press("Take the pen");
    if (await owner.page.isVisible("#question")) await owner.page.locator("#questionYes").click();
    await owner.page.waitForSelector("#palette:not([hidden])");
    await tab.strokes(1);
    net.up();
    await tab.seesText("#status span", /^Your last stroke is kept\. It is drawn as soon as you have the pen\.$/);
    await tab.strokes(0);
    await owner.draw([[0.2, 0.2], [0.7, 0.2]]);
    await tab.seesText("#notice", /^The pen had already passed on\. Your last stroke was not added\.$/);
    await tab.strokes(1);
    await tab.seesText("#penText", /^Ben is drawing\.$/);
    await Promise.all([ana.leave(), ben.leave()]);
  });

  test("forbidden: a link that is cut off, or too long, and one that is no longer valid, also while it is used", async () => {
    const made = await cluster.makeBoard("Doors");
    const ana = await someone("Ana");
    const tab = await ana.open(`${address(made, "draw").slice(0, -3)}`);
    await tab.seesText(CARD, FORBIDDEN);
    assert.deepEqual(await buttons(tab), ["Start page"]);
    const long = await ana.open(`${address(made, "draw")}${"x".repeat(2_048)}`);
    await long.seesText(CARD, FORBIDDEN);
    const now = Math.floor(Date.now() / 1000);
    const token = (exp) => signToken({ b: made.board, r: "draw", exp });
    const old = await ana.open(`${gateway.url}/b/${made.board}#${token(now - 5)}`);
    await old.seesText(CARD, FORBIDDEN);
    const ben = await someone("Ben");
    const aging = await ben.open(`${net.url}/b/${made.board}#${token(now + 10)}`);
    await aging.allSaved();
    await until("the token is over", () => Date.now() > (now + 11) * 1_000);
    net.cut(); // it does not come in again
    await aging.seesText(CARD, FORBIDDEN);
    await aging.press("Start page");
    await aging.page.waitForURL(`${net.url}/`);
    await Promise.all([ana.leave(), ben.leave()]);
  });

  test("not found: a board that never was, and one that is deleted while it is open", async () => {
    const made = await cluster.makeBoard("Deleted");
    const ana = await someone("Ana");
    const nowhere = await ana.open(`${gateway.url}/b/0000000000#${signToken({ b: "0000000000", r: "draw" })}`);
    await nowhere.seesText(CARD, NOT_FOUND);
    const tab = await ana.open(address(made, "draw"));
    await tab.allSaved();
    const headers = { Authorization: `Bearer ${made.tokens.own}` };
    assert.equal((await fetch(`${gateway.url}/api/boards/${made.board}`, { method: "DELETE", headers })).status, 204);
    await tab.seesText(CARD, /^This board was deleted\.$/);
    assert.deepEqual(await buttons(tab), ["Start page"]);
    await tab.press("Start page");
    await tab.page.waitForSelector("#noBoards:not([hidden])"); // it is in the list no longer
    await ana.leave();
  });

  test("replaced: two tabs do not fight, and the first takes over with all that it drew", async () => {
    const made = await cluster.makeBoard("Tabs");
    const ana = await someone("Ana");
    const one = await ana.open(address(made, "draw"));
    await one.allSaved();
    await one.takePen();
    history.freeze(); // what she draws now is in the service, but not stored
    await one.draw(wave(0.5, 0.2, 1));
    await one.seesText("#status span", /^Live\. (Saving…|Nothing is being saved right now; your strokes are kept here\.)$/);
    const two = await ana.open(address(made, "draw"));
    await one.seesText(CARD, REPLACED);
    assert.deepEqual(await buttons(one), ["Use it here"]);
    await two.strokes(1);
    history.thaw();
    await two.page.waitForSelector("#palette:not([hidden])"); // hers at once
    await two.allSaved();
    for (const event of ["online", "pageshow", "visibilitychange"]) assert.equal(await connectsAt(one, event), false, event);
    assert.deepEqual([await socketCount(one), await socketCount(two)], [1, 1]);

    await one.record("#notice");
    await one.page.bringToFront(); // input to a tab behind others takes a second each
    await one.press("Use it here");
    await two.seesText(CARD, REPLACED);
    await one.allSaved();
    await one.page.waitForSelector("#palette:not([hidden])");
    await one.draw(wave(0.2, 0.1, 1));
    await one.strokes(2);
    await one.allSaved();
    assert.equal((await one.shown("#notice")).some((text) => /not added/.test(text)), false);
    assert.deepEqual([await socketCount(one), await socketCount(two)], [2, 1]);
    await ana.leave();
  });

  test("something wrong: bytes that the service refuses, and an error in the page", async () => {
    const made = await cluster.makeBoard("Wrong");
    const ana = await someone("Ana");
    const tab = await ana.open(address(made, "own"));
    await tab.allSaved();
    await tab.takePen();
    await tab.draw(wave(0.5, 0.2, 1));
    await tab.allSaved();
    await sendBytes(tab, 0x92, 0x7f, 1);
    await tab.seesText(CARD, CRASH);
    assert.deepEqual(await buttons(tab), ["Reload"]);
    await tab.press("Reload");
    await tab.strokes(1);
    await tab.allSaved();

    await tab.page.evaluate(() => document.getElementById("penText").remove());
    await tab.seesText(CARD, CRASH);
    assert.match(tab.faults.splice(0).join(), /^Error: no element penText$/, "said once, and not for ever");
    await tab.press("Reload");
    await tab.strokes(1);
    await ana.leave();
  });

  test("a network that lets no WebSocket through, while HTTP works", async () => {
    const made = await cluster.makeBoard("Blocked");
    const ana = await someone("Ana");
    net.upgrades = false;
    const tab = await ana.open(address(made, "draw", net.url));
    await tab.seesText(CARD, BLOCKED);
    net.upgrades = true;
    await until("in, by a press or by itself", async () => {
      if (await ended(tab)) await tab.press("Try now").catch(() => {});
      return (await tab.chip()) === "Live. All saved.";
    });
    net.upgrades = false; // who has a picture keeps it
    net.cut();
    await tab.seesText("#status span", BLOCKED);
    assert.equal(await ended(tab), false);
    net.upgrades = true;
    await tab.allSaved();
    await ana.leave();
  });

  test("a service with too many connections says so: it is not taken for the network, and lets in when there is room", async () => {
    const small = await startCluster({ env: { EASEL_CONNECTIONS_PER_ADDRESS: "1", EASEL_TRUSTED_PROXIES: "127.0.0.0/8" } });
    const [{ url }] = small.gateways;
    const made = await small.makeBoard("Crowded");
    const ana = await person([url], { name: "Ana", extraHTTPHeaders: { "X-Forwarded-For": "192.0.2.1" } });
    const one = await ana.open(`${url}/b/${made.board}#${made.tokens.draw}`);
    await one.allSaved();
    const ben = await person([url], { name: "Ben", extraHTTPHeaders: { "X-Forwarded-For": "192.0.2.1" } });
    const two = await ben.open(`${url}/b/${made.board}#${made.tokens.draw}`);
    await two.seesText(CARD, CROWDED);
    assert.deepEqual(await buttons(two), ["Try now", "Start page"]);
    await ana.leave();
    await two.allSaved();
    await ben.leave();
  });

  test("Easel was updated, and lets this page in no more: it is not loaded again over what is not saved", async () => {
    const made = await cluster.makeBoard("Too old");
    const ana = await someone("Ana");
    const tab = await ana.open(address(made, "draw", net.url));
    await tab.allSaved();
    await tab.takePen();
    await tab.page.evaluate((other) => {
      window.marked = true;
      window.fetch = async () => new Response(`<meta name="build" content="${other}">`);
    }, OTHER);
    net.upgrades = false;
    net.cut();
    await tab.draw(wave(0.5, 0.2, 1));
    await tab.seesText("#status span", TOO_OLD);
    assert.equal(await tab.page.textContent("#status button"), "Reload");
    assert.equal(await tab.page.evaluate(() => window.marked), true);
    net.upgrades = true;
    await tab.allSaved();
    await tab.strokes(1);
    net.upgrades = false;
    net.cut();
    await tab.seesText("#status span", TOO_OLD);
    await tab.press("Reload");
    await until("it is loaded again", async () => !(await tab.page.evaluate(() => window.marked).catch(() => true)));
    net.upgrades = true;
    await tab.allSaved();
    await tab.strokes(1);
    await ana.leave();
  });

  test("Easel was updated: who watches gets the new page by itself, who draws once the pen is put down", async () => {
    const made = await cluster.makeBoard("Updated");
    const [ana, ben] = [await someone("Ana"), await someone("Ben")];
    const [tab, viewer] = [await ana.open(address(made, "own")), await ben.open(address(made, "watch"))];
    for (const one of [tab, viewer]) await one.allSaved();
    await tab.takePen();
    await tab.draw(wave(0.5, 0.2, 1));
    await viewer.strokes(1);
    const old = await build(viewer);
    await gateway.kill("SIGTERM");
    gateway.settings.EASEL_WEB_ROOT = await anotherBuild(path(cluster.dir, "web"));
    await gateway.start();
    await until("the viewer has the new page", async () => (await build(viewer)) === OTHER);
    await viewer.strokes(1);
    await tab.draw(wave(0.5, 0.4, 1));
    await viewer.strokes(2);
    await tab.allSaved();
    assert.equal(await build(tab), old, "who draws is not disturbed");
    await tab.press("Stop drawing");
    await until("the drawer has the new page", async () => (await build(tab)) === OTHER);
    await tab.strokes(2);
    delete gateway.settings.EASEL_WEB_ROOT;
    await gateway.kill("SIGTERM");
    await gateway.start();
    for (const one of [tab, viewer]) await until("the old page again", async () => (await build(one)) === old);
    await Promise.all([ana.leave(), ben.leave()]);
  });

  test("both versions are given out: a page that comes as the same again stays, and asks no more", async () => {
    const made = await cluster.makeBoard("Both");
    const ben = await someone("Ben");
    const tab = await ben.open(address(made, "watch", net.url));
    await tab.allSaved();
    /** The service tells of another page; the mark in this one is gone once it was loaded again. */
    const another = () =>
      tab.page.evaluate((other) => {
        window.marked = true;
        window.asked = 0;
        window.fetch = async () => (window.asked++, new Response(`<meta name="build" content="${other}">`));
      }, OTHER);
    await another();
    net.cut();
    await until("it is loaded again", async () => !(await tab.page.evaluate(() => window.marked).catch(() => true)));
    await tab.allSaved();
    await another();
    net.cut();
    await until("it has asked", () => tab.page.evaluate(() => window.asked));
    await tab.allSaved();
    assert.equal(await tab.page.evaluate(() => window.marked), true);
    await ben.leave();
  });
});

const OTHER = "another";
const BUILD = /(?<=<meta name="build" content=")\w+/;

/** Which version this tab has; nothing while it is being loaded. */
const build = (tab) => tab.page.evaluate(() => document.querySelector('meta[name="build"]')?.content).catch(() => "");

/** The same pages, as another version. */
async function anotherBuild(dir) {
  await cp(path(ROOT, "build/web"), dir, { recursive: true });
  for (const page of ["index.html", "board.html"]) {
    const html = (await readFile(path(dir, page), "utf8")).replace(BUILD, OTHER);
    await writeFile(path(dir, page), html);
    await writeFile(path(dir, `${page}.gz`), gzipSync(html));
  }
  return dir;
}
