// SPDX-License-Identifier: Apache-2.0
//
// Frames of a term that has ended are drawn again, as frames of the next one.
import { END, EVEN, type Frame, PRESSURE, type Stroke } from "../model/board.ts";
import { encodePoints, type Point } from "../model/points.ts";

/** A frame with the numbers that it gets. */
export type Make = (term: number, cseq: number) => Frame;

/** Without what gave the pen away. The rest of a stroke whose beginning is in the log begins where that
 *  ended. */
export function ableToStand(frames: readonly Frame[], strokes: readonly Stroke[]): Frame[] {
  const ret = frames.filter(({ kind }) => kind !== "pass");
  const [first] = ret;
  const begun = first?.kind === "points" && strokes.filter(({ term }) => term === first.term).at(-1);
  if (first?.kind !== "points") return ret;
  return begun && begun.points.count ? [goingOn(begun, first), ...ret.slice(1)] : ret.slice(1);
}

function goingOn(stroke: Stroke, rest: Frame & { kind: "points" }): Frame {
  const { tool, colour, size, points } = stroke;
  const { x, y, count } = points.reach;
  const last: Point = points.pressure ? { x, y, pressure: points.pressure[count - 1]! } : { x, y };
  const start = encodePoints([last], undefined, points.pressure !== null);
  const flags = (points.pressure ? PRESSURE : 0) | (stroke.even ? EVEN : 0) | (rest.flags & END);
  const { term, cseq } = rest;
  return { kind: "begin", term, cseq, tool, colour, size, shape: 1, flags, points: joinBytes(start, rest.points) };
}

function joinBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  const ret = new Uint8Array(a.length + b.length);
  ret.set(a);
  ret.set(b, a.length);
  return ret;
}

/** `draw` gives each its numbers. What undoes a stroke of these frames undoes it under its new name. */
export function drawAgain(frames: readonly Frame[], draw: (make: Make) => void): void {
  const names = new Map<string, { stroke_term: number; stroke_cseq: number }>();
  for (const frame of frames)
    draw((term, cseq) => {
      if (frame.kind === "begin") names.set(`${frame.term}:${frame.cseq}`, { stroke_term: term, stroke_cseq: cseq });
      const renamed = "stroke_term" in frame ? names.get(`${frame.stroke_term}:${frame.stroke_cseq}`) : undefined;
      return { ...frame, ...renamed, term, cseq };
    });
}
