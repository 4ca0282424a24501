// SPDX-License-Identifier: Apache-2.0
//
// The WebSockets of a page, seen from outside of its code: how many it opened, how long it was without
// one, with which code it left, and ways to say what neither its code nor a service in good health would.
import { encode } from "../../build/web-node/client.mjs";

/** For the pages that this person opens from now on. */
export function watchSockets({ context }) {
  return context.addInitScript(() => {
    const sockets = (globalThis.sockets = []);
    globalThis.gaps = []; // ms from a loss to the next word of the service
    let lostAt = 0;
    const heard = () => {
      if (lostAt) globalThis.gaps.push(performance.now() - lostAt);
      lostAt = 0;
    };
    globalThis.WebSocket = class extends WebSocket {
      constructor(...address) {
        super(...address);
        sockets.push(this);
        this.addEventListener("message", heard);
        this.addEventListener("close", () => this === sockets.at(-1) && (lostAt ||= performance.now()));
      }
      close(code) {
        sessionStorage.setItem("test.closed", String(code)); // for the next page, too
        super.close(code);
      }
    };
  });
}

export const socketCount = ({ page }) => page.evaluate(() => globalThis.sockets.length);
export const gaps = ({ page }) => page.evaluate(() => globalThis.gaps);
export const sendBytes = ({ page }, ...bytes) => page.evaluate((bytes) => globalThis.sockets.at(-1).send(Uint8Array.from(bytes)), bytes);

/** With which code the page itself closed a socket last. */
export const closedWith = ({ page }) => page.evaluate(() => sessionStorage.getItem("test.closed"));

const SIGN_OF_LIFE_MS = 2_000;

/** From now on the socket brings only what the test says, and is not dead for all that. */
export const muteService = ({ page }) =>
  page.evaluate((ms) => {
    const socket = globalThis.sockets.at(-1);
    globalThis.heard = socket.onmessage;
    socket.onmessage = null;
    setInterval(() => globalThis.heard({ data: new ArrayBuffer(0) }), ms);
  }, SIGN_OF_LIFE_MS);
export const serviceSays = ({ page }, ...messages) =>
  page.evaluate(
    (all) => all.forEach((bytes) => globalThis.heard({ data: Uint8Array.from(bytes).buffer })),
    messages.map((message) => [...encode(message)]),
  );
export const serviceCloses = ({ page }, code) => page.evaluate((code) => globalThis.sockets.at(-1).onclose({ code }), code);

/** Does the page connect at once when this happens to its window? */
export const connectsAt = ({ page }, event) =>
  page.evaluate((event) => {
    const before = globalThis.sockets.length;
    (event === "visibilitychange" ? document : globalThis).dispatchEvent(new Event(event));
    return globalThis.sockets.length > before;
  }, event);
