// SPDX-License-Identifier: Apache-2.0
//
// Names come from people: on their way in and before they are shown, what cannot be seen or changes how
// the rest is read goes out of them.
const MOST = 32; // characters

/** Control, format (bidi marks, zero width) and unpaired surrogate characters, other breaks of a line, and
 *  letters without a form. Only what makes one picture of several emoji stays. */
const UNSEEN =
  /(?<!\p{Extended_Pictographic}[\u{FE0F}\u{1F3FB}-\u{1F3FF}]?)\u200D|\u200D(?!\p{Extended_Pictographic})|(?!\u200D)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u115F\u1160\u2800\u3164\uFFA0]/gu;
/** More marks upon one letter than any language has. */
const HEAP = /(\p{M}{4})\p{M}+/gu;

/** Of people with one name each but the first gets a number, the same on every page. */
export function tellApart(members: { member: string; name: string }[]): void {
  const seen = new Map<string, number>();
  for (const one of [...members].sort((a, b) => (a.member < b.member ? -1 : 1))) {
    const name = cleanName(one.name);
    const n = (seen.get(name) ?? 0) + 1;
    seen.set(name, n);
    if (name && n > 1) one.name = `${Array.from(name).slice(0, MOST - 5).join("")} (${n})`;
  }
}

export function cleanName(name: string): string {
  const clean = name.replace(/(?!\uFEFF)\s/g, " ").replace(UNSEEN, "").replace(HEAP, "$1").replace(/ +/g, " ").trim();
  return Array.from(clean).slice(0, MOST).join("").replace(/[\u200D ]$/u, "");
}
