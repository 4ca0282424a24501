// SPDX-License-Identifier: Apache-2.0
//
// What a page knows of a board: the prefix of the log that it has applied, and on top its own frames
// that it has not yet seen in the log. No DOM, no clock, no network: the same file runs in tests.
//
//   log     1 … start | stored, final: … mark | not yet stored, may be rewound: … applied
//   own     frames that were drawn here and are not in the log yet ("pending")
//
// Every record that may still be taken back keeps the function that takes it back. So a cut is: take
// back what is pending, take back the log down to the cut, put the pending frames on again. An own
// frame that comes back in the log changes nothing that can be seen.
import type {
  Begin,
  DrawersFrame,
  EvBegin,
  EvGrant,
  EvPoints,
  EvRedo,
  EvUndo,
  LogEvent,
  Points,
  Redo,
  Undo,
} from "../codec/messages.gen.ts";
import type { EvUnknown } from "../codec/codec.ts";
import { PointList } from "./points.ts";

export const PRESSURE = 1;
export const JOINED = 2;
export const END = 4;
export const EVEN = 8;
export const PEN = 0;
export const HIGHLIGHTER = 1;
export const ERASER = 2;
const FIRST_OF_HIGHLIGHTER = 8; // among the colours
const LAST_OF_HIGHLIGHTER = 11;

export type Event = LogEvent | EvUnknown;
/** What the drawer sends; each carries (term, cseq). */
export type Frame = DrawersFrame;

export interface Stroke {
  readonly term: number;
  readonly cseq: number;
  readonly member: string; // empty when its term is not known
  readonly tool: number;
  readonly colour: number;
  readonly size: number;
  readonly even: boolean; // as wide everywhere
  readonly joined: boolean;
  readonly before: Stroke | null; // the stroke that a joined one goes on with
  readonly points: PointList;
  readonly begun: number; // its place in the order of what was done
  ended: boolean;
  undone: number; // when, in the same order; 0: it is not
  gone: boolean; // its begin was taken back, so it is no stroke at all
}

export interface Grant {
  offset: number; // the term; 0: nobody ever had the pen
  member: string;
  instance: number;
  name: string;
}

type Inverse = () => void;
interface Rec {
  offset: number; // 0 while pending
  frame: Frame | null; // one of our own
  grant: EvGrant | null;
  back: Inverse;
}

export type Outcome = "applied" | "old" | "hole";

const NOTHING: Inverse = () => {};
const NOBODY: Grant = { offset: 0, member: "", instance: 0, name: "" };
/** A colour that the tool does not have is read as its first one. */
function colourOf(tool: number, colour: number): number {
  if (tool === PEN) return colour < FIRST_OF_HIGHLIGHTER ? colour : 0;
  if (tool !== HIGHLIGHTER) return colour;
  return colour < FIRST_OF_HIGHLIGHTER || colour > LAST_OF_HIGHLIGHTER ? FIRST_OF_HIGHLIGHTER : colour;
}

const keyOf = (term: number, cseq: number): string => `${term}:${cseq}`;
const frameBytes = (frame: Frame): number => 24 + ("points" in frame ? frame.points.length : 0);

export class Board {
  /** The newest term in which something was drawn, as the log says. */
  drawnIn = 0;
  /** Our member id; it tells which strokes are ours to undo. */
  member = "";
  name = "";
  deleted = false;

  strokes: Stroke[] = []; // since the last clear, in order, undone ones too
  open: Stroke | null = null; // the one under way
  pen: Grant = NOBODY; // of the newest grant applied
  /** Rises with every change but points: a cheap hint that undo, redo or the pen may differ. */
  version = 0;

  /** The log was taken back and has not gone on yet: a good moment not to repaint. */
  rewound = false;

  applied = 0;
  head = 0;
  /** Of our own frames, those that are not known to be stored. */
  unackedFrames = 0;
  unackedBytes = 0;

  /** Told of each own frame that is lost, oldest first. */
  onLost: (frames: Frame[]) => void = NOTHING;
  onChange: () => void = NOTHING;

  #told = 0;
  #tail: Rec[] = []; // of the log, above the mark
  #pending: Rec[] = [];
  #byKey = new Map<string, Stroke>();
  #dropped = new Set<string>(); // strokes, by the same key
  #members = new Map<number, string>(); // who draws in a term
  #order = 0; // how many records are on
  #changed = new Set<Stroke>();
  #all = false;

