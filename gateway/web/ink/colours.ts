// SPDX-License-Identifier: Apache-2.0
//
// The log stores the index of a colour, so indices only ever grow. Each pen colour has at least 3:1 on
// white; any two differ by ΔE2000 ≥ 12.7, also as people with colour vision deficiencies see them.
export interface Colour {
  index: number;
  name: "black" | "grey" | "red" | "orange" | "green" | "blue" | "violet" | "pink" | "yellow";
  hex: string;
}

export const PEN_COLOURS: readonly Colour[] = [
  { index: 0, name: "black", hex: "#1A1A1A" },
  { index: 1, name: "grey", hex: "#767676" },
  { index: 2, name: "red", hex: "#B00020" },
  { index: 3, name: "orange", hex: "#D55E00" },
  { index: 4, name: "green", hex: "#00704A" },
  { index: 5, name: "blue", hex: "#2563EB" },
  { index: 6, name: "violet", hex: "#5B2A86" },
  { index: 7, name: "pink", hex: "#CC79A7" },
];

/** Multiplied onto the ink, so that black stays black. */
export const HIGHLIGHTER_COLOURS: readonly Colour[] = [
  { index: 8, name: "yellow", hex: "#FFEE58" },
  { index: 9, name: "green", hex: "#B2E59A" },
  { index: 10, name: "blue", hex: "#8FC7FF" },
  { index: 11, name: "pink", hex: "#F8A8C8" },
];

export const PAPER = "#FFFFFF";
const ALL = [...PEN_COLOURS, ...HIGHLIGHTER_COLOURS];
export const hexOf = (index: number): string => ALL[index]?.hex ?? ALL[0]!.hex;

export const UNITS_PER_POINT = 20;
/** In points: the board is 1600 × 1000 of them. By tool: pen, highlighter, eraser, pointer. */
export const SIZES: readonly (readonly number[])[] = [
  [2, 4, 7, 12, 20],
  [14, 24, 40],
  [16, 40, 80],
  [],
];
export const DEFAULT_SIZES: readonly number[] = [4, 24, 40];
