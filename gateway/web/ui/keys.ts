// SPDX-License-Identifier: Apache-2.0
//
// Keys work by letter, and where the layout has other letters by their place on the keyboard; never
// while somebody types or a dialog is open.
import type { Palette } from "./palette.ts";

const TOOLS: Record<string, number> = { p: 0, h: 1, e: 2 };

const isLatin = (key: string): boolean => /^[\x20-\x7e]$/.test(key);

function letterOf(event: KeyboardEvent): string {
  if (isLatin(event.key)) return event.key.toLowerCase();
  return /^(?:Key|Digit)(.)$/.exec(event.code)?.[1]?.toLowerCase() ?? event.key;
}

export function listenToKeys(palette: Palette, fullScreen: () => void, drop: () => void): void {
  addEventListener("keydown", (event) => {
    const target = event.target as Element | null;
    if (target?.closest?.("input, dialog[open]") || event.altKey) return;
    const letter = letterOf(event);
    if (event.key === "Escape") return drop();
    if (letter === "f" && !event.ctrlKey && !event.metaKey) return fullScreen();
    if (!palette.open) return;
    const act = event.ctrlKey || event.metaKey ? controlled(palette, letter, event.shiftKey) : plain(palette, letter);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function controlled(palette: Palette, letter: string, shift: boolean): (() => void) | undefined {
  if (letter === "y" || (letter === "z" && shift)) return () => palette.redo();
  if (letter === "z") return () => palette.undo();
  return undefined;
}

function plain(palette: Palette, letter: string): (() => void) | undefined {
  const tool = TOOLS[letter];
  if (tool !== undefined) return () => palette.setTool(tool);
  if (/^[1-8]$/.test(letter)) return () => palette.setColour(Number(letter) - 1);
  if (letter === "]") return () => palette.stepSize(1);
  if (letter === "[") return () => palette.stepSize(-1);
  return undefined;
}
