// SPDX-License-Identifier: Apache-2.0
//
// What tests in Node use of the page's pure views: words in, words out.
export { cleanName } from "./ui/device.ts";
export { parseCode, parseJoin, showCode } from "./ui/code.ts";
export { penView } from "./ui/pen-view.ts";
export { StatusView } from "./ui/status.ts";
