// SPDX-License-Identifier: Apache-2.0
//
// What the page asks of the service over HTTP.
import type { Service } from "../net/client.ts";

const WAIT_S = 60; // where the service does not say how long
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

/** Why something was not done. */
export interface Refusal {
  status: number; // 0: no answer
  code: string;
  waitS: number; // before the next try
}

async function refusalOf(response: Response | null): Promise<Refusal> {
  const body = (await response?.json().catch(() => null)) as { error?: { code?: unknown } } | null | undefined;
  const waitS = Math.ceil(Number(response?.headers.get("Retry-After"))) || WAIT_S;
  return { status: response?.status ?? 0, code: String(body?.error?.code ?? ""), waitS };
}

/** The new board, or why there is none. */
export async function makeBoard(name: string, key: string): Promise<Made | Refusal> {
  const response = await post("/api/boards", { name }, key);
  return response?.status === 201 ? ((await response.json()) as Made) : refusalOf(response);
}

/** A token for watching, for who knows the code; or why there is none. */
export async function watchToken(board: string): Promise<string | Refusal> {
  const response = await post(`/api/boards/${board}/watch`, {}, "");
  return response?.ok ? ((await response.json()) as { token: string }).token : refusalOf(response);
}

/** The service does not take the address of this page for its own: then it refuses whatever a page sends. */
export const isForeign = (answer: string | Refusal): boolean => typeof answer !== "string" && answer.status === 403;

/** The tokens of a board, for its owner on a device that did not make it; null: not now. */
export async function tokensOf(board: string, own: string): Promise<Made["tokens"] | null> {
  const response = await post(`/api/boards/${board}/links`, {}, own);
  const made = response?.ok ? ((await response.json()) as Made) : null;
  return made?.board === board ? made.tokens : null;
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
