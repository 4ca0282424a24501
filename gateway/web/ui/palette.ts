// SPDX-License-Identifier: Apache-2.0
//
// The drawer's tools. Each tool keeps its own colour and size.
import { type Colour, DEFAULT_SIZES, HIGHLIGHTER_COLOURS, PEN_COLOURS, SIZES, UNITS_PER_POINT } from "../ink/colours.ts";
import { ERASER, PEN } from "../model/board.ts";
import type { Client, PenStyle } from "../net/client.ts";
import { words } from "../strings/words.ts";
import { myInk, setMyInk } from "./device.ts";
import { $, icon, show } from "./dom.ts";
import { WATCH } from "./pen-view.ts";

const TOOL_ICONS = ["pen", "highlighter", "eraser", "pointer"];
const TOOL_KEYS = ["P", "H", "E", "L"];
const SVG = "http://www.w3.org/2000/svg";
const PALETTES: readonly (readonly Colour[])[] = [PEN_COLOURS, HIGHLIGHTER_COLOURS]; // of pen and highlighter
/** How wide the sizes are shown, in px: told apart at a glance rather than true. */
const DOTS = [4, 7, 11, 16, 22];
const WHY_PAUSED = {
  grace: words.pausedGrace,
  trouble: words.pausedUnsaved,
  unsaved: words.pausedUnsaved,
  room: words.noRoom,
};

export class Palette {
  onChange: () => void = () => {};
  /** A stroke was taken back, or a clear. */
  onUndo: (clear: boolean) => void = () => {};
  /** Asks before a clear. */
  onClear: () => void = () => {};
  /** Takes the stroke under way back; false: there is none. */
  dropStroke: () => boolean = () => false;

  #client: Client;
  #tool = PEN;
  #colours = [PEN_COLOURS[0]!.index, HIGHLIGHTER_COLOURS[0]!.index, 0];
  #sizes = [...DEFAULT_SIZES];
  #shown = "";
  #undoDue = false; // somebody takes a clear back that is still on its way

