// SPDX-License-Identifier: Apache-2.0
//
// Honest people who come by a board's code, one after the other and more than thirty a minute, from the
// address of the other honest people: each looks the board up, gets a token, is welcomed, and leaves.

import { setTimeout } from "node:timers/promises";
import { encode, randomInstance } from "../../build/web-node/client.mjs";
import { randomBytes } from "node:crypto";
import { Line, request } from "./line.mjs";

const EACH_MS = 800;
const PATIENCE_MS = 5_000;
const HOME = "127.0.0.1";

async function ask(port, bytes) {
  let status = "no answer";
  const line = new Line(port, HOME, (answer) => (status = answer));
  line.send(bytes);
  await line.until(() => /\r\n\r\n[^]*\}/.test(line.text), PATIENCE_MS);
  line.go("fin");
  return { status, text: line.text };
}

/** What went wrong with one visit; null: nothing. */
async function visit(port, code) {
  const looked = await ask(port, request("GET", `/api/boards/${code}`));
  if (looked.status !== "HTTP 200") return `${looked.status} (look)`;
  const { status, text } = await ask(port, request("POST", `/api/boards/${code}/watch`));
  if (status !== "HTTP 200") return `${status} (watch)`;
  let told = "no answer";
  const line = new Line(port, HOME, (answer) => (told = answer));
  if (!(await line.upgrade())) return `${told} (upgrade)`;
  const token = JSON.parse(text.slice(text.indexOf("\r\n\r\n"))).token;
  const who = { session: randomBytes(16), instance: randomInstance(), conn: 1, name: "Visitor" };
  line.say({ kind: "hello", token, ...who, from: null, since: null });
  const welcome = await line.welcomed(PATIENCE_MS);
  line.go(1000);
  return welcome ? null : `${told} (hello)`;
}

/** Until `signal` aborts. Resolves with {came, refused: {answer: count}}. */
export async function visitors(ports, codes, signal) {
  const report = { came: 0, refused: {} };
  for (let i = 0; !signal.aborted; i++) {
    const next = setTimeout(EACH_MS);
    const fault = await visit(ports[i % ports.length], codes[i % codes.length]);
    if (fault) report.refused[fault] = (report.refused[fault] ?? 0) + 1;
    else report.came++;
    await next;
  }
  return report;
}
