// SPDX-License-Identifier: Apache-2.0
//
// Where the board lies in the window, which part of it is in sight, and how pointers become strokes. The
// board is 16:10, at 100% always whole, centred, never stretched; zoomed in it takes all the room there is.
// Its size is a whole number of device pixels.
import type { Painter } from "../ink/painter.ts";
import { type Contact, erases, type Hand, Pointers } from "../input/pointers.ts";
import { nearest, pressureOf, Sampler } from "../input/sampler.ts";
import { moved, type Part, roomed, shownOf, stepped, toPlace, toWindow, type View, whole, WHOLE, zoomed } from "../input/view.ts";
import { ERASER } from "../model/board.ts";
import { BOARD_HEIGHT, BOARD_WIDTH, POINTS_PER_FRAME, type Point, toBoard } from "../model/points.ts";
import type { Client, PenStyle } from "../net/client.ts";
import { StrokeWriter } from "../net/stroke.ts";
import { $, show } from "./dom.ts";

/** A tool of the palette, none of the log. */
export const POINTER = 3;

const FRAME_MS = 33; // at most one frame of points per so long
const EXPECTED_MS = 17; // predicted places are drawn for one frame, and never sent
const BUSY_BYTES = 64 * 1024; // waiting in the socket
const BUSY_POINTS = 256;
const WHEEL_STEP = 0.0022; // how much a wheel zooms per pixel
const PINCH_STEP = 0.01; // a trackpad's fingers, which come as a wheel with a Ctrl that nobody holds
const LINE_PX = 16; // of wheels that count in lines
const WISH_MS = 3_000;
const CORNER_POINTS = 4;

/** A stroke that takes the pen: it is drawn when that comes, if it comes soon. */
interface Wish {
  points: Point[];
  erases: boolean;
  ended: boolean;
  until: number;
}

export class Stage implements Hand {
  /** May a stroke be drawn now? */
  mayDraw: () => boolean = () => false;
  /** Or does the pen lie there, so that a stroke takes it? */
  mayTake: () => boolean = () => false;
  onTake: () => void = () => {};
  /** Somebody would draw, and cannot. */
  onVain: () => void = () => {};
  style: () => PenStyle = () => ({ tool: 0, colour: 0, size: 80 });
  eraser: () => PenStyle = this.style;
  /** Another part of the board is in sight; `panned`: who looks moved it there. */
  onView: (panned: boolean) => void = () => {};
  /** The pointer is there, without drawing. */
  onPoint: (point: Point) => void = () => {};
  /** A stroke begins. */
  onBegin: () => void = () => {};
  readonly pointers = new Pointers(this);
  /** Ctrl is held down. */
  controlled = false;

  #client: Client;
  #painter: Painter;
  #window = $("stage");
  #board = $("board");
  #view = WHOLE;
  #shown: Part = WHOLE; // of the board, which #board is the size of
  #wide = 0; // the whole board at 100%, in device pixels
  #ratio = 1; // device pixels per CSS pixel, as laid out
  #writer: StrokeWriter | null = null;
  #sampler: Sampler | null = null;
  #wish: Wish | null = null;
  #place: Point | null = null; // of the hand that draws, which may be beyond the board
  #away: { erases: boolean } | null = null; // it left the board, and may come back
  #expected: Point[] = [];
  #hovers: PointerEvent | null = null; // the newest of a pointer above the board
  #holdTimer: ReturnType<typeof setTimeout> | undefined;
  #flushTimer: ReturnType<typeof setInterval> | undefined;

