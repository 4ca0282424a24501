// SPDX-License-Identifier: Apache-2.0
//
// Where the board lies in the window, and how a pointer becomes a stroke. The board is 16:10, always
// whole, centred, never stretched; its size is a whole number of device pixels.
import type { Painter } from "../ink/painter.ts";
import { ERASER } from "../model/board.ts";
import { BOARD_HEIGHT, BOARD_WIDTH, type Point, toBoard } from "../model/points.ts";
import { type Client, type PenStyle, StrokeWriter } from "../net/client.ts";
import { $, show } from "./dom.ts";

const FRAME_MS = 33; // at most one frame of points per so long
const STEP_UNITS = 4; // points nearer than this, or than STEP_PX, to the last are dropped
const STEP_PX = 0.75;
const TOUCH_PX = 6; // a finger is held back until it moved so far
const TOUCH_MS = 80; // or for so long
const BUSY_BYTES = 64 * 1024; // waiting in the socket: then fewer and larger frames
const BUSY_POINTS = 256;

export class Stage {
  /** May a stroke begin now? */
  mayDraw: () => boolean = () => false;
  style: () => PenStyle = () => ({ tool: 0, colour: 0, size: 80 });

  #client: Client;
  #painter: Painter;
  #board = $("board");
  #writer: StrokeWriter | null = null;
  #pointer: number | null = null;
  #held: PointerEvent | null = null; // a finger that may still become a gesture
  #holdTimer: ReturnType<typeof setTimeout> | undefined;
  #flushTimer: ReturnType<typeof setInterval> | undefined;
  #last: Point = { x: 0, y: 0 };
  #tail: Point | null = null; // the newest place, when it was too near to be taken
  #rect = { left: 0, top: 0, width: 1, height: 1 };

