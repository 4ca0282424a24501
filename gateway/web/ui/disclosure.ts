// SPDX-License-Identifier: Apache-2.0
//
// A button that opens a panel, where there is no room to show it always (the style sheet knows where).
// The panel closes by Esc, and by a press or the focus elsewhere.

/** `once`: what is chosen in the panel closes it. */
export function disclose(press: HTMLElement, panel: HTMLElement, once = false): void {
  const set = (open: boolean): void => {
    press.setAttribute("aria-expanded", String(open));
    panel.classList.toggle("open", open);
    panel.dispatchEvent(new Event("toggle"));
  };
  const isOpen = (): boolean => panel.classList.contains("open");
  const elsewhere = ({ target }: Event): void => {
    if (isOpen() && target instanceof Node && !panel.contains(target) && !press.contains(target)) set(false);
  };
  press.onclick = () => {
    set(!isOpen());
    if (isOpen() && panel.tabIndex === -1 && panel.hasAttribute("tabindex")) panel.focus();
  };
  addEventListener("pointerdown", elsewhere, true);
  addEventListener("focusin", elsewhere);
  const close = (): void => {
    set(false);
    press.focus();
  };
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !isOpen()) return;
    event.stopImmediatePropagation(); // one Esc, one thing
    close();
  }, true);
  // Before the chosen button acts: the focus comes back here from the dialog that it may open.
  if (once) panel.addEventListener("click", () => isOpen() && close(), true);
}
