// SPDX-License-Identifier: Apache-2.0
//
// Drives a person.py: sends it commands and keeps what it says.

import { spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

const CLIENT = fileURLToPath(new URL("person.py", import.meta.url));
const strangers = new Set();

export class Stranger {
  said = []; // every line it printed
  now = {}; // the newest {applied, mark, told, drawer, lost, unsaved, joined}
  #waiting = new Set();

  constructor(gateway, token, { name = "Anon", session, args = [] } = {}) {
    this.name = name;
    this.session = session ?? randomBytes(16).toString("hex");
    const own = ["--session", this.session, "--instance", String(randomInt(1, 2 ** 47)), "--name", name];
    this.child = spawn("setpriv", ["--pdeathsig", "KILL", "python3", CLIENT, gateway.url, token, ...own, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.errors = "";
    this.child.stderr.on("data", (text) => (this.errors += text));
    this.child.stdin.on("error", () => {});
    this.child.on("exit", (code, signal) => (this.exit = code ?? signal));
    createInterface({ input: this.child.stdout }).on("line", (line) => {
      const what = JSON.parse(line);
      this.said.push(what);
      if (what.now) this.now = what.now;
      for (const check of [...this.#waiting]) check();
    });
    this.child.on("close", () => [...this.#waiting].forEach((check) => check()));
    strangers.add(this);
  }

  do(command, fields = {}) {
    this.child.stdin.write(`${JSON.stringify({ do: command, ...fields })}\n`);
  }

  /** Resolves with the first truthy value of condition(this), looked at whenever it says something. */
  when(what, condition, ms = 20_000) {
    return new Promise((resolve, reject) => {
      const end = (settle, value) => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        settle(value);
      };
      const fail = (why) => end(reject, new Error(`${this.name}: ${what}: ${why}; it ended with ` +
        `${JSON.stringify(this.said.slice(-8))} ${this.errors}`));
      const check = () => {
        const value = condition(this);
        if (value) end(resolve, value);
        else if (this.exit !== undefined) fail(`left with ${this.exit}`);
      };
      const timer = setTimeout(() => fail(`not within ${ms / 1000} s`), ms);
      this.#waiting.add(check);
      check();
    });
  }

  /** Resolves with the next thing of this kind that it says. */
  next(kind, ms) {
    const from = this.said.length;
    return this.when(`says ${kind}`, () => this.said.slice(from).find((what) => kind in what)?.[kind], ms);
  }

  /** All that it says of one kind. */
  all(kind) {
    return this.said.filter((what) => kind in what).map((what) => what[kind]);
  }

  /** Resolves when the log up to this offset is here and stored. */
  reaches(offset) {
    return this.when(`has ${offset}`, () => this.now.mark >= offset);
  }

  get member() {
    return this.all("welcome")[0][2];
  }

  /** Asks for the pen; resolves with the term when it may draw. */
  async draws() {
    this.do("ask");
    return this.when("is the drawer", () => this.now.drawer);
  }

  /** Resolves when everything it was told to draw is saved. */
  async saved() {
    const echo = this.next("echo");
    this.do("echo");
    await echo;
    await this.when("has all saved", () => this.now.unsaved === 0);
  }

  /** Its log and its picture: {log, picture}. */
  async show() {
    const from = this.said.length;
    this.do("show");
    return this.when("shows", () => this.said.slice(from).find((what) => what.log));
  }

  stop() {
    this.child.kill("SIGKILL");
  }
}

after(() => strangers.forEach((stranger) => stranger.stop()));
