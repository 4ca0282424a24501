// SPDX-License-Identifier: Apache-2.0
//
// Reads proto/messages.def, where every message of Easel is defined once, and writes the page's table
// and types of the frames and events. Tests use parse() for all messages.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse as parseLimits } from "./limits.mjs";

const DEF = new URL("../../../proto/messages.def", import.meta.url);
const OUT = new URL("../codec/messages.gen.ts", import.meta.url);
const UNIONS = { DrawersFrame: ["DRAWERS", "DRAWN"], Ruling: ["RULING"], LogEvent: ["EVENT"] }; // types of these forms
const PAGES = ["FRAME", "DRAWERS", "DRAWN", "RULING", "EVENT", "TOLD"]; // no other form reaches a page
const LIMITS = Object.fromEntries(parseLimits().map(({ name, value }) => [name, value]));
const NAMED = { OFFSET_MAX: 2 ** 53 - 1, UINT16_MAX: 2 ** 16 - 1, UINT32_MAX: 2 ** 32 - 1, ...LIMITS };

function bound(text) {
  const value = NAMED[text] ?? Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`messages.def: what is the bound ${text}?`);
  return value;
}

const DRAWERS = [["term", "UINT", "1", "OFFSET_MAX"], ["cseq", "UINT", "1", "UINT32_MAX"]];
const FIRST = { // the first fields of these forms
  DRAWERS, DRAWN: DRAWERS, RULING: [["rules", "UINT", "0", "OFFSET_MAX"]], BOARD_ITEM: [["board", "ID", "1", "15"]],
  EVENT: [["offset", "UINT", "1", "OFFSET_MAX"], ["time", "UINT", "0", "OFFSET_MAX"]],
};
// name, then code, then what the form says besides.
const FORMS = ["FRAME", "DRAWERS", "DRAWN", "RULING", "EVENT", "TOLD", "ITEM", "BOARD_ITEM", "ENVELOPE", "TUPLE"];

const fieldOf = ([name, type, low, high], later = false) => ({ name, type, low: bound(low), high: bound(high), later });

/** [{form, name, code, event, fields: [{name, type, low, high, tuple, later}]}]; a tuple has the code 0. */
export function parse(text = readFileSync(DEF, "utf8")) {
  const kinds = [];
  const at = (name) => kinds.find((kind) => kind.name === name);
  for (const line of text.replace(/\/\*[^]*?\*\//g, "").split("\n")) {
    if (line.trim() === "" || /^[# ]/.test(line)) continue; // the preprocessor's
    const m = /^([A-Z_]+)\((.*)\)$/.exec(line.trim());
    const form = m?.[1];
    const words = m?.[2].split(",").map((word) => word.trim()) ?? [];
    if (FORMS.includes(form))
      kinds.push({
        form, name: words[0], code: bound(words[1] ?? 0), event: form === "DRAWN" ? words[2] : null,
        fields: (FIRST[form] ?? []).map((field) => fieldOf(field)),
      });
    else if (form === "LIST" || form === "LATER_LIST")
      at(words[0]).fields.push({ name: words[1], type: "LIST", tuple: words[2], low: bound(words[3]), high: bound(words[4]), later: form === "LATER_LIST" });
    else if (form === "FIELD" || form === "LATER")
      at(words[0]).fields.push(fieldOf(words.slice(1), form === "LATER"));
    else if (form !== "END") throw new Error(`messages.def: not understood: ${line}`);
  }
  return kinds;
}

function tuple(kinds, field) {
  const found = kinds.find((other) => other.form === "TUPLE" && other.name === field.tuple);
  if (!found) throw new Error(`messages.def: no tuple ${field.tuple} for the list ${field.name}`);
  return found;
}

const pascal = (name) => name.replace(/(^|_)(.)/g, (_, __, letter) => letter.toUpperCase());

function typeOf(kinds, field) {
  switch (field.type) {
    case "UINT": return "number";
    case "NUINT": return "number | null";
    case "ID":
    case "STR": return "string";
    case "BIN": return "Uint8Array";
    case "LIST": return `${pascal(tuple(kinds, field).name)}[]`;
    default: throw new Error(`messages.def: what is the type ${field.type}?`);
  }
}

function row(kind) {
  const fields = kind.fields.map((f) => `["${f.name}", "${f.type}", ${f.low}, ${f.high}, ${f.later}]`);
  return `{ kind: "${kind.name}", code: ${kind.code}, fields: [${fields.join(", ")}] }`;
}

function generate() {
  const all = parse();
  const messages = all.filter((kind) => PAGES.includes(kind.form));
  const lists = messages.flatMap((kind) => kind.fields.filter((f) => f.type === "LIST").map((field) => [kind, field]));
  const tuples = [...new Set(lists.map(([, field]) => tuple(all, field)))];
  const lines = [
    "// SPDX-License-Identifier: Apache-2.0",
    "// Made from proto/messages.def by gateway/web/build/messages.mjs. Not edited by hand.",
    'import type { Kind } from "./kind.ts";',
    "",
  ];
  for (const kind of [...tuples, ...messages]) {
    lines.push(`export interface ${pascal(kind.name)} {`);
    if (kind.code) lines.push(`  kind: "${kind.name}";`);
    const may = (field) => (field.later && kind.form === "FRAME" ? "?" : ""); // a client of before leaves it out
    for (const field of kind.fields) lines.push(`  ${field.name}${may(field)}: ${typeOf(all, field)};`);
    lines.push("}", "");
  }
  const union = (name, kinds) =>
    lines.push(`export type ${name} =\n  | ${kinds.map((kind) => pascal(kind.name)).join("\n  | ")};`, "");
  union("Message", messages);
  for (const [name, forms] of Object.entries(UNIONS)) union(name, messages.filter(({ form }) => forms.includes(form)));
  lines.push("/** What each LIST field holds. */", "export const TUPLES: Readonly<Record<string, Kind>> = {");
  for (const [kind, field] of lists) lines.push(`  "${kind.name}.${field.name}": ${row(tuple(all, field))},`);
  lines.push("};", "", "export const MESSAGES: readonly Kind[] = [");
  for (const kind of messages) lines.push(`  ${row(kind)},`);
  lines.push("];", "");
  return lines.join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(OUT, generate());
export function write() {
  writeFileSync(OUT, generate());
}
