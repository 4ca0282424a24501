// SPDX-License-Identifier: Apache-2.0
//
// The words in the language of the browser. The pages come with English in them; `translate` puts in the
// others.
import { de } from "./de.ts";
import { en, type Strings } from "./en.ts";

const wanted = globalThis.document ? navigator.language : "en";
export const words: Strings = /^de\b/i.test(wanted) ? de : en;

const word = (key: string | undefined): string => String(words[key as keyof Strings]);

export function translate(root: Document | DocumentFragment = document): void {
  if (words === en) return;
  document.documentElement.lang = words.locale;
  const each = (name: string, put: (element: HTMLElement, text: string) => void): void => {
    for (const element of root.querySelectorAll<HTMLElement>(`[data-${name}]`))
      put(element, word(element.getAttribute(`data-${name}`)!));
  };
  each("t", (element, text) => (element.textContent = text));
  each("t-label", (element, text) => {
    element.title = text;
    element.setAttribute("aria-label", text);
  });
  each("t-region", (element, text) => element.setAttribute("aria-label", text));
  each("t-title", (element, text) => (element.title = text));
  each("t-hint", (element, text) => element.setAttribute("placeholder", text));
  for (const template of root.querySelectorAll("template")) translate(template.content);
}
