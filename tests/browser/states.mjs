// SPDX-License-Identifier: Apache-2.0
//
// Every state of the page, one after the other, for those who look at all of them: are they accessible,
// does all fit, how do they look? They come about as for people: by pressing, and by real faults.
import { de } from "../../build/web-node/german.mjs";
import { en } from "../../build/web-node/words.mjs";
import { signToken, until } from "../service/harness.mjs";
import { Proxy } from "../service/proxy.mjs";
import { person, wave } from "./browser.mjs";
import { muteService, sendBytes, serviceSays, watchSockets } from "./sockets.mjs";

const PHONE = { deviceScaleFactor: 2, hasTouch: true, isMobile: true };
export const SCREENS = {
  desktop: { viewport: { width: 1280, height: 800 } },
  zoomed: { deviceScaleFactor: 4, viewport: { width: 320, height: 256 } },
  tablet: { viewport: { width: 768, height: 1024 }, hasTouch: true, isMobile: true },
  phone: { ...PHONE, viewport: { width: 390, height: 844 } },
  side: { ...PHONE, viewport: { width: 844, height: 390 } },
  small: { ...PHONE, viewport: { width: 320, height: 568 } },
};
export const SEATS = 2; // and the owner's

/** 32 wide characters: as long as a name can be. */
const LONG = "Wolfgang Amadeus WWWWWWWWWWWWWWM";

/** Some states of the page `tab`, seen on a screen where panels are folded or not. */
class Look {
  constructor(tab, words, visit) {
    Object.assign(this, { tab, words, visit, page: tab.page });
  }

  /** A panel that opens with a button, on screens that have the button. */
  async panel(id, state) {
    if (!(await this.page.isVisible(id))) return;
    await this.page.click(id);
    await this.visit(this.tab, state);
    await this.page.keyboard.press("Escape");
  }

  /** The people, who may be behind a button. */
  async people(act) {
    const folded = !(await this.page.isVisible("#people"));
    if (folded) await this.page.click("#peopleButton");
    await this.page.waitForSelector("#people");
    await act();
    if (folded && (await this.page.isVisible("#people"))) await this.page.click("#peopleButton");
  }

  /** A dialog that opens with a button beside them. */
  amongPeople(id, state, ready) {
    return this.people(async () => {
      await this.page.click(id);
      await this.page.waitForSelector(ready);
      await this.visit(this.tab, state);
      await this.page.keyboard.press("Escape");
      await this.page.waitForSelector(ready, { state: "hidden" });
    });
  }

  /** A dialog that opens with that button, which may be in the menu. */
  async dialog(id, state, ready, act) {
    if (await this.page.isVisible("#menuButton") && !/clear|take/i.test(id)) await this.page.click("#menuButton");
    await this.page.click(id);
    await this.page.waitForSelector(ready);
    await act?.();
    await this.visit(this.tab, state);
    await this.page.keyboard.press("Escape");
    await this.page.waitForSelector(ready, { state: "hidden" });
  }
}

/** Leads through all states; `visit(tab, state)` looks at each. `options` are of the browser's context.
 *  The cluster has one gateway, boards with SEATS places, and patience with the pen. */
