// SPDX-License-Identifier: Apache-2.0
//
// One canvas of finished strokes, of one part of the board. Its pixels come from one function alone: a
// stroke has one outline, and each tile that it meets gets one fill of it, clipped to the tile, in log
// order. Tiles are a fixed grid of 512 device pixels. So a tile that is painted again (undo, redo,
// rewind) equals one that is painted from scratch byte for byte, and pages of equal size show equal
// pixels.
//
// What changes is nearly always among the newest strokes of a tile, which may have thousands. So while a
// tile fills, copies of it are kept, in turns on two more canvases: one of them is without its newest
// strokes, and from there it is painted again. Should an older stroke change, a copy is painted anew first,
// in slices, and nobody sees it half done.
import { type Part, WHOLE } from "../input/view.ts";
import { ERASER, HIGHLIGHTER, type Stroke } from "../model/board.ts";
import { chainOf, partsOf } from "./chain.ts";
import { hexOf, PAPER } from "./colours.ts";
import type { Bounds } from "./outline.ts";
import { Paths, versionOf } from "./paths.ts";

export const TILE = 512;
const POINTS_WIDE = 1600;
const NEWEST = 24; // strokes of a tile between two copies of it
const MANY = 4 * NEWEST; // with fewer a tile is painted again without a copy
const AT_ONCE = 4; // tiles that are painted again in a frame all the same: most strokes meet no more, and go whole
const BATCH = 256; // strokes whose places are found before they are filled, tile by tile
const CORNERS_NOTED = 2_000; // a millisecond's work, about

interface Painted {
  stroke: Stroke;
  parts: readonly Stroke[]; // that were filled with it, it among them
  version: string; // of their points
  tiles: number[];
}

