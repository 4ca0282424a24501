// SPDX-License-Identifier: Apache-2.0
//
// One chip says how things are. What is worst wins; trouble shows after a second, so that short blips
// stay silent. Pure, apart from the strings.
import type { Client } from "../net/client.ts";
import { words } from "../strings/words.ts";

export interface Status {
  /** Which line of the table it is: it changes when the news does, not with each second. */
  line: string;
  level: "good" | "warn" | "bad" | "calm";
  text: string;
  act: "tryNow" | "reload" | null; // what its button does
}

const SHOWN_AFTER_MS = 1_000;
const NOT_SAVED_AFTER_MS = 5_000;

/** How long the oldest thing of a kind has been waiting. `goal` counts what there is, `done` what is
 *  dealt with, both rising. */
class Lateness {
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

/** How long something has been so. */
class Lasting {
  #since = 0;

  ms(holds: boolean, now: number): number {
    if (!holds) this.#since = 0;
    else this.#since ||= now;
    return holds ? now - this.#since : 0;
  }
}

const status = (line: string, level: Status["level"], text: string, act: Status["act"] = null): Status => ({ line, level, text, act });

export class StatusView {
  #unsaved = new Lateness();
  #behind = new Lateness();
  #offline = new Lasting();
  #full = new Lasting();
  #kept = new Lasting();
  #arrived = false; // at the newest event, once

  of(client: Client, online: boolean, now: number): Status {
    const { board, paused } = client;
    const drawer = client.term !== 0;
    const offline = this.#offline.ms(!online, now);
    const lost = client.lostAt ? now - client.lostAt : 0;
    // Who hears the service is not cut off from it, whatever the browser thinks of other networks.
    const hears = client.phase === "live" && client.heardAt > now - offline + SHOWN_AFTER_MS;
    const cutOff = lost > 0 || (offline > 0 && !hears);
    // No mark and no event can come meanwhile, so their time begins anew.
    if (cutOff) [this.#unsaved, this.#behind] = [new Lateness(), new Lateness()];
    const trouble = client.troubleAt ? now - client.troubleAt : 0;
    const kept = this.#kept.ms(client.keptFrames > 0, now);
    const full = this.#full.ms(drawer && paused === "unsaved", now);
    const behind = this.#behind.ms(board.head, board.applied, now);
    const unsaved = this.#unsaved.ms(Math.max(board.head, board.applied) + board.pendingFrames, board.mark, now);
    this.#arrived ||= board.member !== "" && board.applied >= board.head;

    const pauses = drawer && paused === "grace";
    if (cutOff && offline && Math.max(offline, lost) >= SHOWN_AFTER_MS)
      return status("offline", "bad", pauses ? `${words.offline} ${words.pausedGrace}` : words.offline);
    if (client.held) return status("held", "warn", drawer ? `${words.held} ${words.strokesKept}` : words.held);
    if (lost >= SHOWN_AFTER_MS) return away(client, drawer, pauses, now);
    if (pauses) return status("pauses", "bad", words.pausedGrace);
    if (drawer && paused === "trouble") return status("trouble", "bad", `${words.trouble} ${words.pausedUnsaved}`);
    if (trouble >= SHOWN_AFTER_MS) return status("trouble", "warn", words.trouble);
    if (full >= SHOWN_AFTER_MS) return status("full", "warn", words.pausedUnsaved);
    if (drawer && client.unsaved) return status("unsaved", "warn", words.nothingSaved); // for 2 s already
    if (kept >= SHOWN_AFTER_MS) return status("kept", "warn", words.keptForNextTerm(client.keptStrokes));
    if (behind >= SHOWN_AFTER_MS) return status("behind", "calm", words.behind(board.head - board.applied));
    if (!this.#arrived) return status("connecting", "calm", words.connecting);
    if (unsaved >= NOT_SAVED_AFTER_MS) return status("notSaved", "warn", words.notSaved);
    if (unsaved >= SHOWN_AFTER_MS) return status("saving", "calm", words.saving);
    if (client.room === "none") return status("noRoom", "warn", words.noRoom);
    if (client.room === "little") return status("littleRoom", "warn", words.littleRoom);
    return status("live", "good", words.live);
  }
}

/** The socket is not there. */
function away(client: Client, drawer: boolean, pauses: boolean, now: number): Status {
  if (client.tooOld) return status("tooOld", "bad", words.tooOld, "reload");
  if (client.crowded) return status("crowded", "bad", words.crowded, "tryNow");
  if (client.foreign) return status("foreign", "bad", words.foreign, "tryNow");
  if (client.blocked) return status("blocked", "bad", words.blocked, "tryNow");
  const s = Math.ceil((client.retryAt - now) / 1000);
  const waits = client.phase === "waiting" && s > 0;
  const text = waits ? words.reconnectingIn(s) : words.reconnecting;
  const more = pauses ? ` ${words.pausedGrace}` : drawer ? ` ${words.strokesKept}` : "";
  return status(pauses ? "pauses" : "lost", "bad", text + more, waits ? "tryNow" : null);
}
