// SPDX-License-Identifier: Apache-2.0
//
// What the page asks of the service over HTTP.
import type { Service } from "../net/client.ts";

const SERVICE_MS = 5_000; // a service that takes longer is away

export interface Made {
  board: string;
  tokens: { own: string; draw: string; watch: string };
}

async function post(path: string, body: unknown, key: string): Promise<Response | null> {
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (key) headers["Authorization"] = `Bearer ${key}`;
  try {
    return await fetch(path, { method: "POST", headers, body: JSON.stringify(body), credentials: "omit" });
  } catch {
    return null;
  }
}

/** The new board, or the status why there is none (0: no answer). */
export async function makeBoard(name: string, key: string): Promise<Made | number> {
  const response = await post("/api/boards", { name }, key);
  if (response?.status !== 201) return response?.status ?? 0;
  return (await response.json()) as Made;
}

/** A token for watching, for who knows the code; or the status why there is none. */
export async function watchToken(board: string): Promise<string | number> {
  const response = await post(`/api/boards/${board}/watch`, {}, "");
  if (!response?.ok) return response?.status ?? 0;
  const { token } = (await response.json()) as { token: string };
  return token;
}

/** The tokens of a board, for its owner on a device that did not make it; null: not now. */
export async function tokensOf(board: string, own: string): Promise<Made["tokens"] | null> {
  const response = await post(`/api/boards/${board}/links`, {}, own);
  return response?.ok ? ((await response.json()) as Made).tokens : null;
}

/** Does the service answer over HTTP, and does it still give out the page that this script is of? */
export async function service(): Promise<Service> {
  try {
    const html = await fetch(location.pathname, { cache: "no-cache", signal: AbortSignal.timeout(SERVICE_MS) });
    const script = /\/assets\/board-\w+\.js/.exec(await html.text())?.[0];
    return !script ? "away" : import.meta.url.endsWith(script) ? "same" : "updated";
  } catch {
    return "away";
  }
}
