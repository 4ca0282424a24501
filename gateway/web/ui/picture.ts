// SPDX-License-Identifier: Apache-2.0
//
// Taking the picture home: as a file, through the clipboard, on paper. The page paints it anew, in the size
// that one picks, whatever part of the board is in sight.
import { partsOf } from "../ink/chain.ts";
import { PAPER } from "../ink/colours.ts";
import { Paths } from "../ink/paths.ts";
import { fillStyle } from "../ink/sheet.ts";
import { type Board, ERASER } from "../model/board.ts";
import { words } from "../strings/words.ts";
import { $, setText, show } from "./dom.ts";
import { cleanName } from "./names.ts";

const POINTS_WIDE = 1600;
const POINTS_HIGH = 1000;
const PRINTED = 2; // pixels a point: some 300 to an inch on the paper that most have
const SLICE = 500; // strokes, before others have their turn

const drawing = (size: number): CanvasRenderingContext2D => {
  const canvas = document.createElement("canvas");
  canvas.width = POINTS_WIDE * size;
  canvas.height = POINTS_HIGH * size;
  return canvas.getContext("2d")!;
};

/** Fills the strokes one after the other; without paper the eraser leaves holes. */
function* painted(board: Board, ctx: CanvasRenderingContext2D, size: number, paper: boolean): Generator<void> {
  const paths = new Paths();
  let count = 0;
  if (paper) {
    ctx.fillStyle = PAPER;
    ctx.fillRect(0, 0, ctx.canvas.width, ctx.canvas.height);
  }
  ctx.setTransform(size, 0, 0, size, 0, 0);
  for (const stroke of board.strokes) {
    const parts = partsOf(stroke, true);
    if (!parts.length) continue;
    fillStyle(ctx, stroke);
    if (!paper && stroke.tool === ERASER) ctx.globalCompositeOperation = "destination-out";
    ctx.fill(paths.of(stroke, parts).path);
    if (++count % SLICE === 0) yield;
  }
}

export class Picture {
  #board: Board;

  constructor(board: Board) {
    this.#board = board;
    $("pictureButton").onclick = () => this.#open();
    $("pictureClose").onclick = () => this.#dialog.close();
    $("pictureSave").onclick = () => void this.#save();
    $("pictureCopy").onclick = () => void this.#copy();
    $("picturePrint").onclick = () => {
      this.#dialog.close();
      print();
    };
    show($("pictureCopy"), "ClipboardItem" in globalThis && !!navigator.clipboard?.write);
    addEventListener("beforeprint", () => this.#forPaper());
    addEventListener("afterprint", () => $("printed").replaceChildren());
  }

  get #dialog(): HTMLDialogElement {
    return $<HTMLDialogElement>("picture");
  }

  #open(): void {
    setText($("pictureState"), "");
    this.#dialog.showModal();
  }

  async #png(): Promise<Blob> {
    const size = Number($<HTMLSelectElement>("pictureSize").value);
    const ctx = drawing(size);
    for (const _ of painted(this.#board, ctx, size, $<HTMLInputElement>("picturePaper").checked)) await new Promise((resolve) => setTimeout(resolve));
    const blob = await new Promise<Blob | null>((resolve) => ctx.canvas.toBlob(resolve, "image/png"));
    ctx.canvas.width = 0; // gives the memory back
    if (!blob) throw new Error("no picture");
    return blob;
  }

  async #tell(work: () => Promise<unknown>, done: string): Promise<void> {
    setText($("pictureState"), words.making);
    const said = await work().then(() => done, () => words.pictureFailed);
    setText($("pictureState"), said);
  }

  #save(): Promise<void> {
    return this.#tell(async () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await this.#png());
      link.download = `${cleanName(this.#board.name).replace(/[\\/:*?"<>|]/g, "-") || words.easel}.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    }, words.pictureSaved);
  }

  #copy(): Promise<void> {
    return this.#tell(() => navigator.clipboard.write([new ClipboardItem({ "image/png": this.#png() })]), words.copied);
  }

  /** At once: the browser takes what is there when this returns. */
  #forPaper(): void {
    const ctx = drawing(PRINTED);
    for (const _ of painted(this.#board, ctx, PRINTED, true));
    $("printed").replaceChildren(ctx.canvas);
  }
}
