// SPDX-License-Identifier: Apache-2.0
//
// What tests in Node use of the page's pure parts: words or events in, words or places out.
export { nearest, pressureOf, Sampler } from "./input/sampler.ts";
export { letterOf } from "./input/letters.ts";
export { Pointers } from "./input/pointers.ts";
export * from "./input/view.ts";
export { madeOf, refusalOf, tokenOf } from "./ui/answers.ts";
export { Announcer } from "./ui/announcer.ts";
export { boards, forget, known, remember } from "./ui/device.ts";
export { cleanName } from "./ui/names.ts";
export { betterOf, boardOf, keptOf, tokensFor } from "./ui/entry.ts";
export { parseCode, parseJoin, showCode } from "./ui/code.ts";
export { penView } from "./ui/pen-view.ts";
export { StatusView } from "./ui/status.ts";
