// SPDX-License-Identifier: Apache-2.0
//
// A stroke under way becomes frames.
import { END, EVEN, JOINED, PRESSURE } from "../model/board.ts";
import { STROKE_POINTS_MAX } from "../codec/limits.gen.ts";
import { type Point, POINTS_PER_FRAME } from "../model/points.ts";
import type { Client, PenStyle } from "./client.ts";

/** Cuts a stroke into frames: the first point at once, then what came since, at most 64 at a time. A
 *  stroke that ends before it was begun (a tap) is one frame. A stroke of 2,000 points ends, and the
 *  next one begins there, marked as joined. */
export class StrokeWriter {
  #client: Client;
  #style: PenStyle;
  #flags: number;
  #waiting: Point[] = [];
  #last: Point;
  #count = 0; // points sent of this stroke
  #term: number;
  #joined: number;

  /** `goesOn`: with the stroke before, in one movement. */
  constructor(client: Client, style: PenStyle, first: Point, goesOn = false) {
    this.#client = client;
    this.#style = style;
    this.#flags = (first.pressure === undefined ? 0 : PRESSURE) | (style.even ? EVEN : 0);
    this.#last = first;
    this.#term = client.term;
    this.#joined = goesOn ? JOINED : 0;
    this.#waiting.push(first);
  }

  /** The pen passed on while this stroke was under way. */
  get over(): boolean {
    return this.#client.term !== this.#term;
  }

  /** Points that are not in a frame yet. */
  get waiting(): readonly Point[] {
    return this.#waiting;
  }

  add(point: Point): void {
    this.#waiting.push(point);
  }

  /** Sends the begin, when that was not done yet. */
  begin(): void {
    if (this.#count === 0 && !this.over) this.#begin(this.#waiting.splice(0, 1), false, this.#joined);
  }

  flush(end = false, most = POINTS_PER_FRAME): void {
    if (this.over) return;
    const tap = this.#count === 0 && end && this.#waiting.length <= most;
    if (tap) return this.#begin(this.#waiting.splice(0), true, this.#joined);
    this.begin();
    while (this.#waiting.length || end) {
      const room = STROKE_POINTS_MAX - this.#count;
      const points = this.#waiting.splice(0, Math.min(most, room));
      const last = this.#waiting.length === 0;
      const whole = points.length === room && !last;
      this.#client.points(points, this.#last, (this.#flags & PRESSURE) !== 0, (end && last) || whole);
      this.#last = points.at(-1) ?? this.#last;
      this.#count += points.length;
      if (whole) this.#begin([this.#last], false, JOINED);
      if (last) return;
    }
  }

  #begin(points: Point[], end: boolean, joined = 0): void {
    this.#client.begin(this.#style, points, this.#flags | joined | (end ? END : 0));
    this.#last = points.at(-1)!;
    this.#count = points.length;
  }
}
