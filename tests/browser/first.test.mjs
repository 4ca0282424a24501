// SPDX-License-Identifier: Apache-2.0
//
// The first minute of somebody whom nobody has taught: from the start page to a friend who sees ink, three presses.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startCluster } from "../service/harness.mjs";
import { closeBrowser, person, wave } from "./browser.mjs";

after(closeBrowser);

test("New board, Share, Copy: a friend sees what was drawn, and what is drawn then", { timeout: 120_000 }, async () => {
  const cluster = await startCluster({ env: { EASEL_CREATE_TOKEN: "" } });
  const [{ url }] = cluster.gateways;
  const self = await person([url], {});
  await self.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const ana = await self.open(`${url}/`);
  let presses = 0;
  const press = async (button) => {
    presses++;
    await button.click();
  };

  await press(ana.page.getByRole("button", { name: "New board" }));
  await ana.allSaved();
  await ana.draw(wave(0.3, 0.1, 1)); // who makes a board has its pen
  await ana.strokes(1);
  await press(ana.page.getByRole("button", { name: "Share" }));
  await press(ana.page.getByRole("button", { name: "Copy", exact: true }).first());
  const link = await ana.page.evaluate(() => navigator.clipboard.readText());
  await ana.page.keyboard.press("Escape");

  const ben = await (await person([url], {})).open(link);
  await ben.strokes(1);
  await ana.draw(wave(0.6, 0.1, 2));
  await ben.strokes(2);
  assert.ok((await ben.ink()).inked > 1_000);
  assert.equal(presses, 3);
});
