// SPDX-License-Identifier: Apache-2.0
//
// What this device remembers: the name, and for each board its session, token, role and name. What the storage
// does not take (in some private windows, or when it is full) lasts as long as the page.
import { cleanName } from "./names.ts";

export interface Known {
  board: string;
  name: string;
  role: number;
  token: string;
  /** Weaker links that the maker of the board got with it. */
  links: { draw?: string; watch?: string };
  session: string; // 32 hexadecimal digits, a secret
  last: number; // ms since 1970
  fresh?: boolean; // made here, and nobody has yet said what to do with the owner's link
}

const NAME = "easel.name";
const INK = "easel.ink";
const BOARD = "easel.board.";
const memory = new Map<string, string>(); // only that: other pages, too, write and forget what is stored

function read(key: string): string | null {
  try {
    return memory.get(key) ?? localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string | null): void {
  memory.delete(key);
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    if (value !== null) memory.set(key, value);
  }
}

function keys(): string[] {
  try {
    return [...new Set([...Object.keys(localStorage), ...memory.keys()])];
  } catch {
    return [...memory.keys()];
  }
}

/** Will this device still know the board on the next page? */
export function stored(board: string): boolean {
  try {
    return localStorage.getItem(BOARD + board) !== null;
  } catch {
    return false;
  }
}

export const freshSession = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export const sessionBytes = (session: string): Uint8Array =>
  Uint8Array.from(session.match(/../g)!, (digits) => parseInt(digits, 16));

function parse(board: string, json: string | null): Known | null {
  try {
    const { name, role, token, links, session, last, fresh } = JSON.parse(json ?? "null");
    if (!/^[0-9a-f]{32}$/.test(session)) return null;
    return { board, name: String(name), role: Number(role), token: String(token), links: links ?? {}, session, last: Number(last), fresh: fresh === true };
  } catch {
    return null;
  }
}

export const known = (board: string): Known | null => parse(board, read(BOARD + board));

export function remember(board: string, more: Partial<Known>): Known {
  const before = known(board) ?? { board, name: "", role: 0, token: "", links: {}, session: freshSession(), last: 0 };
  const now = { ...before, ...more };
  write(BOARD + board, JSON.stringify(now));
  return now;
}

export const forget = (board: string): void => write(BOARD + board, null);

/** The boards that were opened here, the newest first. */
export function boards(): Known[] {
  const ret = keys()
    .filter((key) => key.startsWith(BOARD))
    .map((key) => known(key.slice(BOARD.length)));
  return ret.filter((one) => one !== null && one.token !== "").sort((a, b) => b!.last - a!.last) as Known[];
}

/** The tool, and the colour and size of each. */
export type Ink = readonly [tool: number, colours: readonly number[], sizes: readonly number[]];

export function myInk(): Ink {
  try {
    const [tool, colours, sizes] = JSON.parse(read(INK) ?? "[]");
    if (Array.isArray(colours) && Array.isArray(sizes)) return [Number(tool), colours.map(Number), sizes.map(Number)];
  } catch {
    // nothing of ours
  }
  return [0, [], []];
}
export const setMyInk = (ink: Ink): void => write(INK, JSON.stringify(ink));

export const myName = (): string => cleanName(read(NAME) ?? "");
export const setMyName = (name: string): void => write(NAME, cleanName(name));

/** What this device likes (or was told once); all off at first. */
type Switch = "noKeys" | "right" | "fingers" | "even" | "turned" | "people";
export const switchedOn = (name: Switch): boolean => read(`easel.${name}`) !== null;
export const setSwitch = (name: Switch, on: boolean): void => write(`easel.${name}`, on ? "1" : null);
