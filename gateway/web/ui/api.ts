// SPDX-License-Identifier: Apache-2.0
//
// What the page asks of the service over HTTP.
import { QUESTION_MS } from "../codec/limits.gen.ts";
import type { Service } from "../net/client.ts";
import { words } from "../strings/words.ts";
import { isForeign, type Made, madeOf, type Refusal, refusalOf, tokenOf } from "./answers.ts";

const ANSWER_MS = QUESTION_MS + 2_000; // the service itself gives a question up before
const SERVICE_MS = 5_000; // a service that takes longer to give out a page is away

/** What `read` makes of the answer to `body` (null: to a GET); or why there is none. */
async function ask<T>(path: string, body: object | null, key: string, read: (answer: unknown) => T | null): Promise<T | Refusal> {
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (key) headers["Authorization"] = `Bearer ${key}`;
  const what = body ? { method: "POST", body: JSON.stringify(body) } : { method: "GET", cache: "no-store" as const };
  let response: Response | undefined;
  let answer: unknown;
  try {
    response = await fetch(path, { ...what, headers, credentials: "omit", signal: AbortSignal.timeout(ANSWER_MS) });
    answer = await response.json();
  } catch {
    // it did not come, not in time or not whole; or it is none of the service's
  }
  const understood = response?.ok ? read(answer) : null;
  return understood ?? refusalOf(response?.status ?? 0, answer, response?.headers.get("Retry-After") ?? null);
}

/** The new board, or why there is none. */
export const makeBoard = (name: string, key: string): Promise<Made | Refusal> => ask("/api/boards", { name }, key, madeOf);

/** A token for watching, for who knows the code; or why there is none. */
export const watchToken = (board: string): Promise<string | Refusal> => ask(`/api/boards/${board}/watch`, {}, "", tokenOf);

export function whyNoToken(refusal: Refusal): string {
  if (refusal.status === 404) return words.notFound;
  if (isForeign(refusal)) return words.foreign;
  return refusal.status === 429 ? words.joinTooMany(refusal.waitS) : words.serviceAway;
}

/** The tokens of a board, for its owner on a device that did not make it; null: not now. */
export async function tokensOf(board: string, own: string): Promise<Made["tokens"] | null> {
  const made = await ask(`/api/boards/${board}/links`, {}, own, madeOf);
  return "tokens" in made && made.board === board ? made.tokens : null;
}

/** False: not now. */
export async function deleteBoard(board: string, own: string): Promise<boolean> {
  try {
    const what = { method: "DELETE", headers: { Authorization: `Bearer ${own}` }, credentials: "omit" as const };
    const { status } = await fetch(`/api/boards/${board}`, { ...what, signal: AbortSignal.timeout(ANSWER_MS) });
    return status === 204 || status === 404;
  } catch {
    return false;
  }
}

export const socket = (): WebSocket => new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws`, "easel.v1");

/** Why a WebSocket does not open a page is not told: so the page asks at the same address what it would have been
 *  answered. Has the service too many connections to take another one from here? */
export async function isCrowded(): Promise<boolean> {
  const { code } = await ask("/ws", null, "", () => null as never);
  return code === "too_many" || code === "unavailable";
}

const BUILD = document.querySelector<HTMLMetaElement>('meta[name="build"]')!.content;

/** Does the service answer over HTTP, and does it still give out this page? A page that was loaded again for a
 *  newer one, and came as the same again, asks no more: in a rolling update both are given out. */
export async function service(): Promise<Service> {
  try {
    const html = await fetch(location.pathname, { cache: "no-cache", signal: AbortSignal.timeout(SERVICE_MS) });
    const build = /<meta name="build" content="(\w+)">/.exec(await html.text())?.[1];
    if (!build) return "away";
    return build === BUILD || history.state?.reloadedFrom === BUILD ? "same" : "updated";
  } catch {
    return "away";
  }
}

/** Loads the newer page. */
export function update(): void {
  history.replaceState({ ...history.state, reloadedFrom: BUILD }, "");
  location.reload();
}
