// SPDX-License-Identifier: Apache-2.0
//
// The code of a board: ten characters without i, l, o and u, shown in groups of four. Who types it may
// use capitals, spaces and dashes, and mix up the letters that are not in it.
const CODE = /^[0-9a-hjkmnp-tv-z]{10}$/;

export function parseCode(typed: string): string | null {
  const code = typed
    .normalize("NFKC") // full-width letters
    .toLowerCase()
    .replace(/[\s\p{Cf}\p{Pd}_.]/gu, "")
    .replace(/o/g, "0")
    .replace(/[il]/g, "1");
  return CODE.test(code) ? code : null;
}

export const showCode = (code: string): string => code.match(/.{1,4}/g)?.join("-") ?? code;

export type Joined =
  | { kind: "link"; board: string; token: string }
  | { kind: "code"; board: string }
  | { kind: "elsewhere"; host: string }
  | { kind: "bad" };

/** What somebody typed or pasted to join: a link of this place, or a code. */
export function parseJoin(typed: string, origin: string): Joined {
  const code = parseCode(typed);
  if (code) return { kind: "code", board: code };
  let url: URL;
  try {
    url = new URL(typed.trim());
  } catch {
    return { kind: "bad" };
  }
  const board = parseCode(/^\/b\/([^/]+)\/?$/.exec(url.pathname)?.[1] ?? "");
  if (!board || !/^https?:$/.test(url.protocol)) return { kind: "bad" };
  if (url.origin !== origin) return { kind: "elsewhere", host: url.host };
  const token = url.hash.slice(1);
  return token ? { kind: "link", board, token } : { kind: "code", board };
}