export async function tour(cluster, options, visit) {
  const words = /^de/.test(options.locale ?? "") ? de : en;
  const [gateway] = cluster.gateways;
  const { url } = gateway;
  const narrow = await Proxy.to(url);
  narrow.upgrades = false;
  const { longNames, before, ...context } = options;
  const boardName = longNames ? `Physik ${LONG.slice(9)}` : "Calculus";
  const made = await cluster.makeBoard(boardName);
  const address = (role) => `${url}/b/${made.board}#${made.tokens[role]}`;
  const come = async (name, role) => {
    const self = await person([url, narrow.url], { reducedMotion: "reduce", name, ...context });
    await watchSockets(self);
    return self.open(role ? address(role) : `${url}/`, before);
  };
  const live = (tab) => tab.seesText("#status span", new RegExp(`^${words.live}$`));
  const sees = (tab, strokes) =>
    tab.page.waitForFunction(
      (label) => document.querySelector("#board").getAttribute("aria-label").startsWith(label),
      words.whiteboard(strokes, ""),
    );

  const start = await come();
  await visit(start, "start, empty");
  await start.page.fill("#code", "nonsense");
  await start.press(words.join);
  await start.seesText("#joinProblem", /Easel/);
  await visit(start, "start, a wrong code");

  const viewer = await come(longNames ? LONG : "Ben", "draw");
  await live(viewer);
  await visit(viewer, "viewer of an empty board");
  const drawer = await come(null, "own"); // a guest, who is asked for a name
  await live(drawer);
  await visit(drawer, "nobody draws");
  await drawer.press(words.takePen);
  await drawer.page.waitForSelector("#palette:not([hidden])");
  await visit(drawer, "drawer of an empty board");
  await drawer.showPeople();
  await visit(drawer, "a guest, who may give a name");
  if (longNames) await drawer.page.fill("#yourName", LONG.replace("Amadeus", "Theodor"));
  await drawer.press(words.save);
  await drawer.page.click("#peopleButton");
  await drawer.draw(wave(0.5, 0.1, 2));
  await drawer.page.mouse.move(0, 0);
  await sees(viewer, 1);
  await visit(drawer, "drawer");
  await visit(viewer, "viewer");
  await viewer.press(words.askForPen);
  await drawer.page.waitForSelector(".asker");
  await visit(drawer, "drawer, asked");
  await visit(viewer, "viewer in line");
  await viewer.page.keyboard.press("+");
  await viewer.page.keyboard.press("+");
  await visit(viewer, "viewer, zoomed");
  await viewer.page.keyboard.press("0");

  const look = new Look(drawer, words, visit);
  await look.panel("#peopleButton", "people");
  await look.panel("#menuButton", "menu");
  await look.panel("#inkButton", "colours and sizes");
  await drawer.page.keyboard.press("h");
  await visit(drawer, "drawer with the highlighter");
  await drawer.page.keyboard.press("e");
  await look.panel("#inkButton", "sizes of the eraser");
  await drawer.page.keyboard.press("p");
  await look.dialog("#shareButton", "share", ".link-row");
  await look.dialog("#shareButton", "share, with one's other devices", ".link-row", () => drawer.page.click("#shareLinks summary"));
  await look.dialog("#helpButton", "help", "#help[open]");
  await look.dialog("#pictureButton", "picture", "#picture[open]");
  await look.amongPeople("#rulesButton", "rules", "#rules[open]");
  await look.amongPeople("[data-deed^=remove]", "remove", "#question[open]");
  await drawer.setSwitch(words.paletteRight);
  await visit(drawer, "palette on the right");
  await look.panel("#inkButton", "colours and sizes, on the right");
  await drawer.setSwitch(words.paletteRight, false);
  await look.dialog("#clear", "clear", "#question[open]");

  await muteService(drawer);
  for (const [flags, text] of [[4, words.nothingSaved], [8, words.littleRoom], [16, words.noRoom]]) {
    await serviceSays(drawer, { kind: "mark", head: 0, mark: 1_000, flags });
    await drawer.seesText("#status span", new RegExp(`^${text.slice(0, 20)}`));
    await visit(drawer, text);
  }
  await drawer.page.reload();
  await drawer.page.waitForSelector("#palette:not([hidden])");
  await live(drawer);

  const watcher = await come(longNames ? "Ömer Faruk Çelikkanatoğullarından" : "Cem", "watch");
  await live(watcher);
  await sees(watcher, 1);
  await visit(watcher, "watcher");
  const full = await come("Dia", "watch");
  await full.page.waitForSelector("#card:not([hidden])");
  await visit(full, "full");
  await full.page.goto(address("watch").slice(0, -3)); // the link was cut off
  await full.seesText("#card p", new RegExp(words.forbidden.slice(0, 20)));
  await visit(full, "forbidden");
  const nowhere = "0000000000";
  await full.page.goto(`${url}/b/${nowhere}#${signToken({ b: nowhere, r: "draw" })}`);
  await full.seesText("#card p", new RegExp(words.notFound.slice(0, 20)));
  await visit(full, "notfound");
  await full.page.route("**/watch", (route) => route.abort());
  await full.page.goto(`${url}/b/${made.board}`); // by the code alone
  await full.seesText("#card p", new RegExp(words.serviceAway));
  await visit(full, "no answer");
  await full.page.goto(address("watch").replace(url, narrow.url));
  await full.seesText("#card p", new RegExp(words.blocked));
  await visit(full, "blocked");
  await full.page.route("**/ws", (route) => route.fulfill({ status: 429, json: { error: { code: "too_many", sentence: "" } } }));
  await full.seesText("#card p", new RegExp(words.crowded));
  await visit(full, "crowded");
  await sendBytes(watcher, 0xc1); // no frame
  await watcher.seesText("#card p", new RegExp(words.crash));
  await visit(watcher, "crash");
  await watcher.press(words.reload);
  await live(watcher);

  const other = await viewer.page.context().newPage();
  await other.goto(address("draw"));
  await viewer.seesText("#card p", new RegExp(words.replaced));
  await visit(viewer, "replaced");
  await other.close();
  await viewer.press(words.useHere);
  await live(viewer);

  await look.people(async () => {
    await drawer.page.click("#rulesButton");
    await drawer.page.check("#ruleDoor");
    await drawer.page.waitForFunction(() => document.querySelector("#rulesState").textContent === "");
    await drawer.page.keyboard.press("Escape");
  });
  const outside = await come(longNames ? LONG : "Eve", "draw");
  await outside.seesText("#card p", new RegExp(words.doorClosed.slice(0, 20)));
  await visit(outside, "at the closed door");
  await drawer.page.waitForSelector("#outsidePart:not([hidden])", { state: "attached" });
  await look.people(async () => {
    await visit(drawer, "people, and who waits outside");
    await drawer.page.click("[data-deed^=remove]");
    await drawer.page.click("#questionYes");
  });
  const gone = (tab) => tab.page.textContent("#card p").then((text) => text === words.removedYou);
  await until("one of them was removed", async () => (await gone(watcher)) || (await gone(viewer)));
  await visit((await gone(watcher)) ? watcher : viewer, "removed");

  await gateway.kill();
  const lost = new RegExp(words.reconnecting.replace("…", "") + ".*\\d");
  await drawer.seesText("#status span", lost);
  await visit(drawer, "drawer, reconnecting");
  await gateway.start();
  await live(drawer);
  await drawer.page.goto(`${url}/`);
  await drawer.page.waitForSelector("#boards li");
  await visit(drawer, "start, with boards");
}
