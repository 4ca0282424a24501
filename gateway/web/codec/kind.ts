// SPDX-License-Identifier: Apache-2.0
//
// What the codec knows of each kind of message, by the table that is made from proto/messages.def.
export type FieldType = "UINT" | "NUINT" | "ID" | "STR" | "BIN" | "LIST";
export interface Kind {
  kind: string;
  code: number; // 0: a tuple
  /** later: a sender of before leaves it out. */
  fields: readonly (readonly [name: string, type: FieldType, low: number, high: number, later: boolean])[];
}
