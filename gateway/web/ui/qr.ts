// SPDX-License-Identifier: Apache-2.0
//
// A link as a picture for cameras. Loaded only when somebody shares.
import { generate } from "lean-qr";

const SVG = "http://www.w3.org/2000/svg";
const QUIET = 4; // modules of white around it

export function qr(text: string, label: string): SVGSVGElement {
  const code = generate(text);
  let path = "";
  for (let y = 0; y < code.size; y++) for (let x = 0; x < code.size; x++) if (code.get(x, y)) path += `M${x} ${y}h1v1h-1z`;
  const size = code.size + 2 * QUIET;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `${-QUIET} ${-QUIET} ${size} ${size}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  svg.setAttribute("shape-rendering", "crispEdges");
  const ink = document.createElementNS(SVG, "path");
  ink.setAttribute("d", path);
  svg.append(ink);
  return svg;
}
