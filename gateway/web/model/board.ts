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
  EvRestore,
  EvUndo,
  LogEvent,
  Points,
  Redo,
  Restore,
  Undo,
} from "../codec/messages.gen.ts";
import type { EvUnknown } from "../codec/codec.ts";
import { PICTURES_UNDER_MAX } from "../codec/limits.gen.ts";
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
  readonly part: number; // of a stroke in parts, from 0
  next: Stroke | null; // the newest that was begun after it
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

/** What is to be seen since a clear. */
interface Picture {
  base: number; // the offset of that clear; 0: the log's beginning; UNKNOWN: not in the log yet, or before we came
  ours: boolean; // the clear, which may not be in the log yet
  strokes: Stroke[]; // in order, undone ones too
  byKey: Map<string, Stroke>;
  under: Picture | null; // what was cleared, if we still have it all; beneath it what was cleared before
  restorable: boolean; // nobody has tried in vain
  restoredAt: number; // in the order of what was done: when we took its clear back last; 0: never
}

type Inverse = () => void;
interface Rec {
  offset: number; // 0 while pending
  frame: Frame | null; // one of our own
  grant: EvGrant | null;
  back: Inverse;
}

export type Outcome = "applied" | "old" | "hole";

const UNKNOWN = -1;
const NOTHING: Inverse = () => {};
const NOBODY: Grant = { offset: 0, member: "", instance: 0, name: "" };
/** A colour that the tool does not have is read as its first one. */
function colourOf(tool: number, colour: number): number {
  if (tool === PEN) return colour < FIRST_OF_HIGHLIGHTER ? colour : 0;
  if (tool !== HIGHLIGHTER) return colour;
  return colour < FIRST_OF_HIGHLIGHTER || colour > LAST_OF_HIGHLIGHTER ? FIRST_OF_HIGHLIGHTER : colour;
}

const pictureFrom = (base: number, under: Picture | null = null, ours = false): Picture => ({
  base, ours, strokes: [], byKey: new Map(), under, restorable: true, restoredAt: 0,
});
const keyOf = (term: number, cseq: number): string => `${term}:${cseq}`;
const frameBytes = (frame: Frame): number => 24 + ("points" in frame ? frame.points.length : 0);

export class Board {
  /** The newest term in which something was drawn, as the log says. */
  drawnIn = 0;
  /** Our member id; it tells which strokes are ours to undo. */
  member = "";
  name = "";
  deleted = false;

  open: Stroke | null = null; // the one under way
  pen: Grant = NOBODY; // of the newest grant applied
  /** Rises with every change but points: a cheap hint that undo, redo or the pen may differ. */
  version = 0;

  /** Where the picture begins that was restored, when we do not have it from there on: it is to be read
   *  anew. */
  missing: number | null = null;

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
  #picture = pictureFrom(0);
  #start = 0; // we read from the event behind it on
  #keepUntil = 0; // up to there the log is read once more, since something was restored that we did not have
  #unnamed = new Map<string, Picture>(); // by the keys of our clears that are not in the log yet
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

  /** Since the clear that is in force, in order, undone ones too. */
  get strokes(): Stroke[] {
    return this.#picture.strokes;
  }

  /** Begins anew: events follow from start + 1. */
  reset(start: number): void {
    const lost = this.#pending.map((rec) => rec.frame!);
    this.pen = NOBODY;
    this.deleted = false;
    this.drawnIn = 0;
    this.#pending = [];
    this.#members = new Map();
    this.unackedFrames = this.unackedBytes = 0;
    this.#empty(start);
    if (lost.length) this.onLost(lost);
  }

  /** Reads the log once more, from start + 1 on. What we drew and who has the pen stay known. */
  readAnew(start: number): void {
    const until = this.applied;
    this.cut(this.mark);
    const pending = this.#takeBackPending();
    this.#empty(start);
    this.#keepUntil = until;
    this.#putOnPending(pending);
  }

