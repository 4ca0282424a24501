// SPDX-License-Identifier: Apache-2.0
//
// Shows a board on two canvases: the sheet of finished strokes, and above it the one stroke under way.
// A new size or part, a clear or its reverse begin a new sheet, which takes the place of the old one when
// it is painted: nobody sees a half painted board. Until then the old one is shown moved and stretched.
import { type Part, WHOLE } from "../input/view.ts";
import { type Board, HIGHLIGHTER, type Stroke } from "../model/board.ts";
import { boundsOf, type Bounds, type MorePoint, outline, trace } from "./outline.ts";
import { fillStyle, mappingOf, Paths, Sheet } from "./sheet.ts";

const SLICE_MS = 6;
const REWIND_MS = 300;
const PIXELS_MAX = 8_000_000; // per canvas: iOS limits them
const SETTLED_MS = 100; // what is in sight for so long is worth a new sheet

export class Painter {
  /** Points of the own stroke that are in no frame yet, or only expected. */
  waiting: () => readonly MorePoint[] = () => [];

  #board: Board;
  #sheet: Sheet;
  #next: Sheet | null = null; // takes the place of #sheet when it is done
  #live: HTMLCanvasElement;
  #ctx: CanvasRenderingContext2D;
  #paths = new Paths();
  #part: Part = WHOLE;
  #partAt = 0; // when it came
  #inked: Bounds | null = null; // what is painted on `live`, in device pixels
  #frame = 0;
  #between = new MessageChannel(); // tasks between frames, for longer work
  #working = false; // one is under way
  #rewoundAt = 0;

  /** `live` is in the document; the sheets are put before it. */
  constructor(board: Board, live: HTMLCanvasElement) {
    this.#board = board;
    this.#live = live;
    this.#ctx = live.getContext("2d")!;
    this.#sheet = new Sheet(live.width, live.height, WHOLE, this.#paths);
    this.#put(this.#sheet);
    this.#between.port2.onmessage = () => {
      this.#working = false;
      this.#work();
    };
  }

  /** That part of the board, as large as the canvases are stretched to, in device pixels: at once as far as the
   *  old ink goes, crisp when it has settled. */
  show(part: Part, width: number, height: number): void {
    if (!same(part, this.#part)) this.#partAt = performance.now();
    this.#part = part;
    this.#resize(width, height);
    this.#place(this.#sheet);
    this.request();
  }

  #resize(width: number, height: number): void {
    const shrink = Math.min(1, Math.sqrt(PIXELS_MAX / (width * height)));
    width = Math.max(1, Math.round(width * shrink));
    height = Math.max(1, Math.round(height * shrink));
    if (width === this.#live.width && height === this.#live.height) return;
    this.#live.width = width;
    this.#live.height = height;
    this.#inked = null;
  }

  request(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
    });
  }

  #put(sheet: Sheet): void {
    sheet.canvas.className = "ink";
    this.#place(sheet);
    this.#live.before(sheet.canvas);
  }

  /** Where a sheet of another part belongs in this one. */
  #place({ canvas, part }: Sheet): void {
    const now = this.#part;
    const to = (from: number, size: number): string => `${(from / size) * 100}%`;
    const place = `translate(${to(part.x - now.x, now.w)}, ${to(part.y - now.y, now.h)})`;
    canvas.style.transform = same(part, now) ? "" : `${place} scale(${part.w / now.w}, ${part.h / now.h})`;
  }

  #fits({ canvas, part }: Sheet): boolean {
    return same(part, this.#part) && canvas.width === this.#live.width && canvas.height === this.#live.height;
  }

  #startOver(): void {
    this.#next = new Sheet(this.#live.width, this.#live.height, this.#part, this.#paths);
    this.#next.change(this.#board.strokes);
    const whole = this.#sheet.done && this.#board.applied >= this.#board.head;
    if (!whole) this.#swap(this.#next);
  }

  #paint(): void {
    if (this.#mayComeBack()) {
      this.#live.classList.add("behind");
      return this.request();
    }
    const { all, strokes } = this.#board.takeChanges();
    const behind = !this.#fits(this.#next ?? this.#sheet);
    const settled = performance.now() - this.#partAt > SETTLED_MS;
    if (all || (behind && settled)) this.#startOver();
    if (!all) this.#sheet.change(strokes);
    this.#next?.change(strokes);
    if (behind && !settled) this.request();
    this.#work();
    this.#paintLive();
  }

  /** One slice of what is to be done. What is left follows between frames. */
  #work(): void {
    const begun = performance.now();
    const over = (): boolean => performance.now() - begun > SLICE_MS;
    this.#sheet.work(over);
    this.#next?.work(over);
    if (this.#next?.done) this.#swap(this.#next);
    const done = this.#sheet.done && !this.#next && this.#fits(this.#sheet);
    this.#live.classList.toggle("behind", !done);
    const more = !this.#sheet.done || this.#next !== null || this.#sheet.prepare(over);
    if (!more || this.#working) return;
    this.#working = true;
    this.#between.port1.postMessage(null);
  }

  /** After a rewind the same events are likely to come again at once: better not to blink. */
  #mayComeBack(): boolean {
    if (!this.#board.rewound || this.#board.pendingFrames > 0) this.#rewoundAt = 0;
    else this.#rewoundAt ||= performance.now();
    return this.#rewoundAt > 0 && performance.now() - this.#rewoundAt < REWIND_MS;
  }

  #swap(next: Sheet): void {
    const old = this.#sheet;
    this.#put(next);
    this.#sheet = next;
    this.#next = null;
    old.canvas.remove();
    old.free();
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
    const { scale, dx, dy } = mappingOf(this.#part, this.#live.width, this.#live.height);
    this.#ctx.setTransform(scale, 0, 0, scale, dx, dy);
    fillStyle(this.#ctx, stroke);
    this.#ctx.globalCompositeOperation = "source-over"; // the canvas itself is multiplied
    this.#ctx.fill(path);
    this.#inked = {
      left: Math.floor(bounds.left * scale + dx) - 1,
      top: Math.floor(bounds.top * scale + dy) - 1,
      right: Math.ceil(bounds.right * scale + dx) + 1,
      bottom: Math.ceil(bounds.bottom * scale + dy) + 1,
    };
  }
}

const same = (a: Part, b: Part): boolean => a.x === b.x && a.y === b.y && a.w === b.w && a.h === b.h;
