// SPDX-License-Identifier: Apache-2.0
//
// The share dialog. Nobody sees a link that is stronger than their own.
import { CLEARS, CODE_ENDS, type Deeds, DOOR, GIVEN } from "../net/deeds.ts";
import { words } from "../strings/words.ts";
import { tokensOf, watchToken } from "./api.ts";
import { showCode } from "./code.ts";
import { type Known, known, remember } from "./device.ts";
import { $, setText, show, stamp } from "./dom.ts";
import { OWN, WATCH } from "./pen-view.ts";
import { qr } from "./qr.ts";

const COPIED_MS = 2_000;
let ownOpen = false; // the owner came for her own link
let drawWords = ""; // what who has the link for drawing may do

/** At once with what the device knows, if that is all, and then with what the service gives out now. */
export async function openShare(board: string, role: number, token: string, rules: Deeds, own = false): Promise<void> {
  ownOpen = own;
  drawWords = words.drawLink(!rules.has(GIVEN), !rules.has(CLEARS));
  show($("shareDoor"), rules.has(DOOR));
  setText($("shareCodeHint"), rules.has(CODE_ENDS) ? words.codeEnded : words.codeHint);
  setText($("shareCode"), showCode(board));
  $("shareLinks").replaceChildren();
  $("qr").replaceChildren();
  $<HTMLDialogElement>("share").showModal();
  $("shareClose").onclick = () => $<HTMLDialogElement>("share").close();

  const kept = role === WATCH ? { watch: token } : (known(board)?.links ?? {});
  if (kept.watch && (role !== OWN || kept.draw)) showLinks(board, role, token, kept);
  if (role === WATCH) return;
  const links = { ...kept, ...(await newLinks(board, role, token)) };
  keep(board, links);
  if (!links.watch || links.watch !== kept.watch || links.draw !== kept.draw) showLinks(board, role, token, links);
}

function showLinks(board: string, role: number, token: string, links: Known["links"]): void {
  const rows = [];
  if (links.watch) {
    showQr(linkOf(board, links.watch)).catch(() => {});
    rows.push(linkRow(board, links.watch, words.watchLink));
  } else {
    const problem = document.createElement("p");
    problem.className = "problem";
    problem.textContent = words.watchLinkFailed;
    rows.push(problem);
  }
  if (role === OWN && links.draw) rows.push(linkRow(board, links.draw, drawWords));
  if (role === OWN) rows.push(ownLink(board, token));
  $("shareLinks").replaceChildren(...rows);
}

/** The address shows it no more, so this is how an owner gets it to another device. */
function ownLink(board: string, token: string): HTMLElement {
  const ret = document.createElement("details");
  ret.open = ownOpen;
  const summary = document.createElement("summary");
  summary.textContent = words.ownDevices;
  ret.append(summary, linkRow(board, token, words.ownLink));
  return ret;
}

/** The links below one's own, as the service signs them now; none: not now. */
async function newLinks(board: string, role: number, token: string): Promise<Known["links"]> {
  const all = role === OWN ? await tokensOf(board, token) : null;
  if (all) return { draw: all.draw, watch: all.watch };
  const watch = await watchToken(board);
  return typeof watch === "string" ? { watch } : {};
}

/** The link for watching, for the address; null: not now. */
export async function watchLinkOf(board: string, role: number, token: string): Promise<string | null> {
  if (role === WATCH) return token;
  const links = known(board)?.links ?? {};
  if (links.watch) return links.watch;
  const watch = await watchToken(board);
  if (typeof watch !== "string") return null;
  keep(board, { ...links, watch });
  return watch;
}

/** Unless the board was forgotten here meanwhile. */
function keep(board: string, links: Known["links"]): void {
  if (known(board)) remember(board, { links });
}

const linkOf = (board: string, token: string): string => `${location.origin}/b/${board}#${token}`;

/** A nicety: without it the links still do. */
async function showQr(link: string): Promise<void> {
  $("qr").replaceChildren(qr(link, words.qr));
}

function linkRow(board: string, token: string, sentence: string): HTMLElement {
  const link = linkOf(board, token);
  const row = stamp("linkRow");
  const input = row.querySelector("input")!;
  const label = row.querySelector("label")!;
  input.id = `link${token.length}${sentence.length}`;
  label.htmlFor = input.id;
  label.textContent = sentence;
  input.value = link;
  input.onfocus = () => input.select();
  const copy = row.querySelector<HTMLButtonElement>(".copy")!;
  copy.onclick = () => void copyLink(copy, input);
  const by = row.querySelector<HTMLButtonElement>(".by")!;
  show(by, "share" in navigator);
  by.onclick = () => void navigator.share({ url: link }).catch(() => {}); // closed without sharing
  return row;
}

async function copyLink(press: HTMLButtonElement, input: HTMLInputElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(input.value);
    setText(press, words.copied);
  } catch {
    input.select(); // no clipboard on plain http
    setText(press, words.pressCopy);
  }
  setTimeout(() => setText(press, words.copy), COPIED_MS);
}
