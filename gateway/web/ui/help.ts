// SPDX-License-Identifier: Apache-2.0
//
// The keys, and what this device likes: letters as shortcuts or not (they disturb who dictates), the
// palette on the left or the right, lines of even width or not, and whether fingers draw (some browsers
// take a pen for one).
import type { Pointers } from "../input/pointers.ts";
import { words } from "../strings/words.ts";
import { setSwitch, switchedOn } from "./device.ts";
import { $ } from "./dom.ts";

export const singleKeys = (): boolean => !switchedOn("noKeys");
export const evenWidth = (): boolean => switchedOn("even");

let pointers: Pointers;

export function openHelp(): void {
  if (document.querySelector("dialog[open]")) return;
  $<HTMLInputElement>("fingerDraws").checked = pointers.fingersDraw;
  $<HTMLDialogElement>("help").showModal();
}

export function setUpHelp(those: Pointers): void {
  pointers = those;
  $("helpButton").onclick = openHelp;
  $("helpClose").onclick = () => $<HTMLDialogElement>("help").close();
  setting("singleKeys", singleKeys(), (on) => setSwitch("noKeys", !on));
  setting("paletteRight", switchedOn("right"), (on) => {
    setSwitch("right", on);
    place();
  });
  if (switchedOn("fingers")) pointers.fingerDraws = true;
  setting("fingerDraws", pointers.fingersDraw, (on) => {
    setSwitch("fingers", on);
    pointers.fingerDraws = on;
  });
  setting("evenWidth", evenWidth(), (on) => setSwitch("even", on));
  place();
  for (const [key, what] of words.keyList) {
    const term = document.createElement("dt");
    term.textContent = key;
    const sentence = document.createElement("dd");
    sentence.textContent = what;
    $("keyList").append(term, sentence);
  }
}

function setting(id: string, on: boolean, change: (on: boolean) => void): void {
  const box = $<HTMLInputElement>(id);
  box.checked = on;
  box.onchange = () => change(box.checked);
}

const place = (): boolean => document.body.classList.toggle("palette-right", switchedOn("right"));
