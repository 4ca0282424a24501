// SPDX-License-Identifier: Apache-2.0
//
// One canvas of finished strokes, in one view of the board. Its pixels come from one function alone: a stroke has one outline,
// and each tile that it meets gets one fill of it, clipped to the tile, in log order. Tiles are a fixed
// grid of 512 device pixels. So a tile that is painted again (undo, redo, rewind) equals one that is
// painted from scratch byte for byte, and pages of equal size show equal pixels.
import { type View, WHOLE } from "../input/view.ts";
import { ERASER, HIGHLIGHTER, type Stroke } from "../model/board.ts";
import { hexOf, PAPER } from "./colours.ts";
import { type Bounds, boundsOf, outline, trace } from "./outline.ts";

export const TILE = 512;
const POINTS_WIDE = 1600;
const PATHS_KEPT = 4_000; // outlines kept for repainting, the newest used

interface Painted {
  stroke: Stroke;
  version: number; // of the points that it was painted with
  tiles: number[];
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

export function mappingOf(view: View, width: number, height: number): Mapping {
  const to = (part: number, size: number): number => Math.round(-part * view.zoom * size) || 0;
  return { scale: (width / POINTS_WIDE) * view.zoom, dx: to(view.x, width), dy: to(view.y, height) };
}

interface Outlined {
  version: number; // of the points
  path: Path2D;
  bounds: Bounds | null; // null: nothing to be seen
}

/** The outlines of strokes; they serve sheets of all sizes and views. */
export class Paths {
  #kept = new Map<Stroke, Outlined>();

  of(stroke: Stroke): Outlined {
    const kept = this.#kept.get(stroke);
    this.#kept.delete(stroke);
    const entry = kept?.version === stroke.points.version ? kept : this.#make(stroke);
    this.#kept.set(stroke, entry); // the newest used is last
    if (this.#kept.size > PATHS_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    return entry;
  }

  forget(stroke: Stroke): void {
    this.#kept.delete(stroke);
  }

  #make(stroke: Stroke): Outlined {
    const corners = outline(stroke);
    const path = new Path2D();
    trace(corners, path);
    return { version: stroke.points.version, path, bounds: corners.length < 3 ? null : boundsOf(corners) };
  }
}

export class Sheet {
  readonly canvas: HTMLCanvasElement;
  readonly view: View;
  #ctx: CanvasRenderingContext2D;
  #mapping: Mapping;
  #columns: number;
  #tiles: Painted[][];
  #painted = new Map<Stroke, Painted>();
  #paths: Paths;
  #waiting = new Set<Stroke>();
  #dirty = new Set<number>();

  constructor(width: number, height: number, view: View = WHOLE, paths = new Paths()) {
    this.view = view;
    this.#paths = paths;
    this.canvas = document.createElement("canvas");
    this.canvas.width = width;
    this.canvas.height = height;
    this.#ctx = this.canvas.getContext("2d", { alpha: false })!;
    this.#mapping = mappingOf(view, width, height);
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
    if (old && wanted && old.version === stroke.points.version) return;
    if (old) this.#remove(old);
    if (wanted) this.#add(stroke);
    if (stroke.gone) this.#paths.forget(stroke);
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
    const tiles = this.#tilesOf(this.#paths.of(stroke).bounds);
    const painted: Painted = { stroke, version: stroke.points.version, tiles };
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
    const { scale, dx, dy } = this.#mapping;
    this.#ctx.setTransform(scale, 0, 0, scale, dx, dy);
    fillStyle(this.#ctx, stroke);
    this.#ctx.fill(this.#paths.of(stroke).path);
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
