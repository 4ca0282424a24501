// SPDX-License-Identifier: Apache-2.0
//
// Which part of the board is in sight. Zoom is everybody's own affair. Places and lengths are parts of
// the board (or of the window onto it) from 0 to 1.
export interface View {
  readonly zoom: number; // 1: the whole board
  readonly x: number; // the left edge of what is in sight
  readonly y: number;
}

export const WHOLE: View = { zoom: 1, x: 0, y: 0 };
export const ZOOM_MAX = 8;
const STEP = 1.25; // one press of a button or key
const EDGE = 0.12; // the pen is followed before it comes nearer to the edge of the window than this

const within = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

function at(zoom: number, x: number, y: number): View {
  const most = 1 - 1 / zoom;
  return { zoom, x: within(x, 0, most), y: within(y, 0, most) };
}

/** Follows a hand that moved by parts of the window. */
export const moved = (view: View, dx: number, dy: number): View =>
  at(view.zoom, view.x - dx / view.zoom, view.y - dy / view.zoom);

/** Zooms so that what is at x, y of the window stays there. */
export function zoomed(view: View, factor: number, x = 0.5, y = 0.5): View {
  let zoom = within(view.zoom * factor, 1, ZOOM_MAX);
  if (zoom < 1.02 && factor < 1) zoom = 1; // the whole board is a place to arrive at
  return at(zoom, view.x + x / view.zoom - x / zoom, view.y + y / view.zoom - y / zoom);
}

export const stepped = (view: View, step: 1 | -1): View => zoomed(view, STEP ** step);

/** Where that place of the board is in the window. */
export const toWindow = (view: View, x: number, y: number): { x: number; y: number } => ({
  x: (x - view.x) * view.zoom,
  y: (y - view.y) * view.zoom,
});

/** Which place of the board is there in the window. */
export const toPlace = (view: View, x: number, y: number): { x: number; y: number } => ({
  x: view.x + x / view.zoom,
  y: view.y + y / view.zoom,
});

/** Is that place of the board in sight, and not at the very edge (beyond which there is more board)? */
export function sees(view: View, x: number, y: number, edge = EDGE): boolean {
  const place = toWindow(view, x, y);
  const room = (part: number, start: number): boolean =>
    part >= (start > 0 ? edge : 0) && part <= (start + 1 / view.zoom < 1 ? 1 - edge : 1);
  return room(place.x, view.x) && room(place.y, view.y);
}

/** The same zoom with that place of the board in the middle. */
export const centred = (view: View, x: number, y: number): View =>
  at(view.zoom, x - 0.5 / view.zoom, y - 0.5 / view.zoom);
