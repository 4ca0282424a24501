// SPDX-License-Identifier: Apache-2.0
//
// What the benchmark adds to a page to see what a person would see: it looks at the pixels after each
// frame. Its functions run in the page; `probe` before the page's own scripts.

/** Puts `bench` into the page. Times are ms since the epoch, so two pages can be compared. */
export function probe() {
  const now = () => performance.timeOrigin + performance.now();
  const marks = {}; // when something was first (or last) seen
  const acts = new Set(); // what to do after each frame
  const frames = []; // when each began
  const { port1, port2 } = new MessageChannel();
  const tick = (begun) => {
    frames.push(begun);
    port1.postMessage(0); // comes when this frame is painted
    requestAnimationFrame(tick);
  };
  port2.onmessage = () => {
    const at = now();
    for (const act of acts) if (act(at)) acts.delete(act);
  };
  requestAnimationFrame(tick);

  const canvas = (name) => document.querySelector(`canvas.${name}`);
  const copy = document.createElement("canvas");
  const context = copy.getContext("2d", { willReadFrequently: true });
  const pixels = (name, x, y, width, height, toWidth = width, toHeight = height) => {
    if (copy.width !== toWidth || copy.height !== toHeight) Object.assign(copy, { width: toWidth, height: toHeight });
    context.clearRect(0, 0, toWidth, toHeight);
    context.drawImage(canvas(name), x, y, width, height, 0, 0, toWidth, toHeight);
    return new Uint32Array(context.getImageData(0, 0, toWidth, toHeight).data.buffer);
  };
  const row = (name, y) => {
    const { width, height } = canvas(name);
    return pixels(name, 0, Math.floor(y * height), width, 1);
  };

  globalThis.bench = {
    marks,
    acts,
    frames,
    canvas,
    row,
    /** Notes what the pointer does and how far to the right the stroke under way reaches, at height y. */
    follow(y) {
      const moves = [], seen = [];
      const listen = (event) => {
        const { left, width } = canvas("live").getBoundingClientRect();
        for (const one of event.getCoalescedEvents())
          moves.push([performance.timeOrigin + one.timeStamp, (one.clientX - left) / width]);
      };
      addEventListener("pointermove", listen, { capture: true });
      const look = (at) => {
        const pixels = row("live", y);
        let x = pixels.length - 1;
        while (x >= 0 && pixels[x] >>> 24 < 128) x--;
        seen.push([at, (x + 1) / pixels.length]);
      };
      acts.add(look);
      this.followed = () => {
        acts.delete(look);
        removeEventListener("pointermove", listen, { capture: true });
        return { moves, seen };
      };
    },
    /** Resolves when `test()` holds after a frame. */
    seen: (test) => new Promise((done) => acts.add((at) => test() && (done(at), true))),
    /** From the next such event until each test holds, one after the other: [{ms, frames}]. */
    async after(name, ...tests) {
      const event = await new Promise((done) => addEventListener(name, done, { capture: true, once: true }));
      const [begun, first] = [performance.timeOrigin + event.timeStamp, frames.length];
      const ret = [];
      for (const test of tests) ret.push({ ms: (await this.seen(test)) - begun, frames: frames.length - first });
      return ret;
    },
  };

  // ---- the way of a join

  const Native = WebSocket;
  globalThis.WebSocket = class extends Native {
    constructor(...args) {
      super(...args);
      marks.socket ??= now();
      this.addEventListener("message", ({ data }) => data.byteLength > 2_000 && (marks.page ??= now()));
    }
  };
  let filled = false;
  const { fill } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fill = function (...args) {
    filled ||= this.canvas.classList.contains("ink"); // not what the painter prepares out of sight
    marks.fills = (marks.fills ?? 0) + 1;
    return fill.apply(this, args);
  };
  acts.add((at) => {
    if (filled) marks.ink = at; // the last so far
    filled = false;
  });
  acts.add((at) => {
    if (!marks.page || !canvas("ink")) return false;
    const { width, height } = canvas("ink");
    if (pixels("ink", 0, 0, width, height, 64, 40).every((pixel) => pixel === 0xffffffff)) return false;
    marks.firstInk = at;
    return true;
  });
}
