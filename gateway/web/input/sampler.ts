// SPDX-License-Identifier: Apache-2.0
//
// Which places of a pointer become points of a stroke. Places nearer than `near` to the last point are
// left out, except the one where the pointer came to rest.
import type { Point } from "../model/points.ts";

const STEP_UNITS = 4; // points nearer than this, or than STEP_PX, to the last are dropped
const STEP_PX = 0.75;

export const nearest = (unitsPerPx: number): number => Math.max(STEP_UNITS, STEP_PX * unitsPerPx);

/** Pens without a sensor say 0.5, always. */
export const pressureOf = (at: { type: string; pressure: number }): number | undefined =>
  at.type === "pen" && at.pressure !== 0.5 ? at.pressure : undefined;

export class Sampler {
  #last: Point;
  #tail: Point | null = null;

  constructor(first: Point) {
    this.#last = first;
  }

  /** The point to take, or null. */
  add(point: Point, near: number): Point | null {
    const far = Math.hypot(point.x - this.#last.x, point.y - this.#last.y) >= near;
    this.#tail = far ? null : point;
    if (far) this.#last = point;
    return far ? point : null;
  }

  /** Where the pointer came to rest, when that is not the last point. */
  rest(): Point | null {
    const tail = this.#tail;
    this.#tail = null;
    return tail && (tail.x !== this.#last.x || tail.y !== this.#last.y) ? tail : null;
  }
}
