// SPDX-License-Identifier: Apache-2.0
//
// One bare WebSocket to a gateway: sends any frame or any bytes, right or wrong, and notes what
// comes back. It keeps no promise of a client; for that there is ../client/client.mjs.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import WebSocket from "ws";
import { decode, encode, randomInstance } from "../../build/web-node/client.mjs";
import { until } from "./harness.mjs";

const open = new Set();

export class Wire {
  messages = []; // what came
  closed = null; // the close code

  constructor(gateway, { protocol = "easel.v1", path = "/ws", ...options } = {}) {
    this.socket = new WebSocket(`${gateway.url.replace("http", "ws")}${path}`, protocol, {
      perMessageDeflate: false,
      ...options,
    });
    this.socket.binaryType = "nodebuffer";
    this.socket.on("message", (bytes) => this.messages.push(...decode(bytes)));
    this.socket.on("close", (code) => (this.closed = code));
    this.socket.on("error", (error) => (this.error = error));
    open.add(this);
  }

  /** Resolves when the socket is open; throws when it was refused. */
  async opened() {
    await until("the socket is open", () => this.socket.readyState === 1 || this.socket.readyState === 3);
    if (this.socket.readyState === 3) throw this.error ?? new Error(`closed with ${this.closed}`);
    return this;
  }

  /** Opens, says hello, and resolves with the welcome (or throws with what came instead). */
  static async join(gateway, token, hello = {}) {
    const wire = await new Wire(gateway).opened();
    wire.hello(token, hello);
    wire.welcome = await wire.gets("welcome");
    const { start, mark, head } = wire.welcome;
    assert.ok(start <= mark && mark <= head, `welcomed at ${start}, mark ${mark}, head ${head}`);
    return wire;
  }

  hello(token, fields = {}) {
    this.instance = fields.instance ?? randomInstance();
    this.session = fields.session ?? randomBytes(16);
    this.send({
      kind: "hello",
      token,
      session: this.session,
      instance: this.instance,
      conn: 1,
      name: "",
      from: null,
      since: null,
      ...fields,
    });
  }

  send(message) {
    this.socket.send(encode(message));
  }

  sendBytes(bytes) {
    this.socket.send(Buffer.from(bytes));
  }

  /** The first message of this kind (that fits), now or later. */
  gets(kind, fits = () => true, ms) {
    return until(`a ${kind} comes`, () => {
      const found = this.messages.find((message) => message.kind === kind && fits(message));
      if (!found && this.closed) throw new Error(`closed with ${this.closed}: ${JSON.stringify(this.errors)}`);
      return found;
    }, ms);
  }

  /** The close code, when it is closed. */
  async closes(ms) {
    return until("the gateway closes", () => this.closed, ms);
  }

  /** Resolves when the event `offset` is here (as an event, or as one of its own). */
  has(offset, ms) {
    return until(`${offset} comes`, () => {
      if (this.closed) throw new Error(`closed with ${this.closed}: ${JSON.stringify(this.errors)}`);
      const last = this.messages.findLast((message) => message.kind === "own" || message.kind.startsWith("ev_"));
      return last && last.offset + (last.count ?? 1) > offset;
    }, ms);
  }

  get errors() {
    return this.messages.filter((message) => message.kind === "error");
  }

  get events() {
    return this.messages.filter((message) => message.kind.startsWith("ev_"));
  }

  get offsets() {
    return this.events.map((event) => event.offset);
  }

  end() {
    this.socket.terminate();
    open.delete(this);
  }

  static endAll() {
    for (const wire of open) wire.end();
  }
}
