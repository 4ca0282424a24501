// SPDX-License-Identifier: Apache-2.0
//
// Which file of the product needs which: in C by what it includes and by what it calls (the symbols that its
// object asks for and another one's has), on the page by its imports.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const PRODUCT = ["proto", "common", "gateway", "board-service", "history-service"];
const BUILD = join(ROOT, "build/dev");

export const tracked = (pattern, parts = PRODUCT) =>
  execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", ...parts], { cwd: ROOT, encoding: "utf8" })
    .split("\n").filter((file) => pattern.test(file) && existsSync(join(ROOT, file)));
const read = (file) => readFileSync(join(ROOT, file), "utf8");

/** {file: Set of files that it needs} */
export function cFiles() {
  const graph = includes(tracked(/\.[ch]$/));
  for (const [from, to] of calls(Object.keys(graph).filter((file) => file.endsWith(".c")))) graph[from].add(to);
  return graph;
}

/** {file: Set of those that it includes} */
export function includes(files) {
  const graph = Object.fromEntries(files.map((file) => [file, new Set()]));
  const headers = new Map(files.filter((file) => file.endsWith(".h")).map((file) => [basename(file), file]));
  for (const file of files)
    for (const [, name] of read(file).matchAll(/^#include "([^"]+)"/gm)) {
      const beside = join(dirname(file), name);
      const header = graph[beside] ? beside : headers.get(basename(name));
      if (header) graph[file].add(header);
    }
  return graph;
}

export const cTests = () => tracked(/\.[ch]$/, ["tests"]);

/** Of each file of the product: {file, object, target}, as build/dev has it. */
export function objects() {
  const seen = new Map();
  for (const { file, command, directory } of JSON.parse(readFileSync(join(BUILD, "compile_commands.json"), "utf8"))) {
    const name = relative(ROOT, file);
    const object = resolve(directory, /-o (\S+)/.exec(command)[1]); // "output" is not of that directory, and not everywhere
    const [, target] = /CMakeFiles\/([\w-]+)\.dir/.exec(object);
    if (PRODUCT.includes(name.split("/")[0]) && !seen.has(name)) seen.set(name, { file: name, object, target });
  }
  return [...seen.values()];
}

/** [caller, called] for each pair of files. */
function* calls(files) {
  const seen = new Map(objects().filter(({ file }) => files.includes(file)).map(({ file, object }) => [file, symbols(object)]));
  const missing = files.filter((file) => !seen.has(file));
  if (missing.length) throw new Error(`build/dev does not have ${missing}: is it up to date?`);
  const home = new Map([...seen].flatMap(([name, { has }]) => has.map((symbol) => [symbol, name])));
  for (const [name, { asks }] of seen)
    for (const symbol of asks) if (home.has(symbol) && home.get(symbol) !== name) yield [name, home.get(symbol)];
}

function symbols(object) {
  const lines = execFileSync("nm", [object], { encoding: "utf8" }).trim().split("\n").map((line) => line.trim().split(/\s+/));
  const named = (kinds) => lines.filter((words) => kinds.includes(words.at(-2))).map((words) => words.at(-1));
  return { asks: named("U"), has: named("TDBRVWC") };
}

export function pageFiles() {
  const files = tracked(/^gateway\/web\/.*\.ts$/);
  const imports = (file) => [...read(file).matchAll(/^(?:import|export)\b[^;]*?from "(\.[^"]+)"/gm)].map(([, to]) => join(dirname(file), to));
  return Object.fromEntries(files.map((file) => [file, new Set(imports(file))]));
}

/** Each circle once, as a list of files that ends where it begins. */
export function circles(graph) {
  const found = [];
  const done = new Set();
  const path = [];
  const visit = (file) => {
    const at = path.indexOf(file);
    if (at >= 0) return void found.push([...path.slice(at), file]);
    if (done.has(file)) return;
    path.push(file);
    for (const next of graph[file] ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  Object.keys(graph).forEach(visit);
  return found.map((files) => files.join(" -> "));
}
