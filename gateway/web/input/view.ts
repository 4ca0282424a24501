// SPDX-License-Identifier: Apache-2.0
//
// Which part of the board is in sight. Zoom is everybody's own affair. Places and lengths are parts of
// the board (or of the window onto it) from 0 to 1.

/** A rectangle of the board. */
export interface Part {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** What the window shows: also what is beside the board, where that is smaller than the window. */
export interface View extends Part {
  readonly zoom: number; // 1: the whole board, as large as the window holds it
  readonly room: Room;
}

/** How much larger than the whole board the window is that holds it: 1 or more, and about 1 for one of both. */
export interface Room {
  readonly x: number;
  readonly y: number;
}

export const ZOOM_MAX = 8;
export const STEP = 1.25; // one press of a button or key
const EDGE = 0.12; // the pen is followed before it comes nearer to the edge of the window than this

const within = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
/** The window stays on the board, or the board in the middle of the window. */
const start = (at: number, size: number): number => (size >= 1 ? (1 - size) / 2 : within(at, 0, 1 - size));

function at(zoom: number, room: Room, x: number, y: number): View {
  const [w, h] = [room.x / zoom, room.y / zoom];
  return { zoom, room, w, h, x: start(x, w), y: start(y, h) };
}

export const whole = (room: Room): View => at(1, room, 0, 0);
export const WHOLE = whole({ x: 1, y: 1 });

/** The same through a window of another shape: what is in its middle stays there. */
export const roomed = ({ zoom, x, y, w, h }: View, room: Room): View =>
  at(zoom, room, x + (w - room.x / zoom) / 2, y + (h - room.y / zoom) / 2);

/** Follows a hand that moved by parts of the window. */
export const moved = ({ zoom, room, x, y, w, h }: View, dx: number, dy: number): View =>
  at(zoom, room, x - dx * w, y - dy * h);

/** Zooms so that what is at x, y of the window stays there. */
export function zoomed({ zoom, room, ...from }: View, factor: number, x = 0.5, y = 0.5): View {
  let to = within(zoom * factor, 1, ZOOM_MAX);
  if (to < 1.02 && factor < 1) to = 1; // the whole board is a place to arrive at
  return at(to, room, from.x + x * (from.w - room.x / to), from.y + y * (from.h - room.y / to));
}

export const stepped = (view: View, step: 1 | -1): View => zoomed(view, STEP ** step);

/** What of the board is in sight. */
export function shownOf({ x, y, w, h }: View): Part {
  return { x: Math.max(0, x), y: Math.max(0, y), w: Math.min(1, w), h: Math.min(1, h) };
}

/** Where that place of the board is in the window. */
export const toWindow = (part: Part, x: number, y: number): { x: number; y: number } => ({
  x: (x - part.x) / part.w,
  y: (y - part.y) / part.h,
});

/** Which place of the board is there in the window. */
export const toPlace = (part: Part, x: number, y: number): { x: number; y: number } => ({
  x: part.x + x * part.w,
  y: part.y + y * part.h,
});

/** Is that place of the board in sight, and not at the very edge (beyond which there is more board)? */
export function sees(view: View, x: number, y: number, edge = EDGE): boolean {
  const place = toWindow(view, x, y);
  const room = (part: number, from: number, size: number): boolean =>
    part >= (from > 0 ? edge : 0) && part <= (from + size < 1 ? 1 - edge : 1);
  return room(place.x, view.x, view.w) && room(place.y, view.y, view.h);
}

/** The same zoom with that place of the board in the middle. */
export const centred = ({ zoom, room, w, h }: View, x: number, y: number): View =>
  at(zoom, room, x - w / 2, y - h / 2);
