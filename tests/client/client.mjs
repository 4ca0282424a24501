// SPDX-License-Identifier: Apache-2.0
//
// A member at a board, in Node: the page's own codec, model and connection (build/web-node) behind a
// small interface for tests. It reconnects, resumes and resends as the page does. No DOM.
//
//   const ana = await connect("http://127.0.0.1:8080", token, { name: "Ana" });
//   await ana.takePen();
//   ana.draw([{ points: [[100, 100], [900, 500]] }]);
//   await ana.allStored();
//   await ben.waitFor(() => same(ana, ben), "Ben sees what Ana drew");
//   ana.kill();            // the connection is gone, without a word
//   await ana.reconnect(); // to the same gateway, or to another: ana.reconnect(url)
import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import WebSocket from "ws";
import { Client, StrokeWriter, toBoard, visible } from "../../build/web-node/client.mjs";

const WAIT_MS = 15_000;
const HANG_UP_MS = 1_000;
const SUBPROTOCOL = "easel.v1";

/** A socket that never opens: what a killed client has until it reconnects. */
const deadSocket = () => ({ readyState: 3, bufferedAmount: 0, send() {}, close() {} });

export class TestClient {
  /** Each message of the service in the order it came. */
  messages = [];
  /** What this client knows of the log: log[offset] = {kind, term, cseq, ...}. Shortened by cuts. */
  log = [];
  /** Offsets in the order in which they were applied, with {cut: to} between them. */
  offsets = [];
  /** Events that came although they were there already. */
  repeats = 0;
  /** How often it connected. */
  connects = 0;
  /** How many strokes the service did not take. */
  lost = 0;
  /** Errors of the service: {code, sentence, frame}, and close codes as {close}. */
  errors = [];

  #waiters = new Set();
  #held = false;

  constructor(url, token, { name = "", session = randomBytes(16), origin, headers } = {}) {
    this.url = url;
    this.token = token;
    this.session = session;
    this.client = new Client({
      token,
      session,
      name,
      open: () => {
        if (this.#held) return deadSocket();
        this.connects++;
        this.ws = new WebSocket(`${this.url.replace(/^http/, "ws").replace(/\/$/, "")}/ws`, SUBPROTOCOL, {
          perMessageDeflate: false,
          origin,
          headers,
        });
        this.ws.on("error", () => {});
        this.ws.on("close", (close, reason) => this.errors.push({ close, reason: String(reason) }));
        return this.ws;
      },
    });
    this.client.onChange = () => this.#wake();
    this.client.onLost = (strokes) => (this.lost += strokes);
    this.client.onMessage = (message) => this.#note(message);
  }

  get board() {
    return this.client.board;
  }
  get member() {
    return this.board.member;
  }
  get mark() {
    return this.board.mark;
  }
  get applied() {
    return this.board.applied;
  }
  /** The term in which this client may draw; 0: none. */
  get term() {
    return this.client.term;
  }
  get state() {
    return this.client.state;
  }
  get members() {
    return this.client.members;
  }
  get phase() {
    return this.client.phase;
  }

  // ---- waiting: on events, never on time -------------------------------------------------------

  /** Resolves when `predicate(this)` is true; it is asked again after each message and change. */
  waitFor(predicate, what = String(predicate), ms = WAIT_MS) {
    const trace = new Error(`waited ${ms} ms in vain: ${what}`);
    return new Promise((resolve, reject) => {
      const waiter = () => {
        if (!predicate(this)) return;
        this.#waiters.delete(waiter);
        clearTimeout(timer);
        resolve(this);
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        trace.message += `; ${this.describe()}`;
        reject(trace);
      }, ms);
      this.#waiters.add(waiter);
      waiter();
    });
  }

