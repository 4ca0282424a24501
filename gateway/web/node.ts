// SPDX-License-Identifier: Apache-2.0
//
// What tests and bots in Node use of the page: its codec, model and connection, without its DOM.
export { BadFrame, codec, decode, encode } from "./codec/codec.ts";
export { boundsOf, outline } from "./ink/outline.ts";
export { Board, END, ERASER, HIGHLIGHTER, JOINED, PEN, PRESSURE, visible } from "./model/board.ts";
export * from "./model/points.ts";
export { Client, randomInstance } from "./net/client.ts";
export { StrokeWriter } from "./net/stroke.ts";
export { Sheet, TILE } from "./ink/sheet.ts";
