// SPDX-License-Identifier: Apache-2.0
//
// Attacks on the HTTP side: no login is needed for any of them.

import { request, upgradeRequest, wsFrame } from "./line.mjs";

const POST = (body, length) => request("POST", "/api/boards", { body, length });
const CRLF = Buffer.from("\r\n");
const BOARDS_LEFT = 20; // for the kinds that draw on them
const CODE = "0123456789abcdefghjkmnpqrstvwxyz";

/** Kind 1: what stands behind a request's end, several requests in a packet, and cut at any point. */
export async function trailingBytes(who) {
  const two = Buffer.concat([POST("[]"), POST("[]")]);
  const bytes = who.pick([
    POST("{}X", 2),
    Buffer.concat([POST("{}"), CRLF]),
    two,
    Buffer.concat([two, two, POST("{")]),
    Buffer.concat([request("GET", "/"), request("GET", "/api/boards/zzzzzzzzzz"), POST("[]")]),
    Buffer.concat([POST("[]"), upgradeRequest(), wsFrame(Buffer.from([1, 2, 3]))]),
  ]);
  const line = who.line();
  const cut = who.next() < 0.5 ? who.between(1, bytes.length) : bytes.length;
  line.send(bytes.subarray(0, cut));
  if (who.next() < 0.5) await line.until(() => line.text.includes("\r\n\r\n"), 300);
  who.leave(line, who.pick(["reset", "fin"]));
}

/** Kind 1: a head or a body that comes byte by byte, and ends somewhere. */
export async function slowRequests(who) {
  const bytes = who.pick([POST('{"name":"slowly"}'), request("GET", "/"), upgradeRequest()]);
  const lines = Array.from({ length: 5 }, () => who.line());
  for (let at = 0; at < bytes.length && !who.over; at++) {
    await who.pace();
    for (const line of lines) line.send(bytes.subarray(at, at + 1));
    await who.pause(who.between(5, 60));
  }
}

/** Kind 15: wrong codes by the hundred. */
export async function wrongCodes(who) {
  const line = who.line();
  for (let i = 0; i < 100 && !who.over && !line.closed; i++) {
    await who.pace();
    const code = Array.from({ length: 10 }, () => who.pick(CODE)).join("");
    const [method, path] = who.pick([["GET", ""], ["POST", "/watch"]]);
    line.send(request(method, `/api/boards/${code}${path}`));
    if (i % 10 === 9) await who.pause(100); // a hundred a second
  }
}

const ODD_REQUESTS = [
  ["a blank before the colon of Transfer-Encoding", () => request("POST", "/api/boards", { headers: ["Transfer-Encoding : chunked"], body: "0\r\n\r\n", length: 5 })],
  ["chunked, and a length", () => request("POST", "/api/boards", { headers: ["Transfer-Encoding: chunked"], body: "2\r\n{}\r\n0\r\n\r\n" })],
  ["two lengths", () => request("POST", "/api/boards", { headers: ["Content-Length: 40"], body: "{}" })],
  ["a foreign host", () => upgradeRequest({ host: "evil.example" })],
  ["Host and Origin of the same foreign name", () => upgradeRequest({ host: "evil.example", headers: ["Origin: http://evil.example"] })],
  ["a foreign origin", () => upgradeRequest({ headers: ["Origin: http://evil.example"] })],
  ["a foreign origin that asks for a board", (who) => request("GET", `/api/boards/${who.link.board}`, { headers: ["Origin: http://evil.example"] })],
  ["the subprotocol in capitals", () => upgradeRequest({ protocol: "EASEL.V1" })],
  ["a code in capitals", (who) => request("GET", `/api/boards/${who.link.board.toUpperCase()}`)],
  ["a delete with a link to draw", (who) => {
    const { board, draw } = who.link;
    return request("DELETE", `/api/boards/${board}`, { headers: [`Authorization: Bearer ${draw}`] });
  }],
];

/** Kind 17: requests and handshakes that are nearly right. */
export async function oddRequests(who) {
  const [, bytes] = who.pick(ODD_REQUESTS);
  await who.ask(bytes(who));
}

/** Kind 17: a board of their own is deleted at both gateways at once. */
export async function twoDeletes(who) {
  const made = await who.ownBoard();
  if (!made || who.camp.boards.length < BOARDS_LEFT) return;
  who.camp.boards.splice(who.camp.boards.indexOf(made), 1);
  const bytes = request("DELETE", `/api/boards/${made.board}`, { headers: [`Authorization: Bearer ${made.tokens.own}`] });
  await Promise.all(who.camp.gateways.map((port) => who.ask(bytes, port)));
}