  constructor(client: Client, painter: Painter) {
    this.#client = client;
    this.#painter = painter;
    painter.waiting = () => this.#writer?.waiting ?? [];
    new ResizeObserver(() => this.#layout()).observe($("stage"));
    addEventListener("resize", () => this.#layout());
    this.#listen();
    this.#layout();
  }

  get drawing(): boolean {
    return this.#writer !== null;
  }

  // ---- layout ----------------------------------------------------------------------------------

  #layout(): void {
    const { clientWidth, clientHeight } = $("stage");
    const ratio = window.devicePixelRatio || 1;
    const fit = Math.min(clientWidth / BOARD_WIDTH, clientHeight / BOARD_HEIGHT);
    const width = Math.floor(fit * BOARD_WIDTH * ratio);
    const height = Math.floor((width * BOARD_HEIGHT) / BOARD_WIDTH);
    if (width < 1 || height < 1) return;
    const { style } = this.#board;
    style.width = `${width / ratio}px`;
    style.height = `${height / ratio}px`;
    style.left = `${Math.round(((clientWidth - width / ratio) / 2) * ratio) / ratio}px`;
    style.top = `${Math.round(((clientHeight - height / ratio) / 2) * ratio) / ratio}px`;
    this.#painter.resize(width, height);
  }

  /** Once a frame. */
  update(drawing: boolean): void {
    this.#board.classList.toggle("draws", drawing);
    this.#board.classList.toggle("erases", drawing && this.style().tool === ERASER);
    if (!drawing || this.style().tool !== ERASER) show($("ring"), false);
    if (this.#writer?.over) this.#stop();
    if (this.#writer && !this.mayDraw()) this.finish();
  }

  // ---- pointers --------------------------------------------------------------------------------

  #listen(): void {
    const board = this.#board;
    // A press must not move the focus to the board (its ring is for keyboards), only away from a field.
    board.addEventListener("mousedown", (event) => {
      event.preventDefault();
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    });
    board.addEventListener("pointerdown", (event) => this.#down(event));
    board.addEventListener("pointermove", (event) => this.#move(event));
    board.addEventListener("pointerup", (event) => this.#up(event));
    board.addEventListener("pointercancel", (event) => this.#cancel(event));
    board.addEventListener("pointerleave", () => show($("ring"), false));
    // Else iPadOS takes every second quick stroke for handwriting, and pages scroll under the pen.
    board.addEventListener("touchmove", (event) => this.#client.term && event.preventDefault(), { passive: false });
    board.addEventListener("contextmenu", (event) => this.#client.term && event.preventDefault());
  }

  #down(event: PointerEvent): void {
    if (this.#pointer !== null || event.button !== 0 || !this.mayDraw()) return;
    this.#pointer = event.pointerId;
    this.#rect = this.#board.getBoundingClientRect();
    try {
      this.#board.setPointerCapture(event.pointerId);
    } catch {
      // the pointer is gone already
    }
    if (event.pointerType !== "touch") return this.#begin(event);
    this.#held = event;
    this.#holdTimer = setTimeout(() => this.#release(), TOUCH_MS);
  }

  #release(): void {
    clearTimeout(this.#holdTimer);
    const held = this.#held;
    this.#held = null;
    if (held) this.#begin(held);
  }

  #begin(event: PointerEvent): void {
    if (!this.mayDraw()) return;
    this.#last = this.#place(event);
    this.#tail = null;
    this.#writer = new StrokeWriter(this.#client, this.style(), this.#last);
    this.#flushTimer = setInterval(() => this.#flush(), FRAME_MS);
    this.#painter.request();
  }

  #flush(): void {
    const slow = this.#client.bufferedAmount > BUSY_BYTES;
    if (!slow || (this.#writer?.waiting.length ?? 0) >= BUSY_POINTS)
      this.#writer?.flush(false, slow ? BUSY_POINTS : undefined);
  }

  #place(event: PointerEvent): Point {
    const { left, top, width, height } = this.#rect;
    const x = ((event.clientX - left) / width) * BOARD_WIDTH;
    const y = ((event.clientY - top) / height) * BOARD_HEIGHT;
    return toBoard(x, y, event.pointerType === "pen" ? event.pressure : undefined);
  }

  #move(event: PointerEvent): void {
    this.#showRing(event);
    if (event.pointerId !== this.#pointer) return;
    if (this.#held) {
      const far = Math.hypot(event.clientX - this.#held.clientX, event.clientY - this.#held.clientY);
      if (far < TOUCH_PX) return;
      this.#release();
    }
    if (!this.#writer) return;
    const all = typeof event.getCoalescedEvents === "function" ? event.getCoalescedEvents() : [];
    for (const one of all.length ? all : [event]) this.#add(this.#place(one));
    this.#painter.request();
  }

  #add(point: Point): void {
    const near = Math.max(STEP_UNITS, (STEP_PX * BOARD_WIDTH) / this.#rect.width);
    if (Math.hypot(point.x - this.#last.x, point.y - this.#last.y) < near) {
      this.#tail = point;
      return;
    }
    this.#tail = null;
    this.#last = point;
    this.#writer?.add(point);
  }

  #up(event: PointerEvent): void {
    if (event.pointerId !== this.#pointer) return;
    this.#release(); // a tap of a finger is a dot
    if (this.#writer) this.#add(this.#place(event));
    this.finish();
  }

  #cancel(event: PointerEvent): void {
    if (event.pointerId !== this.#pointer) return;
    const finger = event.pointerType === "touch";
    const begun = this.#writer !== null;
    this.finish();
    if (finger && begun) this.#client.undo(); // the system took the finger for a gesture
  }

  /** Ends the stroke under way and keeps it. */
  finish(): void {
    const writer = this.#writer;
    if (writer && this.#tail && (this.#tail.x !== this.#last.x || this.#tail.y !== this.#last.y)) writer.add(this.#tail);
    writer?.flush(true);
    this.#stop();
  }

  #stop(): void {
    clearTimeout(this.#holdTimer);
    clearInterval(this.#flushTimer);
    this.#writer = this.#held = this.#tail = this.#pointer = null;
    this.#painter.request();
  }

  /** The outline of the eraser follows the pointer. */
  #showRing(event: PointerEvent): void {
    const { tool, size } = this.style();
    const shown = tool === ERASER && this.#client.term !== 0 && event.pointerType !== "touch";
    show($("ring"), shown);
    if (!shown) return;
    const rect = this.#board.getBoundingClientRect();
    const px = (size / BOARD_WIDTH) * rect.width;
    const { style } = $("ring");
    style.width = style.height = `${px}px`;
    style.transform = `translate(${event.clientX - rect.left - px / 2}px, ${event.clientY - rect.top - px / 2}px)`;
  }
}
