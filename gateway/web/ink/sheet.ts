// SPDX-License-Identifier: Apache-2.0
//
// One canvas of finished strokes. Its pixels come from one function alone: a stroke has one outline,
// and each tile that it meets gets one fill of it, clipped to the tile, in log order. Tiles are a fixed
// grid of 512 device pixels. So a tile that is painted again (undo, redo, rewind) equals one that is
// painted from scratch byte for byte, and pages of equal size show equal pixels.
import { ERASER, HIGHLIGHTER, type Stroke } from "../model/board.ts";
import { hexOf, PAPER } from "./colours.ts";
import { boundsOf, outline, trace } from "./outline.ts";

export const TILE = 512;
const POINTS_WIDE = 1600;
const PATHS_KEPT = 4_000; // outlines kept for repainting, the newest used

interface Painted {
  stroke: Stroke;
  count: number; // points that it was painted with
  tiles: number[];
}

export function fillStyle(ctx: CanvasRenderingContext2D, stroke: Stroke): void {
  ctx.globalCompositeOperation = stroke.tool === HIGHLIGHTER ? "multiply" : "source-over";
  ctx.fillStyle = stroke.tool === ERASER ? PAPER : hexOf(stroke.colour);
}

export class Sheet {
  readonly canvas: HTMLCanvasElement;
  #ctx: CanvasRenderingContext2D;
  #scale: number; // device pixels per point
  #columns: number;
  #tiles: Painted[][];
  #painted = new Map<Stroke, Painted>();
  #paths = new Map<Stroke, { count: number; path: Path2D; tiles: number[] }>();
  #waiting = new Set<Stroke>();
  #dirty = new Set<number>();

  constructor(width: number, height: number) {
    this.canvas = document.createElement("canvas");
    this.canvas.width = width;
    this.canvas.height = height;
    this.#ctx = this.canvas.getContext("2d", { alpha: false })!;
    this.#scale = width / POINTS_WIDE;
    this.#columns = Math.ceil(width / TILE);
    this.#tiles = Array.from({ length: this.#columns * Math.ceil(height / TILE) }, () => []);
    this.#ctx.fillStyle = PAPER;
    this.#ctx.fillRect(0, 0, width, height);
  }

  /** These strokes may look different now. */
  change(strokes: Iterable<Stroke>): void {
    for (const stroke of strokes) this.#waiting.add(stroke);
  }

  get done(): boolean {
    return this.#waiting.size === 0 && this.#dirty.size === 0;
  }

  /** Works until all is painted or `over` says that the time is up. */
  work(over: () => boolean): void {
    const strokes = [...this.#waiting].sort((a, b) => a.begun - b.begun);
    for (const stroke of strokes) {
      this.#waiting.delete(stroke);
      this.#update(stroke);
      if (over()) return; // the dirty tiles wait, so that a tile is painted once
    }
    for (const tile of this.#dirty) {
      this.#dirty.delete(tile);
      this.#repaint(tile);
      if (over()) return;
    }
  }

  #update(stroke: Stroke): void {
    const wanted = stroke.ended && !stroke.undone && !stroke.gone;
    const old = this.#painted.get(stroke);
    if (old && wanted && old.count === stroke.points.count) return;
    if (old) this.#remove(old);
    if (wanted) this.#add(stroke);
    if (stroke.gone) this.#paths.delete(stroke);
  }

  #remove(painted: Painted): void {
    this.#painted.delete(painted.stroke);
    for (const tile of painted.tiles) {
      const list = this.#tiles[tile]!;
      list.splice(list.indexOf(painted), 1);
      this.#dirty.add(tile);
    }
  }

  /** On top where it is the newest; elsewhere its tile is painted again. */
  #add(stroke: Stroke): void {
    const { tiles } = this.#path(stroke);
    const painted: Painted = { stroke, count: stroke.points.count, tiles };
    this.#painted.set(stroke, painted);
    for (const tile of tiles) {
      const list = this.#tiles[tile]!;
      let at = list.length;
      while (at > 0 && list[at - 1]!.stroke.begun > stroke.begun) at--;
      list.splice(at, 0, painted);
      if (at < list.length - 1) this.#dirty.add(tile);
      else if (!this.#dirty.has(tile)) this.#inTile(tile, () => this.#fill(stroke));
    }
  }

  #repaint(tile: number): void {
    this.#inTile(tile, (x, y) => {
      this.#ctx.setTransform(1, 0, 0, 1, 0, 0);
      this.#ctx.globalCompositeOperation = "source-over";
      this.#ctx.fillStyle = PAPER;
      this.#ctx.fillRect(x, y, TILE, TILE);
      for (const { stroke } of this.#tiles[tile]!) this.#fill(stroke);
    });
  }

  #inTile(tile: number, work: (x: number, y: number) => void): void {
    const x = (tile % this.#columns) * TILE;
    const y = Math.floor(tile / this.#columns) * TILE;
    this.#ctx.save();
    this.#ctx.beginPath();
    this.#ctx.rect(x, y, TILE, TILE);
    this.#ctx.clip();
    work(x, y);
    this.#ctx.restore();
  }

  #fill(stroke: Stroke): void {
    this.#ctx.setTransform(this.#scale, 0, 0, this.#scale, 0, 0);
    fillStyle(this.#ctx, stroke);
    this.#ctx.fill(this.#path(stroke).path);
  }

  #path(stroke: Stroke): { path: Path2D; tiles: number[] } {
    const kept = this.#paths.get(stroke);
    this.#paths.delete(stroke);
    const entry = kept?.count === stroke.points.count ? kept : this.#makePath(stroke);
    this.#paths.set(stroke, entry); // the newest used is last
    if (this.#paths.size > PATHS_KEPT) this.#paths.delete(this.#paths.keys().next().value!);
    return entry;
  }

  #makePath(stroke: Stroke): { count: number; path: Path2D; tiles: number[] } {
    const corners = outline(stroke);
    const path = new Path2D();
    trace(corners, path);
    return { count: stroke.points.count, path, tiles: this.#tilesOf(corners) };
  }

  #tilesOf(corners: readonly number[][]): number[] {
    const bounds = boundsOf(corners);
    const rows = this.#tiles.length / this.#columns;
    const tileAt = (place: number, margin: number, most: number): number =>
      Math.min(most - 1, Math.max(0, Math.floor((place * this.#scale + margin) / TILE)));
    const ret = [];
    if (corners.length < 3) return [];
    const lastColumn = tileAt(bounds.right, 1, this.#columns);
    for (let row = tileAt(bounds.top, -1, rows); row <= tileAt(bounds.bottom, 1, rows); row++)
      for (let column = tileAt(bounds.left, -1, this.#columns); column <= lastColumn; column++)
        ret.push(row * this.#columns + column);
    return ret;
  }
}
