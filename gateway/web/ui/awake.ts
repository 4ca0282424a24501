// SPDX-License-Identifier: Apache-2.0
//
// While somebody draws, the screen does not go dark. A browser that cannot do that, or will not just now, is
// asked again when the page is seen again.

export class Awake {
  #lock: WakeLockSentinel | null = null;
  #asked = false;

  /** Once a frame. */
  update(wanted: boolean): void {
    wanted &&= document.visibilityState === "visible";
    if (!wanted) {
      this.#asked = false;
      void this.#lock?.release();
      this.#lock = null;
    } else if (!this.#asked && "wakeLock" in navigator) {
      this.#asked = true;
      void this.#hold();
    }
  }

  async #hold(): Promise<void> {
    try {
      const lock = await navigator.wakeLock.request("screen");
      if (this.#asked) this.#lock = lock;
      else void lock.release();
    } catch {
      // a low battery, or a setting: then the screen goes dark as it likes
    }
  }
}
