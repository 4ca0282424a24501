// SPDX-License-Identifier: Apache-2.0
//
// bench.mjs [PART...] (size pen long pair view join board): how fast the page is, in headless Chromium
// before a real cluster, each figure beside its target. Everything is measured in turns, and of each
// figure the best turn counts, since the machine may have other work; what is compared with an empty
// board alternates with it, and all its turns count. From the environment: BENCH_TURNS (3); BENCH_WRITE=1
// writes the table into docs/BENCHMARKS.md, too.

import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join as path } from "node:path";
import { setTimeout } from "node:timers/promises";
import { StrokeWriter, toBoard } from "../../build/web-node/client.mjs";
import { connect } from "../client/client.mjs";
import { ROOT, startCluster, until } from "../service/harness.mjs";
import { seed } from "../service/seed.mjs";
import { random, stroke } from "../service/strokes.mjs";
import { closeBrowser, person } from "./browser.mjs";
import { probe } from "./probe.mjs";

const EVENTS = 100_000;
const FRAMES = 4; // of a stroke of 25 points: so 25,000 strokes
const TURNS = Number(process.env.BENCH_TURNS ?? 3);
const MOVES_PER_S = 120;
const LINE_S = 4;
const VIEW_S = 10;
const FRAMES_PER_S = 20; // of the drawer that the viewer watches
const SETTLED_MS = 1_000;
const RESTS_MS = 300;
const REST_S = 5;
const UNDOS = 36;
const ZOOMS = [1, 3, 4, 5, 7]; // presses of the key

const parts = process.argv.slice(2);
const wants = (part) => parts.length === 0 || parts.includes(part);

// ---- figures ------------------------------------------------------------------------------------

const rows = [];

/** A line of the table. `most`: the target; none: for information. */
function figure(what, values, unit, most) {
  const best = Math.min(...[values].flat());
  rows.push({ what, best, unit, most });
  console.log(text(rows.at(-1)));
}

const verdict = ({ best, most }) => (most === undefined ? "" : best <= most ? "met" : "MISSED");
const show = (n) => (n === undefined ? "" : n.toLocaleString("en", { maximumFractionDigits: n < 100 ? 1 : 0 }));
const text = (row) =>
  `${row.what.padEnd(66)}${show(row.best).padStart(9)} ${row.unit.padEnd(6)} target ${show(row.most).padStart(7)}  ${verdict(row)}`;

