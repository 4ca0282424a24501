// SPDX-License-Identifier: Apache-2.0
//
// Who is here, and who waits outside. Who owns the board does with each of them what is theirs to do.
import type { Member, Outsider } from "../codec/messages.gen.ts";
import type { Client } from "../net/client.ts";
import { CLOSED, DOOR, LINKS_BELOW } from "../net/deeds.ts";
import { words } from "../strings/words.ts";
import { $, button, icon, setText, show } from "./dom.ts";
import { cleanName } from "./names.ts";
import { AWAY, LOST, nameOf, OWN, WATCH } from "./pen-view.ts";
import { askAlso } from "./question.ts";

export class People {
  /** The own row offers to change the name. */
  onRename: (name: string) => void = () => {};

  #client: Client;
  #shown = "";

  constructor(client: Client) {
    this.#client = client;
  }

  /** Once a frame. */
  update(): void {
    const { state, seats, deeds } = this.#client;
    if (!state) return;
    const { outside } = deeds.told;
    const shown = JSON.stringify([state.members, state.holder, seats, outside, this.#rules]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const here = state.members.length;
    setText($("count"), words.peopleCount(here, Math.max(seats, here)));
    setText($("countShort"), words.peopleCountShort(here, Math.max(seats, here)));
    const focus = document.activeElement?.getAttribute("data-deed");
    $("people").replaceChildren(...this.#sorted(state.members).map((member) => this.#row(member)));
    show($("outsidePart"), outside.length > 0);
    $("outside").replaceChildren(...outside.map((one) => this.#outsider(one)));
    if (focus) (document.querySelector<HTMLElement>(`[data-deed="${focus}"]`) ?? $("peoplePanel")).focus();
  }

  get #rules(): boolean {
    return this.#client.role === OWN && this.#client.canRule;
  }

  #sorted(members: readonly Member[]): Member[] {
    const holder = this.#client.state?.holder;
    const place = (member: Member): number =>
      member.member === holder ? 0 : member.line > 0 ? member.line : member.flags & LOST ? 200_000 : 100_000;
    return [...members].sort((a, b) => place(a) - place(b) || nameOf(a).localeCompare(nameOf(b)));
  }

  #row(member: Member): HTMLElement {
    const { state, board } = this.#client;
    const name = nameOf(member);
    const ret = document.createElement("li");
    const draws = member.member === state?.holder;
    ret.className = [draws && "draws", member.flags & (AWAY | LOST) && "gone"].filter(Boolean).join(" ");
    ret.append(face(name), text("who", name), text("tag", this.#tags(member, draws)));
    if (member.member === board.member) ret.append(button(words.changeName, () => this.onRename(name), "link"));
    else if (this.#rules) ret.append(...this.#acts(member, name, draws));
    return ret;
  }

  #tags(member: Member, draws: boolean): string {
    const tags = [
      draws && words.pen,
      member.member === this.#client.board.member && words.you,
      member.line > 0 && words.lineOf(member.line),
      member.flags & LOST ? words.lost : member.flags & AWAY ? words.away : "",
    ];
    return tags.filter(Boolean).join(" · ");
  }

  // ---- deeds -----------------------------------------------------------------------------------

  #acts(member: Member, name: string, draws: boolean): HTMLElement[] {
    const { deeds } = this.#client;
    const id = member.member;
    const away = deed(`remove-${id}`, "away", words.removeName(name), () => void this.#remove(id, name));
    if (member.role === WATCH || draws || member.flags & LOST) return [away];
    return [deed(`give-${id}`, "pen", words.giveTo(name), () => deeds.give(id)), away];
  }

  async #remove(member: string, name: string): Promise<void> {
    const { deeds } = this.#client;
    const stays = (): boolean => this.#rules && this.#client.members.some((one) => one.member === member);
    const also = deeds.has(DOOR) ? [words.alsoLinks] : [words.alsoLinks, words.alsoDoor];
    const answer = await askAlso(words.removeQuestion(name), words.remove, words.keep, stays, also);
    if (!answer) return;
    deeds.remove(member);
    if (answer[1]) deeds.set(DOOR, true);
    if (answer[0]) deeds.endLinks(LINKS_BELOW);
  }

  #outsider({ member, name: told, why }: Outsider): HTMLElement {
    const name = cleanName(told) || words.guest;
    const ret = document.createElement("li");
    ret.append(face(name), text("who", name), text("tag", why === CLOSED ? words.atTheDoor : words.noPlace));
    if (why === CLOSED) {
      const press = button(words.letIn, () => this.#client.deeds.letIn(member));
      press.setAttribute("aria-label", words.letInName(name));
      press.dataset["deed"] = `in-${member}`;
      ret.append(press);
    }
    return ret;
  }
}

function text(kind: string, content: string): HTMLElement {
  const ret = document.createElement("span");
  ret.className = kind;
  ret.textContent = content;
  return ret;
}

function face(name: string): HTMLElement {
  const ret = text("face", /\d+$/.exec(name)?.[0].slice(-2) ?? [...name][0]!.toLocaleUpperCase());
  ret.setAttribute("aria-hidden", "true");
  return ret;
}

function deed(id: string, picture: string, label: string, act: () => void): HTMLElement {
  const ret = button("", act, "square quiet");
  ret.append(icon(picture));
  ret.setAttribute("aria-label", label);
  ret.title = label;
  ret.dataset["deed"] = id;
  return ret;
}
