// SPDX-License-Identifier: Apache-2.0
//
// One member at one board: the WebSocket, its reconnects, and the way of frames between the model and
// the service. Runs in a page and in Node (tests, bots); it knows no DOM.
//
// It keeps the promises of a client: on a reconnect it goes back to its mark, joins from there with the
// same session and instance, and sends what is not acked again. Frames of a term go out only when its
// grant is at or below the mark. When its gateway leaves (goaway) it goes to another one while the old
// socket still serves it, so that nobody notices.
import { decode, encode, type Incoming, isEvent } from "../codec/codec.ts";
import { ERRORS } from "../codec/errors.gen.ts";
import { CLIENT_SILENT_MS, KEPT_BYTES_MAX, KEPT_FRAMES_MAX } from "../codec/limits.gen.ts";
import type { Error as ErrorFrame, Member, Message, State, Welcome } from "../codec/messages.gen.ts";
import { Board, END, type Frame, PRESSURE } from "../model/board.ts";
import { encodePoints, type Point } from "../model/points.ts";
import { ableToStand, drawAgain, type Make } from "./again.ts";
import { CLEARS, Deeds, GIVEN, UNRULED } from "./deeds.ts";
import { type ClientOptions, type End, endOf, type Paused, type PenStyle, type Phase, randomInstance, release, type Room, type Service, type Socket } from "./kinds.ts";

export { randomInstance } from "./kinds.ts";
export type { ClientOptions, End, Paused, PenStyle, Phase, Room, Service, Socket } from "./kinds.ts";

const FULL_RETRY_MS = 15_000;
const CLOSED_RETRY_MS = 5_000; // somebody sees that we wait
const RETRY_MS = 500;
const RETRY_MS_MAX = 8_000;
const RETRY_MS_MAX_DRAWER = 1_000;
const RETRY_MS_MAX_HIDDEN = 60_000;
const ASKS_AFTER = 2; // sockets that never opened: then HTTP is tried after each
const BARRED_AFTER = 2; // of them in a row, though HTTP answered: after one the service may just be back
const DEAF_MS = 3_000; // to who draws a gateway that lives says something within 2 s
const DEAF_TURNS = 2; // seconds of these in which this page has run
const TROUBLE_MS = 500; // a broker link that is made anew takes less
const STUCK_MS = 1_000; // a try that takes longer may be given up for a better one

const POINTER_BEHIND_BYTES = 4096; // that wait in the socket: then a pointer's place would come too late

const BUSY = 1;
const TROUBLE = 2;
const UNSAVED = 4;
const NEARLY_FULL = 8;
const FULL = 16;

const LEFT = 1000; // a close code of our own
const OWN = 2;
const RESTORE = 1; // a clear can be taken back
const RULES = 2; // who owns the board rules it
const FEATURES = RESTORE | RULES; // all that this page knows

export class Client {
  readonly board = new Board();
  phase: Phase = "ended"; // not begun
  end: End = null;
  token: string;
  full = false;
  closed = false; // the door is, and the owner sees that we wait
  blocked = false; // this network lets no WebSocket through
  foreign = false; // the service does not take the address of this page for its own
  crowded = false; // the service has too many connections
  tooOld = false; // this page for the service, and it has something that a newer one would not have
  retryAt = 0; // when the next try is due (phase waiting)
  lostAt = 0; // since when nothing comes; 0 while the socket is live, and before the first try ended
  heardAt = 0; // when something came last, or a try began
  role = 0;
  seats = 0;
  graceMs = 5_000;
  busy = false;
  troubleAt = 0; // since when the service has trouble; 0: it has none
  unsaved = false; // nothing was stored for some seconds
  room: Room = "enough";
  held = false; // the service answers, but cannot open the board yet
  sentence = ""; // of the newest error
  #error = ""; // its code; "": none since the last try began
  state: State | null = null;
  stateAt = 0;

  onChange: () => void = () => {};
  /** Strokes that the service did not take, 0: nothing but an undo, redo or clear; `setBack`: because it does
   *  not have the log that we had. */
  onLost: (strokes: number, setBack: boolean) => void = () => {};
  /** Each message as it came, after it was dealt with. */
  onMessage: (message: Incoming) => void = () => {};

  readonly deeds: Deeds;
  /** Of a link that we ended ourselves this is the new one. */
  onToken: (token: string) => void = () => {};

