// SPDX-License-Identifier: Apache-2.0
//
// Clients of the page, with a clock and sockets in the hand of the test.
import { afterEach, beforeEach } from "node:test";
import { Client, decode, encode, StrokeWriter } from "../../build/web-node/client.mjs";
import { Clock } from "./clock.mjs";

export const ME = "member1";
export const PEN = { tool: 0, colour: 0, size: 80 };
export const POINT = { x: 100, y: 100 };
export let clock; // of the test that runs

beforeEach(() => (clock = new Clock()));
afterEach(() => clock.stop());

export class Socket {
  readyState = 0;
  bufferedAmount = 0;
  sent = [];
  closed = false;

  opens() {
    this.readyState = 1;
    this.onopen({});
  }
  says(...messages) {
    for (const message of messages) this.onmessage?.({ data: encode(message).buffer });
  }
  send(bytes) {
    this.sent.push(...decode(bytes));
  }
  /** The other end is gone; may come late. */
  breaks(code = 1006) {
    this.readyState = 3;
    this.onclose?.({ code });
  }
  close(code) {
    this.closed = true;
    this.code = code;
  }
}

/** A client that has begun to connect; `sockets` are those it opened, with the time. */
export function start(options = {}) {
  const sockets = [];
  const client = new Client({
    token: "t",
    session: new Uint8Array(16),
    name: "Ana",
    random: () => 1, // waits as long as it may
    open: () => {
      sockets.push(Object.assign(new Socket(), { at: clock.now }));
      return sockets.at(-1);
    },
    ...options,
  });
  client.start();
  return { client, sockets, last: () => sockets.at(-1) };
}

export const welcome = (more = {}) => ({
  kind: "welcome", board: "k3v9x2mq4t", name: "", member: ME, role: 1, epoch: 2, head: 2, mark: 2, start: 2, now: 0, seats: 10,
  grace_ms: 5_000, idle_ms: 30_000, ...more,
});
export const grant = (client, offset, more = {}) => ({
  kind: "ev_grant", offset, time: 0, member: ME, instance: client.instance, name: "Ana", ended: 0, last: 0, ...more,
});
export const drawn = (offset, term, cseq) => ({ kind: "ev_begin", offset, time: 0, term, cseq, tool: 0, colour: 0, size: 80, shape: 1, flags: 4, points: new Uint8Array(4) });
export const mark = (head, flags = 0, incarnation = 0) => ({ kind: "mark", head, mark: head, flags, incarnation });

/** A client that is there; with the pen if asked. */
export function live(options, drawer = false) {
  const it = start(options);
  it.last().opens();
  it.last().says(welcome());
  if (drawer) it.last().says(grant(it.client, 3), mark(3));
  return it;
}
export const dot = (client) => new StrokeWriter(client, PEN, POINT).flush(true);