  #empty(start: number): void {
    this.#picture = pictureFrom(start === 0 ? 0 : UNKNOWN);
    this.missing = null;
    this.open = null;
    this.#start = this.applied = this.#told = start;
    this.#keepUntil = 0;
    this.#tail = [];
    this.#touchAll();
  }

  // ---- the log ---------------------------------------------------------------------------------

  event(event: Event): Outcome {
    if (event.offset <= this.applied) return "old";
    if (event.offset > this.applied + 1) return "hole";
    const first = this.#pending[0]?.frame;
    const ours = first && "cseq" in event && first.term === event.term && first.cseq === event.cseq;
    const asSent = event.kind !== "ev_restore" && event.kind !== "ev_void";
    if (ours && asSent) return this.own(event.term, event.offset, event.cseq, 1);

    const grant = event.kind === "ev_grant" ? event : null;
    const rec: Rec = { offset: event.offset, frame: ours ? first : null, grant, back: NOTHING };
    this.#beneathPending((pending) => {
      if (ours) pending.shift(); // the event says more than we did
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
      this.#nameClear(keyOf(term, cseq + i), rec.offset);
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

  /** The clear that undo would take back, when there is no stroke of ours to undo; 0: none. */
  get clearToUndo(): number {
    const { base, restorable } = this.#picture;
    return base > 0 && restorable && this.undoable().length === 0 ? base : 0;
  }

  /** A clear of ours that undo would take back once the log has it: nobody can name it before. */
  get clearUnderWay(): boolean {
    const { base, ours, strokes } = this.#picture;
    return ours && base === UNKNOWN && strokes.length === 0;
  }

  /** Would redo clear the board again? Its clear was taken back last, and nothing was drawn since. */
  get clearToRedo(): boolean {
    const { restoredAt, strokes } = this.#picture;
    return restoredAt > 0 && strokes.every((s) => !this.#isOwn(s) || Math.max(s.begun, s.undone) < restoredAt);
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

  #beneathPending(work: (pending: Rec[]) => void): void {
    const pending = this.#takeBackPending();
    work(pending);
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
        return this.#clear(event, event.member, event.offset);
      case "clear":
        return this.#clear(event, this.member, UNKNOWN);
      case "ev_restore":
        return event.start === null ? this.#restoredNothing(event.clear) : this.#restore(event, event.start);
      case "restore":
        return this.#restore(event, null);
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
      case "ev_rules":
      case "ev_refuse":
      case "ev_void":
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
    const before = last?.term === event.term ? last : null;
    const joined = (event.flags & JOINED) !== 0;
    const stroke: Stroke = {
      term: event.term,
      cseq: event.cseq,
      member: this.#members.get(event.term) ?? "",
      tool: event.tool,
      colour: colourOf(event.tool, event.colour),
      size: event.size,
      even: (event.flags & EVEN) !== 0,
      joined,
      before,
      part: joined && before ? before.part + 1 : 0,
      next: null,
      points: new PointList((event.flags & PRESSURE) !== 0),
      begun: this.#order,
      ended: (event.flags & END) !== 0,
      undone: 0,
      gone: false,
    };
    stroke.points.add(event.points);
    const key = keyOf(event.term, event.cseq);
    const { strokes, byKey } = this.#picture;
    strokes.push(stroke);
    byKey.set(key, stroke);
    if (before) before.next = stroke;
    this.open = stroke.ended ? null : stroke;
    this.#touch(stroke);
    this.version++;
    return () => {
      strokes.pop();
      byKey.delete(key);
      this.open = null;
      stroke.gone = true;
      if (before) before.next = null;
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
    const stroke = this.#picture.byKey.get(keyOf(event.stroke_term, event.stroke_cseq));
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

  #clear({ term, cseq }: { term: number; cseq: number }, member: string, base: number): Inverse {
    const reopen = this.#endOpen();
    const before = this.#picture;
    const known = this.#members.has(term);
    const key = keyOf(term, cseq);
    const partial = before.base === UNKNOWN && !before.ours;
    this.#picture = pictureFrom(base, partial ? null : before, base === UNKNOWN);
    if (base === UNKNOWN) this.#unnamed.set(key, this.#picture);
    this.#members.set(term, member);
    const remember = this.#forgetDeepest();
    this.#touchAll();
    return () => {
      this.#unnamed.delete(key);
      remember();
      this.#picture = before;
      if (!known) this.#members.delete(term);
      this.#touchAll();
      reopen();
    };
  }

  /** No more pictures are kept than can be restored; all of them, while a restore that needs them is to come again. */
  #forgetDeepest(): Inverse {
    if (this.applied < this.#keepUntil) return NOTHING;
    let deepest = this.#picture;
    for (let i = 0; i < PICTURES_UNDER_MAX; i++) {
      if (!deepest.under) return NOTHING;
      deepest = deepest.under;
    }
    const forgotten = deepest.under;
    deepest.under = null;
    return () => (deepest.under = forgotten);
  }

  /** A clear of ours has its place in the log. */
  #nameClear(key: string, offset: number): void {
    const picture = this.#unnamed.get(key);
    if (!picture) return;
    picture.base = offset;
    this.#unnamed.delete(key);
    this.version++; // now it can be undone
    // After a failure it may be restored already, which nobody could know before.
    const restored = this.#pending.some(({ frame }) => frame?.kind === "restore" && frame.clear === offset);
    if (restored) this.#beneathPending(() => {});
  }

  /** The picture begins at `start` again (null: where it began before, as far as we know). */
  #restore({ term, clear }: EvRestore | Restore, start: number | null): Inverse {
    const before = this.#picture;
    const { missing } = this;
    const whole = before.base === clear ? this.#picturesFrom(start) : null;
    if (whole) {
      const [first] = whole as [Picture];
      const strokes = whole.flatMap((picture) => picture.strokes);
      const byKey = new Map(whole.flatMap((picture) => [...picture.byKey]));
      const restoredAt = this.#members.get(term) === this.member ? this.#order : first.restoredAt;
      this.#picture = { ...first, strokes, byKey, restoredAt };
    } else if (start !== null && before.base !== start && this.#readsFrom(start)) this.missing = start;
    else return NOTHING;
    this.#touchAll();
    return () => {
      this.#picture = before;
      this.missing = missing;
      this.#touchAll();
    };
  }

  /** The pictures since that clear (null: since the one before the newest), oldest first; null: we do not have them. */
  #picturesFrom(start: number | null): Picture[] | null {
    const ret = [this.#picture];
    for (let { under } = this.#picture; under; under = under.under) {
      ret.unshift(under);
      if (start === null || under.base === start) return ret;
    }
    return null;
  }

  /** Would it help? Not where just that was done. */
  #readsFrom(start: number): boolean {
    return this.applied >= this.#keepUntil || start < this.#start;
  }

  #restoredNothing(clear: number): Inverse {
    const picture = this.#picture;
    if (picture.base !== clear || !picture.restorable) return NOTHING;
    picture.restorable = false;
    this.version++;
    return () => {
      picture.restorable = true;
      this.version++;
    };
  }

  #grant(event: EvGrant): Inverse {
    const reopen = this.#endOpen();
    const pen = this.pen;
    if (event.offset > pen.offset) this.pen = { offset: event.offset, member: event.member, instance: event.instance, name: event.name };
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
