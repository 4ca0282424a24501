// SPDX-License-Identifier: Apache-2.0
//
// How one comes to a board, and what its address says afterwards. An address may come from anybody: what it
// brings counts for nothing until the service has welcomed us with it to the very board that it names. From
// then on the address is one that may be given away, since people share a page by copying it; what opens the
// board for this tab stays with the tab, so that a reload finds it, too where nothing else can be stored.
// Pure.
import { parseCode } from "./code.ts";
import type { Known } from "./device.ts";

/** What a tab keeps in its history, where neither the address nor another page shows it. */
export interface Kept {
  board: string;
  token: string;
  session: string;
}

const TOKEN = /^[!-~]{1,2048}$/; // longer ones the protocol does not carry
const SESSION = /^[0-9a-f]{32}$/;

/** The board that an address names: its code as people type it, or whatever stands there. */
export function boardOf(pathname: string): string {
  const named = pathname.split("/")[2] ?? "";
  try {
    return parseCode(decodeURIComponent(named)) ?? named;
  } catch {
    return named; // half of a character
  }
}

/** Of `state`, the history's, if it is of this board. */
export function keptOf(state: unknown, board: string): Kept | null {
  const { board: of, token, session } = (state ?? {}) as Partial<Kept>;
  return of === board && typeof token === "string" && SESSION.test(session ?? "") ? { board, token, session: session! } : null;
}

/** The tokens to try, one after the other: what this tab had, what the address brings, what the device knows.
 *  A link that this device knows to be weaker than its own is what our own address says. What can be no token
 *  gives way to one that is refused like any wrong one. */
export function tokensFor(fragment: string, kept: Kept | null, known: Known | null): string[] {
  const weaker = fragment !== "" && (fragment === known?.links.watch || fragment === known?.links.draw);
  const [first, then] = weaker ? [known!.token, fragment] : [fragment, known?.token];
  const tokens = [kept?.token, first, then].filter((token): token is string => Boolean(token));
  return [...new Set(tokens.map((token) => (TOKEN.test(token) ? token : "none")))];
}

/** What to remember of a link that opened the board: it does not take the place of a stronger one, unless
 *  the service refused that one just now. Weaker links go with the token that they came with: they end when it does. */
export function betterOf(known: Known | null, token: string, role: number, tried: readonly string[]): Partial<Known> {
  const refused = known !== null && tried.slice(0, tried.indexOf(token)).includes(known.token);
  if (known?.token && role < known.role && !refused) return {};
  return token === known?.token ? { role } : { token, role, links: {} };
}
