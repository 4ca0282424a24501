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

/** A hyphen that does not break a line comes as %E2%80%91. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

export type Joined =
  | { kind: "link"; board: string; token: string }
  | { kind: "code"; board: string }
  | { kind: "elsewhere"; host: string }
  | { kind: "bad" };

const CODES = /(?<![\p{L}\p{N}/])[\p{L}\p{N}]{4}[\p{Pd} ]?[\p{L}\p{N}]{4}[\p{Pd} ]?[\p{L}\p{N}]{2}(?![\p{L}\p{N}])/gu;

/** The code among words, as mails and chats have it; one with a digit, where a word could be meant. */
function codeAmong(typed: string): string | null {
  const codes = [...typed.normalize("NFKC").matchAll(CODES)].map(([text]) => (/\d/.test(text) ? parseCode(text) : null));
  return codes.find((code) => code !== null) ?? null;
}

/** What somebody typed or pasted to join: a link of this place, or a code; perhaps with words around it. */
export function parseJoin(typed: string, origin: string): Joined {
  const link = /https?:\/\/[^\s<>"'“”«»]+/i.exec(typed.replace(/[\p{Cf}]/gu, ""))?.[0];
  return parseOne(link ?? typed, origin, link ? null : codeAmong(typed));
}

function parseOne(typed: string, origin: string, among: string | null): Joined {
  const code = parseCode(typed) ?? among;
  if (code) return { kind: "code", board: code };
  let url: URL;
  try {
    url = new URL(typed.trim());
  } catch {
    return { kind: "bad" };
  }
  const board = parseCode(/^\/b\/([^/]+?)[/.,;:!?)\]]*$/.exec(decoded(url.pathname))?.[1] ?? "");
  if (!board || !/^https?:$/.test(url.protocol)) return { kind: "bad" };
  if (url.origin !== origin) return { kind: "elsewhere", host: url.host };
  const token = url.hash.slice(1).replace(/[.,;:!?)\]]+$/, "");
  return token ? { kind: "link", board, token } : { kind: "code", board };
}
