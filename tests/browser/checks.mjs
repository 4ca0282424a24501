// SPDX-License-Identifier: Apache-2.0
//
// What must be true in every state of the page, on every screen. Each check answers with what is wrong.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** The rules of axe that are broken, and where. */
export async function axe(page) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(AXE);
  return page.evaluate(async (values) => {
    const { violations } = await globalThis.axe.run({ runOnly: { type: "tag", values }, resultTypes: ["violations"] });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target, any }) => `${id}: ${target} ${any[0]?.message ?? ""}`));
  }, RULES);
}

/** Buttons and fields that are too small for a finger (44 px; also in a window as small as a phone's), or for a
 *  mouse (32 px; also at 400%). */
export const smallTargets = (page) =>
  page.evaluate(() => {
    const touched = matchMedia("(pointer: coarse), (max-width: 37.49em) and (orientation: portrait), (min-width: 30.01em) and (max-height: 32.5em) and (orientation: landscape)");
    const least = touched.matches ? 44 : 32;
    const small = [];
    for (const one of document.querySelectorAll("button, a[href], input, label.check")) {
      if (one.matches("label input") || !one.checkVisibility({ visibilityProperty: true })) continue;
      const { width, height } = one.getBoundingClientRect();
      if (width < least || height < least)
        small.push(`${one.id || one.ariaLabel || one.textContent} is ${width.toFixed(1)} × ${height.toFixed(1)}`);
    }
    return small;
  });

/** What can only be seen by scrolling sideways, and nothing says so by fading; words that are cut off or lie upon each other. */
export const misfits = (page) =>
  page.evaluate(() => {
    const wrong = [];
    const name = (element) => `${element.tagName.toLowerCase()}#${element.id}.${element.className?.baseVal ?? element.className}`;
    const scrolls = (overflow) => overflow === "auto" || overflow === "scroll";
    const fades = (box) => getComputedStyle(box).maskImage !== "none";
    const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && element.clientWidth !== 1 && !element.closest(".unseen, .skip:not(:focus)");

    for (const box of [document.documentElement, ...document.querySelectorAll("body *")])
      if (box.checkVisibility() && (box === document.documentElement || scrolls(getComputedStyle(box).overflowX)))
        if (box.scrollWidth > box.clientWidth + 1 && !fades(box)) wrong.push(`${name(box)} scrolls sideways: ${box.scrollWidth} in ${box.clientWidth}`);

    const words = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      if (!node.data.trim() || !shown(element) || element.matches("option, script, style, noscript")) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const rect of range.getClientRects()) {
        if (rect.width < 2 || rect.height < 2) continue; // put out of sight
        const layer = element.closest("dialog, .open, .notice, .there, .zoom, .hint") ?? document.body;
        words.push({ text: node.data, rect, layer, element });
      }
    }
    const visible = words.filter(({ element, rect, text }) => {
      let inside = true; // of all that scrolls: what is scrolled away is not cut off
      const around = (box) => (getComputedStyle(box).position === "absolute" ? box.offsetParent : box.parentElement);
      for (let box = element; box && box !== document.documentElement; box = around(box)) {
        const { overflowX, overflowY, position } = getComputedStyle(box);
        const edge = box.getBoundingClientRect();
        const beyond = rect.left < edge.left - 1 || rect.right > edge.right + 1;
        const above = rect.top < edge.top - 1 || rect.bottom > edge.bottom + 1;
        if (inside && overflowX !== "visible" && beyond) wrong.push(`"${text}" is cut off by ${name(box)}`);
        if (inside && above && overflowY !== "visible") {
          if (!scrolls(overflowY)) wrong.push(`"${text}" is cut off by ${name(box)}`);
          inside = false;
        }
        if (position === "fixed" || box.matches("dialog")) break;
      }
      return inside;
    });
    for (const { rect, text } of visible)
      if (rect.left < -1 || rect.right > document.documentElement.clientWidth + 1) wrong.push(`"${text}" is beyond the window`);
    for (const [i, a] of visible.entries())
      for (const b of visible.slice(i + 1)) {
        const wide = Math.min(a.rect.right, b.rect.right) - Math.max(a.rect.left, b.rect.left);
        const high = Math.min(a.rect.bottom, b.rect.bottom) - Math.max(a.rect.top, b.rect.top);
        if (a.layer === b.layer && a.element !== b.element && wide > 2 && high > 3) wrong.push(`"${a.text}" lies upon "${b.text}"`);
      }
    return [...new Set(wrong)];
  });

/** All of them. */
export async function faultsOf(page) {
  return [...(await axe(page)), ...(await smallTargets(page)), ...(await misfits(page))];
}
