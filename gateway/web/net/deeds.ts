// SPDX-License-Identifier: Apache-2.0
//
// How the board is ruled, and what who owns it wants done. Nothing acks a deed: it is said again every second
// until the rules, or the state, show it, one deed after the other. Each names what it was decided on, so that
// one that comes late changes nothing.
import type { Message, Rules, State } from "../codec/messages.gen.ts";

const AGAIN_MS = 1_000;
const GIVE_UP_MS = 15_000;

export const DOOR = 1; // closed: nobody new comes in
export const CLEARS = 2; // only who owns the board clears it
export const GIVEN = 4; // the pen is not asked for, but given
export const IDLE = 8; // an idle pen passes on also while an own link is there
export const CODE_ENDS = 16; // the code opens the board no longer
export const REMOVED = 1; // of an outsider's why; 0: there is no place
export const CLOSED = 3;
export const LINKS_BELOW = 3; // to end: those to watch and to draw,
export const LINKS_ALL = 7; // and those to own

export const UNRULED: Rules = { kind: "rules", rules: 0, member: "", what: 0, flags: 0, name: "", removed: [], outside: [] };
const LET_IN = 17; // codes, as `what` has them
const END_LINKS = 18;

/** What a deed needs of the connection. */
export interface Ground {
  send(message: Message): void;
  readonly me: string;
  readonly state: State | null;
}

interface Deed {
  make: () => Message;
  isDone: () => boolean;
  begun: number;
}

export class Deeds {
  told: Rules = UNRULED;
  /** A deed could not be done: the service did not answer it for long. */
  onFailed: () => void = () => {};

  #ground: Ground;
  #waiting: Deed[] = []; // the first one is under way
  #again: ReturnType<typeof setInterval> | undefined;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  has(rule: number): boolean {
    return (this.told.flags & rule) !== 0;
  }

  get busy(): boolean {
    return this.#waiting.length > 0;
  }

  // ---- the rules -------------------------------------------------------------------------------

  set(rule: number, on: boolean): void {
    const flags = (): number => (on ? this.told.flags | rule : this.told.flags & ~rule);
    this.#do(
      () => ({ kind: "set", rules: this.told.rules, flags: flags() }),
      () => this.has(rule) === on,
    );
  }

  rename(name: string): void {
    const since = this.told.rules;
    this.#do(
      () => ({ kind: "rename", rules: this.told.rules, name }),
      () => this.told.rules > since && this.told.name === name,
    );
  }

  remove(member: string): void {
    this.#do(
      () => ({ kind: "remove", rules: this.told.rules, member }),
      () => this.told.removed.some((one) => one.member === member),
    );
  }

  letIn(member: string): void {
    this.#ours(LET_IN, () => ({ kind: "let_in", rules: this.told.rules, member }));
  }

  endLinks(roles: number): void {
    this.#ours(END_LINKS, () => ({ kind: "end_links", rules: this.told.rules, roles }));
  }

  /** Done once the newest rules are by us, with such a frame. */
  #ours(what: number, make: () => Message): void {
    const since = this.told.rules;
    this.#do(make, () => this.told.rules > since && this.told.what === what && this.told.member === this.#ground.me);
  }

  // ---- the pen ---------------------------------------------------------------------------------

  /** To a member, or to nobody. Whoever got it meanwhile keeps it. */
  give(to: string): void {
    const { state } = this.#ground;
    if (!state) return;
    const { term } = state;
    this.#do(
      () => ({ kind: "give", term, to }),
      () => this.#ground.state?.term !== term,
    );
  }

  refuse(member: string): void {
    const { state } = this.#ground;
    if (!state) return;
    const { term } = state;
    const waits = (): boolean => this.#ground.state?.members.some((one) => one.member === member && one.line > 0) ?? true;
    this.#do(
      () => ({ kind: "refuse", term, member }),
      () => !waits() || this.#ground.state?.term !== term,
    );
  }

  // ---- until it is done ------------------------------------------------------------------------

  #do(make: () => Message, isDone: () => boolean): void {
    this.#waiting.push({ make, isDone, begun: 0 });
    this.#again ??= setInterval(() => this.#say(), AGAIN_MS);
    if (this.#waiting.length === 1) this.#say();
  }

  /** The rules or the state are new. */
  heard(): void {
    if (this.#waiting[0]?.isDone()) this.#say();
  }

  /** The page leaves, or the board is not the same any more. */
  forget(): void {
    this.told = UNRULED;
    this.#waiting = [];
    this.#rest();
  }

  #rest(): void {
    clearInterval(this.#again);
    this.#again = undefined;
  }

  #say(): void {
    while (this.#waiting[0]?.isDone()) this.#waiting.shift();
    const deed = this.#waiting[0];
    if (!deed) return this.#rest();
    deed.begun ||= performance.now();
    if (performance.now() - deed.begun <= GIVE_UP_MS) return this.#ground.send(deed.make());
    this.#waiting = []; // what was to follow was decided on it
    this.#rest();
    this.onFailed();
  }
}
