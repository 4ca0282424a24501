// SPDX-License-Identifier: Apache-2.0
//
// Drawing by keyboard, while the board has the focus: arrows move a crosshair, Space puts the pen down
// and lifts it, Enter makes a dot. Who does not draw moves the board with the arrows.
import { UNITS_PER_POINT } from "../ink/colours.ts";
import { centred, moved, sees } from "../input/view.ts";
import { BOARD_HEIGHT, BOARD_WIDTH, type Point, toBoard } from "../model/points.ts";
import { words } from "../strings/words.ts";
import { $, show } from "./dom.ts";
import type { Stage } from "./stage.ts";

const STEP = 10; // points
const STEP_FINE = 1;
const STEP_WIDE = 50;
const PAN = 0.15; // of the window
const REST_MS = 700; // then it is said where the crosshair came to
const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class Crosshair {
  #stage: Stage;
  #at: Point = { x: BOARD_WIDTH / 2, y: BOARD_HEIGHT / 2 };
  #down = false;
  #way: readonly [number, number] = [0, 0]; // of the newest step
  #rest: ReturnType<typeof setTimeout> | undefined;
  /** What is to be heard: a place, in parts of the board, or that the pen was put down or lifted. */
  onSay: (words: string) => void = () => {};

  constructor(stage: Stage) {
    this.#stage = stage;
    $("board").addEventListener("keydown", (event) => this.#key(event));
    $("board").addEventListener("blur", () => this.#lift());
    stage.onBegin = () => (this.#down = false); // a pointer draws
  }

  /** Once a frame. */
  update(drawing: boolean): void {
    this.#down &&= this.#stage.drawing;
    const cross = $("cross");
    show(cross, drawing && $("board").matches(":focus-visible"));
    if (cross.hidden) return;
    const { x, y } = this.#stage.pxOf(this.#at.x / BOARD_WIDTH, this.#at.y / BOARD_HEIGHT);
    cross.style.transform = `translate(${x}px, ${y}px)`;
    cross.classList.toggle("down", this.#down);
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.target !== $("board")) return;
    const arrow = ARROWS[event.key];
    const draws = this.#stage.mayDraw();
    if (arrow && draws) this.#move(arrow, event.shiftKey ? STEP_FINE : event.altKey ? STEP_WIDE : STEP);
    else if (arrow) this.#stage.look(moved(this.#stage.view, -arrow[0] * PAN, -arrow[1] * PAN));
    else if (event.key === " " && draws) this.#toggle(event.repeat);
    else if (event.key === "Enter" && draws) this.#dot();
    else return;
    event.preventDefault();
    this.update(draws);
  }

  #move([dx, dy]: [number, number], points: number): void {
    const units = points * UNITS_PER_POINT;
    const turns = this.#way[0] !== dx || this.#way[1] !== dy;
    if (this.#down && turns) this.#stage.turn(this.#at);
    this.#way = [dx, dy];
    this.#at = toBoard(this.#at.x + dx * units, this.#at.y + dy * units);
    if (this.#down) this.#stage.add(this.#at);
    else this.#stage.point(this.#at);
    const [x, y] = [this.#at.x / BOARD_WIDTH, this.#at.y / BOARD_HEIGHT];
    if (!sees(this.#stage.view, x, y)) this.#stage.look(centred(this.#stage.view, x, y));
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => this.onSay(words.crossAt(this.#at.x / UNITS_PER_POINT, this.#at.y / UNITS_PER_POINT)), REST_MS);
  }

  #toggle(repeated: boolean): void {
    if (repeated) return;
    if (this.#down) return this.#lift();
    this.#stage.beginAt(this.#at);
    this.#down = true;
    this.onSay(words.penDown);
  }

  #lift(): void {
    if (this.#down) {
      this.#stage.finish();
      this.onSay(words.penUp);
    }
    this.#down = false;
  }

  #dot(): void {
    this.#lift();
    this.#stage.beginAt(this.#at);
    this.#stage.finish();
  }
}