  #wake() {
    for (const waiter of [...this.#waiters]) waiter();
  }

  /** One line for failures. */
  describe() {
    const { phase, end, board, term } = this.client;
    const last = this.errors.at(-1);
    return (
      `phase ${phase}${end ? ` (${end})` : ""}, applied ${board.applied}, mark ${board.mark}, head ${board.head}, ` +
      `term ${term}, unacked ${board.unackedFrames}, last error ${JSON.stringify(last)}`
    );
  }

  live() {
    return this.waitFor(() => this.phase === "live", "connected");
  }
  /** Everything that the service has is here. */
  caughtUp() {
    return this.waitFor(() => this.phase === "live" && this.applied === this.board.head, "caught up");
  }
  /** Everything this client drew is stored. */
  allStored() {
    return this.waitFor(() => this.board.unackedFrames === 0, "all own frames are stored");
  }
  /** Everything it knows of is stored, its own frames too. */
  settled() {
    const { board } = this;
    const done = () =>
      this.phase === "live" && board.unackedFrames === 0 && board.mark === board.head && board.applied === board.head;
    return this.waitFor(done, "all is applied and stored");
  }

  // ---- the pen ---------------------------------------------------------------------------------

  async takePen(ms = WAIT_MS) {
    if (!this.term) this.client.ask();
    await this.waitFor(() => this.term !== 0, "has the pen", ms);
    return this.term;
  }
  ask() {
    this.client.ask();
  }
  cancel() {
    this.client.cancel();
  }
  take() {
    this.client.take();
  }
  pass(to = "") {
    this.client.pass(typeof to === "string" ? to : to.member);
  }

  // ---- drawing ---------------------------------------------------------------------------------

  /** strokes: [{points: [[x, y(, pressure 0..1)], …], tool, colour, size, even, perFrame}], in board units.
   *  All frames leave at once. Returns the (term, cseq) of each stroke's first frame. */
  draw(strokes) {
    return strokes.map(({ points, tool = 0, colour = 0, size = 80, even = false, perFrame = 64 }) => {
      const [first, ...rest] = points.map(([x, y, pressure]) => toBoard(x, y, pressure));
      const writer = new StrokeWriter(this.client, { tool, colour, size, even }, first);
      writer.begin();
      const { term, cseq } = this.board.strokes.at(-1);
      for (const point of rest) writer.add(point);
      writer.flush(true, perFrame);
      return { term, cseq };
    });
  }
  undo() {
    this.client.undo();
  }
  redo() {
    this.client.redo();
  }
  clear() {
    this.client.clear();
  }

  /** What can be seen, in order, own frames under way included. Compare with deepEqual, or same(). */
  picture() {
    return visible(this.board).map(({ term, cseq, tool, colour, size, even, points }) => ({
      term,
      cseq,
      tool,
      colour,
      size,
      even,
      points: [...points.xy.subarray(0, points.count * 2)],
      pressure: points.pressure && [...points.pressure.subarray(0, points.count)],
    }));
  }

  // ---- what it saw -----------------------------------------------------------------------------

  #note(message) {
    this.messages.push(message);
    if (message.kind === "error") this.errors.push(message);
    if (message.kind === "cut") this.#cut(Math.max(message.to, this.mark));
    if (message.kind === "welcome") this.#cut(message.start); // above its mark all comes again
    if (message.kind === "own")
      for (let i = 0; i < message.count; i++)
        this.#logged(message.offset + i, { kind: "own", term: message.term, cseq: message.cseq + i });
    if (message.kind.startsWith("ev_")) this.#logged(message.offset, message);
  }
  #logged(offset, entry) {
    if (this.log[offset]) {
      this.repeats++;
      return;
    }
    this.log[offset] = entry;
    this.offsets.push(offset);
  }
  #cut(to) {
    this.offsets.push({ cut: to });
    this.log.length = Math.min(this.log.length, to + 1);
  }
  /** The first hole or repeat in what it was sent; null when each offset followed the one before (or
   *  a cut, or the start after a reconnect). */
  holeInOffsets() {
    let next = null;
    for (const offset of this.offsets) {
      if (typeof offset === "object") next = next === null ? offset.cut + 1 : Math.min(next, offset.cut + 1);
      else if (next !== null && offset !== next) return { expected: next, got: offset };
      else next = offset + 1;
    }
    return null;
  }
  /** Own frames known to be stored, as "term:cseq" (each is acked by the log). */
  ackedFrames() {
    const ret = [];
    this.log.forEach((entry, offset) => {
      if (entry.kind === "own" && offset <= this.mark) ret.push(`${entry.term}:${entry.cseq}`);
    });
    return ret;
  }

  // ---- failures --------------------------------------------------------------------------------

  /** Cuts the connection without a word and stays away until reconnect(). */
  kill() {
    this.#held = true;
    this.ws.terminate();
    this.client.start(); // to a socket that never opens
  }
  async reconnect(url = this.url) {
    this.url = url;
    this.#held = false;
    this.client.start();
    await this.live();
    return this;
  }
  /** Leaves for good: says so, and its place is free at once. */
  stop() {
    this.#held = true;
    this.client.stop();
    const { ws } = this;
    if (!ws || ws.readyState === WebSocket.CLOSED) return;
    const hangsUp = setTimeout(() => ws.terminate(), HANG_UP_MS); // the other end may be frozen
    ws.on("close", () => clearTimeout(hangsUp));
  }
}

/** A client that is connected and welcomed. Rejects when it is refused. */
export async function connect(url, token, options = {}) {
  const client = new TestClient(url, token, options);
  client.client.start();
  await client.waitFor(() => client.phase === "live" || client.phase === "ended" || client.client.full, "an answer");
  if (client.phase === "live") return client;
  const { end, sentence, full } = client.client;
  client.stop();
  throw Object.assign(new Error(`refused: ${full ? "full" : end} ${sentence}`), { end: full ? "full" : end, client });
}

/** Do all these clients see the same picture? */
export function same(...clients) {
  const first = clients[0].picture();
  return clients.every((client) => isDeepStrictEqual(client.picture(), first));
}
