// SPDX-License-Identifier: Apache-2.0
//
// Who draws, in words, and what one can do about it. Pure: what it needs comes in, what is to be shown
// goes out.
import type { Member, State } from "../codec/messages.gen.ts";
import { words } from "../strings/words.ts";
import { cleanName } from "./names.ts";

export const AWAY = 1;
export const LOST = 2;
export const WATCH = 0;
export const DRAW = 1;
export const OWN = 2;
const SHORT = 18; // characters

export interface PenFacts {
  me: string;
  role: number;
  drawing: boolean; // I have the pen for certain
  live: boolean;
  state: State | null;
  age: number; // ms since the state came
  dismissed: ReadonlySet<string>; // who asked and got "Later"
  rules: boolean; // who owns the board can rule it
  given: boolean; // the pen is not asked for
  paused: boolean; // nothing can be drawn just now
  brief?: boolean; // who draws is told by a shortened name
}

export type PenAct = "ask" | "take" | "takeFrom" | "putDown" | "cancel";

export interface PenView {
  text: string;
  acts: { act: PenAct; label: string; primary: boolean }[];
  asker: { member: string; text: string } | null;
}

export const nameOf = (member: Member | undefined): string =>
  cleanName(member?.name ?? "") || (member?.number ? words.guestOf(member.number) : words.guest);

/** In the bar there is little room; the list of people and who asks have the whole name. */
const shortOf = (name: string): string => ([...name].length > SHORT ? `${[...name].slice(0, SHORT - 1).join("").trimEnd()}…` : name);

const seconds = (ms: number, age: number): number => Math.max(1, Math.ceil((ms - age) / 1000));

export function penView(facts: PenFacts): PenView {
  const { state, me, role, drawing, age } = facts;
  if (!state) return { text: words.connecting, acts: [], asker: null };
  const find = (id: string): Member | undefined => state.members.find((member) => member.member === id);
  const name = state.holder ? nameOf(find(state.holder)) : "";
  const holder = facts.brief ? shortOf(name) : name;

  if (drawing) {
    const put = { act: "putDown" as const, label: words.putDown, primary: false };
    return { text: facts.paused ? words.youHavePenPaused : words.youHavePen, acts: [put], asker: firstAsker(facts, state) };
  }
  if (state.holder === me && me) return { text: words.penMoves, acts: [], asker: null };
  if (role === WATCH)
    return { text: holder ? words.drawsWatching(holder) : words.nobodyDrawsWatching, acts: [], asker: null };

  if (!facts.live) return { text: holder ? words.draws(holder) : words.nobodyDraws, acts: [], asker: null };
  const line = find(me)?.line ?? 0;
  const owns = role === OWN;
  const text = !holder
    ? words.nobodyDraws
    : state.grace_ms > 0
      ? lostHolder(holder, state, age)
      : words.draws(holder);
  const acts: PenView["acts"] = [];
  if (line > 0) acts.push({ act: "cancel", label: words.cancel, primary: false });
  else if (!owns && facts.given) return { text: `${text} ${words.penIsGiven}`, acts, asker: null };
  else acts.push({ act: "ask", label: holder ? words.askForPen : words.takePen, primary: true });
  if (owns && holder) acts.push({ act: "takeFrom", label: words.takePen, primary: false });
  const asker = owns && facts.rules ? firstAsker(facts, state) : null;
  return { text: line > 0 ? `${text} ${words.inLine(line)}` : text, acts, asker };
}

/** Only when somebody waits does the pen of who is lost become free within seconds. */
function lostHolder(name: string, state: State, age: number): string {
  const waits = state.members.some(({ line }) => line > 0);
  return waits ? words.connectionLost(name, seconds(state.grace_ms, age)) : words.connectionLostAlone(name);
}

/** The next in line, for the drawer, and for who owns the board. "Later" hides the question, not the news that the pen passes. */
function firstAsker(facts: PenFacts, state: State): PenView["asker"] {
  const { age, dismissed } = facts;
  const next = state.members.filter((member) => member.line > 0 && member.member !== facts.me).sort((a, b) => a.line - b.line)[0];
  if (!next) return null;
  if (state.pass_ms > 0)
    return { member: next.member, text: words.waitsAndPasses(nameOf(next), seconds(state.pass_ms, age)) };
  if (dismissed.has(next.member)) return null;
  return { member: next.member, text: words.asks(nameOf(next)) };
}
