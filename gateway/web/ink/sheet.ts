// SPDX-License-Identifier: Apache-2.0
//
// One canvas of finished strokes, of one part of the board. Its pixels come from one function alone: a
// stroke has one outline, and each tile that it meets gets one fill of it, clipped to the tile, in log
// order. Tiles are a fixed grid of 512 device pixels. So a tile that is painted again (undo, redo,
// rewind) equals one that is painted from scratch byte for byte, and pages of equal size show equal
// pixels.
//
// What changes is nearly always among the newest strokes of a tile, which may have thousands. So a
// second canvas, made when a tile has many, holds the tiles without their newest strokes: a tile is
// painted again from there. Should an older stroke change, that canvas is painted anew first, in
// slices, and nobody sees it half done.
import { type Part, WHOLE } from "../input/view.ts";
import { ERASER, HIGHLIGHTER, type Stroke } from "../model/board.ts";
import { hexOf, PAPER } from "./colours.ts";
import { chainOf, partsOf } from "./chain.ts";
import { type Bounds, boundsOf, outline, trace } from "./outline.ts";

export const TILE = 512;
const POINTS_WIDE = 1600;
const NEWEST = 50; // strokes of a tile that can change without much work: so many, up to twice
const PATHS_BYTES_MAX = 32 << 20; // of outlines kept for repainting, the newest used
const CORNER_BYTES = 17; // of a path: two places and what they mean
const CORNERS_NOTED = 2_000; // a millisecond's work, about

interface Painted {
  stroke: Stroke;
  parts: readonly Stroke[]; // that were filled with it, it among them
  version: string; // of their points
  tiles: number[];
}

interface Tile {
  strokes: Painted[]; // that meet it, in log order
  older: number; // so many of them are on the second canvas
}

function paper(width: number, height: number): CanvasRenderingContext2D {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const ret = canvas.getContext("2d", { alpha: false })!;
  ret.fillStyle = PAPER;
  ret.fillRect(0, 0, width, height);
  return ret;
}

/** Browsers only note what is to be painted, and paint all of it at the end of the frame, or later if
 *  nobody sees the canvas. Who needs to know how long that takes must let it happen: by a look. */
class Looks {
  #pixel = paper(1, 1);
  #noted = 0; // corners

  noted(ctx: CanvasRenderingContext2D, corners: number): void {
    this.#noted += corners;
    if (this.#noted < CORNERS_NOTED) return;
    this.#noted = 0;
    this.#pixel.drawImage(ctx.canvas, 0, 0, 1, 1, 0, 0, 1, 1);
    this.#pixel.canvas.width = 1; // forgets it, else the next fill would have to copy the canvas
  }
}

export function fillStyle(ctx: CanvasRenderingContext2D, stroke: Stroke): void {
  ctx.globalCompositeOperation = stroke.tool === HIGHLIGHTER ? "multiply" : "source-over";
  ctx.fillStyle = stroke.tool === ERASER ? PAPER : hexOf(stroke.colour);
}

/** From points of the board to device pixels, whole ones at the corner. */
export interface Mapping {
  scale: number;
  dx: number;
  dy: number;
}

export function mappingOf({ x, y, w, h }: Part, width: number, height: number): Mapping {
  const to = (from: number, size: number): number => Math.round(-from * size) || 0;
  return { scale: width / w / POINTS_WIDE, dx: to(x, width / w), dy: to(y, height / h) };
}

interface Outlined {
  version: string; // of the points
  corners: number;
  path: Path2D;
  bounds: Bounds | null; // null: nothing to be seen
}

const versionOf = (parts: readonly Stroke[]): string => parts.map(({ begun, points }) => `${begun}.${points.version}`).join();

/** The outlines of strokes; they serve sheets of all sizes and parts. */
export class Paths {
  #kept = new Map<Stroke, Outlined>();
  #corners = 0;

