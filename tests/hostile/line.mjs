// SPDX-License-Identifier: Apache-2.0
//
// A bare TCP connection to a gateway, from an address of one's choice: sends any bytes, right or wrong, as
// HTTP or as WebSocket frames, and notes what is answered. It reads as little as it can: an attacker spends
// its time on attacking.

import { connect } from "node:net";
import { decode, encode } from "../../build/web-node/client.mjs";

const TEXT_MAX = 16_384; // of HTTP answers that are kept
const MESSAGES_MAX = 50; // that are kept
const ERROR = Buffer.from([0x94, 69]); // how a message with these frames begins
const FULL = Buffer.from([0x92, 72]);
const NO_MASK = Buffer.alloc(4); // a mask like any other, that costs nothing

/** The bytes of a WebSocket frame. */
export function wsFrame(payload, { opcode = 2, masked = true, rsv = 0, fin = true } = {}) {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = (masked ? 0x80 : 0) | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat(masked ? [head, NO_MASK, payload] : [head, payload]);
}

/** The frame that these bytes begin with, {opcode, payload, size}; null when it is not whole. */
export function readFrame(bytes) {
  if (bytes.length < 2) return null;
  let [length, at] = [bytes[1] & 0x7f, 2];
  if (length === 126) [length, at] = bytes.length < 4 ? [Infinity, 4] : [bytes.readUInt16BE(2), 4];
  else if (length === 127) [length, at] = bytes.length < 10 ? [Infinity, 10] : [Number(bytes.readBigUInt64BE(2)), 10];
  const size = at + length;
  return bytes.length < size ? null : { opcode: bytes[0] & 15, payload: bytes.subarray(at, size), size };
}

/** An HTTP request as bytes. */
export function request(method, path, { host = "127.0.0.1", headers = [], body = "", length = body.length } = {}) {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...headers];
  if (body || length) lines.push(`Content-Length: ${length}`);
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`, "latin1");
}

export function upgradeRequest({ protocol = "easel.v1", headers = [], ...more } = {}) {
  const upgrade = [
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
    `Sec-WebSocket-Protocol: ${protocol}`,
  ];
  return request("GET", "/ws", { headers: [...upgrade, ...headers], ...more });
}

export class Line {
  text = ""; // what came as HTTP
  messages = []; // the newest that came as frames
  welcome = null;
  upgraded = false;
  closed = false;
  reading = true; // decodes all it is sent; else only what is told to itself
  #rest = Buffer.alloc(0);
  #answered = false;
  #waiters = new Set();
  #note;

  constructor(port, localAddress, note) {
    this.#note = (answer) => {
      this.#answered = true;
      note(answer);
    };
    this.socket = connect({ host: "127.0.0.1", port, localAddress, noDelay: true });
    this.socket.on("data", (chunk) => this.#receive(chunk));
    this.socket.on("error", () => {});
    this.socket.on("close", () => this.#end());
  }

  send(bytes) {
    if (!this.closed) this.socket.write(bytes);
  }

  /** Frames of the protocol, in one message. */
  say(...frames) {
    this.send(wsFrame(Buffer.concat(frames.map((frame) => encode(frame)))));
  }

  /** True when the WebSocket is open. */
  async upgrade(options) {
    this.send(upgradeRequest(options));
    await this.until(() => this.upgraded || this.text.includes("\r\n\r\n"));
    return this.upgraded;
  }

  /** The first truthy value of `test(this)`; null when the time is up or the line is closed. */
  until(test, ms = 3_000) {
    return new Promise((resolve) => {
      const done = (value) => {
        this.#waiters.delete(waiter);
        clearTimeout(timer);
        resolve(value);
      };
      const waiter = () => {
        const value = test(this);
        if (value || this.closed) done(value || null);
      };
      const timer = setTimeout(done, ms, null);
      this.#waiters.add(waiter);
      waiter();
    });
  }

  /** The welcome, when it comes. */
  welcomed(ms) {
    return this.until(() => this.welcome, ms);
  }

  /** Goes, in one of the ways there are: without a word, with a FIN, or with a close frame and its code. */
  go(how = "reset") {
    if (typeof how === "number") this.send(wsFrame(Buffer.from([how >> 8, how & 255]), { opcode: 8 }));
    if (how === "reset") this.socket.resetAndDestroy();
    else this.socket.destroySoon();
    this.gone = true;
  }

  #wake() {
    for (const waiter of [...this.#waiters]) waiter();
  }

  #end() {
    this.closed = true;
    if (!this.gone && !this.#answered) this.#note("closed without an answer");
    this.#wake();
  }

  #receive(chunk) {
    if (this.upgraded) this.#frames(chunk);
    else this.#http(chunk);
    this.#wake();
  }

  #http(chunk) {
    const text = chunk.toString("latin1");
    for (const [, status] of text.matchAll(/HTTP\/1\.1 (\d{3})/g)) this.#note(`HTTP ${status}`);
    this.text = (this.text + text).slice(-TEXT_MAX);
    const begin = this.text.indexOf("HTTP/1.1 101");
    const end = this.text.indexOf("\r\n\r\n", begin);
    if (begin < 0 || end < 0) return;
    this.upgraded = true;
    this.#frames(Buffer.from(this.text.slice(end + 4), "latin1"));
  }

  #frames(chunk) {
    let bytes = this.#rest.length ? Buffer.concat([this.#rest, chunk]) : chunk;
    for (let frame; (frame = readFrame(bytes)); bytes = bytes.subarray(frame.size)) this.#frame(frame);
    this.#rest = bytes;
  }

  #frame({ opcode, payload }) {
    if (opcode === 9) this.send(wsFrame(payload, { opcode: 10 }));
    if (opcode === 8) this.#note(`close ${payload.length >= 2 ? payload.readUInt16BE(0) : "without a code"}`);
    const begin = payload.subarray(0, 2);
    if (opcode === 2 && (this.reading || begin.equals(ERROR) || begin.equals(FULL))) this.#messages(payload);
  }

  #messages(payload) {
    let messages = [];
    try {
      messages = decode(payload);
    } catch {
      this.#note("unreadable"); // to a client of this version
    }
    for (const message of messages) {
      if (message.kind === "welcome") this.welcome = message;
      if (message.kind === "error") this.#note(`error ${message.code}`);
      if (message.kind === "welcome" || message.kind === "full") this.#note(message.kind);
    }
    this.messages = [...this.messages, ...messages].slice(-MESSAGES_MAX);
  }
}
