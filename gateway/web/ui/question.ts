// SPDX-License-Identifier: Apache-2.0
import { $, setText } from "./dom.ts";

let applies: () => boolean = () => true;

/** A question with two answers; true for the first. Esc is the second, and so is that it no longer `applies`. */
export function ask(text: string, yes: string, no: string, still: () => boolean): Promise<boolean> {
  const dialog = $<HTMLDialogElement>("question");
  setText($("questionText"), text);
  setText($("questionYes"), yes);
  setText($("questionNo"), no);
  dialog.returnValue = "";
  applies = still;
  $("questionYes").onclick = () => dialog.close("yes");
  $("questionNo").onclick = () => dialog.close();
  dialog.showModal();
  $("questionNo").focus(); // a key that is still down changes nothing
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === "yes" && still());
  });
}

/** The same, with boxes to tick: null, or which of them were. */
export async function askAlso(text: string, yes: string, no: string, still: () => boolean, also: readonly string[]): Promise<boolean[] | null> {
  const boxes = also.map((words) => {
    const label = document.createElement("label");
    const box = document.createElement("input");
    const span = document.createElement("span");
    label.className = "check";
    box.type = "checkbox";
    span.textContent = words;
    label.append(box, span);
    return { label, box };
  });
  $("questionAlso").replaceChildren(...boxes.map(({ label }) => label));
  const answer = await ask(text, yes, no, still);
  $("questionAlso").replaceChildren();
  return answer ? boxes.map(({ box }) => box.checked) : null;
}

/** Once a frame: a question that no longer applies is not asked. */
export function updateQuestion(): void {
  const dialog = $<HTMLDialogElement>("question");
  if (dialog.open && !applies()) dialog.close();
}