interface Tile {
  strokes: Painted[]; // that meet it, in log order
  filled: number; // so many of them are on the canvas
  copied: [number, number]; // and so many on each of the canvases with copies
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
    this.look(ctx);
  }

  look(ctx: CanvasRenderingContext2D): void {
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

export class Sheet {
  readonly canvas: HTMLCanvasElement;
  readonly part: Part; // of the board
  #ctx: CanvasRenderingContext2D;
  #copies: CanvasRenderingContext2D[] = []; // of tiles, when they had fewer strokes
  #mapping: Mapping;
  #columns: number;
  #tiles: Tile[];
  #painted = new Map<Stroke, Painted>();
  #paths: Paths;
  #looks = new Looks();
  #waiting = new Set<Stroke>();
  #unfilled = new Set<number>(); // tiles that miss strokes on top
  #dirty = new Set<number>(); // tiles that have something they should not, or not there

  constructor(width: number, height: number, part: Part = WHOLE, paths = new Paths()) {
    this.part = part;
    this.#paths = paths;
    this.#ctx = paper(width, height);
    this.canvas = this.#ctx.canvas;
    this.#mapping = mappingOf(part, width, height);
    this.#columns = Math.ceil(width / TILE);
    this.#tiles = Array.from({ length: this.#columns * Math.ceil(height / TILE) }, () => ({ strokes: [], filled: 0, copied: [0, 0] }));
  }

  /** These strokes may look different now. */
  change(strokes: Iterable<Stroke>): void {
    for (const stroke of strokes) this.#waiting.add(stroke);
  }

  get done(): boolean {
    return this.#waiting.size === 0 && this.#unfilled.size === 0 && this.#dirty.size === 0;
  }

  /** Works until all is painted or `over` says that the time is up. */
  work(over: () => boolean): void {
    if (!this.#fillTiles(over)) return;
    while (this.#waiting.size) {
      this.#updateBatch(over);
      if (!this.#fillTiles(over) || over()) return; // the dirty tiles wait, so that each is painted once
    }
    let repainted = 0;
    for (const tile of this.#dirty) {
      if (!this.#copyAnew(tile, over)) return;
      this.#dirty.delete(tile);
      this.#repaint(tile);
      if (++repainted >= AT_ONCE && over()) return;
    }
  }

  /** Gives the memory back at once. */
  free(): void {
    for (const { canvas } of [this.#ctx, ...this.#copies]) canvas.width = 0;
  }

  // ---- which strokes meet which tiles ----------------------------------------------------------

  #updateBatch(over: () => boolean): void {
    let count = 0;
    for (const stroke of this.#waiting) {
      this.#waiting.delete(stroke);
      this.#update(stroke);
      if (++count === BATCH || over()) return;
    }
  }

  /** What is filled with it may change, too. */
  #update(stroke: Stroke): void {
    for (const one of stroke.tool === HIGHLIGHTER ? new Set([...chainOf(stroke), stroke]) : [stroke]) {
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
      this.#changed(index, at);
      if (at < tile.filled) tile.filled--;
    }
  }

  /** On top where it is the newest; elsewhere its tile is painted again. */
  #add(stroke: Stroke, parts: readonly Stroke[]): void {
    const tiles = this.#tilesOf(this.#paths.of(stroke, parts).bounds);
    const painted: Painted = { stroke, parts, version: versionOf(parts), tiles };
    this.#painted.set(stroke, painted);
    for (const index of tiles) {
      const { strokes } = this.#tiles[index]!;
      let at = strokes.length;
      while (at > 0 && strokes[at - 1]!.stroke.begun > stroke.begun) at--;
      strokes.splice(at, 0, painted);
      this.#changed(index, at);
      this.#unfilled.add(index);
    }
  }

  /** What is painted already from that stroke of the tile on is not as it should be. */
  #changed(index: number, at: number): void {
    const tile = this.#tiles[index]!;
    if (at < tile.filled) this.#dirty.add(index);
    if (at < tile.copied[0]) tile.copied[0] = 0;
    if (at < tile.copied[1]) tile.copied[1] = 0;
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

  // ---- painting --------------------------------------------------------------------------------

  /** One tile after the other: a wide and winding stroke takes long in each. Is it done? */
  #fillTiles(over: () => boolean): boolean {
    for (const index of this.#unfilled) {
      if (!this.#dirty.has(index) && !this.#fillTile(index, over)) return false;
      this.#unfilled.delete(index);
      if (this.#unfilled.size && over()) return false;
    }
    return true;
  }

  /** What is missing on top. Is it done? */
  #fillTile(index: number, over: () => boolean): boolean {
    const tile = this.#tiles[index]!;
    const left = (): number => tile.strokes.length - tile.filled;
    this.#inTile(this.#ctx, index, () => {
      while (left() > 0) {
        this.#fill(this.#ctx, tile.strokes[tile.filled++]!);
        const due = tile.filled - Math.max(...tile.copied) >= NEWEST && tile.strokes.length > MANY;
        if (due && (left() === 0 || left() === NEWEST)) this.#copy(index);
        if (over()) return;
      }
    });
    return left() === 0;
  }

  /** The tile as it is now takes the place of its older copy. */
  #copy(index: number): void {
    const tile = this.#tiles[index]!;
    const which = tile.copied[0] <= tile.copied[1] ? 0 : 1;
    const ctx = this.#copyOf(which);
    this.#inTile(ctx, index, () => this.#draw(ctx, this.#ctx));
    this.#looks.look(ctx); // else the next fill would have to copy all of the canvas
    tile.copied[which] = tile.filled;
  }

  #copyOf(which: number): CanvasRenderingContext2D {
    return (this.#copies[which] ??= paper(this.canvas.width, this.canvas.height));
  }

  /** From which copy a tile is painted again: the newest. */
  #newestOf({ copied }: Tile): 0 | 1 {
    return copied[0] >= copied[1] ? 0 : 1;
  }

  /** Brings a copy to all but the newest strokes of a tile, if there is none of it. Is it done? */
  #copyAnew(index: number, over: () => boolean): boolean {
    const tile = this.#tiles[index]!;
    const which = this.#newestOf(tile);
    const left = (): number => tile.strokes.length - tile.copied[which];
    if (left() <= (tile.copied[which] > 0 ? 2 * NEWEST : MANY)) return true;
    const ctx = this.#copyOf(which);
    this.#inTile(ctx, index, (x, y) => {
      if (tile.copied[which] === 0) this.#whiten(ctx, x, y);
      while (left() > NEWEST && !over()) this.#fill(ctx, tile.strokes[tile.copied[which]++]!);
    });
    return left() <= NEWEST;
  }

  #repaint(index: number): void {
    const tile = this.#tiles[index]!;
    const ctx = this.#ctx;
    const which = this.#newestOf(tile);
    this.#inTile(ctx, index, (x, y) => {
      if (tile.copied[which] > 0) this.#draw(ctx, this.#copyOf(which));
      else this.#whiten(ctx, x, y);
      for (const painted of tile.strokes.slice(tile.copied[which])) this.#fill(ctx, painted);
    });
    tile.filled = tile.strokes.length;
  }

  #draw(ctx: CanvasRenderingContext2D, from: CanvasRenderingContext2D): void {
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.globalCompositeOperation = "source-over";
    ctx.drawImage(from.canvas, 0, 0);
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
}