  /** Of a stroke and the parts that are filled with it. */
  of(stroke: Stroke, parts: readonly Stroke[]): Outlined {
    const kept = this.forget(stroke);
    const entry = kept?.version === versionOf(parts) ? kept : this.#make(parts);
    this.#kept.set(stroke, entry); // the newest used is last
    this.#corners += entry.corners;
    if (this.#corners * CORNER_BYTES > PATHS_BYTES_MAX) this.forget(this.#kept.keys().next().value!);
    return entry;
  }

  forget(stroke: Stroke): Outlined | undefined {
    const kept = this.#kept.get(stroke);
    if (kept) this.#corners -= kept.corners;
    this.#kept.delete(stroke);
    return kept;
  }

  #make(parts: readonly Stroke[]): Outlined {
    const outlines = parts.map((part) => outline(part)).filter(({ length }) => length >= 3);
    const path = new Path2D();
    for (const corners of outlines) trace(corners, path);
    const corners = outlines.flat();
    return { version: versionOf(parts), corners: corners.length, path, bounds: corners.length ? boundsOf(corners) : null };
  }
}

export class Sheet {
  readonly canvas: HTMLCanvasElement;
  readonly part: Part; // of the board
  #ctx: CanvasRenderingContext2D;
  #older: CanvasRenderingContext2D | null = null; // tiles without their newest strokes
  #mapping: Mapping;
  #columns: number;
  #tiles: Tile[];
  #painted = new Map<Stroke, Painted>();
  #paths: Paths;
  #looks = new Looks();
  #waiting = new Set<Stroke>();
  #unfilled: { painted: Painted; index: number }[] = []; // tiles that miss a stroke on top, in order
  #dirty = new Set<number>();

  constructor(width: number, height: number, part: Part = WHOLE, paths = new Paths()) {
    this.part = part;
    this.#paths = paths;
    this.#ctx = paper(width, height);
    this.canvas = this.#ctx.canvas;
    this.#mapping = mappingOf(part, width, height);
    this.#columns = Math.ceil(width / TILE);
    this.#tiles = Array.from({ length: this.#columns * Math.ceil(height / TILE) }, () => ({ strokes: [], older: 0 }));
  }

  /** These strokes may look different now. */
  change(strokes: Iterable<Stroke>): void {
    for (const stroke of strokes) this.#waiting.add(stroke);
  }

  get done(): boolean {
    return this.#waiting.size === 0 && this.#unfilled.length === 0 && this.#dirty.size === 0;
  }

  /** Works until all is painted or `over` says that the time is up. */
  work(over: () => boolean): void {
    if (!this.#fillTiles(over)) return;
    for (const stroke of this.#waiting) {
      this.#waiting.delete(stroke);
      this.#update(stroke);
      if (!this.#fillTiles(over) || over()) return; // the dirty tiles wait, so that a tile is painted once
    }
    for (const tile of this.#dirty) {
      if (!this.#keepUp(tile, over)) return;
      this.#dirty.delete(tile);
      this.#repaint(tile);
      if (over()) return;
    }
  }

  /** One tile at a time: a wide and winding stroke takes long in each. Is it done? */
  #fillTiles(over: () => boolean): boolean {
    while (this.#unfilled.length) {
      const { painted, index } = this.#unfilled.shift()!;
      this.#inTile(this.#ctx, index, () => this.#fill(this.#ctx, painted));
      if (this.#unfilled.length && over()) return false;
    }
    return true;
  }

  /** When the picture is done: makes later changes cheap. Is there more to do? */
  prepare(over: () => boolean): boolean {
    return !this.#tiles.every((_, tile) => this.#keepUp(tile, over));
  }

  /** Gives the memory back at once. */
  free(): void {
    this.canvas.width = 0;
    if (this.#older) this.#older.canvas.width = 0;
  }

  /** What is filled with it may change, too. */
  #update(stroke: Stroke): void {
    for (const one of new Set([...chainOf(stroke), stroke])) {
      const parts = partsOf(one);
      const old = this.#painted.get(one);
      if (old?.version === versionOf(parts)) continue;
      if (old) this.#remove(old);
      if (parts.length) this.#add(one, parts);
    }
    if (stroke.gone) this.#paths.forget(stroke);
  }

  #remove(painted: Painted): void {
    this.#painted.delete(painted.stroke);
    for (const index of painted.tiles) {
      const tile = this.#tiles[index]!;
      const at = tile.strokes.lastIndexOf(painted);
      tile.strokes.splice(at, 1);
      if (at < tile.older) tile.older = 0;
      this.#dirty.add(index);
    }
  }

  /** On top where it is the newest; elsewhere its tile is painted again. */
  #add(stroke: Stroke, parts: readonly Stroke[]): void {
    const tiles = this.#tilesOf(this.#paths.of(stroke, parts).bounds);
    const painted: Painted = { stroke, parts, version: versionOf(parts), tiles };
    this.#painted.set(stroke, painted);
    for (const index of tiles) {
      const tile = this.#tiles[index]!;
      let at = tile.strokes.length;
      while (at > 0 && tile.strokes[at - 1]!.stroke.begun > stroke.begun) at--;
      tile.strokes.splice(at, 0, painted);
      if (at < tile.older) tile.older = 0;
      if (at < tile.strokes.length - 1) this.#dirty.add(index);
      else this.#unfilled.push({ painted, index });
    }
  }

  /** Brings all but the newest strokes of a tile to the second canvas. Is it done? */
  #keepUp(index: number, over: () => boolean): boolean {
    const tile = this.#tiles[index]!;
    if (tile.strokes.length - tile.older <= 2 * NEWEST) return true;
    const ctx = (this.#older ??= paper(this.canvas.width, this.canvas.height));
    this.#inTile(ctx, index, (x, y) => {
      if (tile.older === 0) this.#whiten(ctx, x, y);
      while (tile.strokes.length - tile.older > NEWEST && !over()) this.#fill(ctx, tile.strokes[tile.older++]!);
    });
    return tile.strokes.length - tile.older <= NEWEST;
  }

