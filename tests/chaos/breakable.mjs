// SPDX-License-Identifier: Apache-2.0
//
// What makes a process of the cluster one that can be hurt in every way: its clock, its disk, its links.
import { execFileSync } from "node:child_process";
import { openSync, writeSync } from "node:fs";
import { join as path } from "node:path";
import { faultyEnvironment } from "../service/fault.mjs";
import { ROOT } from "../service/harness.mjs";
import { Proxy } from "../service/proxy.mjs";

export const BUILD = process.env.EASEL_TEST_BUILD ?? "release";

const faulty = faultyEnvironment();

/** A clock and a disk that can be wrong, and links that can be, too. */
export async function breakable(service) {
  const { cluster, settings } = service;
  const library = path(cluster.dir, "clock.so");
  execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", library, path(ROOT, "tests/service/wall-clock.c")]);
  const file = path(cluster.dir, `${service.name}.ahead`);
  const ahead = openSync(file, "w");
  service.setClock = (seconds) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(seconds));
    writeSync(ahead, bytes, 0, 8, 0);
  };
  service.setClock(0);
  service.proxy = await Proxy.to(cluster.broker.url);
  Object.assign(settings, faulty, { LD_PRELOAD: `${library} ${faulty.LD_PRELOAD}`, WALL_CLOCK_FILE: file, EASEL_AMQP: service.proxy.url });
}
