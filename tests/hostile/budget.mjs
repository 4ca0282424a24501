// SPDX-License-Identifier: Apache-2.0
//
// What the hostile side may spend: so much of a core, or it would be the machine that hurts the honest
// people, and so many bytes of ink a second, or the disk is full after ten minutes.

const TICK_MS = 50;

/** Allows `perMs` a millisecond; of what is not used only the last step's is kept: no burst is longer. */
export class Allowance {
  debt = 0;

  constructor(perMs) {
    this.perMs = perMs;
  }

  spend(amount) {
    this.debt += amount;
  }

  pass(ms) {
    this.debt = Math.max(-this.perMs * ms, this.debt - this.perMs * ms);
  }

  get left() {
    return this.debt <= 0;
  }
}

export class Budget {
  #waiters = [];
  #last = { cpu: process.cpuUsage(), at: performance.now() };
  used = 0; // µs of CPU
  drawn = 0; // bytes

  constructor({ cores, bytesPerS }) {
    this.cpu = new Allowance(cores * 1_000); // in µs
    this.bytes = new Allowance(bytesPerS / 1_000);
    this.begun = this.#last.at;
    this.timer = setInterval(() => this.#tick(), TICK_MS);
  }

  #tick() {
    const { user, system } = process.cpuUsage(this.#last.cpu);
    const at = performance.now();
    const ms = at - this.#last.at;
    this.#last = { cpu: process.cpuUsage(), at };
    this.used += user + system;
    this.cpu.spend(user + system);
    this.cpu.pass(ms);
    this.bytes.pass(ms);
    for (const wake of this.#waiters.splice(0)) wake();
  }

  #ticked() {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Resolves when something may be done. */
  async turn() {
    while (!this.cpu.left) await this.#ticked();
  }

  /** Resolves when so many bytes may be drawn. */
  async ink(bytes) {
    while (!this.bytes.left) await this.#ticked();
    this.bytes.spend(bytes);
    this.drawn += bytes;
  }

  /** Cores used, on average. */
  get cores() {
    return this.used / 1_000 / (performance.now() - this.begun);
  }

  end() {
    clearInterval(this.timer);
  }
}
