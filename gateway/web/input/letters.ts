// SPDX-License-Identifier: Apache-2.0
//
// Keys work by letter, and where the layout has other letters (Cyrillic, Greek, …) by their place on the
// keyboard.
const PLACES: Record<string, string> = { BracketLeft: "[", BracketRight: "]", Minus: "-", Equal: "=" };

const isAscii = (key: string): boolean => /^[\x20-\x7e]$/.test(key);
const isLatin = (key: string): boolean => /^\p{Script=Latin}$/u.test(key);

/** In lower case; keys without a letter by their name. */
export function letterOf({ key, code }: { key: string; code: string }): string {
  if (isAscii(key)) return key.toLowerCase();
  if ([...key].length > 1) return key; // Escape, ArrowUp, …
  const letter = /^(?:Key|Digit)(.)$/.exec(code)?.[1]?.toLowerCase();
  return PLACES[code] ?? (isLatin(key) ? key : (letter ?? key));
}
