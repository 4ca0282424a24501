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

/** Once a frame: a question that no longer applies is not asked. */
export function updateQuestion(): void {
  const dialog = $<HTMLDialogElement>("question");
  if (dialog.open && !applies()) dialog.close();
}
