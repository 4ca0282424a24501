// SPDX-License-Identifier: Apache-2.0
//
// What the page may do is little, and what others call themselves can do nothing to it. The first tests
// see to it that the others, in all files, would notice.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { cleanName } from "../../build/web-node/views.mjs";
import { join, startCluster, until } from "../service/harness.mjs";
import { closeBrowser, person } from "./browser.mjs";

const HASH = "'sha256-[A-Za-z0-9+/]{43}='";
const PAGE = new RegExp(
  `^default-src 'none'; script-src ${HASH}; style-src ${HASH}; img-src 'self' blob:; connect-src 'self'; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'$",
);
const NO_PAGE = /^default-src 'none'; frame-ancestors 'none'$/;

describe("security", { timeout: 300_000 }, () => {
  let cluster, gateway, url;

  before(async () => {
    cluster = await startCluster({ env: { EASEL_PEN_IDLE_S: "600" } });
    [gateway] = cluster.gateways;
    url = gateway.url.replace(/\/$/, "");
  });
  after(closeBrowser);

  test("pages come with a policy that lets them run what is in them, and all else with one that lets nothing", async () => {
    const policies = { "/": PAGE, "/b/k3v9x2mq4t": PAGE, "/icon.svg": NO_PAGE, "/nothing": NO_PAGE, "/api/boards": NO_PAGE };
    for (const [address, policy] of Object.entries(policies)) {
      const { headers } = await fetch(url + address);
      assert.match(headers.get("content-security-policy"), policy, address);
      assert.equal(headers.get("x-content-type-options"), "nosniff", address);
      assert.equal(headers.get("referrer-policy"), "no-referrer", address);
      assert.equal(headers.get("cross-origin-opener-policy"), "same-origin", address);
      const permitted = headers.get("permissions-policy").split(", ").filter((one) => !one.endsWith("=()"));
      assert.deepEqual(permitted, ["fullscreen=(self)", "screen-wake-lock=(self)"], address);
    }
  });

  describe("the tests notice", () => {
    const FAULTS = {
      "an error on the console": [() => console.error("oh"), /^oh$/],
      "a warning": [() => console.warn("hm"), /^hm$/],
      "an uncaught exception": [() => void setTimeout(() => { throw new Error("bang"); }), /bang/],
      "a promise that nobody catches": [() => void Promise.reject(new Error("fizz")), /fizz/],
      "an inline script": [() => { document.body.append(document.createElement("script")); document.body.lastChild.append("1"); }, /^policy: (script-src|require-trusted)/],
      "markup from a string": [() => { try { document.body.innerHTML = "<b>x</b>"; } catch { /* as it should be */ } }, /^policy: require-trusted-types-for/],
      "eval": [() => void setTimeout(() => { try { (0, eval)("1"); } catch { /* as it should be */ } }), /^policy: (script-src|require-trusted)/],
      "an inline style": [() => document.body.setAttribute("style", "color: red"), /^policy: style-src-attr/],
      "a picture of a third party": [() => void (new Image().src = "http://example.com/x.png"), /^policy: img-src http:\/\/example.com/],
      "a socket to a third party": [() => { try { new WebSocket("ws://example.com/ws"); } catch { /* as it should be */ } }, /^policy: connect-src ws:\/\/example.com/],
      "a request to another host": [() => void (location = location.href.replace("127.0.0.1", "localhost")), /^asked http:\/\/localhost/],
      "a file that is not there": [() => void fetch("/assets/none.js"), /^404 for .*none\.js/],
      "a box that stops the page": [() => void setTimeout(() => alert("stop")), /^box: stop/],
    };
    for (const [what, [act, pattern]] of Object.entries(FAULTS))
      test(what, async () => {
        const tab = await (await person([url])).open(`${url}/`);
        await tab.page.evaluate(act).catch(() => {}); // one leaves the page
        await until(`${pattern} among the faults`, () => tab.faults.some((fault) => pattern.test(fault)));
        await assert.rejects(tab.close(), { name: "AssertionError" });
        await tab.page.context().close();
        tab.faults.length = 0;
      });
  });

  const NAMES = [
    "<img src=x onerror=alert(1)>",
    "\u202eAna\u202c \u2066x\u2069",
    "Z\u200be\u200br\u2060o",
    "a\u0007b\u001bc\u0085d",
    "👩🏽‍🚀 Sally 🏳️‍🌈",
    "W".repeat(120),
    "\u200b\u3164",
  ];

  test("names are text wherever they stand, without what cannot be seen, and of 32 characters at most", async () => {
    for (const name of NAMES) {
      const shown = cleanName(name);
      const made = await cluster.makeBoard(name.replace(/\p{Cc}/gu, "")); // which boards cannot have
      const ana = await person([url]);
      const tab = await ana.open(`${url}/b/${made.board}#${made.tokens.own}`);
      await tab.allSaved();
      const who = shown || "Guest 2";
      const text = (selector, wanted) =>
        until(`${selector} says ${wanted}`, async () => (await tab.page.textContent(selector)) === wanted);
      // By a client of its own: a page would clean its person's name.
      const guest = await join(gateway, made.tokens.draw, name);
      guest.ask();
      await until("it says who draws", async () => (await tab.page.getAttribute("#penText", "title")) === `${who} is drawing.`);
      assert.match(await tab.page.textContent("#penText"), / is drawing\.$/);
      await text("#notice", `${who} has the pen now.`);
      await until("the live region tells it", async () => (await tab.page.textContent("#polite")).includes(`${who} has the pen now.`));
      await until("the label tells it", async () => (await tab.page.getAttribute("#board", "aria-label")) === `Whiteboard, 0 strokes. ${who} is drawing.`);
      assert.ok((await tab.page.locator(".who").allTextContents()).includes(who));
      assert.equal(await tab.page.title(), shown ? `${shown} – Easel` : "Easel");
      await text("#boardName", shown || "Easel");

      await tab.press("Take the pen");
      await text("#questionText", `Take the pen from ${who}?`);
      await tab.page.click("#questionYes");
      await tab.page.waitForSelector("#palette:not([hidden])");
      guest.ask();
      await text("#askerText", `${who} asks for the pen.`);
      await guest.close?.();

      await tab.page.goto(`${url}/`);
      const board = shown || "Board without a name";
      await text("#boards strong", board);
      await tab.page.getByRole("button", { name: `Forget ${board} on this device`, exact: true }).click();
      await tab.page.locator("#questionYes").click();
      assert.equal(await tab.page.locator("img").count(), 0);
      await ana.leave(); // and nothing was alerted, asked for or refused
    }
  });
});
