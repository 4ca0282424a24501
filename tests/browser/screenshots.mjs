// SPDX-License-Identifier: Apache-2.0
//
// Takes the pictures in docs/img of real services (make screenshots). Not one of the tests.
import { mkdirSync } from "node:fs";
import { join as path } from "node:path";
import { after, test } from "node:test";
import { join, ROOT, startCluster, until } from "../service/harness.mjs";
import { closeBrowser, person } from "./browser.mjs";
import { LESSON } from "./lesson.mjs";
import { SCREENS } from "./states.mjs";

const OUT = path(ROOT, "docs/img");
mkdirSync(OUT, { recursive: true });

after(closeBrowser);

const shot = (tab, name) => tab.page.screenshot({ path: path(OUT, `${name}.png`) });

/** All is painted, and no notice lies upon it. */
async function settled(tab) {
  let before = "";
  await until("the ink rests", async () => {
    const { digest, inked } = await tab.ink();
    const same = digest === before && inked > 0;
    before = digest;
    return same;
  });
  await tab.page.waitForSelector("#notice", { state: "hidden" });
}

async function drawLesson(tab) {
  const chosen = {};
  const choose = async (key, name, exact = true) => {
    if (chosen[key] === name) return;
    if (key === "tool") Object.keys(chosen).forEach((other) => delete chosen[other]);
    chosen[key] = name;
    await tab.page.getByRole("radio", { name, exact }).click();
  };
  for (const { tool, colour, size, places } of LESSON) {
    await choose("tool", `${tool} (`, false);
    await choose("colour", colour);
    await choose("size", size);
    await tab.draw(places.map(([x, y]) => [x / 1600, y / 1000]));
  }
  await tab.page.mouse.move(5, 5);
}

test("pictures", { timeout: 300_000 }, async () => {
  const cluster = await startCluster({ env: { EASEL_PEN_GRACE_S: "60", EASEL_PEN_IDLE_S: "600" } });
  const [gateway] = cluster.gateways;
  const { url } = gateway;
  const come = async (name, address, screen = {}) => {
    const tab = await (await person([url], { name, reducedMotion: "reduce", ...screen })).open(address);
    await tab.allSaved();
    return tab;
  };

  const ana = await (await person([url], { name: "Ana", reducedMotion: "reduce" })).open(`${url}/`);
  for (const name of ["Biology 9b", "Team retro", "Calculus"]) {
    await ana.page.goto(`${url}/`);
    await ana.page.fill("#name", name);
    await ana.press("New board");
    await ana.allSaved();
  }
  await ana.press("Share");
  await ana.page.waitForSelector("#qr svg");
  const [, draw] = await ana.page.locator(".link-row input").evaluateAll((all) => all.map((input) => input.value));
  await ana.press("Close");
  const token = draw.split("#")[1];
  await ana.page.waitForSelector("#palette:not([hidden])"); // who makes a board has its pen
  await ana.press("Later"); // the link to keep
  await drawLesson(ana);
  const ben = await come("Ben", draw);
  for (const name of ["Cem", "Dia", "Eli"]) await join(gateway, token, name);
  await settled(ben);
  await settled(ana);
  await shot(ben, "viewer");
  await ben.press("Ask for the pen");
  await ana.page.waitForSelector(".asker");
  await ana.showPeople();
  await shot(ana, "drawer");
  await ana.page.click("#peopleButton");
  await ana.press("Share");
  await ana.page.waitForSelector("#qr svg");
  await shot(ana, "share");
  await ana.press("Close");
  const dark = await come("Fay", draw, { colorScheme: "dark" });
  await settled(dark);
  await shot(dark, "dark");

  const phone = await come("Gus", draw, SCREENS.phone);
  const tablet = await come("Hana", draw, { ...SCREENS.tablet, viewport: { width: 820, height: 1180 } });
  await ben.press("Cancel");
  await ana.press("Stop drawing");
  await phone.takePen();
  await settled(phone);
  await shot(phone, "phone");
  await phone.page.setViewportSize(SCREENS.side.viewport);
  await settled(phone);
  await shot(phone, "phone-side");
  await phone.press("Stop drawing");
  await tablet.takePen();
  await settled(tablet);
  await shot(tablet, "tablet");
  await tablet.press("Stop drawing");

  for (const name of ["Ivo", "Jo", "Kim"]) await join(gateway, token, name);
  const full = await (await person([url])).open(draw);
  await full.seesText("#card p", /^This board is full: 10 of 10/);
  await shot(full, "full");

  await ana.takePen();
  await settled(ana);
  await gateway.kill();
  await ana.draw([[0.555, 0.635], [0.61, 0.63], [0.665, 0.636]]);
  await ana.page.mouse.move(5, 5);
  await ana.seesText("#status span", /next try in .* are kept\.$/);
  await shot(ana, "reconnecting");
  await gateway.start();
  await ana.allSaved();
  await ana.page.goto(`${url}/`);
  await shot(ana, "start");
});