  #options: ClientOptions;
  #others: string[]; // tokens
  instance = randomInstance();
  #conn = 0;
  #socket: Socket | null = null;
  #next: Socket | null = null; // to the gateway that follows the one that leaves, until its welcome
  #asked = new Map<string, Message>(); // of the old one meanwhile: the new one may not have heard it
  #joined = false; // the model stands on a welcome
  #incarnation = 0; // of the store that it is of; 0: not known
  #anew: number | null = null; // from where the log is to be read once more
  #knew = 0; // our mark before we did that: what lies there is stored, though it is not here yet
  #features = FEATURES; // that our hello names; 0: the service is of before, and takes no such hello
  #serviceKnows = 0; // of these
  #opened = false; // the WebSocket, whatever the service then said
  #updated = false; // the service gives out another page than this one
  #tries = 0;
  #unopened = 0; // tries in a row that did not open
  #answered = 0; // and those of them after which HTTP answered
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setInterval> | undefined;
  #unansweredAt = 0; // when we drew first since something came; 0: something came since
  #turnsSince = 0; // seconds that this page has run since then: while it stands still, it hears nothing
  #term = 0; // the term that cseq counts in
  #cseq = 0;
  #setBack = false; // what is lost now, is so because the service has another log
  #passed = 0; // the term that we gave away; no frame may follow
  #kept: Frame[] = []; // of a term that ended, though nobody has drawn since: for our next one
  #askedAfter = 0; // that term, once we have asked for the next one on this connection
  #newState = false; // one came since the welcome

  constructor(options: ClientOptions) {
    this.#options = options;
    this.token = options.token;
    this.#others = [...(options.others ?? [])];
    this.board.onChange = () => this.onChange();
    this.board.onLost = (frames) => this.#lost(frames);
    const client = this;
    this.deeds = new Deeds({
      send: (message) => this.#send(message),
      get me() {
        return client.board.member;
      },
      get state() {
        return client.state;
      },
    });
  }

  // ---- connection ------------------------------------------------------------------------------

  start(): void {
    this.#connect();
  }

  /** Leaves for good: the place and the pen are free at once. */
  stop(): void {
    this.#drop(this.#farewell);
    this.phase = "ended";
  }

  /** There is no such board, as somebody else found out. */
  notFound(): void {
    this.#ended("notfound");
  }

  /** Leaves, as far as anybody knows. Should the page still be there some seconds later, it comes back. */
  leave(): void {
    if (this.phase === "ended") return;
    this.#drop(this.#farewell);
    this.lostAt ||= performance.now();
    this.#wait(RETRY_MS_MAX);
  }

