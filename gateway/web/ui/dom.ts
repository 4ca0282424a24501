// SPDX-License-Identifier: Apache-2.0
//
// The few lines that a framework would be used for. Text goes in as textContent, never as markup.
export function $<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element ${id}`);
  return found as T;
}

/** Writes only what differs, so that nothing is announced or laid out again for nothing. */
export function setText(element: Element, words: string): void {
  if (element.textContent !== words) element.textContent = words;
}

export function show(element: HTMLElement, shown: boolean): void {
  if (element.hidden === shown) element.hidden = !shown;
}

export function button(words: string, act: (event: MouseEvent) => void, kind = ""): HTMLButtonElement {
  const ret = document.createElement("button");
  ret.type = "button";
  ret.textContent = words;
  ret.className = kind;
  ret.onclick = act;
  return ret;
}

export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** The row of a template. */
export function stamp(id: string): HTMLElement {
  return ($<HTMLTemplateElement>(id).content.firstElementChild as HTMLElement).cloneNode(true) as HTMLElement;
}
