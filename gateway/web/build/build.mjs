// SPDX-License-Identifier: Apache-2.0
//
// Builds the page into build/web, and what tests use of it in Node into build/web-node.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { write as writeMessages } from "./messages.mjs";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const WEB = at("..");
const OUT_NODE = at("../../../build/web-node");

const node = {
  absWorkingDir: WEB,
  entryPoints: { client: "node.ts" },
  outdir: OUT_NODE,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node18",
  sourcemap: "inline",
  logLevel: "warning",
};

writeMessages();
await build(node);
