// SPDX-License-Identifier: Apache-2.0
//
// Reads proto/limits.def, where every limit is defined once, and writes those that the page keeps. Tests use
// parse() for all of them.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const DEF = new URL("../../../proto/limits.def", import.meta.url);
const OUT = new URL("../codec/limits.gen.ts", import.meta.url);

/** Numbers, and names of limits above. In BigInt, since << else ends at 31 bits. */
function calculate(text, values) {
  if (!/^[\w +*<()-]+$/.test(text)) throw new Error(`limits.def: not understood: ${text}`);
  const made = new Function(...Object.keys(values), `return ${text.replace("UINT64_C", "").replace(/\b\d+\b/g, "$&n")};`);
  return made(...Object.values(values));
}

/** [{name, value, unit, who, what}] */
export function parse(text = readFileSync(DEF, "utf8")) {
  const values = {};
  return text.split("\n").filter((line) => line.startsWith("LIMIT(")).map((line) => {
    const m = /^\w+\((\w+), ([^,]+), (\w+), (\w+), "(.*)"\)$/.exec(line);
    if (!m) throw new Error(`limits.def: not understood: ${line}`);
    values[m[1]] = calculate(m[2], values);
    return { name: m[1], value: Number(values[m[1]]), unit: m[3], who: m[4], what: m[5].replaceAll('\\"', '"') };
  });
}

export function write() {
  const lines = [
    "// SPDX-License-Identifier: Apache-2.0",
    "// Made from proto/limits.def by gateway/web/build/limits.mjs. Not edited by hand.",
    "",
    ...parse().filter(({ who }) => who.includes("p")).map(({ name, value, unit, what }) => `export const ${name} = ${value}; // ${unit}: ${what}`),
    "",
  ];
  writeFileSync(OUT, lines.join("\n"));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) write();
