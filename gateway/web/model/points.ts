// SPDX-License-Identifier: Apache-2.0
//
// The points of a stroke. On the wire they are BIN of big-endian int16 steps (x, y), each from the
// point before it in the stroke, the first from 0,0, with a byte of pressure when the stroke has it.
// Here they are places on the board in growing typed arrays. All pages make the same ink from them,
// the drawer's too: it draws what it sends.
import { BOARD_HEIGHT, BOARD_WIDTH, STROKE_POINTS_MAX } from "../codec/limits.gen.ts";

export { BOARD_HEIGHT, BOARD_WIDTH };
export const POINTS_PER_FRAME = 64; // a page's usual frame; the service takes up to 1,000

const clamp = (value: number, high: number): number => (value < 0 ? 0 : value > high ? high : value);

export interface Point {
  x: number;
  y: number;
  pressure?: number; // 0..255
}

/** A pointer's place as it is sent: whole numbers within the board. */
export function toBoard(x: number, y: number, pressure?: number): Point {
  const point: Point = { x: clamp(Math.round(x), BOARD_WIDTH), y: clamp(Math.round(y), BOARD_HEIGHT) };
  if (pressure !== undefined) point.pressure = clamp(Math.round(pressure * 255), 255);
  return point;
}

export function encodePoints(points: readonly Point[], from: Point | undefined, pressure: boolean): Uint8Array {
  const ret = new Uint8Array(points.length * (pressure ? 5 : 4));
  const view = new DataView(ret.buffer);
  let { x, y } = from ?? { x: 0, y: 0 };
  let at = 0;
  for (const point of points) {
    view.setInt16(at, point.x - x);
    view.setInt16(at + 2, point.y - y);
    at += 4;
    if (pressure) view.setUint8(at++, point.pressure ?? 128);
    ({ x, y } = point);
  }
  return ret;
}

/** How far a stroke is: to go on from, or back to. */
export interface Reach {
  readonly count: number;
  readonly x: number; // the sum of all steps, which may lie beyond the board
  readonly y: number;
}

/** x, y, x, y, … of a stroke, and its pressures. Cutting it back keeps the room. It takes whatever a log may
 *  hold: places beyond the board are shown at its edge, though the steps go on from where they led to, and
 *  what follows 2,000 points is left out. */
export class PointList {
  count = 0;
  /** Tells two states apart that have as many points. */
  version = 0;
  xy = new Uint16Array(16);
  pressure: Uint8Array | null;
  #x = 0;
  #y = 0;

  constructor(pressure: boolean) {
    this.pressure = pressure ? new Uint8Array(8) : null;
  }

  get reach(): Reach {
    return { count: this.count, x: this.#x, y: this.#y };
  }

  /** Adds what a frame holds. */
  add(bytes: Uint8Array): void {
    const width = this.pressure ? 5 : 4;
    const more = Math.min(Math.floor(bytes.length / width), STROKE_POINTS_MAX - this.count);
    this.#grow(this.count + more);
    this.version++;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let i = 0; i < more; i++, this.count++) {
      this.#x += view.getInt16(i * width);
      this.#y += view.getInt16(i * width + 2);
      this.xy[this.count * 2] = clamp(this.#x, BOARD_WIDTH);
      this.xy[this.count * 2 + 1] = clamp(this.#y, BOARD_HEIGHT);
      if (this.pressure) this.pressure[this.count] = view.getUint8(i * width + 4);
    }
  }

  cutBack({ count, x, y }: Reach): void {
    this.count = count;
    this.#x = x;
    this.#y = y;
    this.version++;
  }

  #grow(count: number): void {
    if (count * 2 <= this.xy.length) return;
    const room = Math.max(count, this.xy.length);
    const xy = new Uint16Array(room * 2);
    xy.set(this.xy);
    this.xy = xy;
    if (!this.pressure) return;
    const pressure = new Uint8Array(room);
    pressure.set(this.pressure);
    this.pressure = pressure;
  }
}
