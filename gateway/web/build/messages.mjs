// SPDX-License-Identifier: Apache-2.0
//
// Reads proto/messages.def, where every message of Easel is defined once, and writes the page's table
// and types of the frames and events (codes below 96). Tests use parse() for all messages.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const DEF = new URL("../../../proto/messages.def", import.meta.url);
const OUT = new URL("../codec/messages.gen.ts", import.meta.url);
const BROKER = 96; // codes from here on never reach a page
const NAMED = { OFFSET_MAX: 2 ** 53 - 1, UINT32_MAX: 2 ** 32 - 1 };

function bound(text) {
  const value = NAMED[text] ?? Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`messages.def: what is the bound ${text}?`);
  return value;
}

/** [{name, code, fields: [{name, type, low, high}]}]; a tuple has the code 0. */
export function parse(text = readFileSync(DEF, "utf8")) {
  const kinds = [];
  const at = (name) => kinds.find((kind) => kind.name === name);
  for (const line of text.replace(/\/\*[^]*?\*\//g, "").split("\n")) {
    if (line.trim() === "" || line.startsWith("#")) continue; // the preprocessor's
    const m = /^(MESSAGE|TUPLE|FIELD|LATER|END)\((.*)\)$/.exec(line.trim());
    if (!m) throw new Error(`messages.def: not understood: ${line}`);
    const words = m[2].split(",").map((word) => word.trim());
    if (m[1] === "MESSAGE") kinds.push({ name: words[0], code: bound(words[1]), fields: [] });
    if (m[1] === "TUPLE") kinds.push({ name: words[0], code: 0, fields: [] });
    if (m[1] === "FIELD" || m[1] === "LATER")
      at(words[0]).fields.push({ name: words[1], type: words[2], low: bound(words[3]), high: bound(words[4]) });
  }
  return kinds;
}

/** Which tuple a LIST field holds. */
export const LISTS = {
  "state.members": "member",
  "attach.boards": "at_board",
  "at_board.members": "at_member",
  "board_state.members": "member",
  "board_state.full": "member_id",
};

function tuple(kinds, kind, field) {
  const found = kinds.find((other) => other.code === 0 && other.name === LISTS[`${kind.name}.${field.name}`]);
  if (!found) throw new Error(`messages.def: no tuple for the list ${field.name} of ${kind.name}`);
  return found;
}

const pascal = (name) => name.replace(/(^|_)(.)/g, (_, __, letter) => letter.toUpperCase());

function typeOf(kinds, kind, field) {
  switch (field.type) {
    case "UINT": return "number";
    case "NUINT": return "number | null";
    case "ID":
    case "STR": return "string";
    case "BIN": return "Uint8Array";
    case "LIST": return `${pascal(tuple(kinds, kind, field).name)}[]`;
    default: throw new Error(`messages.def: what is the type ${field.type}?`);
  }
}

function row(kind) {
  const fields = kind.fields.map((f) => `["${f.name}", "${f.type}", ${f.low}, ${f.high}]`);
  return `{ kind: "${kind.name}", code: ${kind.code}, fields: [${fields.join(", ")}] }`;
}

function generate() {
  const all = parse();
  const messages = all.filter((kind) => kind.code > 0 && kind.code < BROKER);
  const lists = messages.flatMap((kind) => kind.fields.filter((f) => f.type === "LIST").map((field) => [kind, field]));
  const tuples = [...new Set(lists.map(([kind, field]) => tuple(all, kind, field)))];
  const lines = [
    "// SPDX-License-Identifier: Apache-2.0",
    "// Made from proto/messages.def by gateway/web/build/messages.mjs. Not edited by hand.",
    'import type { Kind } from "./codec.ts";',
    "",
  ];
  for (const kind of [...tuples, ...messages]) {
    lines.push(`export interface ${pascal(kind.name)} {`);
    if (kind.code) lines.push(`  kind: "${kind.name}";`);
    for (const field of kind.fields) lines.push(`  ${field.name}: ${typeOf(all, kind, field)};`);
    lines.push("}", "");
  }
  lines.push(`export type Message =\n  | ${messages.map((kind) => pascal(kind.name)).join("\n  | ")};`, "");
  lines.push("/** What each LIST field holds. */", "export const TUPLES: Readonly<Record<string, Kind>> = {");
  for (const [kind, field] of lists) lines.push(`  "${kind.name}.${field.name}": ${row(tuple(all, kind, field))},`);
  lines.push("};", "", "export const MESSAGES: readonly Kind[] = [");
  for (const kind of messages) lines.push(`  ${row(kind)},`);
  lines.push("];", "");
  return lines.join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(OUT, generate());
export function write() {
  writeFileSync(OUT, generate());
}