  constructor(client: Client) {
    this.#client = client;
    this.#recall();
    this.#build();
    $("undo").onclick = () => this.undo();
    $("redo").onclick = () => this.redo();
    $("clear").onclick = () => this.clear();
    $("palette").onkeydown = (event) => this.#arrows(event);
    $("palette").addEventListener("focusin", (event) => this.#rove(event.target as HTMLElement));
    $("ink").addEventListener("toggle", () => this.#rove($("inkButton")));
  }

  get style(): PenStyle {
    return this.#styleOf(this.#tool);
  }
  /** Of the end of a pen that erases. */
  get eraser(): PenStyle {
    return this.#styleOf(ERASER);
  }
  #styleOf(tool: number): PenStyle {
    return { tool, colour: this.#colours[tool] ?? 0, size: (this.#sizes[tool] ?? 0) * UNITS_PER_POINT };
  }

  /** What this device drew with last, as far as it is still there to choose. */
  #recall(): void {
    const [tool, colours, sizes] = myInk();
    if (TOOL_ICONS[tool]) this.#tool = tool;
    PALETTES.forEach((palette, of) => palette.some(({ index }) => index === colours[of]) && (this.#colours[of] = colours[of]!));
    SIZES.forEach((all, of) => all.includes(sizes[of]!) && (this.#sizes[of] = sizes[of]!));
  }

  get open(): boolean {
    return !$("palette").hidden;
  }

  // ---- what keys and buttons do ----------------------------------------------------------------

  undo(): void {
    if (this.dropStroke()) return;
    const { paused, board, clearToUndo } = this.#client;
    this.#undoDue = !paused && board.clearUnderWay;
    if (paused || (board.undoable().length === 0 && !clearToUndo)) return;
    this.#client.undo();
    this.onUndo(clearToUndo > 0);
  }
  redo(): void {
    this.#client.redo();
  }
  clear(): void {
    const { board, paused, mayClear } = this.#client;
    if (board.strokes.length && !paused && mayClear) this.onClear();
  }
  setTool(tool: number): void {
    this.#set(() => (this.#tool = tool));
  }
  /** The colour in that place of the row, from 0. */
  setColour(place: number): void {
    const colour = this.#palette[place];
    if (colour) this.#set(() => (this.#colours[this.#tool] = colour.index));
  }
  /** The next larger size (or smaller: -1). */
  stepSize(step: number): void {
    const sizes = SIZES[this.#tool]!;
    const size = sizes[sizes.indexOf(this.#sizes[this.#tool]!) + step];
    if (size) this.#set(() => (this.#sizes[this.#tool] = size));
  }

  /** Once a frame: is it ours to draw, and what can be undone? Who may draw has its room always, so that
   *  the board stays where it is when the pen changes hands. */
  update(drawing: boolean, role: number): void {
    show($("paletteColumn"), role !== WATCH);
    show($("palette"), drawing);
    const { board, paused, clearToUndo, mayClear } = this.#client;
    const shown = `${board.version} ${paused} ${mayClear}`;
    if (!drawing) this.#undoDue = false;
    if (!drawing || shown === this.#shown) return;
    this.#shown = shown;
    this.#undoWhatWasUnderWay();
    const why = paused && WHY_PAUSED[paused];
    const redoes = board.redoable().length > 0 || (board.clearToRedo && mayClear);
    const undoes = board.undoable().length > 0 || clearToUndo > 0 || board.clearUnderWay;
    able($("undo"), !why && undoes, clearToUndo ? words.undoClear : words.undo, why || words.nothingToUndo);
    able($("redo"), !why && redoes, words.redo, why || words.nothingToRedo);
    const whyNot = why || (mayClear ? words.nothingToClear : words.ownerClears);
    able($("clear"), !why && mayClear && board.strokes.length > 0, words.clear, whyNot);
  }

  #undoWhatWasUnderWay(): void {
    const { board, clearToUndo } = this.#client;
    if (!this.#undoDue || board.clearUnderWay) return;
    this.#undoDue = false;
    if (clearToUndo) this.undo();
  }

  // ---- its buttons -----------------------------------------------------------------------------

  get #palette(): readonly Colour[] {
    return PALETTES[this.#tool] ?? [];
  }

  #set(change: () => void): void {
    change();
    setMyInk([this.#tool, this.#colours, this.#sizes]);
    this.#build();
    this.onChange();
  }

  #build(): void {
    const focused = document.activeElement?.getAttribute("aria-label");
    const tools = words.tools.map((name, tool) => {
      const label = document.createElement("span");
      label.textContent = name;
      const title = `${name} (${TOOL_KEYS[tool]})`;
      return radio(title, this.#tool === tool, () => this.setTool(tool), icon(TOOL_ICONS[tool]!), label);
    });
    const colours = this.#palette.map((colour, place) => {
      const chosen = this.#colours[this.#tool] === colour.index;
      return radio(words.colours[colour.name], chosen, () => this.setColour(place), swatch(colour));
    });
    const sizes = SIZES[this.#tool]!;
    const dots = sizes.map((size, i) => {
      const chosen = this.#sizes[this.#tool] === size;
      const pick = (): void => this.#set(() => (this.#sizes[this.#tool] = size));
      return radio(nameOfSize(i, sizes.length), chosen, pick, dot(DOTS[i + DOTS.length - sizes.length]!));
    });
    $("tools").replaceChildren(...tools);
    $("colours").replaceChildren(...colours);
    $("sizes").replaceChildren(...dots);
    show($("colours"), colours.length > 0);
    show($("sizes"), dots.length > 0);
    this.#showInk();
    const again = focused && this.#buttons().find((one) => one.getAttribute("aria-label") === focused);
    this.#rove(again || tools[this.#tool]!);
    if (again) again.focus();
  }

  /** Where there is little room, this button opens the colours and sizes, and shows the chosen ones. */
  #showInk(): void {
    const chosen = this.#palette.find(({ index }) => index === this.#colours[this.#tool]);
    const all = SIZES[this.#tool]!;
    const size = all.indexOf(this.#sizes[this.#tool]!);
    const press = $<HTMLButtonElement>("inkButton");
    press.replaceChildren(chosen ? swatch(chosen) : dot(22));
    press.disabled = size < 0;
    const names = [chosen && words.colours[chosen.name], size >= 0 && nameOfSize(size, all.length)].filter((name) => typeof name === "string");
    press.title = words.ink(words.list(names));
    press.setAttribute("aria-label", press.title);
  }

  /** The palette is one stop of the Tab key: the button that had the focus last. */
  #rove(to: HTMLElement): void {
    for (const one of $("palette").querySelectorAll("button")) one.tabIndex = one === to ? 0 : -1;
  }

  #buttons(): HTMLElement[] {
    return [...$("palette").querySelectorAll<HTMLElement>("button:enabled")].filter((one) => one.getClientRects().length > 0);
  }

  #arrows(event: KeyboardEvent): void {
    const buttons = this.#buttons();
    const at = buttons.indexOf(document.activeElement as HTMLElement);
    const steps: Record<string, number> = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
    const to = event.key === "Home" ? 0 : event.key === "End" ? buttons.length - 1 : at + (steps[event.key] ?? NaN);
    const next = buttons[(to + buttons.length) % buttons.length];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}

/** Three sizes are the middle ones of five. */
const nameOfSize = (place: number, of: number): string => words.sizes[place + ((words.sizes.length - of) >> 1)]!;

function radio(label: string, chosen: boolean, act: () => void, ...inside: Element[]): HTMLButtonElement {
  const ret = document.createElement("button");
  ret.type = "button";
  ret.setAttribute("role", "radio");
  ret.setAttribute("aria-checked", String(chosen));
  ret.setAttribute("aria-label", label);
  ret.title = label;
  ret.onclick = act;
  ret.append(...inside);
  return ret;
}

function swatch(colour: Colour): HTMLElement {
  const ret = document.createElement("span");
  ret.className = colour.index > 7 || colour.name === "pink" ? "swatch light" : "swatch";
  ret.style.backgroundColor = colour.hex;
  const check = document.createElementNS(SVG, "svg");
  check.setAttribute("viewBox", "0 0 24 24");
  check.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", "m5 12 5 5 9-10");
  check.append(path);
  ret.append(check);
  return ret;
}

function dot(px: number): HTMLElement {
  const ret = document.createElement("span");
  ret.className = "dot";
  ret.style.width = ret.style.height = `${px}px`;
  return ret;
}

/** A greyed button stays reachable and says why it is grey. */
function able(element: HTMLElement, able: boolean, label: string, why: string): void {
  element.setAttribute("aria-disabled", String(!able));
  element.title = able ? label : why;
}
