// SPDX-License-Identifier: Apache-2.0
//
// A long stroke comes in parts, and one that left the board as well. What a highlighter fills twice is darker, so its
// parts are filled as one: no dot shows where they meet. Of opaque ink nobody sees that.
import { HIGHLIGHTER, type Stroke } from "../model/board.ts";

const PARTS_MAX = 16; // filled as one: each that is added is all of them anew

const isSeen = ({ undone, gone }: Stroke): boolean => !undone && !gone;

/** The part before it, if it belongs to the same chain; seen or not. */
function linked(stroke: Stroke): Stroke | null {
  const { before } = stroke;
  const goesOn = stroke.joined && stroke.tool === HIGHLIGHTER && stroke.part % PARTS_MAX !== 0;
  return goesOn && before?.tool === stroke.tool && before.colour === stroke.colour && before.size === stroke.size ? before : null;
}

/** All parts of its chain, seen or not, the first one first. */
export function chainOf(stroke: Stroke): Stroke[] {
  for (let before = linked(stroke); before; before = linked(stroke)) stroke = before;
  const ret = [stroke];
  for (let { next } = stroke; next && linked(next) === ret.at(-1); { next } = next) ret.push(next);
  return ret;
}

/** What is filled with it: itself and the parts that follow; none when it is filled with one before. `open`: also the
 *  one under way. */
export function partsOf(stroke: Stroke, open = false): Stroke[] {
  const isThere = (part: Stroke): boolean => isSeen(part) && (open || part.ended);
  const before = linked(stroke);
  if (!isThere(stroke) || (before && isThere(before))) return [];
  const ret = [stroke];
  for (let { next } = stroke; next && linked(next) === ret.at(-1) && isThere(next); { next } = next) ret.push(next);
  return ret;
}
