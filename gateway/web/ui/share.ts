// SPDX-License-Identifier: Apache-2.0
//
// The share dialog. Nobody sees a link that is stronger than their own.
import { words } from "../strings/words.ts";
import { watchToken } from "./api.ts";
import { showCode } from "./code.ts";
import { known, remember } from "./device.ts";
import { $, setText, show, stamp } from "./dom.ts";
import { OWN, WATCH } from "./pen-view.ts";

const COPIED_MS = 2_000;

export async function openShare(board: string, role: number, token: string): Promise<void> {
  setText($("shareCode"), showCode(board));
  $("shareLinks").replaceChildren();
  $("qr").replaceChildren();
  $<HTMLDialogElement>("share").showModal();
  $("shareClose").onclick = () => $<HTMLDialogElement>("share").close();

  const links = known(board)?.links ?? {};
  const watch = role === WATCH ? token : (links.watch ?? (await watchToken(board)));
  const rows = [];
  if (typeof watch === "string") {
    showQr(linkOf(board, watch)).catch(() => {});
    remember(board, { links: { ...links, watch } });
    rows.push(linkRow(board, watch, words.watchLink));
  } else {
    const problem = document.createElement("p");
    problem.className = "problem";
    problem.textContent = words.watchLinkFailed;
    rows.push(problem);
  }
  if (role === OWN && links.draw) rows.push(linkRow(board, links.draw, words.drawLink));
  $("shareLinks").replaceChildren(...rows);
}

const linkOf = (board: string, token: string): string => `${location.origin}/b/${board}#${token}`;

/** A nicety: without it the links still do. */
async function showQr(link: string): Promise<void> {
  const { qr } = (await import($("qr").dataset["from"]!)) as typeof import("./qr.ts");
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
