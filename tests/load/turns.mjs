// SPDX-License-Identifier: Apache-2.0
//
// A turn of a benchmark: the load client beside a cluster, or beside the bare relay. From the environment, see bench.mjs.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync } from "node:fs";
import { join as path } from "node:path";
import { createInterface } from "node:readline";
import { ROOT, startCluster } from "../service/harness.mjs";

const SECONDS = Number(process.env.BENCH_SECONDS ?? 6);
const GATEWAYS = Number(process.env.BENCH_GATEWAYS ?? 2);
const OPTIONS = (process.env.BENCH_LOAD ?? "").split(" ").filter(Boolean);
const BUILD = process.env.EASEL_TEST_BUILD ?? "release";
const program = (name) => path(ROOT, "build", BUILD, "tests/load", name);

export const SERVICES = ["gateway", "board", "broker", "history"];

/** A cluster whose programs are of that build. */
export const cluster = (build = BUILD) =>
  startCluster({
    gateways: GATEWAYS,
    build,
    env: { EASEL_CREATES_PER_MIN: "100000", EASEL_CONNECTIONS_PER_ADDRESS: "20000" },
  });

/** Runs the load client; resolves with its line of JSON. It ends by itself. */
async function load(boards, to, processes) {
  const pids = processes.map(([name, pid]) => `--pid=${name}=${pid}`);
  const options = [`--boards=${boards}`, `--seconds=${SECONDS}`, ...OPTIONS];
  const child = spawn(program("load"), [...to, ...options, ...pids], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let json = "", words = "";
  child.stdout.on("data", (data) => (json += data));
  child.stderr.on("data", (data) => (words += data));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`the load client found fault (exit code ${code}):\n${words}`);
  if (OPTIONS.length) console.log(words);
  if (process.env.BENCH_JSON) appendFileSync(process.env.BENCH_JSON, json);
  return JSON.parse(json);
}

async function withRelay(use) {
  const child = spawn(program("relay"), { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [line] = await once(createInterface(child.stdout), "line");
    const [port, pid] = line.split(" ");
    return await use(port, pid);
  } finally {
    child.kill();
  }
}

export const relayRun = (boards) =>
  withRelay((port, pid) => load(boards, [`--relay=${port}`], [["relay", pid]]));

export function easelRun(cluster, boards) {
  const gateways = cluster.gateways.map((gateway) => `--gateway=${new URL(gateway.url).port}`);
  const broker = readFileSync(path(cluster.dir, "broker/rabbitmq.pid"), "utf8").trim();
  const services = cluster.services.map((service) => [service.kind, service.pid]);
  return load(boards, gateways, [...services, ["broker", broker]]);
}

/** Of all processes of that name. */
export const sum = (run, name, field) =>
  run.processes.filter((p) => p.name === name).reduce((total, p) => total + p[field], 0);
