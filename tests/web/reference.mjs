// SPDX-License-Identifier: Apache-2.0
//
// The picture of a log, told as plainly as possible: read the events from the first to the last. The
// page's model, which goes forth and back, must always come to the same.
import { encodePoints } from "../../build/web-node/client.mjs";

export const bytesOf = (points, from, pressure) => encodePoints(points, from, pressure);

function readPoints(stroke, bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const width = stroke.pressure ? 5 : 4;
  for (let at = 0; at + width <= bytes.length; at += width) {
    const [x, y] = stroke.points.slice(-2);
    const place = (value, step, high) => Math.min(high, Math.max(0, (value ?? 0) + step));
    stroke.points.push(place(x, view.getInt16(at), 32000), place(y, view.getInt16(at + 2), 20000));
    if (stroke.pressure) stroke.pressure.push(view.getUint8(at + 4));
  }
}

/** events: of the log, with own frames (kind without ev_) after them. Returns what is to be seen, and
 *  what `me` could undo and redo next, with all parts of a joined stroke. `dropped`: the keys of strokes
 *  that `me` took back for good. */
export function rebuild(events, me, dropped = new Set()) {
  const authors = new Map();
  let strokes = [];
  let mine = []; // what we did, stroke by stroke
  let open = null;
  let pen = "";
  const find = (event) => strokes.find((s) => s.term === event.stroke_term && s.cseq === event.stroke_cseq);
  const may = (event, stroke) => stroke && stroke.member && stroke.member === authors.get(event.term);

  for (const event of events) {
    const kind = event.kind.replace("ev_", "");
    if (kind === "grant") {
      authors.set(event.offset, event.member);
      pen = event.member;
      open = null;
    } else if (kind === "begin") {
      const { term, cseq, tool, colour, size, flags } = event;
      open = { term, cseq, tool, colour, size, even: (flags & 8) > 0, points: [], pressure: flags & 1 ? [] : null };
      const last = strokes.at(-1);
      const goesOn = flags & 2 && last?.term === term ? last : null;
      Object.assign(open, { member: authors.get(term), undone: false, goesOn });
      readPoints(open, event.points);
      mine.push(["begin", open]);
      strokes.push(open);
      if (flags & 4) open = null;
    } else if (kind === "points" && open?.term === event.term) {
      readPoints(open, event.points);
      if (event.flags & 4) open = null;
    } else if (kind === "undo") {
      const stroke = find(event);
      if (!may(event, stroke) || stroke.undone) continue;
      stroke.undone = true;
      mine.push(["undo", stroke]);
    } else if (kind === "redo") {
      const stroke = find(event);
      if (!may(event, stroke) || !stroke.undone) continue;
      stroke.undone = false;
      mine.push(["redo", stroke]);
    } else if (kind === "clear") {
      authors.set(event.term, event.member ?? me);
      strokes = [];
      mine = [];
      open = null;
    }
  }
  const key = (stroke) => (stroke ? `${stroke.term}:${stroke.cseq}` : null);
  const chain = (first, next) => {
    const ret = [];
    for (let stroke = first; stroke; stroke = next(stroke)) ret.push(key(stroke));
    return ret;
  };
  let redo = [];
  for (const [what, stroke] of mine) {
    if (stroke.member !== me || (stroke.undone && dropped.has(key(stroke)))) continue;
    if (what === "begin") redo = [];
    else redo = redo.filter((other) => other !== stroke).concat(what === "undo" ? [stroke] : []);
  }
  const newest = strokes.findLast((stroke) => stroke.member === me && !stroke.undone);
  return {
    pen,
    open: key(open),
    undo: chain(newest, ({ goesOn }) => (goesOn && !goesOn.undone ? goesOn : null)),
    redo: chain(redo.at(-1), (stroke) => strokes.find((other) => other.goesOn === stroke && other.undone)),
    picture: strokes.filter((stroke) => !stroke.undone).map(({ undone, member, goesOn, ...rest }) => rest),
  };
}
