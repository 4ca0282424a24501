// SPDX-License-Identifier: Apache-2.0
//
// The outlines of strokes as paths; they serve sheets of all sizes and parts. Kept are as many as there is room for:
// whoever paints a board of more strokes goes through all of them, so to forget the longest unused one would be to
// keep none.
import type { Stroke } from "../model/board.ts";
import { boundsOf, type Bounds, outline, trace } from "./outline.ts";

const BYTES_MAX = 48 << 20;
const CORNER_BYTES = 17; // of a path: two places and what they mean

export interface Outlined {
  readonly version: string; // of the points
  readonly corners: number;
  readonly path: Path2D;
  readonly bounds: Bounds | null; // null: nothing to be seen
}

export const versionOf = (parts: readonly Stroke[]): string => parts.map(({ begun, points }) => `${begun}.${points.version}`).join();

function outlined(parts: readonly Stroke[]): Outlined {
  const outlines = parts.map((part) => outline(part)).filter(({ length }) => length >= 3);
  const path = new Path2D();
  for (const corners of outlines) trace(corners, path);
  const corners = outlines.flat();
  return { version: versionOf(parts), corners: corners.length, path, bounds: corners.length ? boundsOf(corners) : null };
}

export class Paths {
  #kept = new Map<Stroke, Outlined>();
  #corners = 0;

  /** Of a stroke and the parts that are filled with it. */
  of(stroke: Stroke, parts: readonly Stroke[]): Outlined {
    const kept = this.#kept.get(stroke);
    if (kept?.version === versionOf(parts)) return kept;
    this.forget(stroke);
    const entry = outlined(parts);
    if ((this.#corners + entry.corners) * CORNER_BYTES > BYTES_MAX) return entry;
    this.#kept.set(stroke, entry);
    this.#corners += entry.corners;
    return entry;
  }

  forget(stroke: Stroke): void {
    const kept = this.#kept.get(stroke);
    if (!kept) return;
    this.#corners -= kept.corners;
    this.#kept.delete(stroke);
  }

  /** What was on the board is no more, or not for long. */
  clear(): void {
    this.#kept.clear();
    this.#corners = 0;
  }
}