  #repaint(index: number): void {
    const { strokes, older } = this.#tiles[index]!;
    const ctx = this.#ctx;
    this.#inTile(ctx, index, (x, y) => {
      this.#whiten(ctx, x, y);
      if (older > 0) ctx.drawImage(this.#older!.canvas, 0, 0);
      for (const painted of strokes.slice(older)) this.#fill(ctx, painted);
    });
  }

  #whiten(ctx: CanvasRenderingContext2D, x: number, y: number): void {
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.globalCompositeOperation = "source-over";
    ctx.fillStyle = PAPER;
    ctx.fillRect(x, y, TILE, TILE);
  }

  #inTile(ctx: CanvasRenderingContext2D, index: number, work: (x: number, y: number) => void): void {
    const x = (index % this.#columns) * TILE;
    const y = Math.floor(index / this.#columns) * TILE;
    ctx.save();
    ctx.beginPath();
    ctx.rect(x, y, TILE, TILE);
    ctx.clip();
    work(x, y);
    ctx.restore();
  }

  #fill(ctx: CanvasRenderingContext2D, { stroke, parts }: Painted): void {
    const { scale, dx, dy } = this.#mapping;
    ctx.setTransform(scale, 0, 0, scale, dx, dy);
    fillStyle(ctx, stroke);
    const { path, corners } = this.#paths.of(stroke, parts);
    ctx.fill(path);
    this.#looks.noted(ctx, corners);
  }

  /** The tiles that it meets; none when it is out of sight. */
  #tilesOf(bounds: Bounds | null): number[] {
    if (!bounds) return [];
    const { scale, dx, dy } = this.#mapping;
    const rows = this.#tiles.length / this.#columns;
    const tileAt = (px: number): number => Math.floor(px / TILE);
    const ret = [];
    const firstRow = Math.max(0, tileAt(bounds.top * scale + dy - 1));
    const lastRow = Math.min(rows - 1, tileAt(bounds.bottom * scale + dy + 1));
    const firstColumn = Math.max(0, tileAt(bounds.left * scale + dx - 1));
    const lastColumn = Math.min(this.#columns - 1, tileAt(bounds.right * scale + dx + 1));
    for (let row = firstRow; row <= lastRow; row++)
      for (let column = firstColumn; column <= lastColumn; column++) ret.push(row * this.#columns + column);
    return ret;
  }
}
