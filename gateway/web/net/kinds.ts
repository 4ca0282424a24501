// SPDX-License-Identifier: Apache-2.0
//
// What a client is made with, and what it says of itself.
import { ERRORS } from "../codec/errors.gen.ts";

/** What the socket does now. `ended` does not come back by itself. */
export type Phase = "connecting" | "live" | "waiting" | "ended";
/** What the log of the board can still take. */
export type Room = "enough" | "little" | "none";
export type Service = "away" | "same" | "updated";
/** Why the drawer must stop for a while. */
export type Paused = "grace" | "trouble" | "unsaved" | "room" | null;
export type End = "forbidden" | "removed" | "linkended" | "notfound" | "replaced" | "crash" | "outdated" | null;

/** What is used of a WebSocket; ws gives the same in Node. */
export interface Socket {
  binaryType: string;
  readyState: number;
  bufferedAmount: number;
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
}

export interface ClientOptions {
  token: string;
  /** Tried one after the other where that one is refused. */
  others?: readonly string[];
  /** The board that the token is to open; any other one is none of ours. */
  board?: string;
  session: Uint8Array; // 16 bytes, a secret between this browser and the service
  name: string;
  open: () => Socket;
  hidden?: () => boolean;
  /** How the service is over HTTP: it does not answer, gives out this page, or another one. */
  service?: () => Promise<Service>;
  /** Does it refuse what this page sends, since it does not take its address for its own? */
  foreign?: () => Promise<boolean>;
  /** Has it too many connections to take another one from here? */
  crowded?: () => Promise<boolean>;
  random?: () => number;
}

export interface PenStyle {
  tool: number;
  colour: number;
  size: number; // board units
  even?: boolean; // as wide everywhere, whatever speed and pressure
}

/** Errors after which a client does not come again by itself. */
type Stops = { [E in keyof typeof ERRORS]: (typeof ERRORS)[E]["then"] extends "stops" ? E : never }[keyof typeof ERRORS];
const ENDS: Record<Stops, End> = {
  bad_frame: "crash",
  forbidden: "forbidden",
  expired: "forbidden",
  removed: "removed",
  ended: "linkended",
  no_board: "notfound",
  replaced: "replaced",
  too_long: "crash",
  too_old: "crash",
};
/** `told`: the error that came before, if one did. */
export function endOf(close: number, told: string): End | undefined {
  const [, end] = Object.entries(ENDS).find(([error]) => error === told) ?? [];
  return end ?? Object.entries(ENDS).find(([error]) => ERRORS[error as Stops].close === close)?.[1];
}

/** Closes the socket; whatever it still says is ignored. Without the code the service keeps our place. */
export function release(socket: Socket, code?: number): void {
  socket.onopen = socket.onmessage = socket.onclose = null;
  socket.onerror = () => {};
  socket.close(code);
}

export function randomInstance(): number {
  const words = crypto.getRandomValues(new Uint32Array(2));
  return (words[0]! & 0x1fffff) * 2 ** 32 + words[1]! || 1;
}
