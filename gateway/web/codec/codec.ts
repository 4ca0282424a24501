// SPDX-License-Identifier: Apache-2.0
//
// Frames to bytes and back, driven by the table that is made from proto/messages.def. What comes in is
// checked against the same bounds as in the services: a frame that breaks them throws. A kind that we
// do not know is skipped, unless it is an event's, which takes its offset; and so are fields beyond those
// that we know, whatever they hold.
import { Decoder, Encoder } from "@msgpack/msgpack";
import type { FieldType, Kind } from "./kind.ts";
import { type LogEvent, MESSAGES, type Message, TUPLES } from "./messages.gen.ts";

/** An event of a later version: all that we know of it is its place in the log. */
export interface EvUnknown {
  kind: "ev_unknown";
  offset: number;
}
export type Incoming = Message | EvUnknown;
export const isEvent = (message: Incoming): message is LogEvent | EvUnknown => message.kind.startsWith("ev_");

const EVENTS = [32, 63] as const; // the codes of events, known or not
const MESSAGE_BYTES_MAX = 65535;

/** What a field reads as that its sender does not know. */
const ABSENT = { UINT: 0, NUINT: null, ID: "", STR: "", BIN: new Uint8Array(), LIST: [] } as const;

/** No field that we know is a map or an extension, so what is in them is not read. */
const LENIENT = {
  maxStrLength: MESSAGE_BYTES_MAX,
  maxBinLength: MESSAGE_BYTES_MAX,
  maxArrayLength: MESSAGE_BYTES_MAX,
  maxMapLength: MESSAGE_BYTES_MAX,
  maxExtLength: MESSAGE_BYTES_MAX,
  mapKeyConverter: () => "",
  extensionCodec: { tryToEncode: () => null, decode: () => null },
};

export class BadFrame extends Error {}

type Values = Record<string, unknown>;
/** What the LIST fields hold, by "kind.field". */
type Tuples = Readonly<Record<string, Kind>>;

const utf8 = new TextEncoder();

/** Does `value` fit a field of this type and bounds? Lists are checked tuple by tuple. */
function fits(value: unknown, type: FieldType, low: number, high: number): boolean {
  switch (type) {
    case "NUINT":
      return value === null || fits(value, "UINT", low, high);
    case "UINT":
      return Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high;
    case "ID":
      return typeof value === "string" && value.length >= low && value.length <= high && /^[a-z0-9]*$/.test(value);
    case "STR": {
      const n = typeof value === "string" ? utf8.encode(value).length : -1;
      return n >= low && n <= high;
    }
    case "BIN":
      return value instanceof Uint8Array && value.length >= low && value.length <= high;
    case "LIST":
      return Array.isArray(value) && value.length >= low && value.length <= high;
  }
}

/** Fills `ret` from elements `from`, from + 1, … of `array`. */
function take(kind: Kind, array: unknown[], from: number, ret: Values, tuples: Tuples): Values {
  kind.fields.forEach(([name, type, low, high, later], i) => {
    const absent = from + i >= array.length;
    if (absent && !later) throw new BadFrame(`${kind.kind} has too few fields`);
    if (absent) return void (ret[name] = ABSENT[type]);
    let value = array[from + i];
    if (!fits(value, type, low, high))
      throw new BadFrame(`The field ${name} of ${kind.kind} is not ${type} in ${low}..${high}.`);
    if (type === "LIST") value = (value as unknown[]).map((item) => takeTuple(tuples[`${kind.kind}.${name}`]!, item, tuples));
    ret[name] = value;
  });
  return ret;
}

function takeTuple(kind: Kind, item: unknown, tuples: Tuples): Values {
  if (!Array.isArray(item)) throw new BadFrame(`${kind.kind} is not an array`);
  return take(kind, item, 0, {}, tuples);
}

function give(kind: Kind, values: Values, tuples: Tuples): unknown[] {
  const array: unknown[] = kind.code ? [kind.code] : [];
  for (const [name, type, low, high, later] of kind.fields) {
    if (later && values[name] === undefined) break; // as its sender of before
    const value = values[name];
    if (!fits(value, type, low, high))
      throw new BadFrame(`The field ${name} of ${kind.kind} is not ${type} in ${low}..${high}.`);
    const tuple = tuples[`${kind.kind}.${name}`];
    array.push(type === "LIST" ? (value as Values[]).map((item) => give(tuple!, item, tuples)) : value);
  }
  return array;
}

function unknownEvent(offset: unknown): EvUnknown {
  if (!fits(offset, "UINT", 1, Number.MAX_SAFE_INTEGER)) throw new BadFrame("an event without an offset");
  return { kind: "ev_unknown", offset: offset as number };
}

/** A codec of these messages; the page has one, below. */
export function codec<M extends { kind: string }>(messages: readonly Kind[], tuples: Tuples) {
  const byName = new Map(messages.map((kind) => [kind.kind, kind]));
  const byCode = new Map(messages.map((kind) => [kind.code, kind]));
  const encoder = new Encoder();
  const decoder = new Decoder(LENIENT);

  return {
    encode(message: M): Uint8Array<ArrayBuffer> {
      return encoder.encode(give(byName.get(message.kind)!, message as unknown as Values, tuples));
    },

    /** All frames of one WebSocket message. Bytes of a decoded frame point into `bytes`. */
    decode(bytes: Uint8Array): (M | EvUnknown)[] {
      const ret: (M | EvUnknown)[] = [];
      for (const array of decoder.decodeMulti(bytes)) {
        if (!Array.isArray(array) || !fits(array[0], "UINT", 0, 0xffffffff)) throw new BadFrame("not a frame");
        const kind = byCode.get(array[0] as number);
        if (kind) ret.push(take(kind, array, 1, { kind: kind.kind }, tuples) as unknown as M);
        else if (fits(array[0], "UINT", ...EVENTS)) ret.push(unknownEvent(array[1]));
      }
      return ret;
    },
  };
}

const page = codec<Message>(MESSAGES, TUPLES);
export const encode = page.encode;
export const decode = page.decode;
