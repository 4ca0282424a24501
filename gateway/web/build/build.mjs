// SPDX-License-Identifier: Apache-2.0
//
// Builds the pages into build/web, each one file with its script and its style in it and a .gz beside it, and
// what tests use of them in Node into build/web-node. Fails when something grows beyond its budget.
//
// One file, since in a rolling update gateways of two versions answer: a page of the one would ask the other
// for a script that is not there.
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { write as writeErrors } from "./errors.mjs";
import { write as writeLimits } from "./limits.mjs";
import { write as writeMessages } from "./messages.mjs";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const WEB = at("..");
const OUT = at("../../../build/web");
const OUT_NODE = at("../../../build/web-node");

/** Bytes after gzip. */
const BUDGET = { "board.js": 60_000, "start.js": 12_000, "page.css": 8_000, "index.html": 25_000, "board.html": 76_000 };

const common = { absWorkingDir: WEB, bundle: true, format: "esm", logLevel: "warning" };

const buildNode = () =>
  build({
    ...common,
    entryPoints: { client: "node.ts", views: "views.ts", words: "strings/en.ts", german: "strings/de.ts" },
    outdir: OUT_NODE,
    outExtension: { ".js": ".mjs" },
    platform: "node",
    target: "node18",
  // Node 18 keeps it apart.
  banner: { js: 'import { webcrypto } from "node:crypto";\nglobalThis.crypto ??= webcrypto;' },
    sourcemap: "inline",
  });

const buildPage = () =>
  build({
    ...common,
    entryPoints: { board: "ui/board.ts", start: "ui/start.ts", page: "pages/page.css" },
    outdir: OUT,
    platform: "browser",
    target: ["chrome111", "firefox115", "safari16.4"],
    minify: true,
    legalComments: "none",
    write: false,
  });

const pack = (text) => gzipSync(Buffer.from(text), { level: 9 });

async function put(path, text) {
  await writeFile(path, text);
  await writeFile(`${path}.gz`, pack(text));
}

const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** Fills in the English words (data-t: the text, data-t-label: name and tooltip, data-t-region: name,
 *  data-t-title: tooltip, data-t-hint: placeholder) and what was built: {{page.css}}, {{board.js}}, and {{build}},
 *  by which a page knows its version. The attributes stay: the page puts other languages in where they are. */
function fillPage(html, words, parts) {
  const word = (key) => {
    if (typeof words[key] !== "string") throw new Error(`strings/en.ts has no text ${key}`);
    return escape(words[key]);
  };
  return html
    .replace(/(<[^<>]*) data-t="(\w+)"([^<>]*>)/g, (element, _open, key) => element + word(key))
    .replace(/ data-t-label="(\w+)"/g, (here, key) => `${here} aria-label="${word(key)}" title="${word(key)}"`)
    .replace(/ data-t-region="(\w+)"/g, (here, key) => `${here} aria-label="${word(key)}"`)
    .replace(/ data-t-title="(\w+)"/g, (here, key) => `${here} title="${word(key)}"`)
    .replace(/ data-t-hint="(\w+)"/g, (here, key) => `${here} placeholder="${word(key)}"`)
    .replace(/\{\{([\w.]+)\}\}/g, (_, name) => {
      if (!parts[name]) throw new Error(`nothing was built as ${name}`);
      return parts[name];
    });
}

writeMessages();
writeErrors();
writeLimits();
await rm(OUT, { recursive: true, force: true });
await mkdir(OUT, { recursive: true });
await buildNode();
const { en } = await import(`${pathToFileURL(join(OUT_NODE, "words.mjs"))}?${Date.now()}`);

const sizes = {};
const parts = {};
for (const { path, text } of (await buildPage()).outputFiles) parts[basename(path)] = text.trim();
for (const [name, text] of Object.entries(parts)) sizes[name] = pack(text).length;
const version = createHash("sha256").update(Object.values(parts).join("")).digest("hex").slice(0, 16);
for (const page of ["index.html", "board.html"]) {
  const html = fillPage(await readFile(join(WEB, "pages", page), "utf8"), en, { ...parts, build: version });
  await put(join(OUT, page), html);
  sizes[page] = pack(html).length;
}
await put(join(OUT, "icon.svg"), await readFile(join(WEB, "pages/icon.svg"), "utf8"));

for (const [name, most] of Object.entries(BUDGET)) {
  if (!(sizes[name] <= most)) throw new Error(`${name}: ${sizes[name]} bytes after gzip, allowed are ${most}`);
}
if (process.env.EASEL_BUILD_VERBOSE)
  for (const [name, size] of Object.entries(sizes)) console.log(`${name} ${size} bytes after gzip`);
