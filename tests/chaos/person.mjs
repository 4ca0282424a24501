// SPDX-License-Identifier: Apache-2.0
//
// Somebody at a board, with the page's own model and connection, who keeps a record of all that a checker
// needs: what they were shown at each offset, what they were told is stored, what they drew and what became of
// it, how long they had to wait.
import { randomBytes } from "node:crypto";
import WebSocket from "ws";
import { Client, decode, StrokeWriter } from "../../build/web-node/client.mjs";

const WIDTH = 32_000; // the first point of a stroke is its number: x + 32,000 y
const STYLE = { tool: 0, colour: 1, size: 80 };
const OFFLINE_MS = 200;
const HARMLESS = ["waiting", "restart", "not_drawer", "not_allowed"];

const hash = (bytes) => bytes.reduce((h, byte) => Math.imul(h ^ byte, 16_777_619) >>> 0, 2_166_136_261).toString(36);

/** What is the same for everybody of an event; that of a frame is that of its event. */
export function keyOf(message) {
  const kind = message.kind.replace(/^ev_/, "");
  const { term = 0, cseq = 0 } = message;
  switch (kind) {
    case "begin":
      return `begin ${term} ${cseq} ${message.tool} ${message.colour} ${message.size} ${message.flags} ${hash(message.points)}`;
    case "points":
      return `points ${term} ${cseq} ${message.flags} ${hash(message.points)}`;
    case "undo":
    case "redo":
      return `${kind} ${term} ${cseq} ${message.stroke_term} ${message.stroke_cseq}`;
    case "clear":
      return `clear ${term} ${cseq}`;
    case "grant":
      return `grant ${message.member} ${message.instance} ${message.ended} ${message.last}`;
    default:
      return kind;
  }
}

/** The number that was drawn into a stroke. */
export function numberOf({ points }) {
  const view = new DataView(points.buffer, points.byteOffset);
  return view.getInt16(0) + WIDTH * view.getInt16(2);
}

/** What a device without a network has. */
function deadSocket() {
  const socket = { readyState: 0, bufferedAmount: 0, send() {}, close() {} };
  setTimeout(() => socket.onclose?.({ code: 1006 }), OFFLINE_MS).unref();
  return socket;
}

export class Person {
  shown = []; // by offset, what the newest log has there
  stored = []; // by offset, what it was when it was told to be stored
  changed = []; // what was told to be stored and then was something else
  drawn = new Map(); // number of a stroke -> when
  acked = new Set(); // numbers that are known to be stored
  lost = 0; // strokes, as they were told
  wrongs = []; // errors and ends that are not this person's doing
  #asleep = false;
  #frames = new Map(); // "term:cseq" of what was sent -> the frame
  #mark = 0;

  constructor(board, name, token, url) {
    Object.assign(this, { board, name, token, url, session: randomBytes(16) });
    this.#begin();
  }

  #begin() {
    const client = new Client({ token: this.token, session: this.session, name: this.name, open: () => this.#open() });
    client.onLost = (strokes) => (this.lost += strokes);
    client.onMessage = (message) => client === this.client && this.#note(message);
    client.onChange = () => client === this.client && this.#changed();
    this.client = client;
    this.shown = [];
    this.#mark = 0;
    this.arrived = false; // this page is at the board
    this.hereSince = undefined;
  }

  start() {
    this.client.start();
  }

  #open() {
    if (this.#asleep) return deadSocket();
    const ws = new WebSocket(`${this.url.replace(/^http/, "ws")}/ws`, "easel.v1", { perMessageDeflate: false });
    const send = ws.send.bind(ws);
    ws.send = (bytes) => {
      for (const frame of decode(bytes)) if ("cseq" in frame) this.#frames.set(`${frame.term}:${frame.cseq}`, frame);
      send(bytes);
    };
    ws.on("error", () => {});
    return (this.ws = ws);
  }

  // ---- what comes ------------------------------------------------------------------------------

  #note(message) {
    if (message.kind === "welcome") {
      this.arrived = true;
      this.welcomedAt = performance.now();
      this.member = message.member;
      this.hereSince ??= performance.now();
    }
    // A gateway of before takes no features, and a board that uses some nobody without: the page says another hello.
    const ofVersions = message.code === "too_old" || (message.code === "bad_frame" && this.client.phase === "connecting");
    if (message.kind === "error" && !ofVersions && !HARMLESS.includes(message.code)) this.wrongs.push(`${message.code}: ${message.sentence}`);
    if (message.kind === "own")
      for (let i = 0; i < message.count; i++)
        this.#show(message.offset + i, this.#frames.get(`${message.term}:${message.cseq + i}`) ?? { kind: "unknown" });
    if (message.kind.startsWith("ev_")) this.#show(message.offset, message);
    this.#store();
  }

  #show(offset, message) {
    const number = message.kind.endsWith("begin") ? numberOf(message) : null;
    this.shown[offset] = { key: keyOf(message), number: this.drawn.has(number) ? number : null };
    if (number !== null) this.board.saw(this, number);
  }

  /** Below the mark everything is final. */
  #store() {
    const { mark } = this.client.board;
    for (let offset = this.#mark + 1; offset <= mark; offset++) {
      const entry = this.shown[offset];
      if (!entry) continue; // it was before we came
      if (this.stored[offset] !== undefined && this.stored[offset] !== entry.key) this.changed.push(offset);
      this.stored[offset] ??= entry.key;
      if (entry.number === null || this.acked.has(entry.number)) continue;
      this.acked.add(entry.number);
      this.board.saved(this, entry.number);
    }
    this.#mark = Math.max(this.#mark, mark);
  }

  #changed() {
    const { end, phase } = this.client;
    if (phase === "ended" && end !== null && this.told !== end) this.wrongs.push(`ended: ${end}`);
    this.told = end;
  }

  // ---- what they do ----------------------------------------------------------------------------

  get mayDraw() {
    return this.client.term !== 0 && this.client.paused === null;
  }

  /** One stroke of a few points, in one frame; its number, or null when the page does not let anybody draw. */
  draw(number) {
    if (!this.mayDraw) return null;
    this.drawn.set(number, performance.now());
    const first = { x: number % WIDTH, y: Math.floor(number / WIDTH) };
    const writer = new StrokeWriter(this.client, STYLE, first);
    for (let i = 1; i <= 8; i++) writer.add({ x: Math.min(WIDTH, first.x + 40 * i), y: first.y + 25 * i });
    writer.flush(true);
    return number;
  }

  /** The page is loaded again: the session stays, what was not stored is gone. */
  reload() {
    this.forgone = new Set([...(this.forgone ?? []), ...[...this.drawn.keys()].filter((number) => !this.acked.has(number))]);
    this.ws?.terminate();
    this.client.stop();
    this.#begin();
    this.#frames.clear();
    this.start();
  }

  /** The network of this device is gone, without a word; until wake(). */
  sleep() {
    this.#asleep = true;
    this.ws?.terminate();
  }

  wake() {
    this.#asleep = false;
    this.hereSince = performance.now();
    this.client.tryNow();
  }

  leave() {
    this.gone = true;
    this.forgone = new Set([...(this.forgone ?? []), ...[...this.drawn.keys()].filter((number) => !this.acked.has(number))]);
    this.client.stop();
  }

  comeBack() {
    this.gone = false;
    this.#begin();
    this.start();
  }

  end() {
    this.client.stop();
    this.ws?.terminate();
  }

  get isHere() {
    return !this.gone && !this.#asleep;
  }
}
