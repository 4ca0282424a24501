// SPDX-License-Identifier: Apache-2.0
//
// Reads proto/errors.def, where every error that a client is told is defined once, and writes the page's table.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const DEF = new URL("../../../proto/errors.def", import.meta.url);
const OUT = new URL("../codec/errors.gen.ts", import.meta.url);

/** [{name, close, then}] */
export function parse(text = readFileSync(DEF, "utf8")) {
  return text.split("\n").filter((line) => line.startsWith("ERROR(")).map((line) => {
    const m = /^ERROR\((\w+), (\d+), (\w+), "/.exec(line);
    if (!m) throw new Error(`errors.def: not understood: ${line}`);
    return { name: m[1], close: Number(m[2]), then: m[3].toLowerCase() };
  });
}

export function write() {
  const lines = [
    "// SPDX-License-Identifier: Apache-2.0",
    "// Made from proto/errors.def by gateway/web/build/errors.mjs. Not edited by hand.",
    "",
    "/** close: the close code, 0: the connection goes on; then: what a client does. */",
    "export const ERRORS = {",
    ...parse().map(({ name, close, then }) => `  ${name}: { close: ${close}, then: "${then}" },`),
    "} as const;",
    "",
  ];
  writeFileSync(OUT, lines.join("\n"));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) write();
