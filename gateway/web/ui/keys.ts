// SPDX-License-Identifier: Apache-2.0
//
// Keys of the whole page; never while somebody types or a dialog is open.
import { letterOf } from "../input/letters.ts";
import { openHelp, singleKeys } from "./help.ts";
import type { Palette } from "./palette.ts";
import type { Stage } from "./stage.ts";

const TOOLS: Record<string, number> = { p: 0, h: 1, e: 2, l: 3 };

type Act = (() => void) | undefined;

let pointed = false; // the focus is where a pointer pressed, rather than where keys led it

function followFocus(): void {
  addEventListener("pointerdown", () => (pointed = true), true);
  addEventListener("keydown", ({ key }) => /^(Tab|Arrow.*)$/.test(key) && (pointed = false), true);
}

export function listenToKeys(palette: Palette, stage: Stage, screen: Record<string, () => void>): void {
  followFocus();
  addEventListener("keydown", (event) => {
    const target = event.target as Element | null;
    // A dialog that was just closed still has the focus, until the next frame.
    if (target?.closest?.("dialog[open], input:not(dialog *)") || event.defaultPrevented) return;
    const altGr = event.getModifierState("AltGraph"); // writes letters: [ on a German keyboard
    if (event.altKey && !altGr) return;
    const letter = letterOf(event);
    const controlled = (event.ctrlKey || event.metaKey) && !altGr;
    if (!controlled && /^\S$/u.test(letter) && !singleKeys()) return;
    const forAll = controlled ? undefined : always(stage, letter) ?? screen[letter];
    const forDrawer = palette.open ? (controlled ? undoing : choosing)(palette, letter, event.shiftKey) : undefined;
    const act = forAll ?? forDrawer;
    if (act) event.preventDefault();
    act?.();
    const pressedBefore = target instanceof HTMLButtonElement && pointed; // it is not the button that one means
    if (letter === " " && pressedBefore) event.preventDefault();
    if (letter === " " && (target === document.body || pressedBefore)) stage.pointers.grab = true;
  });
  // A key that is held down presses a button once.
  addEventListener("keydown", (event) => {
    const button = (event.target as Element | null)?.closest?.("button, a");
    if (event.repeat && button && (event.key === "Enter" || event.key === " ")) event.preventDefault();
  }, true);
  addEventListener("keyup", (event) => event.key === " " && (stage.pointers.grab = false));
  for (const name of ["keydown", "keyup"] as const) addEventListener(name, (event) => (stage.controlled = event.ctrlKey), true);
  addEventListener("blur", () => (stage.pointers.grab = stage.controlled = false));
}

function always(stage: Stage, letter: string): Act {
  if (letter === "Escape" && stage.drawing) return () => stage.drop();
  if (letter === "?") return openHelp;
  if (letter === "+" || letter === "=") return () => stage.step(1);
  if (letter === "-") return () => stage.step(-1);
  if (letter === "0") return () => stage.whole();
  return undefined;
}

function undoing(palette: Palette, letter: string, shift: boolean): Act {
  if (letter === "y" || (letter === "z" && shift)) return () => palette.redo();
  if (letter === "z") return () => palette.undo();
  return undefined;
}

function choosing(palette: Palette, letter: string): Act {
  const tool = TOOLS[letter];
  if (tool !== undefined) return () => palette.setTool(tool);
  if (/^[1-8]$/.test(letter)) return () => palette.setColour(Number(letter) - 1);
  if (letter === "]") return () => palette.stepSize(1);
  if (letter === "[") return () => palette.stepSize(-1);
  return undefined;
}
