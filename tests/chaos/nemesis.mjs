// SPDX-License-Identifier: Apache-2.0
//
// What breaks, in an order that a seed decides. A fault is {kind, begin, ms}: `begin` does it and resolves with
// what ends it; it lasts for `ms`.
import { setTimeout } from "node:timers/promises";
import { cure, give } from "../service/fault.mjs";
import { BEFORE } from "../service/harness.mjs";

const between = (next, low, high) => Math.round(low + next() * (high - low));
const pick = (next, list) => list[Math.floor(next() * list.length)];

async function leaves(service) {
  const { code, signal } = await service.kill("SIGTERM");
  if (code !== 0) throw new Error(`${service.name} left with ${code ?? signal}`);
}

/** A process is killed, and started again after a while. */
const killed = (what, choose) => ({
  kind: `${what} killed`,
  make: (cluster, next) => ({
    ms: between(next, 500, 5000),
    begin: async () => {
      const service = choose(cluster, next);
      await service.kill();
      return () => service.start();
    },
  }),
});

const frozen = (what, choose, longest) => ({
  kind: `${what} frozen`,
  make: (cluster, next) => ({
    ms: between(next, 3000, longest),
    begin: async () => {
      const service = choose(cluster, next);
      service.freeze();
      return async () => service.thaw();
    },
  }),
});

/** Connections to the broker that are there and carry nothing; they go on at the end. */
const swallowed = (what, said) => ({
  kind: `${what} of a process swallowed`,
  make: (cluster, next) => ({
    ms: between(next, 2000, 22_000),
    begin: async () => {
      const { proxy } = pick(next, cluster.services);
      const pairs = proxy.swallow(said);
      return async () => proxy.resume(pairs);
    },
  }),
});

const onDisk = (what, fault) => ({
  kind: `store's disk ${what}`,
  store: "sqlite",
  make: (cluster, next) => ({
    ms: between(next, 2000, 10_000),
    begin: async () => {
      const pids = cluster.histories.map(({ pid }) => pid);
      for (const pid of pids) give(pid, fault);
      return async () => pids.forEach((pid) => cure(pid, fault));
    },
  }),
});

const gateway = (cluster, next) => pick(next, cluster.gateways);
const board = (cluster, next) => pick(next, cluster.boards);
const history = (cluster, next) => pick(next, cluster.histories);

export const KINDS = [
  killed("gateway", gateway),
  killed("board service", board),
  killed("history service", history),
  frozen("gateway", gateway, 20_000),
  frozen("board service", board, 20_000),
  frozen("history service", history, 20_000),
  frozen("broker", (cluster) => cluster.broker, 40_000),
  swallowed("both connections", /^/),
  swallowed("the publishing connection", /publishes/),
  swallowed("the consuming connection", /consumes/),
  onDisk("full", "full"),
  onDisk("slow", "slow"),
  {
    kind: "broker restarted",
    make: (cluster) => ({ ms: 0, begin: async () => (await cluster.broker.restart(), async () => {}) }),
  },
  {
    kind: "broker restarted, its data wiped",
    make: (cluster) => ({ ms: 0, begin: async () => (await cluster.broker.restartEmpty(), async () => {}) }),
  },
  {
    kind: "broker has a memory alarm",
    make: (cluster, next) => ({
      ms: between(next, 2000, 10_000),
      begin: async () => {
        await cluster.broker.ctl("set_vm_memory_high_watermark", "absolute", "1MiB");
        return () => cluster.broker.ctl("set_vm_memory_high_watermark", "absolute", "512MiB");
      },
    }),
  },
  {
    kind: "links of a process late by up to 2 s",
    make: (cluster, next) => ({
      ms: between(next, 3000, 12_000),
      begin: async () => {
        const { proxy } = pick(next, cluster.services);
        proxy.delay(between(next, 200, 2000));
        return async () => proxy.delay(0);
      },
    }),
  },
  {
    kind: "links of a process reset",
    make: (cluster, next) => ({ ms: 0, begin: async () => (pick(next, cluster.services).proxy.cut(), async () => {}) }),
  },
  {
    kind: "store stopped",
    make: (cluster, next) => ({
      ms: between(next, 2000, 15_000),
      begin: async () => {
        await cluster.store.stop();
        return () => cluster.store.resume();
      },
    }),
  },
  {
    kind: "wall clock of a process set",
    make: (cluster, next) => ({
      ms: between(next, 2000, 8000),
      begin: async () => {
        const service = pick(next, cluster.services);
        service.setClock(pick(next, [-600, 600, 86_400, -30]));
        return async () => service.setClock(0);
      },
    }),
  },
  {
    kind: "rolling restart of a kind",
    make: (cluster, next) => ({
      ms: 0,
      begin: async () => {
        for (const service of pick(next, [cluster.gateways, cluster.boards, cluster.histories])) {
          await leaves(service);
          await service.start();
        }
        return async () => {};
      },
    }),
  },
  {
    kind: "rolling restart with the version before, and back",
    make: (cluster, next) => {
      const tier = pick(next, [cluster.gateways, cluster.boards, cluster.histories]);
      const become = async (build) => {
        for (const service of tier) {
          await leaves(service);
          service.become(build);
          await service.start();
        }
      };
      return {
        ms: between(next, 2000, 8000),
        begin: async () => (await become(BEFORE), () => become()),
      };
    },
  },
  {
    kind: "one more of a kind, and one less",
    make: (cluster, next) => ({
      ms: between(next, 3000, 8000),
      begin: async () => {
        const kind = pick(next, ["gateways", "boards"]);
        const more = cluster.make(kind.slice(0, -1), cluster[kind].length + 10);
        await more.start();
        cluster[kind].push(more);
        return async () => {
          cluster[kind].splice(cluster[kind].indexOf(more), 1);
          await leaves(more);
        };
      },
    }),
  },
];

/** Shuffled by the seed, and again when all have come; those that this store cannot have are left out. */
export function* faults(next, store, kinds = KINDS) {
  const able = kinds.filter((kind) => !kind.store || kind.store === store);
  for (;;) {
    const order = able.map((kind) => [next(), kind]).sort(([a], [b]) => a - b);
    for (const [, kind] of order) yield kind;
  }
}

/** Does it; `midst` is called in the midst of it. Resolves when it is over. */
export async function suffer(kind, cluster, next, midst) {
  const { ms, begin } = kind.make(cluster, next);
  const end = await begin();
  await setTimeout(ms / 2);
  midst();
  await setTimeout(ms / 2);
  await end();
}
