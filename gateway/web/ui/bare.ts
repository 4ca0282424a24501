// SPDX-License-Identifier: Apache-2.0
//
// The board alone, for a projector: no bar, no palette, nothing but what asks for an answer. Whoever draws
// goes on drawing.
import { $, show } from "./dom.ts";

let fitting = false; // the screen takes a moment to change, and one may change one's mind meanwhile

const isBare = (): boolean => document.body.classList.contains("bare");

function set(bare: boolean): void {
  const focused = document.activeElement;
  document.body.classList.toggle("bare", bare);
  show($("bareLeave"), bare);
  if (bare || focused === $("bareLeave")) $("board").focus({ preventScroll: true });
}

/** Where the browser can, the board fills the screen with it. */
export function toggleBare(): void {
  set(!isBare());
  if (!fitting) void fitScreen();
}

async function fitScreen(): Promise<void> {
  fitting = true;
  let bare;
  do {
    bare = isBare();
    if (bare) await document.documentElement.requestFullscreen?.().catch(() => {}); // then the window has to do
    else if (document.fullscreenElement) await document.exitFullscreen().catch(() => {}); // it was left already
  } while (bare !== isBare());
  fitting = false;
}

export function setUpBare(): void {
  $("bareButton").onclick = toggleBare;
  $("bareLeave").onclick = toggleBare;
  document.addEventListener("fullscreenchange", () => !document.fullscreenElement && !fitting && isBare() && set(false));
}
