// SPDX-License-Identifier: Apache-2.0
//
// The outline of a stroke, in points (the board is 1600 × 1000 of them). It is made from the rounded
// places in the log alone, so all pages get the same one. These numbers are shape version 1 and part
// of the format: other numbers need another version.
import { getStroke } from "perfect-freehand";
import type { PointList } from "../model/points.ts";
import { UNITS_PER_POINT } from "./colours.ts";

const SMOOTHING = 0.5;
const STREAMLINE = 0.45;
const THINNING_SIMULATED = 0.35; // mouse and finger: from the speed
const THINNING_REAL = 0.6; // pens that report pressure
const PEN = 0;

export interface StrokeShape {
  readonly tool: number;
  readonly size: number; // board units
  readonly even?: boolean; // as wide everywhere
  readonly points: PointList;
}

export interface MorePoint {
  readonly x: number;
  readonly y: number;
  readonly pressure?: number;
}

/** The corners of the outline; `more` are points that are drawn but not in a frame yet. */
export function outline(stroke: StrokeShape, more: readonly MorePoint[] = []): number[][] {
  const { xy, pressure, count } = stroke.points;
  const input: number[][] = [];
  for (let i = 0; i < count; i++) {
    const point = [xy[i * 2]! / UNITS_PER_POINT, xy[i * 2 + 1]! / UNITS_PER_POINT];
    if (pressure) point.push(pressure[i]! / 255);
    input.push(point);
  }
  for (const { x, y, pressure: p } of more) {
    const point = [x / UNITS_PER_POINT, y / UNITS_PER_POINT];
    if (pressure) point.push((p ?? 128) / 255);
    input.push(point);
  }
  const thinning = stroke.tool !== PEN || stroke.even ? 0 : pressure ? THINNING_REAL : THINNING_SIMULATED;
  return getStroke(input, {
    size: stroke.size / UNITS_PER_POINT,
    smoothing: SMOOTHING,
    streamline: STREAMLINE,
    thinning,
    simulatePressure: !pressure,
    last: true,
  });
}

export interface Bounds {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export function boundsOf(corners: readonly number[][]): Bounds {
  const ret = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const [x, y] of corners as [number, number][]) {
    if (x < ret.left) ret.left = x;
    if (x > ret.right) ret.right = x;
    if (y < ret.top) ret.top = y;
    if (y > ret.bottom) ret.bottom = y;
  }
  return ret;
}

/** Draws the closed curve through the middles of the outline's edges. */
export function trace(
  corners: readonly number[][],
  path: { moveTo(x: number, y: number): void; quadraticCurveTo(a: number, b: number, x: number, y: number): void; closePath(): void },
): void {
  if (corners.length < 3) return;
  let [x, y] = corners[0] as [number, number];
  const [endX, endY] = corners.at(-1) as [number, number];
  path.moveTo((endX + x) / 2, (endY + y) / 2);
  for (let i = 0; i < corners.length; i++) {
    const [nextX, nextY] = corners[(i + 1) % corners.length] as [number, number];
    path.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
    [x, y] = [nextX, nextY];
  }
  path.closePath();
}
