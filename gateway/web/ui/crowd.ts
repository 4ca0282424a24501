// SPDX-License-Identifier: Apache-2.0
//
// Why a WebSocket does not open a page is not told: so the page asks at the same address what it would have
// been answered.
const ANSWER_MS = 5_000;

/** Has the service too many connections to take another one from here? */
export async function isCrowded(): Promise<boolean> {
  try {
    const answer = await fetch("/ws", { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(ANSWER_MS) });
    const { error } = (await answer.json()) as { error: { code: string } };
    return error.code === "too_many" || error.code === "unavailable";
  } catch {
    return false; // away, or it is not Easel that answers
  }
}
