// SPDX-License-Identifier: Apache-2.0
//
// A network in the hand of a test: a TCP proxy in front of a server, which cuts connections, takes no new
// ones, swallows what is sent, carries little, or lets no WebSocket through.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout } from "node:timers/promises";

const PIECE = 4096; // bytes of a slow network at a time
const BEGINNING = 1024; // so much of what a client says is remembered

export class Proxy {
  upgrades = true;
  #pairs = new Set();
  #refuses = false;
  #bytesPerS = 0;
  #delayMs = 0;
  #hole = null; // the pairs of a path that is swallowed

  /** In front of the server at this address. */
  static async to(address) {
    const self = new Proxy();
    self.target = new URL(address);
    self.server = createServer((near) => self.#accept(near)).listen(0, "127.0.0.1");
    self.server.unref();
    await once(self.server, "listening");
    const through = new URL(address);
    through.hostname = "127.0.0.1";
    through.port = self.server.address().port;
    self.url = through.href.replace(/\/$/, "");
    return self;
  }

  /** Ends these connections, without a word. */
  cut(pairs = this.#pairs) {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  /** Down: nothing comes through, and nobody comes in. */
  down() {
    this.#refuses = true;
    this.cut();
  }

  up() {
    this.#refuses = false;
  }

  /** The connections that are there stay, and carry nothing: those whose client said this first, or all.
   *  Returns them. */
  swallow(said = /^/) {
    const pairs = [...this.#pairs].filter((pair) => said.test(pair.said));
    for (const socket of pairs.flat()) socket.pause();
    return pairs;
  }

  /** The same of all that are there and all that come. */
  swallowPath() {
    return (this.#hole = this.swallow());
  }

  /** They carry again what they held back. */
  resume(pairs) {
    if (pairs === this.#hole) this.#hole = null;
    for (const socket of pairs.flat()) socket.resume();
  }

  /** Towards the client no more than so many bytes in a second; 0: as many as there are. */
  throttle(bytesPerS) {
    this.#bytesPerS = bytesPerS;
  }

  /** What comes from either side is so late; 0: it is not. */
  delay(ms) {
    this.#delayMs = ms;
  }

  /** In order, also when the delay changes. */
  #carry(to, bytes) {
    const due = Math.max(performance.now() + this.#delayMs, to.due ?? 0);
    to.due = due;
    if (due <= performance.now()) return void to.write(bytes);
    void setTimeout(due - performance.now(), null, { ref: false }).then(() => to.destroyed || to.write(bytes));
  }

  #accept(near) {
    if (this.#refuses) return near.resetAndDestroy();
    const far = connect({ host: this.target.hostname, port: this.target.port });
    const pair = Object.assign([near, far], { said: "" });
    this.#pairs.add(pair);
    near.unref();
    far.unref();
    for (const socket of pair) {
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#pairs.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
    near.on("data", (bytes) => {
      if (pair.said.length < BEGINNING) pair.said += bytes.toString("latin1");
      if (!this.upgrades && /^upgrade: *websocket/im.test(bytes.toString("latin1"))) near.destroy();
      else this.#carry(far, bytes);
    });
    if (this.#hole?.push(pair)) for (const socket of pair) socket.pause();
    far.on("data", (bytes) => (this.#bytesPerS ? void this.#carrySlowly(near, far, bytes) : this.#carry(near, bytes)));
  }

  async #carrySlowly(near, far, bytes) {
    far.pause();
    for (let at = 0; at < bytes.length; at += PIECE) {
      near.write(bytes.subarray(at, at + PIECE));
      if (this.#bytesPerS) await setTimeout((PIECE / this.#bytesPerS) * 1000, null, { ref: false });
    }
    far.resume();
  }
}
