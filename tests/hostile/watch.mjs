// SPDX-License-Identifier: Apache-2.0
//
// Looks at a cluster's processes while a turn runs: who is alive, who answers, and how much memory each has. One
// that has far more than it may is ended, before it takes the machine with it.

import { MEMORY_MAX } from "./verdict.mjs";

const EACH_MS = 500;
const PATIENCE_MS = 5_000;

export const alive = (service) => service.exit === null;

/** Resident bytes; of one that has just ended, 0. */
function memory(service) {
  try {
    return service.rss;
  } catch {
    return 0;
  }
}

async function answers({ admin }) {
  try {
    return (await fetch(`${admin}/healthz`, { signal: AbortSignal.timeout(PATIENCE_MS) })).ok;
  } catch {
    return false;
  }
}

export class Watch {
  constructor({ services }) {
    this.services = services;
    this.before = this.#now();
    this.most = new Map(this.before.map(({ name, bytes }) => [name, bytes]));
    this.timer = setInterval(() => this.#look(), EACH_MS);
  }

  #now() {
    return this.services.map((service) => ({ name: service.name, kind: service.kind, bytes: alive(service) ? memory(service) : 0 }));
  }

  #look() {
    for (const { name, kind, bytes } of this.#now()) {
      this.most.set(name, Math.max(this.most.get(name), bytes));
      if (bytes > 2 * MEMORY_MAX[kind]) this.services.find((service) => service.name === name).kill();
    }
  }

  /** {before, memory, after: [{name, kind, bytes}], died, silent: names} */
  async end() {
    clearInterval(this.timer);
    this.#look();
    const after = this.#now();
    const silent = [];
    for (const service of this.services.filter(alive)) if (!(await answers(service))) silent.push(service.name);
    const died = this.services.filter((service) => !alive(service)).map(({ name }) => name);
    const most = after.map(({ name, kind }) => ({ name, kind, bytes: this.most.get(name) }));
    return { before: this.before, after, memory: most, died, silent: silent.filter((name) => !died.includes(name)) };
  }
}