  /** What is on its way needs somebody whom it is from. */
  get #farewell(): number | undefined {
    return this.board.unackedFrames ? undefined : LEFT;
  }

  /** Tries now instead of at the end of the wait: the browser is online again, the page visible, or
   *  somebody pressed the button. */
  tryNow(): void {
    const stuck = this.phase === "connecting" && performance.now() - this.heardAt > STUCK_MS;
    if (this.phase === "waiting" || stuck) this.#connect();
  }

  /** After `replaced`: takes the board back. It resumes, so that of what was drawn before nothing is
   *  lost that the service has, and the person hears of the rest. */
  useHere(): void {
    this.end = null;
    this.#connect();
  }

  /** Something in this page went wrong: it stops here. */
  crash(): void {
    if (this.phase !== "ended") void this.#crashed();
  }

  #connect(): void {
    if (this.phase === "live") this.lostAt = performance.now(); // we let go of it ourselves
    this.#drop();
    this.phase = "connecting";
    this.heardAt = performance.now();
    this.#opened = false;
    this.#error = "";
    this.#socket = this.#dial();
    this.#silence = setInterval(() => {
      this.#turnsSince++;
      if (performance.now() - this.heardAt > CLIENT_SILENT_MS) this.#closed(0, this.heardAt);
    }, 1_000);
    this.onChange();
  }

  #dial(): Socket {
    const socket = this.#options.open();
    socket.binaryType = "arraybuffer";
    let named = 0; // features, in its hello
    socket.onopen = () => (named = this.#hello(socket));
    socket.onmessage = (event) => this.#receive(socket, new Uint8Array(event.data as ArrayBuffer));
    socket.onclose = ({ code }) => {
      const hello = socket === this.#next || this.phase === "connecting"; // is the only frame of ours
      const anotherVersion = named ? hello && code === ERRORS.bad_frame.close : code === ERRORS.too_old.close;
      if (anotherVersion) [this.#features, this.#error] = [named ? 0 : FEATURES, ""]; // which ends nothing
      if (socket === this.#next) this.#goOn(RETRY_MS);
      else this.#closed(!anotherVersion ? code! : named ? ERRORS.restart.close : 0);
    };
    socket.onerror = () => {};
    return socket;
  }

  /** Lets the socket go; whatever it still says is ignored. */
  #drop(code?: number): void {
    clearInterval(this.#silence);
    clearTimeout(this.#retry);
    for (const socket of [this.#socket, this.#next]) if (socket) release(socket, code);
    this.#socket = this.#next = null;
    this.#asked.clear();
  }

  #hello(socket: Socket): number {
    const { session, name } = this.#options;
    if (socket === this.#socket) this.#open();
    const message: Message = {
      kind: "hello",
      token: this.token,
      session, name,
      instance: this.instance, conn: ++this.#conn,
      from: this.#anew ?? (this.#joined ? this.board.mark : null),
      since: null,
      ...(this.#features && { features: this.#features }),
    };
    socket.send(encode(message));
    return this.#features;
  }

  /** Neither the network nor our address or age is in the way. */
  #open(): void {
    this.heardAt = performance.now();
    this.#opened = true;
    this.blocked = this.foreign = this.tooOld = false;
  }

  /** The gateway leaves: at some moment within `ms` we call another one. Should that fail we try again
   *  until the old one hangs up; from then on it is a reconnect like any other. */
  #goOn(ms: number): void {
    if (this.#next) release(this.#next);
    this.#next = null;
    clearTimeout(this.#retry);
    const { random = Math.random } = this.#options;
    this.#retry = setTimeout(() => (this.#next = this.#dial()), random() * ms);
  }

  /** The next socket takes the place of the one that we have, or had. */
  #change(): void {
    if (this.#socket) release(this.#socket);
    this.#socket = this.#next;
    this.#next = null;
    this.#open();
  }

  /** `since`: when it was heard of last. */
  #closed(code: number, since = performance.now()): void {
    if (this.#next?.readyState === 1) {
      this.#change(); // it has our hello, and the old gateway may even know of that
      this.phase = "connecting";
      this.lostAt ||= since;
      this.onChange();
      return;
    }
    this.#drop();
    this.lostAt ||= since;
    this.closed = code === ERRORS.closed.close && this.#error === "closed";
    this.full = code === ERRORS.full.close && !this.closed;
    this.held = false;
    if (this.#opened) this.crowded = code === ERRORS.too_many.close;
    if (code === ERRORS.start_fresh.close) this.#forget();
    const end = endOf(code, this.#error);
    if (end === "crash") return void this.#crashed();
    if (end) return this.#ended(end);
    this.#unopened = this.#opened ? 0 : this.#unopened + 1;
    if (this.#opened) this.#answered = 0;
    if (this.#unopened >= ASKS_AFTER) void this.#findOutWhy();
    this.#wait(code === ERRORS.restart.close ? 0 : undefined);
  }

  /** The service does not have the log that we have. We begin anew, as somebody else of this member. */
  #forget(): void {
    this.#setBack = true;
    this.board.cut(0);
    this.board.reset(0);
    this.#tellLost(this.#kept.splice(0));
    this.#setBack = false;
    this.instance = randomInstance();
    this.#joined = false;
    this.#incarnation = 0;
    this.#conn = this.#term = this.#cseq = this.#passed = this.#askedAfter = this.#unansweredAt = this.#knew = 0;
    this.state = null;
    this.deeds.forget();
  }

  #ended(end: End): void {
    const another = end === "forbidden" && !this.#joined && this.#others.shift();
    if (another) {
      this.token = another;
      return this.#connect();
    }
    this.#drop();
    this.phase = "ended";
    this.end = end;
    this.onChange();
  }

  async #crashed(): Promise<void> {
    this.#ended(null);
    this.#ended((await this.#service()) === "updated" && this.#owing === 0 ? "outdated" : "crash");
  }

  #wait(ms: number | undefined): void {
    const { random = Math.random, hidden = () => false } = this.#options;
    const most = this.term ? RETRY_MS_MAX_DRAWER : hidden() ? RETRY_MS_MAX_HIDDEN : RETRY_MS_MAX;
    const jitter = random() * Math.min(most, RETRY_MS * 2 ** this.#tries++);
    const delay = this.full ? FULL_RETRY_MS : this.closed ? CLOSED_RETRY_MS : (ms ?? jitter);
    this.phase = "waiting";
    this.retryAt = performance.now() + delay;
    this.#retry = setTimeout(() => this.#connect(), delay);
    this.onChange();
  }

  // ---- the service over HTTP -------------------------------------------------------------------

  #service(): Promise<Service> {
    return this.#options.service?.() ?? Promise.resolve("away");
  }

  /** No WebSocket opens: because of a crowd, of the network, or of a page that is too old? */
  async #findOutWhy(): Promise<void> {
    const [crowded, service] = await Promise.all([this.#options.crowded?.() ?? false, this.#service()]);
    if (this.#opened || this.phase === "ended") return;
    const updated = service === "updated";
    if (updated && this.#dispensable) return this.#ended("outdated");
    this.#updated ||= updated;
    this.#answered = crowded || service === "away" ? 0 : this.#answered + 1;
    const barred = this.#answered >= BARRED_AFTER;
    const foreign = barred && !updated && ((await this.#options.foreign?.()) ?? false);
    if (this.#opened) return;
    this.crowded = crowded;
    this.tooOld = barred && updated;
    this.foreign = foreign;
    this.blocked = barred && !updated && !foreign;
    this.onChange();
  }

  async #lookForUpdate(): Promise<void> {
    this.#updated ||= (await this.#service()) === "updated";
    this.#makeWay();
  }

  /** For the new page, once everything of ours is stored; whoever has the pen goes on with this one. */
  #makeWay(): void {
    if (this.#updated && this.phase === "live" && this.#dispensable) this.#ended("outdated");
  }

  /** Frames of ours that only this page has. */
  get #owing(): number {
    return this.board.unackedFrames + this.keptFrames;
  }

  get #dispensable(): boolean {
    return this.#owing === 0 && this.term === 0;
  }

  #send(message: Message): void {
    if (this.phase === "live" && this.#socket?.readyState === 1) this.#socket.send(encode(message));
  }

  /** What has no number is sent to both gateways when it falls between them: said twice it means the same. */
  #tell(message: Message): void {
    this.#send(message);
    this.#asked.delete(message.kind);
    if (this.#next) this.#asked.set(message.kind, message);
  }

  // ---- what comes in ---------------------------------------------------------------------------

  #receive(socket: Socket, bytes: Uint8Array): void {
    let messages: Incoming[];
    try {
      messages = decode(bytes);
    } catch {
      return this.crash(); // not what this page understands
    }
    if (socket === this.#next) {
      const welcome = messages.findIndex(({ kind }) => kind === "welcome");
      if (welcome < 0) return; // it will hang up, or welcome us yet
      messages.splice(0, welcome);
      this.#change();
    }
    this.heardAt = performance.now();
    this.#unansweredAt = 0;
    for (const message of messages) {
      if (socket !== this.#socket) return; // one of them ended the connection
      if (message.kind === "welcome" && message.board !== (this.#options.board ?? message.board)) return this.#astray();
      this.#handle(message);
      this.onMessage(message);
    }
    this.#readAnew();
    this.#drawKept();
    this.onChange();
    this.#makeWay();
  }

  /** A picture was restored that we do not have. The clear at which it begins is its first event. */
  #readAnew(): void {
    const { missing } = this.board;
    if (missing === null || this.phase !== "live") return;
    this.#anew = Math.max(0, missing - 1);
    this.#knew = Math.max(this.#knew, this.board.mark);
    this.#connect();
  }

  #handle(message: Incoming): void {
    const { board } = this;
    switch (message.kind) {
      case "welcome":
        if (this.#ofAnotherPast(message.incarnation)) return this.#closed(ERRORS.start_fresh.close);
        return this.#welcome(message);
      case "own":
        return this.#expect(board.own(message.term, message.offset, message.cseq, message.count));
      case "mark":
        if (this.#ofAnotherPast(message.incarnation)) return this.#closed(ERRORS.start_fresh.close);
        this.#flags(message.flags);
        return board.marked(message.head, message.mark);
      case "cut":
        return board.cut(message.to);
      case "state":
        this.state = message;
        this.stateAt = performance.now();
        this.#newState = true;
        return this.deeds.heard();
      case "rules":
        this.deeds.told = message;
        board.name = message.name;
        return this.deeds.heard();
      case "token":
        this.token = message.token;
        return this.onToken(message.token);
      case "full":
        this.seats = message.seats;
        return;
      case "error":
        return this.#told(message);
      case "goaway":
        return this.#goOn(message.delay_ms);
      default:
        if (!isEvent(message)) return; // only clients say that
        board.head = Math.max(board.head, message.offset);
        return this.#expect(board.event(message));
    }
  }

  /** A backup was restored: what we know came after it, and the log has gone on in another way. */
  #ofAnotherPast(incarnation: number): boolean {
    if (incarnation && this.#incarnation && incarnation !== this.#incarnation) return true;
    this.#incarnation ||= incarnation;
    return false;
  }

  /** The token is of another board, where nobody should see us. */
  #astray(): void {
    this.#drop(LEFT);
    this.#ended("forbidden");
  }

  #flags(flags: number): void {
    this.busy = (flags & BUSY) !== 0;
    if (!(flags & TROUBLE)) this.troubleAt = 0;
    else this.troubleAt ||= performance.now();
    this.unsaved = (flags & UNSAVED) !== 0;
    this.room = flags & FULL ? "none" : flags & NEARLY_FULL ? "little" : "enough";
  }

  /** A hole should never be; if it is, join again from the mark. */
  #expect(outcome: "applied" | "old" | "hole"): void {
    if (outcome === "hole") this.#closed(0);
  }

  #welcome(welcome: Welcome): void {
    const { board } = this;
    if (this.#joined && this.lostAt) void this.#lookForUpdate();
    board.cut(board.mark);
    this.#serviceKnows = welcome.features;
    this.#features = FEATURES;
    if (this.#anew !== null) board.readAnew(welcome.start);
    this.#anew = null;
    if (!this.#joined || welcome.start > board.applied) {
      board.reset(welcome.start);
      this.#joined = true;
    }
    board.member = welcome.member;
    board.name = welcome.name;
    board.marked(welcome.head, welcome.mark);
    this.role = welcome.role;
    this.seats = welcome.seats;
    this.graceMs = welcome.grace_ms;
    this.phase = "live";
    this.#tries = 0;
    this.lostAt = this.retryAt = 0;
    this.deeds.told = UNRULED; // what there is comes now
    this.full = this.closed = this.crowded = this.held = this.busy = this.unsaved = this.#newState = false;
    this.troubleAt = this.#askedAfter = 0; // what we asked may have gone nowhere
    for (const frame of board.pending()) this.#send(frame);
    for (const message of this.#asked.values()) this.#send(message);
    this.#asked.clear();
  }

  #told(error: ErrorFrame): void {
    this.sentence = error.sentence;
    if (ERRORS[error.code as keyof typeof ERRORS]?.close) this.#error = error.code;
    if (error.code !== "waiting" || this.phase !== "connecting") return;
    this.held = true;
    this.crowded = false;
  }

  /** Nobody has drawn since, so they can still be drawn, in the place that they had. */
  #lost(frames: Frame[]): void {
    const tooLate = this.room === "none" || this.board.drawnIn > frames[0]!.term;
    if (this.#setBack || this.#kept.length || tooLate) return this.#tellLost(frames);
    this.#kept = ableToStand(frames, this.board.strokes);
    this.#tellLost(frames.filter(({ kind }) => kind === "clear" || kind === "restore"));
  }

  get keptFrames(): number {
    return this.#kept.length;
  }

  get keptStrokes(): number {
    return this.#kept.filter(({ kind }) => kind === "begin").length;
  }

  #drawKept(): void {
    const term = this.#kept[0]?.term;
    if (term === undefined || this.phase !== "live") return;
    if (this.room === "none" || this.board.drawnIn > term) return this.#tellLost(this.#kept.splice(0));
    if (this.term) return drawAgain(this.#kept.splice(0), (make) => this.#draw(make));
    const free = this.#newState && this.state?.holder === "" && this.members.every(({ line }) => line === 0);
    if (!free || this.#askedAfter === term) return;
    this.#askedAfter = term;
    this.ask();
  }

  #tellLost(frames: Frame[]): void {
    const strokes = frames.filter((frame) => frame.kind === "begin").length;
    const cutShort = frames[0]?.kind === "points" ? 1 : 0;
    if (frames.some(({ kind }) => kind !== "pass")) this.onLost(strokes + cutShort, this.#setBack);
  }

  // ---- who draws -------------------------------------------------------------------------------

  get members(): Member[] {
    return this.state?.members ?? [];
  }

  /** The term in which this page may draw; 0 when it has not the pen, not for certain yet, or no longer
   *  since it passed it on. */
  get term(): number {
    const { pen, member, mark } = this.board;
    const ours = member !== "" && pen.member === member && pen.instance === this.instance;
    return ours && pen.offset <= Math.max(mark, this.#knew) && pen.offset !== this.#passed ? pen.offset : 0;
  }

  /** Must the drawer stop for a while, so that little can be lost? */
  get paused(): Paused {
    const past = (since: number, ms: number): boolean => since !== 0 && performance.now() - since > ms;
    const ran = this.phase !== "live" || this.#turnsSince >= DEAF_TURNS;
    if (past(this.lostAt, this.graceMs) || (ran && past(this.#unansweredAt, DEAF_MS))) return "grace";
    if (past(this.troubleAt, TROUBLE_MS)) return "trouble";
    const { unackedFrames, unackedBytes } = this.board;
    if (this.busy || unackedFrames >= KEPT_FRAMES_MAX || unackedBytes >= KEPT_BYTES_MAX) return "unsaved";
    return this.room === "none" ? "room" : null;
  }

  ask(): void {
    this.#tell({ kind: "ask" });
  }

  cancel(): void {
    this.#tell({ kind: "cancel" });
  }

  take(): void {
    this.#tell({ kind: "take" });
  }

  /** Does the service let its owner rule the board? */
  get canRule(): boolean {
    return (this.#serviceKnows & RULES) !== 0;
  }

  /** The pen is given here, not asked for. */
  get penIsGiven(): boolean {
    return this.deeds.has(GIVEN);
  }

  profile(name: string, away: boolean): void {
    this.#options.name = name;
    this.away(away);
  }

  away(away: boolean): void {
    this.#tell({ kind: "profile", name: this.#options.name, flags: away ? 1 : 0 });
  }

  // ---- what the drawer sends -------------------------------------------------------------------

  /** Numbers a frame of the current term, puts it on the picture and sends it. */
  #draw(make: Make): void {
    const term = this.term;
    if (!term) return;
    if (this.#term !== term) this.#cseq = 0;
    this.#term = term;
    if (!this.#unansweredAt) {
      this.#unansweredAt = performance.now();
      this.#turnsSince = 0;
    }
    const frame = make(term, ++this.#cseq);
    this.board.draw(frame);
    this.#send(frame);
  }

  begin(pen: PenStyle, points: readonly Point[], flags: number): void {
    const { tool, colour, size } = pen;
    const bytes = encodePoints(points, undefined, (flags & PRESSURE) !== 0);
    this.#draw((term, cseq) => ({ kind: "begin", term, cseq, tool, colour, size, shape: 1, flags, points: bytes }));
  }

  points(points: readonly Point[], from: Point | undefined, pressure: boolean, end: boolean): void {
    const bytes = encodePoints(points, from, pressure);
    this.#draw((term, cseq) => ({ kind: "points", term, cseq, flags: end ? END : 0, points: bytes }));
  }

  undo(): void {
    if (this.paused !== null) return;
    const clear = this.clearToUndo;
    if (clear) this.#draw((term, cseq) => ({ kind: "restore", term, cseq, clear }));
    else this.#undo();
  }

  /** The clear that undo would take back; 0: none. */
  get clearToUndo(): number {
    return this.#serviceKnows & RESTORE && this.mayClear ? this.board.clearToUndo : 0;
  }

  get mayClear(): boolean {
    return this.role === OWN || !this.deeds.has(CLEARS);
  }

  #undo(): void {
    for (const stroke of this.board.undoable())
      this.#draw((term, cseq) => ({ kind: "undo", term, cseq, stroke_term: stroke.term, stroke_cseq: stroke.cseq }));
  }

  /** Takes the stroke that was just drawn back for good: redo does not bring it again. */
  drop(): void {
    for (const stroke of this.board.undoable()) this.board.drop(stroke);
    this.#undo();
  }

  redo(): void {
    if (this.paused !== null) return;
    if (this.board.clearToRedo && this.mayClear) return this.clear();
    for (const stroke of this.board.redoable())
      this.#draw((term, cseq) => ({ kind: "redo", term, cseq, stroke_term: stroke.term, stroke_cseq: stroke.cseq }));
  }

  clear(): void {
    if (this.paused === null && this.mayClear) this.#draw((term, cseq) => ({ kind: "clear", term, cseq }));
  }

  /** Hands the pen to a member, or puts it down. */
  pass(to: string): void {
    this.#draw((term, cseq) => ({ kind: "pass", term, cseq, to }));
    this.#passed = this.#term;
    this.onChange();
  }

  /** Our pointer is there, without drawing: of use at once or not at all. */
  point({ x, y }: Point): void {
    if (this.term && this.phase === "live" && this.bufferedAmount < POINTER_BEHIND_BYTES) this.#send({ kind: "pointer", x, y });
  }

  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }
}
