// SPDX-License-Identifier: Apache-2.0
import { $, setText } from "./dom.ts";

/** A question with two answers; true for the first. Esc is the second. */
export function ask(text: string, yes: string, no: string): Promise<boolean> {
  const dialog = $<HTMLDialogElement>("question");
  setText($("questionText"), text);
  setText($("questionYes"), yes);
  setText($("questionNo"), no);
  dialog.returnValue = "";
  $("questionYes").onclick = () => dialog.close("yes");
  $("questionNo").onclick = () => dialog.close();
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
  });
}
