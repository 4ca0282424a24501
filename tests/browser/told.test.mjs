// SPDX-License-Identifier: Apache-2.0
//
// What a page makes of rare news of the service. They come from the hand of the test, in place of a service that
// would need hours for them.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { encode } from "../../build/web-node/client.mjs";
import { join, startCluster, until } from "../service/harness.mjs";
import { closeBrowser, person, wave } from "./browser.mjs";
import { muteService, serviceCloses, serviceSays, socketCount, watchSockets } from "./sockets.mjs";

const CHIP = "#status span";
const HELD = /^The board cannot be opened yet: the service does not get at what is stored\. We wait for it\.$/;

describe("told by the service", { timeout: 300_000 }, () => {
  let cluster, gateway;

  before(async () => {
    cluster = await startCluster({ env: { EASEL_PEN_IDLE_S: "600", EASEL_PEN_GRACE_S: "15" } });
    [gateway] = cluster.gateways;
  });
  after(closeBrowser);

  const address = (made, role) => `${gateway.url}/b/${made.board}#${made.tokens[role]}`;

  /** Ana has the pen, and has drawn something. */
  async function drawer(name, before) {
    const made = await cluster.makeBoard(name);
    const ana = await person([gateway.url], { name: "Ana" });
    await watchSockets(ana);
    const tab = await ana.open(address(made, "own"), before);
    await tab.allSaved();
    await tab.takePen();
    await tab.draw(wave(0.3, 0.1, 1));
    await tab.allSaved();
    return { made, ana, tab };
  }
  const mark = (stored, flags) => ({ kind: "mark", head: 0, mark: stored, flags });
  const ALL = 1_000; // more than there is

  test("nothing is being saved: the drawer reads it at once, goes on, and reads when it is over", async () => {
    const { ana, tab } = await drawer("Not saved");
    await muteService(tab);
    await serviceSays(tab, mark(ALL, 4));
    await tab.seesText(CHIP, /^Live\. Nothing is being saved right now; your strokes are kept here\.$/, 1_000);
    await tab.draw(wave(0.6, 0.1, 1));
    await tab.strokes(2);
    await serviceSays(tab, mark(ALL, 0));
    await tab.seesText(CHIP, /^Live\. (Saving…|The newest strokes are not saved yet\.)$/);
    await ana.leave();
  });

  test("a board that is nearly full says so; on one that is full nothing can be drawn, undone or cleared", async () => {
    const { ana, tab } = await drawer("Full");
    await muteService(tab);
    await serviceSays(tab, mark(ALL, 8));
    await tab.seesText(CHIP, /^Live\. All saved\. This board is nearly full: make a new one soon\.$/);
    await tab.draw(wave(0.6, 0.1, 1));
    await tab.strokes(2);
    await serviceSays(tab, mark(ALL, 16));
    await tab.draw(wave(0.8, 0.1, 1));
    await tab.page.keyboard.press("Control+z");
    assert.equal(await tab.page.getAttribute("#undo", "aria-disabled"), "true");
    assert.equal(await tab.page.getAttribute("#clear", "aria-disabled"), "true");
    await tab.page.evaluate(() => document.getElementById("clear").click());
    assert.equal(await tab.page.isVisible("#question"), false);
    await tab.strokes(2);
    await ana.leave();
  });

  test("while drawing pauses nothing can be undone or cleared, and that is said; a question about it is not asked on", async () => {
    const { ana, tab } = await drawer("Pauses");
    await muteService(tab);
    const greyed = () => tab.page.locator("#undo, #clear").evaluateAll((all) => all.map((one) => [one.ariaDisabled, one.title]));
    assert.deepEqual(await greyed(), [["false", "Undo"], ["false", "Clear"]]);
    await tab.page.click("#clear");
    await tab.page.waitForSelector("#question[open]");
    await serviceSays(tab, mark(ALL, 1));
    await tab.page.waitForSelector("#question", { state: "hidden" });
    const why = "Drawing pauses until the board can be saved again.";
    await until("the buttons say why", async () => String(await greyed()) === `true,${why},true,${why}`);
    for (const keys of ["Control+z", "Control+y"]) await tab.page.keyboard.press(keys);
    await tab.page.evaluate(() => document.getElementById("undo").click());
    await tab.strokes(1);
    await serviceSays(tab, mark(ALL, 0));
    await until("it goes on", async () => String(await greyed()) === "false,Undo,false,Clear");
    await tab.page.keyboard.press("Control+z");
    await tab.strokes(0);
    await ana.leave();
  });

  test("a clear is taken back as soon as one likes, before the service has said where it is", async () => {
    let late = null; // what the service said meanwhile
    let say;
    const { ana, tab } = await drawer("At once", ({ page }) =>
      page.routeWebSocket(/\/ws$/, (socket) => {
        say = (message) => socket.send(message);
        socket.connectToServer().onMessage((message) => (late ? late.push(message) : say(message)));
      }),
    );
    for (const undo of [() => tab.page.keyboard.press("Control+z"), () => tab.press("Undo")]) {
      late = [];
      await tab.press("Clear");
      await tab.page.locator("#questionYes").click();
      await tab.strokes(0);
      await undo();
      late.splice(0).forEach(say);
      late = null;
      await tab.strokes(1);
      await tab.allSaved();
    }
    await ana.leave();
  });

  test("a board that cannot be opened yet: the page says why, and opens it on the same connection", async () => {
    const made = await cluster.makeBoard("Held");
    const ana = await person([gateway.url], { name: "Ana" });
    await watchSockets(ana);
    let open;
    const tab = await ana.open(address(made, "draw"), ({ page }) =>
      page.routeWebSocket(/\/ws$/, (socket) =>
        socket.onMessage((hello) => {
          socket.send(Buffer.from(encode({ kind: "error", code: "waiting", sentence: "History does not answer.", frame: 1 })));
          open = () => socket.connectToServer().send(hello);
        }),
      ),
    );
    await tab.seesText(CHIP, HELD);
    assert.equal(await tab.page.isVisible("#card"), false);
    open();
    await tab.allSaved();
    assert.equal(await socketCount(tab), 1);
    await ana.leave();
  });

  test("start_fresh: the page begins anew by itself, tells what is lost, and has its pen again", async () => {
    const { made, ana, tab } = await drawer("Set back");
    const ben = await join(gateway, made.tokens.watch, "Ben");
    await muteService(tab);
    await tab.draw(wave(0.6, 0.1, 1)); // the service has it, but this page does not know
    await ben.waitFor(() => ben.picture().length === 2, "Ben sees it");
    await serviceCloses(tab, 4410);
    await tab.seesText("#notice", /^The board was set back\. Your last (stroke was|2 strokes were) not added\.$/);
    await until("her pen is there again, and Ben sees what she draws", async () => {
      await tab.draw([[0.2, 0.8], [0.7, 0.8]]);
      return ben.picture().length > 2;
    });
    await until("both see the same", async () => {
      const label = await tab.page.getAttribute("#board", "aria-label");
      return label.startsWith(`Whiteboard, ${ben.picture().length} strokes.`); // with those that the service had
    });
    await tab.allSaved();
    ben.stop();
    await ana.leave();
  });

  test("people whose place is kept are in the list, calmly, and there are never more people than places", async () => {
    const { ana, tab } = await drawer("Places");
    await muteService(tab);
    const members = Array.from({ length: 11 }, (_, i) => ({ member: `m${i}`, name: `P ${i}`, role: 0, flags: i < 3 ? 2 : 0, line: 0 }));
    await serviceSays(tab, { kind: "state", holder: "", instance: 0, term: 0, grace_ms: 0, pass_ms: 0, members });
    await tab.seesText("#count", /^11 of 11$/);
    const rows = await tab.page.locator("#people li").allTextContents();
    assert.deepEqual(rows.slice(-3), [0, 1, 2].map((i) => `${"0123"[i]}P ${i}connection lost`), "behind all others");
    await ana.leave();
  });
});
