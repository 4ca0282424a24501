// SPDX-License-Identifier: Apache-2.0
//
// One address in front of several gateways, as a cluster has it: a new connection goes to the next
// gateway that says that it is ready; what is connected stays where it is.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout } from "node:timers/promises";
import { until } from "./harness.mjs";

const LOOK_EVERY_MS = 100;

const isReady = (gateway) => gateway.ready().catch(() => false);

/** Resolves with the balancer: its `url` is used like a gateway's. It ends with the process. */
export async function startBalancer(gateways) {
  let ready = [];
  let next = 0;
  const served = new Map(); // port of a client -> the gateway's name
  const look = async () => (ready = (await Promise.all(gateways.map(isReady))).flatMap((yes, i) => (yes ? [gateways[i]] : [])));
  const server = createServer((socket) => {
    const gateway = ready[next++ % ready.length];
    if (!gateway) return socket.destroy();
    served.set(socket.remotePort, gateway.name);
    const { hostname: host, port } = new URL(gateway.url);
    const onward = connect({ host, port });
    for (const [from, to] of [[socket, onward], [onward, socket]]) {
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
    }
  });
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  (async () => {
    for (;;) await Promise.all([look(), setTimeout(LOOK_EVERY_MS, null, { ref: false })]);
  })();
  await until("a gateway is ready", () => ready.length);
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** The name of the gateway that this connection (a socket of ours) leads to. */
    servedBy: ({ localPort }) => served.get(localPort),
    /** Resolves when exactly these get new connections. */
    serves: (...those) => until("the balancer has noticed", () => String(ready.map((g) => g.name)) === String(those.map((g) => g.name))),
  };
}
