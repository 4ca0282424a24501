// SPDX-License-Identifier: Apache-2.0
//
// Which link opens what, what the page remembers of it and what its address gives away: nothing counts before
// the service has welcomed the page to the very board of the address, and whoever copies the address gives
// away no more than a look.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { signToken, startCluster, until } from "../service/harness.mjs";
import { Proxy } from "../service/proxy.mjs";
import { closeBrowser, person, wave } from "./browser.mjs";
import { closedWith, watchSockets } from "./sockets.mjs";

const FORBIDDEN = /^This link does not open the board\./;
const NOT_FOUND = /^There is no such board\./;

describe("links", { timeout: 600_000 }, () => {
  let cluster, gateway, url, net;

  before(async () => {
    cluster = await startCluster({ env: { EASEL_PEN_IDLE_S: "600" } });
    [gateway] = cluster.gateways;
    url = gateway.url.replace(/\/$/, "");
    net = await Proxy.to(gateway.url);
  });
  after(closeBrowser);

  const path = (made, role) => `/b/${made.board}${role ? `#${made.tokens[role]}` : ""}`;
  const address = (made, role) => url + path(made, role);
  const someone = () => person([url, net.url]);
  /** What the device remembers of a board. */
  const remembered = (tab, { board }) => tab.page.evaluate((key) => JSON.parse(localStorage.getItem(key)), `easel.board.${board}`);
  const isAt = (tab, here) => tab.page.waitForFunction((here) => location.pathname + location.hash === here, here);
  const ownsIt = (tab) => tab.page.waitForFunction(() => /Take the pen/.test(document.getElementById("penButtons").textContent));
  async function putsDown(tab) {
    await tab.press("Stop drawing");
    await tab.seesText("#penText", /^Nobody is drawing\.$/);
  }
  /** The tokens of the links that the dialog shows. */
  const shared = (tab) =>
    tab.page.locator(".link-row input:visible").evaluateAll((all) => all.map(({ value }) => value.split("#")[1]));
  /** What a device remembers of a board whose links were signed with a secret of before. */
  function old({ board }) {
    const [own, draw, watch] = ["own", "draw", "watch"].map((r) => signToken({ b: board, r }, "a secret that the service has no more"));
    return { name: "", role: 2, token: own, links: { draw, watch }, session: "0".repeat(32), last: 1 };
  }
  const knows = (tab, { board }, what) =>
    tab.page.evaluate(([key, what]) => localStorage.setItem(key, JSON.stringify(what)), [`easel.board.${board}`, what]);
  const watches = (tab) => tab.seesText("#penText", /You are watching\.$/);

  test("a link to one board at the address of another opens nothing, and nothing of it is remembered", async () => {
    const [mine, theirs] = [await cluster.makeBoard("Mine"), await cluster.makeBoard("Theirs")];
    const ana = await someone();
    const tab = await ana.open(`${url}/b/${mine.board}#${theirs.tokens.own}`);
    await tab.seesText("#cardText", FORBIDDEN);
    assert.equal(await tab.page.title(), "Easel");
    assert.deepEqual(await tab.page.evaluate(() => Object.keys(localStorage)), []);
    await ana.leave();
  });

  test("where the device knows the board itself, the address opens that one", async () => {
    const [mine, theirs] = [await cluster.makeBoard("Mine"), await cluster.makeBoard("Theirs")];
    const ana = await someone();
    const tab = await ana.open(address(mine, "own"));
    await tab.allSaved();
    const { token, session } = await remembered(tab, mine);
    for (const foreign of [theirs.tokens.own, "nonsense"]) {
      await tab.page.goto(`${url}/`);
      await tab.page.goto(`${url}/b/${mine.board}#${foreign}`);
      await tab.allSaved();
      assert.equal(await tab.page.textContent("#boardName"), "Mine");
      await ownsIt(tab);
      const now = await remembered(tab, mine);
      assert.deepEqual([now.token, now.session, now.role], [token, session, 2]);
      assert.equal(await remembered(tab, theirs), null);
      await tab.press("Share");
      await tab.page.waitForSelector(".link-row");
      assert.equal((await tab.page.textContent("#shareCode")).replaceAll("-", ""), mine.board);
    }
    await ana.leave();
  });

  test("the address is a link for watching, whatever opened the board, and a reload goes on as before", async () => {
    const made = await cluster.makeBoard("Addresses");
    for (const role of ["own", "draw", "watch"]) {
      const ana = await someone();
      const tab = await ana.open(address(made, role));
      await tab.allSaved();
      await isAt(tab, path(made, "watch"));
      if (role !== "watch") await tab.takePen();
      await tab.page.reload();
      await tab.allSaved();
      await isAt(tab, path(made, "watch"));
      if (role === "watch") await watches(tab);
      else {
        await tab.page.waitForSelector("#palette:not([hidden])"); // her pen, still
        await tab.draw(wave(0.5, 0.1, 1));
        await putsDown(tab);
      }
      const ben = await someone(); // who was given the address
      const other = await ben.open(tab.page.url());
      await other.allSaved();
      await watches(other);
      await Promise.all([ana.leave(), ben.leave()]);
    }
  });

  test("also where nothing can be stored: the tab keeps what opened the board", async () => {
    const made = await cluster.makeBoard("Private");
    const ana = await someone();
    await ana.context.addInitScript(() => {
      const refuse = () => {
        throw new DOMException("The operation is insecure.", "SecurityError");
      };
      Object.defineProperty(globalThis, "localStorage", { get: refuse });
    });
    const tab = await ana.open(address(made, "own"));
    await tab.allSaved();
    await tab.takePen();
    await tab.draw(wave(0.5, 0.1, 1));
    for (let i = 0; i < 2; i++) {
      await isAt(tab, path(made, "watch"));
      await tab.page.reload();
      await tab.page.waitForSelector("#palette:not([hidden])"); // as the same person
      await tab.strokes(1);
      await tab.allSaved();
    }
    await tab.page.click("a.home");
    await tab.page.waitForURL(`${url}/`);
    await tab.page.goBack();
    await tab.strokes(1);
    await ownsIt(tab); // the pen is put down when one leaves
    await tab.page.goto(`${url}/`);
    await tab.page.fill("#name", "New");
    await tab.press("New board");
    await tab.allSaved();
    await ownsIt(tab);
    assert.doesNotMatch(tab.page.url(), new RegExp(made.board));
    await ana.leave();
  });

  test("a weaker link takes no stronger one's place; a stronger one does; the page's own address opens with the strongest", async () => {
    const made = await cluster.makeBoard("Links");
    const ana = await someone();
    const tab = await ana.open(address(made, "draw"));
    await tab.allSaved();
    await isAt(tab, path(made, "watch"));
    assert.equal((await remembered(tab, made)).role, 1);
    const comes = async (to) => {
      await tab.page.goto(`${url}/`);
      await tab.page.goto(to);
      await tab.allSaved();
      await isAt(tab, path(made, "watch"));
    };
    await comes(address(made, "own"));
    assert.deepEqual([(await remembered(tab, made)).role, (await remembered(tab, made)).token], [2, made.tokens.own]);
    const weaker = signToken({ b: made.board, r: "draw", exp: Math.floor(Date.now() / 1_000) + 3_600 });
    await comes(`${url}/b/${made.board}#${weaker}`);
    assert.deepEqual([(await remembered(tab, made)).role, (await remembered(tab, made)).token], [2, made.tokens.own]);
    for (const bookmark of [address(made, "watch"), address(made)]) {
      await comes(bookmark);
      await tab.takePen();
      await putsDown(tab);
    }
    await ana.leave();
  });

  test("a link that the device kept and that is no longer valid makes way for the one in the address", async () => {
    const made = await cluster.makeBoard("Old links");
    const soon = Math.floor(Date.now() / 1_000) + 3;
    const ana = await someone();
    const tab = await ana.open(`${url}/b/${made.board}#${signToken({ b: made.board, r: "own", exp: soon })}`);
    await isAt(tab, path(made, "watch"));
    await tab.page.waitForFunction((end) => Date.now() > end, (soon + 1) * 1_000);
    await tab.page.goto(`${url}/`);
    await tab.page.goto(address(made, "watch"));
    await tab.allSaved();
    await watches(tab);
    assert.deepEqual([(await remembered(tab, made)).role, (await remembered(tab, made)).token], [0, made.tokens.watch]);
    await ana.leave();
  });

  test("what came with a link that is no longer valid goes with it: neither the address nor the dialog gives it away", async () => {
    const made = await cluster.makeBoard("Rotated");
    const ana = await someone();
    const tab = await ana.open(`${url}/`);
    await knows(tab, made, old(made));
    await tab.page.goto(address(made, "own"));
    await tab.allSaved();
    await isAt(tab, path(made, "watch"));
    await tab.press("Share");
    await until("the new links", async () => isDeepStrictEqual(await shared(tab), [made.tokens.watch, made.tokens.draw]));
    const { token, links } = await remembered(tab, made);
    assert.deepEqual([token, links], [made.tokens.own, { watch: made.tokens.watch, draw: made.tokens.draw }]);
    await ana.leave();
  });

  test("who shares gets the links of now in place of those that the device has kept, and those where there are no others", async () => {
    const made = await cluster.makeBoard("Kept");
    const kept = old(made);
    for (const [role, fresh] of [["own", ["watch", "draw"]], ["draw", ["watch"]]]) {
      const ana = await someone();
      const tab = await ana.open(`${url}/`);
      await knows(tab, made, { ...kept, token: made.tokens[role], role: role === "own" ? 2 : 1 });
      await tab.page.route("**/api/**", (route) => route.abort());
      await tab.page.goto(`${url}/b/${made.board}`);
      await tab.allSaved();
      await tab.press("Share");
      await until("the kept links", async () => isDeepStrictEqual(await shared(tab), fresh.map((one) => kept.links[one])));
      await tab.press("Close");
      await tab.page.unroute("**/api/**");
      await tab.press("Share");
      await until("the new links", async () => isDeepStrictEqual(await shared(tab), fresh.map((one) => made.tokens[one])));
      await ana.leave();
    }
  });

  test("the code alone opens a board for watching, in capitals and with dashes, too", async () => {
    const made = await cluster.makeBoard("By code");
    const typed = made.board.toUpperCase().replace(/(.{4})(.{4})/, "$1-$2-").replaceAll("0", "O").replaceAll("1", "I");
    for (const code of [made.board, typed]) {
      const ana = await someone();
      const tab = await ana.open(`${url}/b/${code}`);
      await tab.allSaved();
      await watches(tab);
      await isAt(tab, path(made, "watch"));
      await ana.leave();
    }
    const ben = await someone();
    const tab = await ben.open(`${url}/b/0000000000`);
    await tab.seesText("#cardText", NOT_FOUND);
    await tab.page.goto(`${url}/b/nothing`);
    await tab.seesText("#cardText", FORBIDDEN);
    await ben.leave();
  });

  test("nothing can be shared before the service has said what one may share", async () => {
    const made = await cluster.makeBoard("Too early");
    net.upgrades = false;
    const ana = await someone();
    const tab = await ana.open(net.url.replace(/\/$/, "") + path(made, "own"));
    await tab.seesText("#cardText", /^This network blocks live connections\./);
    assert.equal(await tab.page.isDisabled("#shareButton"), true);
    assert.equal(await remembered(tab, made), null);
    net.upgrades = true;
    await tab.allSaved();
    await tab.press("Share");
    await tab.page.waitForSelector(".link-row");
    assert.deepEqual(await shared(tab), [made.tokens.watch, made.tokens.draw]);
    await tab.page.getByText("Your other devices").click();
    assert.deepEqual(await shared(tab), [made.tokens.watch, made.tokens.draw, made.tokens.own], "hers only when she looks for it");
    await ana.leave();
  });

  test("the start page gives away no link, neither of a new board nor of one that it knows", async () => {
    const ana = await someone();
    const tab = await ana.open(`${url}/`);
    const addresses = [];
    tab.page.on("framenavigated", () => addresses.push(tab.page.url()));
    await tab.page.fill("#name", "Made");
    await tab.press("New board");
    await tab.allSaved();
    await tab.page.waitForFunction(() => location.hash !== "");
    const { board, token, links } = await tab.page.evaluate(() => {
      const key = Object.keys(localStorage).find((one) => one.startsWith("easel.board."));
      return { board: key.slice("easel.board.".length), ...JSON.parse(localStorage.getItem(key)) };
    });
    assert.deepEqual([...new Set(addresses)], [`${url}/b/${board}`, `${url}/b/${board}#${links.watch}`]);
    await tab.page.click("a.home");
    await tab.page.waitForSelector("#boards a");
    assert.equal((await tab.page.content()).includes(token), false);
    await tab.page.click("#boards a");
    await tab.allSaved();
    await ownsIt(tab);
    await ana.leave();
  });

  test("a board that is forgotten stays so, whatever other pages are open", async () => {
    const made = await cluster.makeBoard("Forgotten");
    const ana = await someone();
    const tab = await ana.open(address(made, "own"));
    await tab.allSaved();
    await isAt(tab, path(made, "watch"));
    const [start, other] = [await ana.open(`${url}/`), await ana.open(`${url}/`)];
    for (const list of [start, other]) await list.page.waitForSelector("#boards a");
    await start.press("Forget Forgotten on this device");
    await start.page.locator("#questionYes").click();
    await other.page.waitForSelector("#noBoards:not([hidden])");
    await tab.page.bringToFront();
    await tab.press("Share");
    await until("all links", async () => (await shared(tab)).length === 2);
    assert.equal(await remembered(tab, made), null);
    await start.page.reload();
    assert.equal(await start.page.locator("#boards a").count(), 0);
    await ana.leave();
  });

  test("who goes to the start page leaves with a word; who reloads comes back", async () => {
    const made = await cluster.makeBoard("Leaving");
    const ana = await someone();
    await watchSockets(ana);
    const tab = await ana.open(address(made, "watch"));
    await tab.allSaved();
    await tab.page.reload();
    await tab.allSaved();
    assert.equal(await closedWith(tab), null);
    await tab.page.click("a.home");
    await tab.page.waitForSelector("#boards a");
    assert.equal(await closedWith(tab), "1000");
    await tab.page.goBack();
    await tab.allSaved();
    await ana.leave();
  });
});
