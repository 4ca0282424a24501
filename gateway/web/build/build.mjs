// SPDX-License-Identifier: Apache-2.0
//
// Builds the page into build/web, with names that carry a hash (they may be cached for ever) and a .gz
// beside each file, and what tests use of it in Node into build/web-node. Fails when a page grows
// beyond its budget.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { write as writeMessages } from "./messages.mjs";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const WEB = at("..");
const OUT = at("../../../build/web");
const OUT_NODE = at("../../../build/web-node");

/** Bytes after gzip. */
const BUDGET = { "board.js": 45_000, "start.js": 12_000, "page.css": 8_000, "index.html": 6_000, "board.html": 6_000, "qr.js": 6_000 };

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
    entryPoints: { board: "ui/board.ts", start: "ui/start.ts", qr: "ui/qr.ts", page: "pages/page.css" },
    outdir: join(OUT, "assets"),
    entryNames: "[name]-[hash]",
    platform: "browser",
    target: ["chrome111", "firefox115", "safari16.4"],
    minify: true,
    legalComments: "none",
    metafile: true,
    write: false,
  });

async function put(path, text) {
  const bytes = Buffer.from(text);
  const gzip = gzipSync(bytes, { level: 9 });
  await writeFile(path, bytes);
  await writeFile(`${path}.gz`, gzip);
  return gzip.length;
}

const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** Fills in the English words (data-t: the text, data-t-label: name and tooltip, data-t-region: name,
 *  data-t-title: tooltip, data-t-hint: placeholder) and the names of the built files. The attributes stay: the page puts other
 *  languages in where they are. */
function fillPage(html, words, files) {
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
      if (!files[name]) throw new Error(`no built file ${name}`);
      return `/assets/${files[name]}`;
    });
}

writeMessages();
await rm(OUT, { recursive: true, force: true });
await mkdir(join(OUT, "assets"), { recursive: true });
await buildNode();
const { en } = await import(`${pathToFileURL(join(OUT_NODE, "words.mjs"))}?${Date.now()}`);

const sizes = {};
const files = {};
for (const { path, text } of (await buildPage()).outputFiles) {
  const name = basename(path);
  const plain = name.replace(/-[A-Z0-9]+(?=\.\w+$)/, "");
  files[plain] = name;
  sizes[plain] = await put(path, text);
}
for (const page of ["index.html", "board.html"]) {
  const html = await readFile(join(WEB, "pages", page), "utf8");
  sizes[page] = await put(join(OUT, page), fillPage(html, en, files));
}
await put(join(OUT, "icon.svg"), await readFile(join(WEB, "pages/icon.svg"), "utf8"));

for (const [name, most] of Object.entries(BUDGET)) {
  if (!(sizes[name] <= most)) throw new Error(`${name}: ${sizes[name]} bytes after gzip, allowed are ${most}`);
}
if (process.env.EASEL_BUILD_VERBOSE)
  for (const [name, size] of Object.entries(sizes)) console.log(`${name} ${size} bytes after gzip`);
