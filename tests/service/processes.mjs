// SPDX-License-Identifier: Apache-2.0
//
// What the kernel tells of processes: who started whom, and who listens where.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const LISTEN = "0A";

/** An answer of /proc, or nothing when the process has ended meanwhile. */
function ask(read, otherwise) {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

const commandOf = (pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim();
const parentOf = (pid) => Number(readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) \S /s, "").split(" ")[0]);

/** All that this process has started, and what these have: [{pid, command}]. */
export function descendants(pid) {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = new Map(all.map((one) => [one, ask(() => parentOf(one), 0)]));
  const found = new Set([pid]);
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const [one, parent] of parents) if (found.has(parent)) found.add(one);
  }
  found.delete(pid);
  return [...found].map((one) => ({ pid: one, command: ask(() => commandOf(one), "") }));
}

/** Bytes as the kernel writes them: 32 bits at a time, each in the machine's order. */
function address(hex) {
  const bytes = hex.match(/.{8}/g).flatMap((word) => word.match(/../g).reverse()).map((byte) => parseInt(byte, 16));
  return bytes.length === 4 ? bytes.join(".") : bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** inode of a socket -> "address:port", of all that listen on this machine. */
function listeners() {
  const found = new Map();
  for (const table of ["tcp", "tcp6"]) {
    for (const line of ask(() => readFileSync(`/proc/net/${table}`, "utf8"), "").split("\n").slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state !== LISTEN) continue;
      const [host, port] = local.split(":");
      found.set(inode, `${address(host)}:${parseInt(port, 16)}`);
    }
  }
  return found;
}

/** Where a process listens: ["127.0.0.1:5672"]. */
export function listensAt(pid) {
  const sockets = listeners();
  const fds = ask(() => readdirSync(`/proc/${pid}/fd`), []);
  return fds.flatMap((fd) => {
    const [, inode] = ask(() => readlinkSync(`/proc/${pid}/fd/${fd}`), "").match(/^socket:\[(\d+)\]$/) ?? [];
    return sockets.get(inode) ?? [];
  });
}
