// SPDX-License-Identifier: Apache-2.0
//
// What screen readers are told in their own time: at most one message in three seconds. What comes
// meanwhile is joined into the next one; of people it is told who came and who left since the last time.
// Pure, apart from the strings.
import { words } from "../strings/words.ts";

const PACE_MS = 3_000;
const WAITING_MAX = 4; // messages; of more, the newest
const NAMES_MAX = 6; // in one message
const PEOPLE_MS = 1_000; // others may follow, and the name of who has just come

type People = ReadonlyMap<string, string>; // names by member

export class Announcer {
  #waiting: string[] = [];
  #here: People = new Map();
  #told: Map<string, string> | null = null; // who was here when we last spoke of people
  #changedAt = 0; // since when others are here; 0: the same
  #spokeAt = -PACE_MS;

  say(text: string): void {
    if (this.#waiting.includes(text)) return;
    this.#waiting.push(text);
    this.#waiting.splice(0, this.#waiting.length - WAITING_MAX);
  }

  /** Who is here, besides oneself. Who was here before us did not come. */
  people(here: People, now: number): void {
    const told = (this.#told ??= new Map(here));
    for (const [id, name] of here) if (told.has(id)) told.set(id, name);
    const same = here.size === told.size && [...here.keys()].every((id) => told.has(id));
    this.#changedAt = same ? 0 : this.#changedAt || now;
    this.#here = here;
  }

  /** What to say now; empty: nothing. */
  take(now: number): string {
    if (now - this.#spokeAt < PACE_MS) return "";
    if (this.#changedAt && now - this.#changedAt >= PEOPLE_MS) this.say(this.#cameAndWent());
    const text = this.#waiting.join(" ");
    this.#waiting = [];
    if (text) this.#spokeAt = now;
    return text;
  }

  #cameAndWent(): string {
    const [here, told] = [this.#here, this.#told!];
    const names = (of: People, without: People): string => {
      const all = [...of].filter(([id]) => !without.has(id)).map(([, name]) => name);
      const more = all.length - NAMES_MAX;
      return words.list(more > 1 ? [...all.slice(0, NAMES_MAX), words.others(more)] : all);
    };
    const text = words.cameAndWent(names(here, told), names(told, here));
    this.#told = new Map(here);
    this.#changedAt = 0;
    return text;
  }
}
