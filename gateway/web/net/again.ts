// SPDX-License-Identifier: Apache-2.0
//
// Frames of a term that has ended are drawn again, as frames of the next one.
import { END, EVEN, type Frame, PRESSURE, type Stroke } from "../model/board.ts";
import { encodePoints, type Point } from "../model/points.ts";

/** A frame with the numbers that it gets. */
export type Make = (term: number, cseq: number) => Frame;

/** Without what gave the pen away, without a clear and what it was to remove, and without what took one
 *  back: nobody may mean it any more. The rest of a stroke whose beginning is in the log (`strokes`) begins where that ended, unless the
 *  stroke is undone. */
export function ableToStand(frames: readonly Frame[], strokes: readonly Stroke[]): Frame[] {
  const from = frames.map(({ kind }) => kind).lastIndexOf("clear") + 1;
  const ret = frames.slice(from).filter(({ kind }) => kind !== "pass" && kind !== "restore");
  const begun = from === 0 ? strokes.filter(({ term }) => term === ret[0]?.term).at(-1) : undefined;
  return begunAnew(ret, begun && begun.points.count > 0 && !undoneIn(ret, begun) ? begun : null);
}

/** Is it undone in the end? */
function undoneIn(frames: readonly Frame[], { term, cseq, undone }: Stroke): boolean {
  const last = frames.filter((frame) => "stroke_term" in frame && frame.stroke_term === term && frame.stroke_cseq === cseq).at(-1);
  return last ? last.kind === "undo" : undone !== 0;
}

/** Points without a begin before them go on with `stroke`, or with nothing. */
function begunAnew(frames: readonly Frame[], stroke: Stroke | null): Frame[] {
  const ret: Frame[] = [];
  let begun = false;
  for (const frame of frames) {
    if (begun || frame.kind !== "points") ret.push(frame);
    else if (stroke) ret.push(goingOn(stroke, frame));
    begun = ret.at(-1)?.kind === "begin" || begun;
  }
  return ret;
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
