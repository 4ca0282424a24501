// SPDX-License-Identifier: Apache-2.0
//
// Shows a board on two canvases: the sheet of finished strokes, and above it the one stroke under way.
// A new size, a clear or its reverse begin a new sheet, which takes the place of the old one when it is
// painted: nobody sees a half painted board.
import { type Board, HIGHLIGHTER, type Stroke } from "../model/board.ts";
import { boundsOf, type Bounds, type MorePoint, outline, trace } from "./outline.ts";
import { fillStyle, Sheet } from "./sheet.ts";

const SLICE_MS = 8;
const REWIND_MS = 300;
const PIXELS_MAX = 8_000_000; // per canvas: iOS limits them
const POINTS_WIDE = 1600;

export class Painter {
  /** Points of the own stroke that are in no frame yet. */
  waiting: () => readonly MorePoint[] = () => [];

  #board: Board;
  #sheet: Sheet;
  #next: Sheet | null = null; // takes the place of #sheet when it is done
  #live: HTMLCanvasElement;
  #ctx: CanvasRenderingContext2D;
  #scale = 1;
  #inked: Bounds | null = null; // what is painted on `live`, in device pixels
  #frame = 0;
  #rewoundAt = 0;

  /** `live` is in the document; the sheets are put before it. */
  constructor(board: Board, live: HTMLCanvasElement) {
    this.#board = board;
    this.#live = live;
    this.#ctx = live.getContext("2d")!;
    this.#sheet = new Sheet(live.width, live.height);
    this.#show(this.#sheet);
  }

  /** The size in device pixels; the canvases are stretched to the board by the style sheet. */
  resize(width: number, height: number): void {
    const shrink = Math.min(1, Math.sqrt(PIXELS_MAX / (width * height)));
    this.#live.width = Math.max(1, Math.round(width * shrink));
    this.#live.height = Math.max(1, Math.round(height * shrink));
    this.#scale = this.#live.width / POINTS_WIDE;
    this.#inked = null;
    this.#startOver();
    this.request();
  }

  request(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
    });
  }

  #show(sheet: Sheet): void {
    sheet.canvas.className = "ink";
    this.#live.before(sheet.canvas);
  }

  #startOver(): void {
    this.#next = new Sheet(this.#live.width, this.#live.height);
    this.#next.change(this.#board.strokes);
  }

  #paint(): void {
    if (this.#mayComeBack()) return this.request();
    const until = performance.now() + SLICE_MS;
    const over = (): boolean => performance.now() > until;
    const { all, strokes } = this.#board.takeChanges();
    if (all) this.#startOver();
    else this.#sheet.change(strokes);
    this.#next?.change(strokes);
    this.#sheet.work(over);
    this.#next?.work(over);
    if (this.#next?.done) this.#swap(this.#next);
    if (!this.#sheet.done || this.#next) this.request();
    this.#paintLive();
  }

  /** After a rewind the same events are likely to come again at once: better not to blink. */
  #mayComeBack(): boolean {
    if (!this.#board.rewound || this.#board.pendingFrames > 0) this.#rewoundAt = 0;
    else this.#rewoundAt ||= performance.now();
    return this.#rewoundAt > 0 && performance.now() - this.#rewoundAt < REWIND_MS;
  }

  #swap(next: Sheet): void {
    const old = this.#sheet;
    this.#show(next);
    this.#sheet = next;
    this.#next = null;
    old.canvas.remove();
    old.canvas.width = 0; // gives its memory back at once
  }

  #paintLive(): void {
    const stroke = this.#board.open;
    if (this.#inked) {
      const { left, top, right, bottom } = this.#inked;
      this.#ctx.setTransform(1, 0, 0, 1, 0, 0);
      this.#ctx.clearRect(left, top, right - left, bottom - top);
      this.#inked = null;
    }
    this.#live.classList.toggle("multiply", stroke?.tool === HIGHLIGHTER);
    if (stroke && !stroke.undone) this.#fillLive(stroke);
  }

  #fillLive(stroke: Stroke): void {
    const corners = outline(stroke, this.waiting());
    const bounds = boundsOf(corners);
    const path = new Path2D();
    trace(corners, path);
    this.#ctx.setTransform(this.#scale, 0, 0, this.#scale, 0, 0);
    fillStyle(this.#ctx, stroke);
    this.#ctx.globalCompositeOperation = "source-over"; // the canvas itself is multiplied
    this.#ctx.fill(path);
    this.#inked = {
      left: Math.floor(bounds.left * this.#scale) - 1,
      top: Math.floor(bounds.top * this.#scale) - 1,
      right: Math.ceil(bounds.right * this.#scale) + 1,
      bottom: Math.ceil(bounds.bottom * this.#scale) + 1,
    };
  }
}
