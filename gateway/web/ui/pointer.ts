// SPDX-License-Identifier: Apache-2.0
//
// The drawer's pointer while it does not draw: the newest place goes out at most every 50 ms; the others
// see a ring with the name, which is gone after three seconds. The drawer sees it, too, as long as the
// tool is the pointer (a finger has nothing else to see).
import { POINTER_EVERY_MS } from "../codec/limits.gen.ts";
import type { PointerAt } from "../codec/messages.gen.ts";
import { BOARD_HEIGHT, BOARD_WIDTH, type Point } from "../model/points.ts";
import type { Client } from "../net/client.ts";
import { $, setText, show } from "./dom.ts";
import { nameOf } from "./pen-view.ts";
import type { Stage } from "./stage.ts";

const GONE_MS = 3_000;
const QUIET_MS = 700; // after ink: between two letters it would only flicker
const LABEL_LEFT = 0.6; // of the window: from there on the name stands on the other side

export class PointerRing {
  #client: Client;
  #stage: Stage;
  #ring = $("pointer");
  #member = ""; // whose place it is
  #at: Point = { x: 0, y: 0 };
  #until = 0;
  #inkAt = 0; // the drawer drew then,
  #newest = 0; // the stroke with that place in the order of what was done
  #view: unknown = null; // that the ring was placed in
  #sentAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: Client, stage: Stage) {
    this.#client = client;
    this.#stage = stage;
    stage.onPoint = (point) => this.#mine(point);
  }

  /** The service says where the drawer's pointer is. */
  told({ member, x, y }: PointerAt): void {
    this.#move(member, { x, y });
  }

  /** Once a frame. */
  update(drawing: boolean): void {
    const { state, board } = this.#client;
    const newest = board.strokes.at(-1)?.begun ?? 0; // a short one may be whole between two frames
    if (board.open || newest > this.#newest) this.#inkAt = performance.now();
    this.#newest = newest;
    if (board.open || this.#member !== state?.holder) this.#until = 0; // the tip of the ink is the pointer
    const mine = this.#member === board.member;
    const quiet = !mine && performance.now() - this.#inkAt < QUIET_MS;
    const shown = performance.now() < this.#until && mine === drawing && (mine ? this.#stage.points : !quiet);
    if (shown) this.#place(mine);
    show(this.#ring, shown);
  }

  /** Where somebody else points, from 0 to 1; null: nowhere. */
  get place(): Point | null {
    if (this.#ring.hidden || this.#member === this.#client.board.member) return null;
    return { x: this.#at.x / BOARD_WIDTH, y: this.#at.y / BOARD_HEIGHT };
  }

  #move(member: string, at: Point): void {
    this.#member = member;
    this.#at = at;
    this.#until = performance.now() + GONE_MS;
  }

  #mine(point: Point): void {
    this.#move(this.#client.board.member, point);
    if (this.#stage.points) this.#client.onChange();
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#send(), this.#sentAt + POINTER_EVERY_MS - performance.now());
  }

  #send(): void {
    this.#timer = undefined;
    if (this.#stage.drawing) return;
    this.#sentAt = performance.now();
    this.#client.point(this.#at);
  }

  /** It glides from place to place, but not when the board moves beneath it. */
  #place(mine: boolean): void {
    const { view } = this.#stage;
    const { x, y } = this.#stage.pxOf(this.#at.x / BOARD_WIDTH, this.#at.y / BOARD_HEIGHT);
    const { classList, style } = this.#ring;
    classList.toggle("still", mine || view !== this.#view);
    classList.toggle("left", x > this.#ring.parentElement!.clientWidth * LABEL_LEFT);
    this.#view = view;
    style.transform = `translate(${x}px, ${y}px)`;
    const who = this.#client.members.find(({ member }) => member === this.#member);
    setText(this.#ring.firstElementChild!, mine ? "" : nameOf(who));
  }
}
