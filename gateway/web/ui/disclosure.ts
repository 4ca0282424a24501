// SPDX-License-Identifier: Apache-2.0
//
// A button that opens a panel. The panel closes by Esc, and by a press or the focus elsewhere, unless there is
// room for it to stay.
interface Kind {
  once?: boolean; // what is chosen in the panel closes it
  stays?: () => boolean; // there is room just now
}

/** Opens or closes it from elsewhere. */
export function disclose(press: HTMLElement, panel: HTMLElement, { once = false, stays = () => false }: Kind = {}): (open: boolean) => void {
  const set = (open: boolean): void => {
    press.setAttribute("aria-expanded", String(open));
    panel.classList.toggle("open", open);
    panel.dispatchEvent(new Event("toggle"));
  };
  const isOpen = (): boolean => panel.classList.contains("open");
  const within = (target: EventTarget | null): boolean => target instanceof Node && (panel.contains(target) || press.contains(target));
  const elsewhere = ({ target }: Event): void => {
    if (isOpen() && target instanceof Node && !within(target) && !stays()) set(false);
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
    if (event.key !== "Escape" || !isOpen() || (stays() && !within(event.target))) return;
    event.stopImmediatePropagation(); // one Esc, one thing
    close();
  }, true);
  // Before the chosen button acts: the focus comes back here from the dialog that it may open.
  if (once) panel.addEventListener("click", () => isOpen() && close(), true);
  return set;
}
