// SPDX-License-Identifier: Apache-2.0
//
// The board alone, for a projector: no bar, no palette, nothing but what asks for an answer. Whoever draws
// goes on drawing.
import { $, show } from "./dom.ts";

const isBare = (): boolean => document.body.classList.contains("bare");

function set(bare: boolean): void {
  const focused = document.activeElement;
  document.body.classList.toggle("bare", bare);
  show($("bareLeave"), bare);
  if (bare || focused === $("bareLeave")) $("board").focus({ preventScroll: true });
}

/** Where the browser can, the board fills the screen with it. */
export function toggleBare(): void {
  const bare = !isBare();
  set(bare);
  if (bare) void document.documentElement.requestFullscreen?.().catch(() => {}); // then the window has to do
  else if (document.fullscreenElement) void document.exitFullscreen();
}

export function setUpBare(): void {
  $("bareButton").onclick = toggleBare;
  $("bareLeave").onclick = toggleBare;
  document.addEventListener("fullscreenchange", () => !document.fullscreenElement && isBare() && set(false));
}
