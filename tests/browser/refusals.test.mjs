// SPDX-License-Identifier: Apache-2.0
//
// Who asks the service over HTTP gets something else than an answer: the page of a network that wants a sign-in
// first, half of it, a refusal, or nothing. It is told in words, and the next try is not far.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startCluster, until } from "../service/harness.mjs";
import { closeBrowser, person } from "./browser.mjs";

const AWAY = /^The service does not answer\. Try again in a moment\.$/;
const TOO_MANY = /^Too many tries\. Try again in 40 seconds\.$/;
const FOREIGN = /^This service does not know itself by the address /;

const refusal = (status, code, headers) => ({ status, headers, json: { error: { code, sentence: "" } } });
const PORTAL = { status: 200, contentType: "text/html", body: "<title>Sign in</title>" };
const CARDS = {
  "a page of somebody else's": [PORTAL, AWAY],
  "half an answer": [{ status: 200, contentType: "application/json", body: '{"token":"abc' }, AWAY],
  "an answer to something else": [{ status: 200, json: { tokens: [] } }, AWAY],
  "a refusal of somebody else's": [{ status: 404, contentType: "text/html", body: "<title>Not found</title>" }, AWAY],
  "not now": [refusal(503, "unavailable", { "Retry-After": "40" }), AWAY],
  "too many tries": [refusal(429, "too_many", { "Retry-After": "40" }), TOO_MANY],
  "an address that is not the service's": [refusal(403, "forbidden"), FOREIGN],
  "no answer": [null, AWAY],
};

describe("instead of an answer,", { timeout: 300_000 }, () => {
  let cluster, url;

  before(async () => {
    cluster = await startCluster();
    url = cluster.gateways[0].url.replace(/\/$/, "");
  });
  after(closeBrowser);

  /** Asks to such addresses get this, or no answer; resolves with a function that tells how many there were. */
  async function answerWith(tab, path, answer) {
    let count = 0;
    await tab.page.route(path, (route) => (count++, answer ? route.fulfill(answer) : route.abort()));
    return () => count;
  }
  const buttons = (tab) => tab.page.locator("#cardButtons button").allTextContents();
  const text = (tab, selector) => tab.page.locator(selector).textContent();

  for (const [what, [answer, words]] of Object.entries(CARDS))
    test(`who comes by the code gets ${what}: it is said, and a press tries again`, async () => {
      const made = await cluster.makeBoard("By code");
      const ana = await person([url]);
      let asked;
      const tab = await ana.open(`${url}/b/${made.board}`, async (tab) => (asked = await answerWith(tab, "**/watch", answer)));
      await tab.seesText("#cardText", words);
      assert.deepEqual(await buttons(tab), ["Try now", "Start page"]);
      const before = asked();
      await tab.press("Try now");
      await until("it was asked again", () => asked() > before);
      await tab.seesText("#cardText", words);
      await tab.page.unroute("**/watch");
      await until("a press lets her in", async () => {
        if (await tab.page.isVisible("#card")) await tab.press("Try now").catch(() => {}); // in already
        return (await tab.chip()) === "Live. All saved.";
      });
      await ana.leave();
    });

  test("who comes by the code and is refused comes in by herself when the wait is over, and at once when online or seen", async () => {
    const made = await cluster.makeBoard("Again");
    const ana = await person([url]);
    let asked;
    const tab = await ana.open(`${url}/b/${made.board}`, async (tab) => (asked = await answerWith(tab, "**/watch", CARDS["too many tries"][0])));
    await tab.seesText("#cardText", TOO_MANY);
    const asksAgain = async (what, act) => {
      const before = asked();
      await until(`asked again: ${what}`, async () => { // unless it was asking just then
        await act();
        return asked() > before;
      });
    };
    for (const event of ["online", "pageshow", "visibilitychange"])
      await asksAgain(event, () =>
        tab.page.evaluate((event) => (event === "visibilitychange" ? document : globalThis).dispatchEvent(new Event(event)), event));
    // In place of the first one, which stays beneath: a question that is under way must not get through between them.
    asked = await answerWith(tab, "**/watch", refusal(429, "too_many", { "Retry-After": "1" }));
    await asksAgain("a press", () => tab.press("Try now"));
    await tab.seesText("#cardText", /^Too many tries\. Try again in a second\.$/);
    await tab.page.unroute("**/watch");
    await tab.allSaved();
    await ana.leave();
  });

  test("a question that nobody answers ends", async () => {
    const made = await cluster.makeBoard("Held");
    const ana = await person([url]);
    const tab = await ana.open(`${url}/b/${made.board}`, (tab) => tab.page.route("**/watch", () => {}));
    await tab.seesText("#cardText", AWAY);
    await tab.page.unroute("**/watch");
    await tab.press("Try now");
    await tab.allSaved();
    await ana.leave();
  });

  test("on the start page both forms say so, and can be sent again", async () => {
    const made = await cluster.makeBoard("Start");
    const ana = await person([url]);
    const tab = await ana.open(`${url}/`);
    await answerWith(tab, "**/api/**", PORTAL);
    await tab.page.fill("#code", made.board);
    await tab.press("Join");
    await tab.seesText("#joinProblem", AWAY);
    assert.equal(await text(tab, "#join button"), "Join");
    await tab.press("New board");
    await tab.seesText("#makeProblem", AWAY);
    assert.equal(await text(tab, "#make button"), "New board");
    await tab.page.unroute("**/api/**");
    await tab.press("Join");
    await tab.allSaved();
    await ana.leave();
  });

  test("who shares reads that there is no link just now, and gets it at the next try", async () => {
    const made = await cluster.makeBoard("Share");
    const ana = await person([url]);
    const tab = await ana.open(`${url}/b/${made.board}#${made.tokens.draw}`, (tab) => answerWith(tab, "**/api/**", PORTAL));
    await tab.allSaved();
    await tab.press("Share");
    await tab.seesText("#shareLinks", /^The link could not be made just now\. Close and try again\.$/);
    await tab.press("Close");
    await tab.page.unroute("**/api/**");
    await tab.press("Share");
    await tab.page.waitForSelector(".link-row");
    await ana.leave();
  });
});
