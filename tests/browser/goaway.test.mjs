// SPDX-License-Identifier: Apache-2.0
//
// The gateways leave one after the other, as at an upgrade, while somebody draws: no page says a word,
// and no line has a gap.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { en } from "../../build/web-node/words.mjs";
import { startBalancer } from "../service/balancer.mjs";
import { startCluster, until } from "../service/harness.mjs";
import { assertSameInk, closeBrowser, person, wave } from "./browser.mjs";

let cluster, balancer;

before(async () => {
  cluster = await startCluster({ gateways: 2, env: { EASEL_DRAIN_DELAY_S: "1", EASEL_PEN_IDLE_S: "600" } });
  balancer = await startBalancer(cluster.gateways);
});
after(closeBrowser);

/** All that could say something. The live region may still be busy with who came, and who has the pen. */
const CAME = /^(|.* came\.|.* pen now\.)$/;
const QUIET = {
  "#status span": new RegExp(`^(${en.live}|${en.saving})$`),
  "#penText": /^(You have the pen\.|Guest 1 is drawing\.)$/,
  "#polite": CAME,
  "#assertive": CAME,
  "#notice": CAME,
  "#cardText": /^$/,
};

const sockets = async (gateway) => (await gateway.metrics()).easel_gateway_connections;

/** One long line, drawn without a pause until the gateway is gone. */
async function drawUntil(tab, gone, y) {
  const box = await tab.page.locator("#board").boundingBox();
  const at = (i) => [box.x + box.width * (0.5 + 0.4 * Math.sin(i / 9)), box.y + box.height * (y + 0.1 * Math.cos(i / 5))];
  await tab.page.mouse.move(...at(0));
  await tab.page.mouse.down();
  for (let i = 1; !gone() || i < 50; i++) await tab.page.mouse.move(...at(i));
  await tab.page.mouse.up();
}

test("a page goes to another gateway, with its pen, in the middle of a line, and nobody notices", { timeout: 300_000 }, async () => {
  const made = await cluster.makeBoard("Upgrade");
  const open = async (role) => (await person([balancer.url])).open(`${balancer.url}/b/${made.board}#${made.tokens[role]}`);
  const tabs = [await open("own"), await open("draw"), await open("draw")];
  const [ana] = tabs;
  for (const tab of tabs) await tab.allSaved();
  await ana.takePen();
  await ana.draw(wave(0.2, 0.1, 3));
  for (const tab of tabs) await tab.strokes(1);
  await assertSameInk(tabs);
  for (const tab of tabs) for (const selector of Object.keys(QUIET)) await tab.record(selector);

  for (const [i, leaving] of cluster.gateways.entries()) {
    leaving.kill("SIGTERM");
    await drawUntil(ana, () => leaving.exit, 0.4 + i * 0.3);
    assert.equal(leaving.exit.code, 0);
    await until("all are at the other one", async () => (await sockets(cluster.gateways[1 - i])) === tabs.length);
    await leaving.start();
    await balancer.serves(...cluster.gateways);
  }

  for (const tab of tabs) await tab.allSaved();
  await assertSameInk(tabs);
  for (const tab of tabs)
    for (const [selector, quiet] of Object.entries(QUIET))
      for (const text of await tab.shown(selector)) assert.match(text, quiet, selector);
  assert.equal(await ana.hasPalette(), true);
});
