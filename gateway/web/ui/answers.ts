// SPDX-License-Identifier: Apache-2.0
//
// What the service answers over HTTP, or why it did not. Only what has its form is of the service: a network that
// wants a sign-in first answers with a page of its own, and so does a balancer with nobody behind it. Pure.
export interface Made {
  board: string;
  tokens: { own: string; draw: string; watch: string };
}

/** Why something was not done. */
export interface Refusal {
  status: number; // 0: no answer of the service
  code: string;
  waitS: number; // before the next try
}

const WAIT_S = 60; // where the service does not say how long

export function refusalOf(status: number, answer: any, retryAfter: string | null): Refusal {
  const code = answer?.error?.code;
  const waitS = Math.max(0, Math.ceil(Number(retryAfter))) || WAIT_S;
  return typeof code === "string" ? { status, code, waitS } : { status: 0, code: "", waitS };
}

const isText = (value: unknown): boolean => typeof value === "string" && value !== "";

export function madeOf(answer: any): Made | null {
  const { own, draw, watch } = answer?.tokens ?? {};
  return [answer?.board, own, draw, watch].every(isText) ? { board: answer.board, tokens: { own, draw, watch } } : null;
}

export const tokenOf = (answer: any): string | null => (isText(answer?.token) ? answer.token : null);

/** The service does not take the address of this page for its own: then it refuses whatever a page sends. */
export const isForeign = (answer: string | Refusal): boolean => typeof answer !== "string" && answer.status === 403;
