// SPDX-License-Identifier: Apache-2.0
//
// The picture of a log, told as plainly as possible: read the events from the first to the last. The
// page's model, which goes forth and back, must always come to the same.
import { encodePoints } from "../../build/web-node/client.mjs";

export const bytesOf = (points, from, pressure) => encodePoints(points, from, pressure);

function readPoints(stroke, bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const width = stroke.pressure ? 5 : 4;
  const sums = stroke.sums;
  for (let at = 0; at + width <= bytes.length && stroke.points.length < 4000; at += width) {
    sums.x += view.getInt16(at);
    sums.y += view.getInt16(at + 2);
    stroke.points.push(Math.min(32000, Math.max(0, sums.x)), Math.min(20000, Math.max(0, sums.y)));
    if (stroke.pressure) stroke.pressure.push(view.getUint8(at + 4));
  }
}

/** Each tool has colours of its own; any other is read as the first of them. */
function readColour(tool, colour) {
  if (tool === 0 && colour > 7) return 0;
  if (tool === 1 && (colour < 8 || colour > 11)) return 8;
  return colour;
}

/** events: of the log, with own frames (kind without ev_) after them. Returns what is to be seen, and
 *  what `me` could undo and redo next, with all parts of a joined stroke. `dropped`: the keys of strokes
 *  that `me` took back for good. `start`: of what comes up to there only who drew is known. `keepUntil`: up
 *  to there all pictures are kept that were cleared, then seven. */
export function rebuild(events, me, dropped = new Set(), start = 0, keepUntil = 0) {
  const authors = new Map();
  let strokes = [];
  let mine = []; // what we did, stroke by stroke
  let base = start ? null : 0; // the clear at which the picture begins; null: not known
  let under = []; // the pictures that were cleared, oldest first, as far as we have them
  let at = 0; // how far we are in the log
  let restorable = true;
  let missing = null;
  let open = null;
  let pen = "";
  const find = (event) => strokes.find((s) => s.term === event.stroke_term && s.cseq === event.stroke_cseq);
  const may = (event, stroke) => stroke && stroke.member && stroke.member === authors.get(event.term);

  for (const event of events) {
    const kind = event.kind.replace("ev_", "");
    at = event.offset ?? at + 1;
    if (event.offset <= start && kind !== "grant") continue;
    if (kind === "grant") {
      authors.set(event.offset, event.member);
      pen = event.member;
      open = null;
    } else if (kind === "begin") {
      const { term, cseq, tool, size, flags } = event;
      const colour = readColour(tool, event.colour);
      open = { term, cseq, tool, colour, size, even: (flags & 8) > 0, points: [], pressure: flags & 1 ? [] : null };
      const last = strokes.at(-1);
      const goesOn = flags & 2 && last?.term === term ? last : null;
      Object.assign(open, { sums: { x: 0, y: 0 }, member: authors.get(term), undone: false, goesOn });
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
      const partial = start && base === null && !strokes.cleared;
      under = partial ? [] : [...under, { base, strokes, mine, restorable }];
      if (at > keepUntil) under = under.slice(-7);
      strokes = Object.assign([], { cleared: true });
      mine = [];
      restorable = true;
      base = event.offset ?? null;
      open = null;
    } else if (kind === "restore") {
      if (event.start === null && base === event.clear) restorable = false;
      if (event.start === null) continue;
      const first = event.start === undefined ? under.length - 1 : under.findLastIndex((one) => one.base === event.start);
      if (base !== null && base === event.clear && first >= 0) {
        const whole = [...under.slice(first), { strokes, mine }];
        strokes = Object.assign(whole.flatMap((one) => one.strokes), { cleared: whole[0].strokes.cleared });
        mine = whole.flatMap((one) => one.mine);
        ({ base, restorable } = whole[0]);
        under = under.slice(0, first);
      } else if (event.start !== undefined && base !== event.start) missing = event.start;
      else continue;
      if (authors.get(event.term) === me) mine.push(["restore", {}]);
    }
  }
  const key = (stroke) => (stroke ? `${stroke.term}:${stroke.cseq}` : null);
  const chain = (first, next) => {
    const ret = [];
    for (let stroke = first; stroke; stroke = next(stroke)) ret.push(key(stroke));
    return ret;
  };
  let redo = [];
  let restored = -1;
  let drawn = -1;
  mine.forEach(([what, stroke], i) => {
    if (what === "restore") restored = i;
    else if (stroke.member === me && (what === "begin" || (what === "undo" && stroke.undone))) drawn = i;
  });
  for (const [what, stroke] of mine) {
    if (stroke.member !== me || (stroke.undone && dropped.has(key(stroke)))) continue;
    if (what === "begin") redo = [];
    else redo = redo.filter((other) => other !== stroke).concat(what === "undo" ? [stroke] : []);
  }
  const newest = strokes.findLast((stroke) => stroke.member === me && !stroke.undone);
  return {
    pen,
    missing,
    clearToUndo: base && restorable && !newest ? base : 0,
    clearToRedo: restored > drawn,
    open: key(open),
    undo: chain(newest, ({ goesOn }) => (goesOn && !goesOn.undone ? goesOn : null)),
    redo: chain(redo.at(-1), (stroke) => strokes.find((other) => other.goesOn === stroke && other.undone)),
    picture: strokes.filter((stroke) => !stroke.undone).map(({ undone, member, goesOn, sums, ...rest }) => rest),
  };
}