function share(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

// ---- pages --------------------------------------------------------------------------------------

let cluster, gateway, browser;

async function someone(made, role) {
  const self = await person([gateway.url]);
  await self.context.addInitScript(probe);
  const tab = await self.open(`${gateway.url}/b/${made.board}#${made.tokens[role]}`);
  return { tab, page: tab.page, cdp: await self.context.newCDPSession(tab.page), leave: () => self.leave() };
}

async function drawer(made) {
  const ana = await someone(made, "own");
  await ana.tab.allSaved();
  await ana.tab.seesText("#penText", /^Nobody is drawing\.$/); // who drew last has left
  await ana.tab.takePen();
  return ana;
}

/** All strokes are painted; resolves with the times of the way there. */
const painted = ({ page }, strokes) =>
  until("all is painted", async () => {
    const { label, now, ...marks } = await page.evaluate(() => ({
      ...bench.marks,
      label: document.querySelector("#board").getAttribute("aria-label"),
      now: performance.timeOrigin + performance.now(),
    }));
    const all = label?.startsWith(`Whiteboard, ${strokes.toLocaleString("en")} stroke`);
    return all && now - marks.ink > SETTLED_MS && marks;
  }, 60_000);

/** What the main thread of the page did meanwhile: {longest, longestCpu, busy (share of CPU)}. */
async function traced(work) {
  await browser.startTracing(undefined, { categories: ["disabled-by-default-devtools.timeline"] });
  const begun = performance.now();
  await work();
  const ms = performance.now() - begun;
  const { traceEvents } = JSON.parse(await browser.stopTracing());
  const threads = new Map();
  for (const event of traceEvents)
    if (event.name === "thread_name" && event.args.name === "CrRendererMain") threads.set(`${event.pid} ${event.tid}`, []);
  for (const event of traceEvents)
    if (event.name === "RunTask" && event.dur) threads.get(`${event.pid} ${event.tid}`)?.push(event);
  const cpu = (tasks) => tasks.reduce((sum, { tdur = 0 }) => sum + tdur, 0) / 1000;
  const tasks = [...threads.values()].sort((a, b) => cpu(b) - cpu(a))[0];
  const longest = (of) => tasks.reduce((most, task) => Math.max(most, of(task)), 0) / 1000;
  return { cpu: cpu(tasks), longest: longest((t) => t.dur), longestCpu: longest((t) => t.tdur ?? 0), busy: cpu(tasks) / ms };
}

// ---- the pen ------------------------------------------------------------------------------------

/** A mouse on the board; x and y are parts of its width and height. */
async function mouseOf({ page, cdp }) {
  const box = await page.locator("#board").boundingBox();
  return (type, x, y, buttons) =>
    cdp.send("Input.dispatchMouseEvent", {
      type,
      x: box.x + x * box.width,
      y: box.y + y * box.height,
      button: type === "mouseMoved" ? "none" : "left",
      buttons,
      clickCount: 1,
    });
}

/** Moves from left to right with the button down, 120 places a second; nobody waits for answers. */
async function move(mouse, y, from, to, seconds) {
  const count = seconds * MOVES_PER_S;
  const begun = performance.now();
  for (let i = 1; i <= count; i++) {
    await dueAt(begun + (i * 1000) / MOVES_PER_S);
    void mouse("mouseMoved", from + ((to - from) * i) / count, y, 1);
  }
}

async function dueAt(at) {
  const wait = at - performance.now();
  if (wait > 0) await setTimeout(wait);
}

/** Draws a line, and keeps the button down until the function that it resolves with is called. */
async function line(one, y, from, to, seconds) {
  const mouse = await mouseOf(one);
  await mouse("mouseMoved", from, y, 0);
  await mouse("mousePressed", from, y, 1);
  await move(mouse, y, from, to, seconds);
  await setTimeout(RESTS_MS); // the last of it is seen
  return () => mouse("mouseReleased", to, y, 0);
}

/** From each move until the ink reaches it, for each of the pages. */
function latencies(moves, pages) {
  return pages.map(({ seen }) => {
    const ret = [];
    let i = 0;
    for (const [at, x] of moves) {
      while (i < seen.length && (seen[i][0] < at || seen[i][1] < x)) i++;
      if (i < seen.length) ret.push(seen[i][0] - at);
    }
    if (ret.length < moves.length * 0.95) throw new Error(`only ${ret.length} of ${moves.length} moves were seen`);
    return ret;
  });
}

/** Of each page the time from each move until it shows the ink; the first of them draws. */
async function follow(pages, turn) {
  const y = 0.1 + turn * 0.07;
  for (const { page } of pages) await page.evaluate((y) => bench.follow(y), y);
  const release = await line(pages[0], y, 0.03, 0.97, LINE_S);
  const followed = await Promise.all(pages.map(({ page }) => page.evaluate(() => bench.followed())));
  await release();
  return latencies(followed[0].moves, followed);
}

const of = (turns, field) => turns.map((turn) => turn[field]);
const shares = (turns, part) => turns.map((all) => share(all, part));

async function pen(full, strokesThere) {
  const [ana, owner] = [await drawer(await cluster.makeBoard("Empty")), await drawer(full)];
  await painted(owner, strokesThere.count);
  const [empty, busy] = [[], []];
  for (let turn = 0; turn < TURNS; turn++) {
    await ana.page.bringToFront(); // who is not in front may paint no frames
    empty.push(...(await follow([ana], turn)));
    await owner.page.bringToFront();
    busy.push(...(await follow([owner], turn)));
  }
  strokesThere.count += TURNS;
  for (const one of [ana, owner]) await one.leave();
  figure("pointer move to ink, empty board, p50", shares(empty, 0.5), "ms", 16);
  figure("  p95", shares(empty, 0.95), "ms", 25);
  figure(`  with ${show(EVENTS / FRAMES)} strokes on the board, p50`, shares(busy, 0.5), "ms", 16);
  figure("  p95", shares(busy, 0.95), "ms", 25);
  for (const part of [0.5, 0.95])
    figure(`  longer than on the empty board, p${part * 100}`, (share(busy.flat(), part) / share(empty.flat(), part) - 1) * 100, "%", 20);
}

/** What the drawer's page does in a frame while a long stroke grows. */
async function long() {
  const ana = await drawer(await cluster.makeBoard("Long strokes"));
  const mouse = await mouseOf(ana);
  for (const points of [1_000, 1_850]) {
    const costs = [];
    for (let turn = 0; turn < TURNS; turn++) {
      await mouse("mouseMoved", 0.1, 0.1, 0);
      await mouse("mousePressed", 0.1, 0.1, 1);
      const place = (i) => [0.1 + (i % 50) * 0.012, 0.12 + Math.floor(i / 50) * 0.015];
      await Promise.all(Array.from({ length: points }, (_, i) => mouse("mouseMoved", ...place(i), 1)));
      await ana.page.evaluate(() => bench.frames.splice(0));
      const { cpu } = await traced(() => move(mouse, 0.9, 0.1, 0.9, 1));
      costs.push(cpu / (await ana.page.evaluate(() => bench.frames.length)));
      await mouse("mouseReleased", 0.9, 0.9, 0);
    }
    figure(`CPU of the main thread a frame, with ${show(points)} points of a stroke under way`, costs, "ms");
  }
  await ana.leave();
}

async function pair() {
  const made = await cluster.makeBoard("A pair");
  const pages = [await drawer(made), await someone(made, "watch")];
  await pages[1].tab.allSaved();
  const ben = [];
  for (let turn = 0; turn < TURNS; turn++) ben.push((await follow(pages, turn))[1]);
  figure("move on page A to ink on page B, p95", shares(ben, 0.95), "ms", 80);
  figure("  p50", shares(ben, 0.5), "ms");
  for (const one of pages) await one.leave();
}

// ---- who watches --------------------------------------------------------------------------------

async function view() {
  const made = await cluster.makeBoard("Watched");
  const ana = await connect(gateway.url, made.tokens.own, { name: "Ana" });
  await ana.takePen();
  const ben = await someone(made, "watch");
  await ben.tab.allSaved();
  const next = random(3);
  const turns = [];
  for (let turn = 0; turn < TURNS; turn++) {
    await ben.page.evaluate(() => bench.frames.splice(0));
    const seen = await traced(() => drawFor(ana, next));
    const frames = await ben.page.evaluate(() => bench.frames);
    turns.push({ ...seen, frame: share(frames.slice(1).map((at, i) => at - frames[i]), 0.95) });
  }
  figure(`viewer at ${FRAMES_PER_S} frames/s for ${VIEW_S} s: frame interval, p95`, of(turns, "frame"), "ms", 17.5);
  figure("  longest task", of(turns, "longest"), "ms", 50);
  figure("    CPU of the longest", of(turns, "longestCpu"), "ms");
  figure("  main thread busy", of(turns, "busy").map((part) => part * 100), "%", 20);
  ana.stop();
  await ben.leave();
}

/** A stroke each second, 6 points a frame. */
async function drawFor({ client }, next) {
  const begun = performance.now();
  let writer, points;
  for (let i = 0; i < VIEW_S * FRAMES_PER_S; i++) {
    await dueAt(begun + (i * 1000) / FRAMES_PER_S);
    if (i % FRAMES_PER_S === 0) {
      points = stroke(next, 6 * FRAMES_PER_S).points.map(([x, y]) => toBoard(x, y));
      writer = new StrokeWriter(client, { tool: 0, colour: 0, size: 80 }, points[0]);
    }
    points.splice(0, 6).forEach((point) => writer.add(point));
    writer.flush(points.length === 0);
  }
}

// ---- a large board ------------------------------------------------------------------------------

async function board(full, there) {
  const eva = await drawer(await cluster.makeBoard("Empty, too"));
  const atRest = () => traced(() => setTimeout(REST_S * 1000));
  await idle(eva);
  const emptyRest = await atRest();
  const ana = await drawer(full);
  await painted(ana, there.count);
  await idle(ana);
  const rest = await atRest();
  const light = [], undos = [], answers = [], crisps = ZOOMS.map(() => []), wholes = [], seen = [];
  for (let turn = 0; turn < TURNS; turn++) {
    for (let i = 0; i < UNDOS / TURNS; i++) {
      light.push(await undo(eva));
      undos.push(await undo(ana));
    }
    await idle(ana);
    const all = await zooms(ana);
    answers.push(...all.map(({ frames }) => frames));
    ZOOMS.forEach((press, i) => crisps[i].push(all[press - 1].crisp));
    wholes.push(all.at(-1).crisp);
    seen.push(await traced(() => zooms(ana))); // a trace costs time, too
  }
  figure("main thread busy when nobody draws, more than on an empty board", Math.max(0, rest.busy - emptyRest.busy) * 100, "%", 1);
  const mean = (all) => all.reduce((sum, ms) => sum + ms, 0) / all.length; // it is a frame or two, as the key falls
  const [usual, usualOfEmpty] = [mean(undos), mean(light)];
  figure(`an undo is seen after, the mean of ${undos.length}`, usual, "ms", 50);
  figure("  on an empty board", usualOfEmpty, "ms", 50);
  figure("  longer than there", (usual / usualOfEmpty - 1) * 100, "%", 20);
  figure("zoom answers in frame", answers, "", 1);
  ZOOMS.forEach((press, i) => figure(`  zoom to ${Math.round(1.25 ** press * 100)}% is crisp after`, crisps[i], "ms", 500));
  figure("  the whole board is crisp again after", wholes, "ms", 500);
  figure("  longest task of the zooms", of(seen, "longest"), "ms", 50);
  figure("    CPU of the longest", of(seen, "longestCpu"), "ms");
  for (const one of [eva, ana]) await one.leave();
}

async function undo(ana) {
  const y = 0.5;
  await ana.page.bringToFront();
  await ana.page.evaluate((y) => void (bench.before = bench.row("ink", y).join()), y);
  const release = await line(ana, y, 0.4, 0.6, 0.5);
  await release();
  await ana.page.evaluate((y) => bench.seen(() => bench.row("ink", y).join() !== bench.before), y);
  await ana.tab.allSaved();
  await ana.page.evaluate((y) => {
    bench.result = bench.after("keydown", () => bench.row("ink", y).join() === bench.before);
  }, y);
  await setTimeout(Math.random() * 17); // anywhere in a frame
  await ana.page.keyboard.press("Control+z");
  const [{ ms }] = await ana.page.evaluate(() => bench.result);
  return ms;
}

/** Nothing is left to be painted or prepared: for half a second nothing was filled. */
async function idle({ page }) {
  await until("the page rests", async () => {
    const before = await page.evaluate(() => bench.marks.fills);
    await setTimeout(500);
    return (await page.evaluate(() => bench.marks.fills)) === before;
  }, 60_000);
}

/** Step by step to the largest, and back at once. */
async function zooms(ana) {
  const ret = [];
  for (let press = 1; press <= ZOOMS.at(-1); press++) ret.push(await zoom(ana, "+"));
  return [...ret, await zoom(ana, "0")];
}

async function zoom(ana, key) {
  await ana.page.evaluate(() => {
    const [live, ink] = [bench.canvas("live"), () => bench.canvas("ink")];
    const before = ink().style.transform + ink().width;
    const answered = () => ink().style.transform + ink().width !== before;
    bench.result = bench.after("keydown", answered, () => !live.classList.contains("behind"));
  });
  await ana.page.keyboard.press(key);
  const [answer, crisp] = await ana.page.evaluate(() => bench.result);
  return { frames: answer.frames, crisp: crisp.ms };
}

/** Somebody comes and sees all; resolves with them and the times of the way there. */
async function joined(full, there) {
  const ben = await someone(full, "watch");
  return { ben, marks: await painted(ben, there.count) };
}

/** Once to see how long it takes, and once to see what it does: a trace costs time, too. */
async function join(full, there) {
  const turns = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const { ben, marks } = await joined(full, there);
    await ben.cdp.send("HeapProfiler.collectGarbage");
    const heap = await ben.cdp.send("Runtime.getHeapUsage");
    await ben.leave();
    const seen = await traced(async () => (await joined(full, there)).ben.leave());
    turns.push({
      ...seen,
      first: marks.firstInk - marks.page,
      all: marks.ink - marks.socket,
      heap: (heap.usedSize + (heap.embedderHeapUsedSize ?? 0) + (heap.backingStorageSize ?? 0)) / 1e6,
    });
  }
  figure(`join ${show(EVENTS)} events (${show(EVENTS / FRAMES)} strokes): first ink after the first page of events`, of(turns, "first"), "ms", 300);
  figure("  all of it after the socket was opened", of(turns, "all"), "ms", 6_000);
  figure("  longest task", of(turns, "longest"), "ms", 50);
  figure("    CPU of the longest", of(turns, "longestCpu"), "ms");
  figure("  heap", of(turns, "heap"), "MB", 120);
}