  constructor(client: Client, painter: Painter) {
    this.#client = client;
    this.#painter = painter;
    painter.waiting = () => (this.#writer ? [...this.#writer.waiting, ...this.#expected] : []);
    new ResizeObserver(() => this.#layout()).observe(this.#window);
    addEventListener("resize", () => this.#layout());
    this.#listen();
    this.#layout();
  }

  get drawing(): boolean {
    return this.#writer !== null;
  }

  /** The tool is the pointer: nothing is drawn with it. */
  get points(): boolean {
    return this.style().tool === POINTER;
  }

  // ---- layout ----------------------------------------------------------------------------------

  #layout(): void {
    const { clientWidth, clientHeight } = this.#window;
    const ratio = window.devicePixelRatio || 1;
    this.#ratio = ratio;
    const fit = Math.min(clientWidth / BOARD_WIDTH, clientHeight / BOARD_HEIGHT);
    const width = Math.floor(fit * BOARD_WIDTH * ratio);
    const height = Math.floor((width * BOARD_HEIGHT) / BOARD_WIDTH);
    if (width < 1 || height < 1) return;
    this.#wide = width;
    this.#view = roomed(this.#view, { x: (clientWidth * ratio) / width, y: (clientHeight * ratio) / height });
    this.#show(false);
  }

  /** The board is as large as what of it is in sight, and there in the window. */
  #show(panned: boolean): void {
    const { clientWidth, clientHeight } = this.#window;
    const ratio = this.#ratio;
    const { w, h } = (this.#shown = shownOf(this.#view));
    const wide = this.#wide * this.#view.zoom;
    const width = Math.round(wide * w);
    const height = Math.round(Math.floor((wide * BOARD_HEIGHT) / BOARD_WIDTH) * h);
    const { style } = this.#board;
    style.width = `${width / ratio}px`;
    style.height = `${height / ratio}px`;
    const corner = toWindow(this.#view, this.#shown.x, this.#shown.y);
    style.left = `${Math.round(corner.x * clientWidth * ratio) / ratio}px`;
    style.top = `${Math.round(corner.y * clientHeight * ratio) / ratio}px`;
    this.#painter.show(this.#shown, width, height);
    this.onView(panned);
  }

  /** Once a frame. */
  update(drawing: boolean): void {
    if ((window.devicePixelRatio || 1) !== this.#ratio) this.#layout(); // moved to another screen: no event says so
    const { classList } = this.#board;
    classList.toggle("draws", drawing);
    classList.toggle("erases", drawing && this.style().tool === ERASER);
    classList.toggle("grabs", this.pointers.grab || (!drawing && this.#view.zoom > 1));
    this.#showRing();
    if (this.#writer && (this.#writer.over || !this.mayDraw())) this.finish();
    if (this.#wish) this.#grant(this.#wish);
  }

  // ---- view ------------------------------------------------------------------------------------

  get view(): View {
    return this.#view;
  }

  look(view: View, panned = true): void {
    const { zoom, x, y } = this.#view;
    if (view.zoom === zoom && view.x === x && view.y === y) return;
    this.#view = view;
    this.#show(panned);
  }

  step(step: 1 | -1): void {
    this.look(stepped(this.#view, step), false);
  }

  whole(): void {
    this.look(whole(this.#view.room), false);
  }

  /** Where that place of the board (0..1) is, in CSS pixels from the corner of what is in sight. */
  pxOf(x: number, y: number): { x: number; y: number } {
    const { clientWidth, clientHeight } = this.#board;
    const place = toWindow(this.#shown, x, y);
    return { x: place.x * clientWidth, y: place.y * clientHeight };
  }

  #wheel(event: WheelEvent): void {
    const zooms = event.ctrlKey || event.metaKey;
    if (!zooms && this.#view.zoom === 1) return;
    event.preventDefault();
    const { left, top, width, height } = this.#window.getBoundingClientRect();
    const px = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
    if (!zooms) return this.look(moved(this.#view, (-event.deltaX * px) / width, (-event.deltaY * px) / height));
    const pinched = event.ctrlKey && !this.controlled;
    const factor = Math.exp(-event.deltaY * px * (pinched ? PINCH_STEP : WHEEL_STEP));
    this.look(zoomed(this.#view, factor, (event.clientX - left) / width, (event.clientY - top) / height), false);
  }

  gesture(x: number, y: number, dx: number, dy: number, factor: number): void {
    const { left, top, width, height } = this.#window.getBoundingClientRect();
    const larger = zoomed(this.#view, factor, (x - dx - left) / width, (y - dy - top) / height);
    const panned = Math.hypot(dx, dy) > (Math.abs(factor - 1) * height) / 2; // rather than zoomed
    this.look(moved(larger, dx / width, dy / height), panned); // in this order: the whole board cannot move
  }

  // ---- pointers --------------------------------------------------------------------------------

  #listen(): void {
    const board = this.#board;
    // A press must not move the focus to the board (its ring is for keyboards), only away from a field.
    board.addEventListener("mousedown", (event) => {
      event.preventDefault();
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    });
    type Name = "pointermove" | "pointerup" | "pointercancel" | "pointerleave" | "lostpointercapture";
    const to = (name: Name, act: (event: PointerEvent) => void) =>
      board.addEventListener(name, (event) => {
        act(event);
        this.#hold();
      });
    board.addEventListener("pointerdown", (event) => this.#down(event));
    to("pointermove", (event) => this.#move(event));
    to("pointerup", (event) => this.pointers.up(contact(event)));
    to("pointercancel", (event) => this.pointers.cancel(contact(event)));
    to("lostpointercapture", (event) => this.pointers.lost(contact(event)));
    to("pointerleave", () => {
      this.#hovers = null;
      this.#showRing();
    });
    // A hand with a pen may lie on the board while the pen is elsewhere.
    document.documentElement.addEventListener("pointermove", (event) => this.pointers.near(contact(event)));
    document.documentElement.addEventListener("pointerleave", (event) => this.pointers.leave(contact(event)));
    // Else iPadOS takes every second quick stroke for handwriting, and pages scroll under the pen.
    board.addEventListener("touchmove", (event) => event.preventDefault(), { passive: false });
    board.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    board.addEventListener("contextmenu", (event) => this.#client.term && event.preventDefault());
  }

  #down(event: PointerEvent): void {
    const stands = this.#view.zoom === 1 && event.button === 0 && !this.pointers.grab;
    if (stands && !this.mayBegin() && event.isPrimary) this.onVain();
    if (this.pointers.down(contact(event))) {
      try {
        this.#board.setPointerCapture(event.pointerId);
      } catch {
        // the pointer is gone already
      }
    }
    this.#hold();
  }

  #move(event: PointerEvent): void {
    this.#hovers = event.pointerType === "touch" ? null : event;
    this.#showRing();
    this.#expected = [];
    const all = typeof event.getCoalescedEvents === "function" ? event.getCoalescedEvents() : [];
    this.pointers.move(contact(event), (all.length ? all : [event]).map(contact));
    if (event.pointerType !== "touch") this.point(this.#pointOf(contact(event)));
    if (!this.#writer || event.pointerType === "mouse" || typeof event.getPredictedEvents !== "function") return;
    const soon = event.getPredictedEvents().filter((one) => one.timeStamp - event.timeStamp < EXPECTED_MS);
    this.#expected = soon.map((one) => this.#pointOf(contact(one)));
  }

  #hold(): void {
    clearTimeout(this.#holdTimer);
    const { due } = this.pointers;
    if (due !== null) this.#holdTimer = setTimeout(() => this.pointers.tick(due), due - performance.now());
  }

  /** It may lie beyond the board. */
  #placeOf(at: Contact): Point {
    const { left, top, width, height } = this.#board.getBoundingClientRect();
    const { x, y } = toPlace(this.#shown, (at.x - left) / width, (at.y - top) / height);
    const pressure = pressureOf(at);
    return { x: x * BOARD_WIDTH, y: y * BOARD_HEIGHT, ...(pressure !== undefined && { pressure }) };
  }

  #pointOf(at: Contact): Point {
    return pointAt(this.#placeOf(at));
  }

  // ---- strokes ---------------------------------------------------------------------------------

  /** Who looks at a part of the board moves it, and takes no pen by that. */
  mayBegin(): boolean {
    return this.mayDraw() || (this.#view.zoom === 1 && this.mayTake());
  }

  begin(at: Contact): void {
    this.onBegin();
    this.#place = this.#placeOf(at);
    this.#away = null;
    this.beginAt(pointAt(this.#place), erases(at));
  }

  move(through: readonly Contact[]): void {
    for (const at of through) this.#follow(at);
  }

  end(at: Contact | null): void {
    if (at) this.#follow(at);
    this.#away = null;
    this.finish();
  }

  /** Where the hand leaves the board the stroke ends, and where it comes back it goes on. */
  #follow(at: Contact): void {
    const before = this.#place;
    const place = this.#placeOf(at);
    this.#place = place;
    const wholly = !before || this.#wish || (this.points && !erases(at)); // not a line that could be cut
    if (wholly || (onBoard(before) && onBoard(place))) return this.add(pointAt(place));
    if (onBoard(before)) {
      this.add(pointAt(edgeOf(before, place)));
      this.#away = { erases: erases(at) };
      this.#close();
    } else if (onBoard(place)) {
      if (this.#away && this.mayDraw()) this.beginAt(pointAt(edgeOf(place, before)), this.#away.erases, true);
      this.#away = null;
      this.add(pointAt(place));
    }
  }

  /** `erases`: whatever the tool is; `goesOn`: with the stroke before. */
  beginAt(point: Point, erases = false, goesOn = false): void {
    if (this.points && !erases) return this.point(point);
    if (!this.mayDraw()) return this.#wishFor(point, erases);
    this.#close();
    this.#sampler = new Sampler(point);
    const writer = new StrokeWriter(this.#client, erases ? this.eraser() : this.style(), point, goesOn);
    this.#writer = writer;
    queueMicrotask(() => writer.begin()); // at once, unless it is a tap, which has ended by then
    this.#flushTimer = setInterval(() => this.#flush(), FRAME_MS);
    this.#painter.request();
  }

  #wishFor(point: Point, erases: boolean): void {
    if (!this.mayTake()) return;
    this.#wish = { points: [point], erases, ended: false, until: performance.now() + WISH_MS };
    this.onTake();
  }

  /** Once a frame: the pen may have come. */
  #grant(wish: Wish): void {
    const [first, ...rest] = wish.points;
    if (this.mayDraw()) {
      this.#wish = null;
      this.beginAt(first!, wish.erases);
      for (const point of rest) this.add(point);
      if (wish.ended) this.finish();
    } else if (performance.now() > wish.until) {
      this.#wish = null;
      this.pointers.forget();
      this.onVain();
    }
  }

  /** Shows the others the pointer, unless it draws. */
  point(point: Point): void {
    if (!this.#writer && this.mayDraw()) this.onPoint({ x: point.x, y: point.y });
  }

  add(point: Point): void {
    if (this.#wish) return void this.#wish.points.push(point);
    if (this.points) this.point(point);
    const unitsPerPx = (BOARD_WIDTH * this.#shown.w) / this.#board.clientWidth;
    const taken = this.#sampler?.add(point, nearest(unitsPerPx));
    if (taken) this.#writer?.add(taken);
    this.#painter.request();
  }

  /** Points per frame: while the socket is slow, fewer and larger frames. */
  #room(): number {
    return this.#client.bufferedAmount > BUSY_BYTES ? BUSY_POINTS : POINTS_PER_FRAME;
  }

  #flush(): void {
    this.#expected = [];
    const room = this.#room();
    if (room === POINTS_PER_FRAME || (this.#writer?.waiting.length ?? 0) >= room) this.#writer?.flush(false, room);
  }

  /** The line makes a corner here, and is not to be rounded: a place that is said again draws the line to it. */
  turn(point: Point): void {
    for (let i = 0; i < CORNER_POINTS; i++) this.#writer?.add(point);
  }

  /** Ends the stroke under way and keeps it. */
  finish(): void {
    this.#close();
    this.pointers.forget();
  }

  #close(): void {
    if (this.#wish) this.#wish.ended = true;
    const rest = this.#sampler?.rest();
    if (rest) this.#writer?.add(rest);
    this.#writer?.flush(true, this.#room());
    this.#stop();
  }

  /** Ends the stroke under way and takes it back. */
  drop(): void {
    this.#wish = this.#away = null;
    const writer = this.#writer;
    this.finish();
    if (writer && !writer.over) this.#client.drop();
  }

  #stop(): void {
    clearInterval(this.#flushTimer);
    this.#writer = this.#sampler = null;
    this.#expected = [];
    this.#painter.request();
  }

  /** The outline of the eraser follows the pointer, and is there when the tool is chosen by a key. */
  #showRing(): void {
    const { tool, size } = this.style();
    const event = this.#hovers;
    const shown = tool === ERASER && this.#client.term !== 0 && event !== null;
    show($("ring"), shown);
    if (!shown) return;
    const rect = this.#board.getBoundingClientRect();
    const px = ((size / BOARD_WIDTH) * rect.width) / this.#shown.w;
    const { style } = $("ring");
    style.width = style.height = `${px}px`;
    style.transform = `translate(${event.clientX - rect.left - px / 2}px, ${event.clientY - rect.top - px / 2}px)`;
  }
}

const pointAt = ({ x, y, pressure }: Point): Point => toBoard(x, y, pressure);
const onBoard = ({ x, y }: Point): boolean => x >= 0 && x <= BOARD_WIDTH && y >= 0 && y <= BOARD_HEIGHT;

/** Where the way from a place on the board to one beyond it crosses the edge. */
function edgeOf(inside: Point, outside: Point): Point {
  const part = (from: number, to: number, most: number): number =>
    to < 0 ? from / (from - to) : to > most ? (most - from) / (to - from) : 1;
  const t = Math.min(part(inside.x, outside.x, BOARD_WIDTH), part(inside.y, outside.y, BOARD_HEIGHT));
  return { ...inside, x: inside.x + t * (outside.x - inside.x), y: inside.y + t * (outside.y - inside.y) };
}

const contact = (event: PointerEvent): Contact => ({
  id: event.pointerId,
  type: event.pointerType === "pen" || event.pointerType === "touch" ? event.pointerType : "mouse",
  x: event.clientX,
  y: event.clientY,
  pressure: event.pressure,
  width: Math.max(event.width, event.height) || 0,
  button: event.button,
  buttons: event.buttons,
  alone: event.isPrimary,
  time: event.timeStamp,
});
