// SPDX-License-Identifier: Apache-2.0
//
// Shows a board on two canvases: the sheet of finished strokes, and above it the one stroke under way.
// A new size or part, a clear or its reverse begin a new sheet, which takes the place of the old one when
// it is painted: nobody sees a half painted board. Until then the old one is shown moved and stretched.
import { type Part, STEP, WHOLE } from "../input/view.ts";
import { type Board, HIGHLIGHTER, type Stroke } from "../model/board.ts";
import { chainOf, partsOf } from "./chain.ts";
import { boundsOf, type Bounds, type MorePoint, outline, trace } from "./outline.ts";
import { Paths } from "./paths.ts";
import { fillStyle, mappingOf, Sheet } from "./sheet.ts";

const SLICE_MS = 6;
const REWIND_MS = 300;
const PIXELS_MAX = 9_000_000; // per canvas: iOS limits them
const MANY = 2_000; // strokes, which take a second
const FINER = STEP ** 5; // five steps of zoom: still sharp there, so much smaller above 100%
const SETTLED_MS = 60; // what is in sight for so long is worth a new sheet

export class Painter {
  /** Points of the own stroke that are in no frame yet, or only expected. */
  waiting: () => readonly MorePoint[] = () => [];

  #board: Board;
  #many: number;
  #sheet: Sheet;
  #next: Sheet | null = null; // takes the place of #sheet when it is done
  #whole: Sheet | null = null; // of many strokes, in the size that it is shown in at 100%
  #fine: Sheet | null = null; // the same, finer
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

  /** `live` is in the document; the sheets are put before it. From so `many` strokes on sheets are kept. */
  constructor(board: Board, live: HTMLCanvasElement, many = MANY) {
    this.#many = many;
    this.#board = board;
    this.#live = live;
    this.#ctx = live.getContext("2d")!;
    this.#sheet = new Sheet(live.width, live.height, WHOLE, this.#paths);
    this.#put(this.#sheet);
    this.#between.port2.onmessage = () => {
      this.#working = false;
      this.#work(this.#sheets());
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

  /** It is exactly what is to be shown, or that is a part of it and no finer than it. */
  #fits(sheet: Sheet): boolean {
    const { width, height } = this.#live;
    const { canvas, part } = sheet;
    const finer = !same(part, this.#part) && canvas.width * this.#part.w >= width * 0.99;
    if (sheet === this.#fine) return finer && (sheet.done || sheet === this.#sheet);
    return same(part, this.#part) && canvas.width === width && canvas.height === height;
  }

  #sheets(): Sheet[] {
    return [...new Set([this.#sheet, this.#next, this.#whole, this.#fine])].filter((sheet) => sheet !== null);
  }

  #startOver(): void {
    this.#next?.free();
    this.#next = this.#begun(this.#live.width, this.#live.height, this.#part);
    const whole = this.#sheet.done && this.#board.applied >= this.#board.head;
    if (!whole) this.#swap(this.#next);
  }

  #begun(width: number, height: number, part: Part): Sheet {
    const ret = new Sheet(width, height, part, this.#paths);
    ret.change(this.#board.strokes);
    return ret;
  }

  #paint(): void {
    if (this.#mayComeBack()) {
      this.#live.classList.add("behind");
      return this.request();
    }
    const { all, strokes } = this.#board.takeChanges();
    if (all) this.#anew();
    else for (const sheet of this.#sheets()) sheet.change(strokes);
    if (!this.#fits(this.#next ?? this.#sheet)) this.#fit();
    this.#work([this.#sheet]);
    this.#paintLive();
  }

  #anew(): void {
    this.#paths.clear();
    this.#forget();
    this.#startOver();
  }

  /** Another part is in sight, or in another size: there may be a sheet for it, else one is begun soon. */
  #fit(): void {
    const kept = [this.#sheet, this.#whole, this.#fine].find((sheet) => sheet && this.#fits(sheet));
    if (kept) return this.#swap(kept);
    if (this.#fine?.done && this.#sheet === this.#whole) this.#swap(this.#fine); // stretched less
    if (performance.now() - this.#partAt > SETTLED_MS) this.#startOver();
    else this.request();
  }

  /** One slice of what is to be done; before a frame only what is in sight. What is left follows between frames. */
  #work(sheets: readonly Sheet[]): void {
    const begun = performance.now();
    const over = (): boolean => performance.now() - begun > SLICE_MS;
    for (const sheet of sheets) if (!sheet.done && !over()) sheet.work(over);
    if (this.#next?.done) this.#swap(this.#next);
    const done = this.#sheet.done && !this.#next && this.#fits(this.#sheet);
    this.#live.classList.toggle("behind", !done);
    if (done) this.#keep();
    const more = !this.#sheets().every((sheet) => sheet.done);
    if (!more || this.#working) return;
    this.#working = true;
    this.#between.port1.postMessage(null);
  }

  /** What takes long to paint is kept for when it is looked at again, and painted finer before somebody comes near. */
  #keep(): void {
    if (!same(this.#part, WHOLE) || this.#sheet === this.#whole) return;
    this.#forget();
    if (this.#board.strokes.length < this.#many || this.#board.applied < this.#board.head) return;
    this.#whole = this.#sheet;
    const { width, height } = this.#sheet.canvas;
    const finer = Math.min(FINER, Math.sqrt(PIXELS_MAX / (width * height)));
    if (finer > 1) this.#fine = this.#begun(Math.floor(width * finer), Math.floor(height * finer), WHOLE);
  }

  #forget(): void {
    const kept = [this.#whole, this.#fine];
    this.#whole = this.#fine = null;
    for (const sheet of kept) if (sheet !== this.#sheet) sheet?.free();
  }

  /** After a rewind the same events are likely to come again at once: better not to blink. */
  #mayComeBack(): boolean {
    if (!this.#board.rewound || this.#board.pendingFrames > 0) this.#rewoundAt = 0;
    else this.#rewoundAt ||= performance.now();
    return this.#rewoundAt > 0 && performance.now() - this.#rewoundAt < REWIND_MS;
  }

  #swap(next: Sheet): void {
    const old = this.#sheet;
    if (this.#next !== next) this.#next?.free();
    this.#next = null;
    if (next === old) return;
    this.#put(next);
    this.#sheet = next;
    old.canvas.remove();
    if (old !== this.#whole && old !== this.#fine) old.free();
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
    if (stroke.tool === HIGHLIGHTER) this.#cutOut(stroke);
    this.#inked = {
      left: Math.floor(bounds.left * scale + dx) - 1,
      top: Math.floor(bounds.top * scale + dy) - 1,
      right: Math.ceil(bounds.right * scale + dx) + 1,
      bottom: Math.ceil(bounds.bottom * scale + dy) + 1,
    };
  }

  /** The parts before it are on the sheet: where it lies upon them it would be darker, until all are filled as one. */
  #cutOut(stroke: Stroke): void {
    this.#ctx.globalCompositeOperation = "destination-out";
    for (const one of chainOf(stroke)) {
      const parts = partsOf(one);
      if (parts.length) this.#ctx.fill(this.#paths.of(one, parts).path);
    }
  }
}

const same = (a: Part, b: Part): boolean => a.x === b.x && a.y === b.y && a.w === b.w && a.h === b.h;
