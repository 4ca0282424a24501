// SPDX-License-Identifier: Apache-2.0
//
// A clock that a test moves: it stands in for the timers, and for the clock that nobody sets. The time of
// day is not moved: nothing that waits may look at it.
const timers = { setTimeout, clearTimeout, setInterval, clearInterval };

export class Clock {
  now = 1_000_000_000;
  #timers = new Set();

  constructor() {
    const add = (act, ms = 0, every = 0) => {
      const timer = { act, at: this.now + ms, every };
      this.#timers.add(timer);
      return timer;
    };
    globalThis.setTimeout = (act, ms) => add(act, ms);
    globalThis.setInterval = (act, ms) => add(act, ms, ms);
    globalThis.clearTimeout = globalThis.clearInterval = (timer) => this.#timers.delete(timer);
    Object.defineProperty(performance, "now", { value: () => this.now, configurable: true });
  }

  /** Lets so much time pass, and promises settle at each step. */
  async pass(ms) {
    const end = this.now + ms;
    for (;;) {
      await new Promise(setImmediate);
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.now = Math.max(this.now, due.at);
      if (due.every) due.at = this.now + due.every; // what was missed is not made up for
      else this.#timers.delete(due);
      due.act();
    }
    this.now = end;
  }

  stop() {
    Object.assign(globalThis, timers);
    delete performance.now; // that of its prototype is there again
  }
}