// ---- sizes --------------------------------------------------------------------------------------

function sizes() {
  const web = path(ROOT, "build/web");
  const size = (name) => readFileSync(path(web, `${name}.gz`)).length / 1000;
  figure("first load, gzip: the board's page", size("board.html"), "KB", 76);
  figure("  the start page", size("index.html"), "KB", 25);
}

// ---- all of it ----------------------------------------------------------------------------------

const DOCS = path(ROOT, "docs/BENCHMARKS.md");

function table() {
  const machine = `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0].model}, Chromium ${browser.version()}`;
  const cells = rows.map((row) => `| ${row.what.replace(/^ +/, "… ")} | ${show(row.best)} ${row.unit} | ${row.most === undefined ? "" : `${show(row.most)} ${row.unit}`} | ${verdict(row)} |`);
  return [`${machine}; the best of ${TURNS} turns.`, "", "| what | measured | target | |", "| --- | ---: | ---: | --- |", ...cells].join("\n");
}

function write() {
  const [before, , after] = readFileSync(DOCS, "utf8").split(/(?<=<!-- bench-page -->\n)|(?=<!-- end of bench-page -->)/);
  if (!after) throw new Error(`${DOCS} has no place for the table`);
  writeFileSync(DOCS, `${before}${table()}\n${after}`);
}

cluster = await startCluster({ build: process.env.EASEL_TEST_BUILD ?? "release", env: { EASEL_PEN_GRACE_S: "1" } });
[gateway] = cluster.gateways;
browser = (await person([gateway.url])).context.browser();
const full = await cluster.makeBoard("Full");
const there = { count: await seed(cluster, full.board, EVENTS, FRAMES) };
const all = { size: sizes, pen: () => pen(full, there), long, pair, view, join: () => join(full, there), board: () => board(full, there) };
try {
  for (const [part, run] of Object.entries(all)) if (wants(part)) await run();
  if (process.env.BENCH_WRITE) write();
} finally {
  await closeBrowser();
  await cluster.end();
}
