// SPDX-License-Identifier: Apache-2.0
//
// The keys, and what this device likes: letters as shortcuts or not (they disturb who dictates), the
// palette on the left or the right, lines of even width or not.
import { words } from "../strings/words.ts";
import { setSwitch, switchedOn } from "./device.ts";
import { $ } from "./dom.ts";

export const singleKeys = (): boolean => !switchedOn("noKeys");
export const evenWidth = (): boolean => switchedOn("even");

export function openHelp(): void {
  if (!document.querySelector("dialog[open]")) $<HTMLDialogElement>("help").showModal();
}

export function setUpHelp(): void {
  $("helpButton").onclick = openHelp;
  $("helpClose").onclick = () => $<HTMLDialogElement>("help").close();
  const keys = $<HTMLInputElement>("singleKeys");
  keys.checked = singleKeys();
  keys.onchange = () => setSwitch("noKeys", !keys.checked);
  const right = $<HTMLInputElement>("paletteRight");
  right.checked = switchedOn("right");
  right.onchange = () => {
    setSwitch("right", right.checked);
    place();
  };
  const even = $<HTMLInputElement>("evenWidth");
  even.checked = evenWidth();
  even.onchange = () => setSwitch("even", even.checked);
  place();
  for (const [key, what] of words.keyList) {
    const term = document.createElement("dt");
    term.textContent = key;
    const sentence = document.createElement("dd");
    sentence.textContent = what;
    $("keyList").append(term, sentence);
  }
}

const place = (): boolean => document.body.classList.toggle("palette-right", switchedOn("right"));