  /** Stored up to here, as far as we have applied it: what lies there stays true for ever. */
  get mark(): number {
    return Math.min(this.#told, this.applied);
  }

  get told(): number {
    return this.#told;
  }

  /** Begins anew: events follow from start + 1. */
  reset(start: number): void {
    const lost = this.#pending.map((rec) => rec.frame!);
    this.strokes = [];
    this.open = null;
    this.pen = NOBODY;
    this.deleted = false;
    this.drawnIn = 0;
    this.applied = start;
    this.#told = start;
    this.#tail = [];
    this.#pending = [];
    this.#byKey = new Map();
    this.#members = new Map();
    this.unackedFrames = this.unackedBytes = 0;
    this.#touchAll();
    if (lost.length) this.onLost(lost);
  }

  // ---- the log ---------------------------------------------------------------------------------

  event(event: Event): Outcome {
    if (event.offset <= this.applied) return "old";
    if (event.offset > this.applied + 1) return "hole";
    const first = this.#pending[0]?.frame;
    if (first && "cseq" in event && first.term === event.term && first.cseq === event.cseq)
      return this.own(event.term, event.offset, event.cseq, 1);

    const grant = event.kind === "ev_grant" ? event : null;
    const rec: Rec = { offset: event.offset, frame: null, grant, back: NOTHING };
    this.#beneathPending(() => {
      rec.back = this.#apply(event);
      this.#tail.push(rec);
      this.applied = event.offset;
      this.rewound = false;
      if ("cseq" in event) this.drawnIn = Math.max(this.drawnIn, event.term);
    });
    this.#settle();
    return "applied";
  }

  /** Our frames cseq … of `term` are the events offset …, `count` of them. A hole, too, when they
   *  are not the frames that we wait for. */
  own(term: number, offset: number, cseq: number, count: number): Outcome {
    const known = Math.max(0, this.applied + 1 - offset);
    if (known >= count) return "old";
    if (offset > this.applied + 1) return "hole";
    for (let i = known; i < count; i++) {
      const rec = this.#pending[0];
      if (rec?.frame?.term !== term || rec.frame.cseq !== cseq + i) return "hole";
      rec.offset = ++this.applied;
      this.#pending.shift();
      this.#tail.push(rec);
    }
    this.rewound = false;
    this.drawnIn = Math.max(this.drawnIn, term);
    this.#settle();
    return "applied";
  }

  marked(head: number, mark: number): void {
    this.head = head;
    this.#told = Math.max(this.#told, mark);
    this.#settle();
  }

  /** Goes back to offset `to`, or to our mark when that is later. Own frames become pending. */
  cut(to: number): void {
    to = Math.max(to, this.mark);
    if (to < this.applied) {
      const pending = this.#takeBackPending();
      while (this.#tail.length && this.#tail.at(-1)!.offset > to) {
        const rec = this.#tail.pop()!;
        this.#takeBack(rec);
        if (rec.frame) pending.unshift(rec);
      }
      this.applied = to;
      this.rewound = true;
      this.#putOnPending(pending);
    }
    this.#told = Math.min(this.#told, this.applied);
    this.onChange();
  }

  // ---- own frames ------------------------------------------------------------------------------

  /** Puts one of our frames on top; the caller numbers it and sends it. */
  draw(frame: Frame): void {
    const rec: Rec = { offset: 0, frame, grant: null, back: NOTHING };
    rec.back = this.#apply(frame);
    this.#pending.push(rec);
    this.unackedFrames++;
    this.unackedBytes += frameBytes(frame);
    this.onChange();
  }

  /** The frames to send again after a reconnect (and a cut to the mark). */
  pending(): Frame[] {
    return this.#pending.map((rec) => rec.frame!).filter((frame) => frame.term === this.pen.offset);
  }

  get pendingFrames(): number {
    return this.#pending.length;
  }

  /** What undo would take: the newest own stroke that is there, with all parts joined to it, newest
   *  first. */
  undoable(): Stroke[] {
    for (let i = this.strokes.length - 1; i >= 0; i--) {
      let stroke: Stroke | null = this.strokes[i]!;
      if (stroke.undone || !this.#isOwn(stroke)) continue;
      const ret = [];
      for (; stroke && !stroke.undone; stroke = stroke.joined ? stroke.before : null) ret.push(stroke);
      return ret;
    }
    return [];
  }

  /** What redo would bring back: what was undone last, unless we drew since; oldest part first. */
  redoable(): Stroke[] {
    let found: Stroke | null = null;
    let begun = 0;
    for (const stroke of this.strokes) {
      if (!this.#isOwn(stroke) || this.#wasDropped(stroke)) continue;
      begun = stroke.begun;
      if (stroke.undone > (found?.undone ?? 0)) found = stroke;
    }
    if (!found || found.undone < begun) return [];
    const ret = [found];
    for (const stroke of this.strokes) if (stroke.undone && stroke.joined && stroke.before === ret.at(-1)) ret.push(stroke);
    return ret;
  }

  /** It was no stroke but the start of something else (a gesture, a palm, Esc), so its undo is nothing to
   *  redo. Only this page knows. */
  drop({ term, cseq }: Stroke): void {
    this.#dropped.add(keyOf(term, cseq));
  }

  #wasDropped({ undone, term, cseq }: Stroke): boolean {
    return undone !== 0 && this.#dropped.has(keyOf(term, cseq));
  }

  #isOwn(stroke: Stroke): boolean {
    return this.member !== "" && stroke.member === this.member;
  }

  // ---- for painting ----------------------------------------------------------------------------

  /** The strokes whose look may have changed since the last call; `all` when everything may. */
  takeChanges(): { all: boolean; strokes: Set<Stroke> } {
    const ret = { all: this.#all, strokes: this.#changed };
    this.#all = false;
    this.#changed = new Set();
    return ret;
  }

  #touch(stroke: Stroke | null): void {
    if (stroke) this.#changed.add(stroke);
  }

  #touchAll(): void {
    this.#all = true;
    this.#changed.clear();
    this.version++;
    this.onChange();
  }

  // ---- records ---------------------------------------------------------------------------------

  #takeBack(rec: Rec): void {
    rec.back();
    rec.back = NOTHING;
    rec.offset = 0;
    this.#order--;
  }

  #takeBackPending(): Rec[] {
    const pending = this.#pending;
    for (let i = pending.length - 1; i >= 0; i--) this.#takeBack(pending[i]!);
    this.#pending = [];
    return pending;
  }

  #putOnPending(pending: Rec[]): void {
    for (const rec of pending) rec.back = this.#apply(rec.frame!);
    this.#pending = pending;
  }

  #beneathPending(work: () => void): void {
    const pending = this.#takeBackPending();
    work();
    this.#putOnPending(pending);
  }

  /** What is at or below the mark is final: own frames there are acked, and a grant there ends the
   *  hope of the frames that it left out. */
  #settle(): void {
    const mark = this.mark;
    let final = 0;
    let term = 0;
    for (const rec of this.#tail) {
      if (rec.offset > mark) break;
      final++;
      if (rec.frame) this.#forget(rec.frame);
      if (rec.grant) term = rec.grant.offset;
    }
    this.#tail.splice(0, final);
    if (term) this.#loseBefore(term);
    this.onChange();
  }

  #loseBefore(term: number): void {
    if (!this.#pending.some((rec) => rec.frame!.term < term)) return;
    const pending = this.#takeBackPending();
    const lost = pending.map((rec) => rec.frame!).filter((frame) => frame.term < term);
    lost.forEach((frame) => this.#forget(frame));
    this.#putOnPending(pending.filter((rec) => rec.frame!.term >= term));
    this.onLost(lost);
  }

  #forget(frame: Frame): void {
    this.unackedFrames--;
    this.unackedBytes -= frameBytes(frame);
  }

  // ---- what events do, and how it is taken back ------------------------------------------------

  #apply(event: Event | Frame): Inverse {
    this.#order++;
    switch (event.kind) {
      case "ev_begin":
      case "begin":
        return this.#begin(event);
      case "ev_points":
      case "points":
        return this.#points(event);
      case "ev_undo":
      case "undo":
        return this.#undo(event, true);
      case "ev_redo":
      case "redo":
        return this.#undo(event, false);
      case "ev_clear":
        return this.#clear(event.term, event.member);
      case "clear":
        return this.#clear(event.term, this.member);
      case "ev_grant":
        return this.#grant(event);
      case "ev_deleted":
        this.deleted = true;
        return () => (this.deleted = false);
      case "ev_created":
        this.name = event.name;
        return NOTHING;
      case "ev_open":
      case "ev_released":
      case "ev_unknown":
      case "pass":
        return NOTHING; // nothing to be seen
      default:
        return event satisfies never;
    }
  }

  /** Ends the stroke under way; the inverse opens it again. */
  #endOpen(): Inverse {
    const open = this.open;
    if (!open) return NOTHING;
    open.ended = true;
    this.open = null;
    this.#touch(open);
    return () => {
      open.ended = false;
      this.open = open;
      this.#touch(open);
    };
  }

  #begin(event: EvBegin | Begin): Inverse {
    const reopen = this.#endOpen();
    const last = this.strokes.at(-1);
    const stroke: Stroke = {
      term: event.term,
      cseq: event.cseq,
      member: this.#members.get(event.term) ?? "",
      tool: event.tool,
      colour: colourOf(event.tool, event.colour),
      size: event.size,
      even: (event.flags & EVEN) !== 0,
      joined: (event.flags & JOINED) !== 0,
      before: last?.term === event.term ? last : null,
      points: new PointList((event.flags & PRESSURE) !== 0),
      begun: this.#order,
      ended: (event.flags & END) !== 0,
      undone: 0,
      gone: false,
    };
    stroke.points.add(event.points);
    const key = keyOf(event.term, event.cseq);
    this.strokes.push(stroke);
    this.#byKey.set(key, stroke);
    this.open = stroke.ended ? null : stroke;
    this.#touch(stroke);
    this.version++;
    return () => {
      this.strokes.pop();
      this.#byKey.delete(key);
      this.open = null;
      stroke.gone = true;
      this.#touch(stroke);
      this.version++;
      reopen();
    };
  }

  #points(event: EvPoints | Points): Inverse {
    const stroke = this.open;
    if (stroke?.term !== event.term) return NOTHING;
    const { reach } = stroke.points;
    stroke.points.add(event.points);
    this.#touch(stroke);
    const reopen = event.flags & END ? this.#endOpen() : NOTHING;
    return () => {
      reopen();
      stroke.points.cutBack(reach);
      this.#touch(stroke);
    };
  }

  /** Undo (or redo) of an unknown, cleared, foreign, or already undone (or not undone) stroke does
   *  nothing. */
  #undo(event: EvUndo | Undo | EvRedo | Redo, undo: boolean): Inverse {
    const stroke = this.#byKey.get(keyOf(event.stroke_term, event.stroke_cseq));
    if (!stroke || stroke.member === "" || stroke.member !== this.#members.get(event.term)) return NOTHING;
    if ((stroke.undone !== 0) === undo) return NOTHING;
    const before = stroke.undone;
    stroke.undone = undo ? this.#order : 0;
    this.#touch(stroke);
    this.version++;
    return () => {
      stroke.undone = before;
      this.#touch(stroke);
      this.version++;
    };
  }

  #clear(term: number, member: string): Inverse {
    const { strokes, open } = this;
    const byKey = this.#byKey;
    const known = this.#members.has(term);
    this.strokes = [];
    this.open = null;
    this.#byKey = new Map();
    this.#members.set(term, member);
    this.#touchAll();
    return () => {
      this.strokes = strokes;
      this.open = open;
      this.#byKey = byKey;
      if (!known) this.#members.delete(term);
      this.#touchAll();
    };
  }

  #grant(event: EvGrant): Inverse {
    const reopen = this.#endOpen();
    const pen = this.pen;
    this.pen = { offset: event.offset, member: event.member, instance: event.instance, name: event.name };
    this.#members.set(event.offset, event.member);
    this.version++;
    return () => {
      this.pen = pen;
      this.#members.delete(event.offset);
      this.version++;
      reopen();
    };
  }
}

/** The strokes that can be seen, oldest first. */
export const visible = (board: Board): Stroke[] => board.strokes.filter((stroke) => !stroke.undone);
