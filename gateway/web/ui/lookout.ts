// SPDX-License-Identifier: Apache-2.0
//
// Zoom: its buttons, and the drawer's pen, or pointer, kept in sight. Who moves the zoomed board by hand goes their own
// way; an arrow at the edge then shows where the drawing is, and a press on it follows the pen again.
import { centred, sees, toWindow } from "../input/view.ts";
import type { Board } from "../model/board.ts";
import { BOARD_HEIGHT, BOARD_WIDTH } from "../model/points.ts";
import { words } from "../strings/words.ts";
import { $, setText, show } from "./dom.ts";
import type { PointerRing } from "./pointer.ts";
import type { Stage } from "./stage.ts";

const MARGIN_PX = 8; // of the arrow, from the edge

export class Lookout {
  #stage: Stage;
  #board: Board;
  #pointer: PointerRing;
  #follows = true;

  constructor(stage: Stage, board: Board, pointer: PointerRing) {
    this.#stage = stage;
    this.#pointer = pointer;
    this.#board = board;
    $("zoomIn").onclick = () => stage.step(1);
    $("zoomOut").onclick = () => stage.step(-1);
    $("zoomFit").onclick = () => stage.whole();
    $("there").onclick = () => (this.#follows = true);
    $("follow").onclick = () => (this.#follows = !this.#follows);
    stage.onView = (panned) => this.#viewed(panned);
    this.#viewed(false);
  }

  #viewed(panned: boolean): void {
    const { zoom } = this.#stage.view;
    if (panned) this.#follows = false;
    if (zoom === 1) this.#follows = true;
    setText($("zoomNow"), words.percent(zoom));
    $("zoom").classList.toggle("zoomed", zoom > 1);
    $("zoomOut").setAttribute("aria-disabled", String(zoom === 1));
  }

  /** Once a frame. */
  update(drawing: boolean): void {
    const place = drawing ? null : this.#pen();
    const { view } = this.#stage;
    if (place && this.#follows && !sees(view, place.x, place.y)) this.#stage.look(centred(view, place.x, place.y), false);
    const lost = place !== null && !sees(this.#stage.view, place.x, place.y, 0);
    show($("follow"), !drawing && view.zoom > 1);
    $("follow").setAttribute("aria-pressed", String(this.#follows));
    show($("there"), lost);
    if (lost) this.#point(place);
  }

  /** Where the drawer's pen is, from 0 to 1. */
  #pen(): { x: number; y: number } | null {
    const points = this.#board.open?.points;
    if (this.#stage.view.zoom === 1) return null;
    if (!points?.count) return this.#pointer.place;
    const at = points.count * 2 - 2;
    return { x: points.xy[at]! / BOARD_WIDTH, y: points.xy[at + 1]! / BOARD_HEIGHT };
  }

  #point({ x, y }: { x: number; y: number }): void {
    const { clientWidth: width, clientHeight: height } = $("stage");
    const there = toWindow(this.#stage.view, x, y);
    const { offsetWidth, offsetHeight } = $("there");
    const at = (part: number, size: number, own: number): number =>
      Math.min(size - own / 2 - MARGIN_PX, Math.max(own / 2 + MARGIN_PX, part * size));
    const angle = Math.atan2((there.y - 0.5) * height, (there.x - 0.5) * width);
    const left = at(there.x, width, offsetWidth) - offsetWidth / 2;
    const top = at(there.y, height, offsetHeight) - offsetHeight / 2;
    $("there").style.translate = `${left}px ${top}px`;
    $("there").querySelector("svg")!.style.rotate = `${angle}rad`;
  }
}
