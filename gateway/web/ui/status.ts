// SPDX-License-Identifier: Apache-2.0
//
// One chip says how things are. What is worst wins; trouble shows after a second, so that short blips
// stay silent. Pure, apart from the strings.
import type { Client } from "../net/client.ts";
import { words } from "../strings/words.ts";

export interface Status {
  level: "good" | "warn" | "bad" | "calm";
  text: string;
  tryNow: boolean;
}

const SHOWN_AFTER_MS = 1_000;
const NOT_SAVED_AFTER_MS = 5_000;

/** How long the oldest thing of a kind has been waiting. `goal` counts what there is, `done` what is
 *  dealt with, both rising. */
export class Lateness {
  #goal = 0;
  #since = 0;

  ms(goal: number, done: number, now: number): number {
    if (goal < this.#goal) this.#goal = goal; // a rewind
    if (done >= this.#goal) {
      this.#goal = goal;
      this.#since = now;
    }
    return done >= goal ? 0 : now - this.#since;
  }
}

export class StatusView {
  #unsaved = new Lateness();
  #behind = new Lateness();

  of(client: Client, online: boolean, now: number): Status {
    const { board } = client;
    const unsaved = this.#unsaved.ms(Math.max(board.head, board.applied) + board.pendingFrames, board.mark, now);
    const behind = this.#behind.ms(board.head, board.applied, now);
    if (client.phase !== "live") return away(client, online, now);
    if (client.trouble) return { level: "warn", text: words.trouble, tryNow: false };
    if (client.paused === "unsaved") return { level: "warn", text: words.pausedUnsaved, tryNow: false };
    if (behind >= SHOWN_AFTER_MS)
      return { level: "calm", text: words.behind(board.head - board.applied), tryNow: false };
    if (unsaved >= NOT_SAVED_AFTER_MS) return { level: "warn", text: words.notSaved, tryNow: false };
    if (unsaved >= SHOWN_AFTER_MS) return { level: "calm", text: words.saving, tryNow: false };
    return { level: "good", text: words.live, tryNow: false };
  }
}

/** The socket is not there. */
function away(client: Client, online: boolean, now: number): Status {
  const { board } = client;
  const first = board.member === ""; // never was there
  if (!online) return { level: "bad", text: words.offline, tryNow: false };
  if (client.blocked) return { level: "bad", text: words.blocked, tryNow: true };
  if (!client.lostAt) return { level: "calm", text: words.connecting, tryNow: false };
  if (now - client.lostAt < SHOWN_AFTER_MS) return { level: "calm", text: first ? words.connecting : words.live, tryNow: false };
  const s = Math.ceil((client.retryAt - now) / 1000);
  const waits = client.phase === "waiting" && s > 0;
  const parts = [waits ? words.reconnectingIn(s) : words.reconnecting];
  if (client.paused === "grace" && client.term) parts.push(words.pausedGrace);
  else if (client.term && board.unackedFrames) parts.push(words.strokesKept);
  return { level: "bad", text: parts.join(" "), tryNow: waits };
}
