#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes vectors.txt: run it in proto/ after messages.def has changed.

It has a msgpack writer of its own, so that the vectors are a third opinion beside the codecs in C
and in JavaScript, which are both tested with them.
"""
import json
import re

import limits

HEAD = """\
# SPDX-License-Identifier: Apache-2.0
#
# Test vectors for every codec of Easel; made by vectors.py. A line is one of
#
#   <hex> <name> <field>=<value> ...  these bytes are this message or tuple: decoding gives exactly
#                                     this text, encoding exactly these bytes
#   <hex> ! <reason>                  a gateway must refuse this as a frame of a client
#   shard <board> <shards> = <shard>
#
# Values: whole numbers in decimal, nil; ID and STR as JSON text ("..."); BIN as hex; a LIST as
# [{field=value ...} {...}].
"""

LIMITS = {"OFFSET_MAX": 2**53 - 1, "UINT16_MAX": 2**16 - 1, "UINT32_MAX": 2**32 - 1, **limits.values()}
FORMS = ("FRAME", "DRAWERS", "DRAWN", "RULING", "EVENT", "TOLD", "ITEM", "BOARD_ITEM", "ENVELOPE")
FIRST = {  # the first fields of these forms
    "DRAWERS": ["term, UINT, 1, OFFSET_MAX", "cseq, UINT, 1, UINT32_MAX"],
    "DRAWN": ["term, UINT, 1, OFFSET_MAX", "cseq, UINT, 1, UINT32_MAX"],
    "RULING": ["rules, UINT, 0, OFFSET_MAX"],
    "EVENT": ["offset, UINT, 1, OFFSET_MAX", "time, UINT, 0, OFFSET_MAX"],
    "BOARD_ITEM": ["board, ID, 1, 15"],
}
LISTS = {}  # the tuple of each list
EDGES = [0, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**53 - 1]


def field(words, form="FIELD"):
    low, high = (LIMITS[x] if x in LIMITS else int(x) for x in words[2:4])
    return (words[0], "LIST" if form.endswith("LIST") else words[1], low, high)


def read_types():
    types = {}
    for line in open("messages.def", encoding="utf-8"):
        form, _, rest = line.rstrip().partition("(")
        words = rest.rstrip(")").split(", ")
        if form in FORMS:
            first = [field(text.split(", ")) for text in FIRST.get(form, [])]
            types[words[0]] = {"code": int(words[1]), "fields": first}
        elif form == "TUPLE":
            types[words[0]] = {"code": None, "fields": []}
        elif form in ("FIELD", "LATER", "LIST", "LATER_LIST"):
            types[words[0]]["fields"].append(field(words[1:], form))
        if form in ("LIST", "LATER_LIST"):
            LISTS[words[0], words[1]] = words[2]
    return types


TYPES = read_types()


# ---- msgpack -----------------------------------------------------------------------------------


def big_endian(mark, value, size):
    return bytes([mark]) + value.to_bytes(size, "big")


def pack_uint(n):
    if n < 0x80:
        return bytes([n])
    for mark, size in ((0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8)):
        if n < 1 << 8 * size:
            return big_endian(mark, n, size)
    raise ValueError(n)


def pack_length(n, fix, fix_max, marks):
    if n <= fix_max:
        return bytes([fix | n])
    for mark, size in marks:
        if n < 1 << 8 * size:
            return big_endian(mark, n, size)
    raise ValueError(n)


def pack_str(data):
    return pack_length(len(data), 0xA0, 31, ((0xD9, 1), (0xDA, 2), (0xDB, 4))) + data


def pack_bin(data):
    return pack_length(len(data), 0, -1, ((0xC4, 1), (0xC5, 2), (0xC6, 4))) + data


def pack_array(count):
    return pack_length(count, 0x90, 15, ((0xDC, 2), (0xDD, 4)))


def pack_field(owner, field, value):
    name, kind, _, _ = field
    if kind in ("UINT", "NUINT"):
        return b"\xc0" if value is None else pack_uint(value)
    if kind in ("ID", "STR"):
        return pack_str(value.encode())
    if kind == "BIN":
        return pack_bin(value)
    element = LISTS[owner, name]
    return pack_array(len(value)) + b"".join(pack(element, v) for v in value)


def pack(name, values):
    fields = TYPES[name]["fields"]
    code = TYPES[name]["code"]
    head = pack_array(len(fields) + (code is not None))
    if code is not None:
        head += pack_uint(code)
    return head + b"".join(pack_field(name, f, v) for f, v in zip(fields, values))


# ---- text --------------------------------------------------------------------------------------


def text_field(owner, field, value):
    name, kind, _, _ = field
    if kind in ("UINT", "NUINT"):
        text = "nil" if value is None else str(value)
    elif kind in ("ID", "STR"):
        text = json.dumps(value, ensure_ascii=False)
    elif kind == "BIN":
        text = value.hex()
    else:
        element = LISTS[owner, name]
        text = "[" + " ".join("{" + text_fields(element, v) + "}" for v in value) + "]"
    return f"{name}={text}"


def text_fields(name, values):
    return " ".join(text_field(name, f, v) for f, v in zip(TYPES[name]["fields"], values))


# ---- values ------------------------------------------------------------------------------------


def smallest(owner, field):
    name, kind, low, _ = field
    if kind == "UINT":
        return low
    if kind == "NUINT":
        return None
    if kind in ("ID", "STR"):
        return "a" * low
    if kind == "BIN":
        return bytes(low)
    return []


def largest(owner, field):
    name, kind, _, high = field
    if kind in ("UINT", "NUINT"):
        return high
    if kind == "ID":
        return "z" * high
    if kind == "STR":
        return "\u00e9" * (high // 2)
    if kind == "BIN":
        # The longest would make lines of 130 KB; 300 are past the first long form.
        size = high if owner == "begin" or high < 300 else 300
        return bytes(i * 7 & 255 for i in range(size))
    element = LISTS[owner, name]
    count = 2 if owner == "at_board" else 17
    return [[largest(element, f) for f in TYPES[element]["fields"]] for _ in range(count)]


TEXTS = ['Ann "A" \\ B', "\u6f22\u5b57 \U0001f600", "tab\tand\nline\u0001", "a=b [c] {d}", "\u00fc"]


def mixed(owner, field, turn):
    """Something in between: the numbers at which the encoding changes, texts of all kinds."""
    name, kind, low, high = field
    if kind in ("UINT", "NUINT"):
        fits = [e for e in EDGES if low <= e <= high] or [low]
        return fits[turn % len(fits)]
    if kind == "ID":
        return ("k3v9x2mq4t", "g0a1b2c3d4e", "7")[turn % 3]
    if kind == "STR":
        fits = [t for t in TEXTS if low <= len(t.encode()) <= high] or ["a" * low]
        return fits[turn % len(fits)]
    if kind == "BIN":
        size = min(high, max(low, (4, 32, 255, 256)[turn % 4]))
        return bytes((i + turn) & 255 for i in range(size))
    element = LISTS[owner, name]
    return [values(element, mixed, turn + i) for i in range(turn % 3)]


def values(name, choose, turn=0):
    fields = TYPES[name]["fields"]
    if choose is mixed:
        return [mixed(name, f, turn + i) for i, f in enumerate(fields)]
    return [choose(name, f) for f in fields]


def vectors():
    for name, kind in TYPES.items():
        seen = set()
        all_values = [values(name, smallest), values(name, largest)]
        all_values += [values(name, mixed, turn) for turn in range(4)]
        for v in all_values:
            line = f"{pack(name, v).hex()} {name} {text_fields(name, v)}".rstrip()
            if line not in seen:
                seen.add(line)
                yield line


# ---- what is refused ---------------------------------------------------------------------------


def refused():
    undo = pack("undo", [1, 2, 3, 4])
    hello = values("hello", smallest)
    yield b"\xc0", "not an array"
    yield b"\x81\x04\x01", "a map"
    yield b"\x90", "an array without a code"
    yield b"\x91\xa1\x04", "the code is text"
    yield b"\x91\xff", "the code is negative"
    yield b"\x91\x00", "code 0"
    yield b"\x91\x0d", "a code that is not known"
    yield pack("ev_released", [1, 1]), "an event, which only the service makes"
    yield pack("cut", [1]), "a message from the gateway"
    yield pack("sync", [1]), "a broker message"
    yield b"\x91\xcd\x04\xd2", "a code far beyond"
    yield b"\x94" + undo[1:-1], "a field is missing"
    yield b"\x96" + undo[1:] + b"\x05", "one field too many"
    for i in range(1, len(undo)):
        yield undo[:i], f"cut off after {i} bytes"
    yield b"\x95\x04\x00\x02\x03\x04", "term 0"
    yield b"\x95\x04\x01\x00\x03\x04", "cseq 0"
    yield b"\x95\x04\x01" + pack_uint(2**32) + b"\x03\x04", "cseq above 32 bits"
    yield b"\x95\x04" + pack_uint(2**53) + b"\x02\x03\x04", "term above 2^53 - 1"
    yield b"\x95\x04" + pack_uint(2**64 - 1) + b"\x02\x03\x04", "term 2^64 - 1"
    yield b"\x95\x04\xff\x02\x03\x04", "term -1"
    yield b"\x95\x04\xd3" + b"\xff" * 8 + b"\x02\x03\x04", "term -1 in 64 bits"
    yield b"\x95\x04\xca\x3f\x80\x00\x00\x02\x03\x04", "term as a float"
    yield b"\x95\x04\xc0\x02\x03\x04", "term nil"
    yield b"\x95\x04\xc3\x02\x03\x04", "term true"
    yield b"\x95\x04\xa1\x31\x02\x03\x04", "term as text"
    yield b"\x95\x04\x91\x01\x02\x03\x04", "term as an array"
    yield b"\xdd\xff\xff\xff\xff\x04\x01\x02\x03\x04", "claims four billion elements"
    yield b"\xdc\xff\xff\x04\x01\x02\x03\x04", "claims 65535 elements"
    yield b"\x95\x03\x01\x02\x00\xc6\xff\xff\xff\xff", "claims four gigabytes of points"
    yield b"\x95\x03\x01\x02\x00\xc4\x05\x01\x02", "points are cut off"
    yield b"\x95\x03\x01\x02\x00\xa2\x01\x02", "points as text"
    yield b"\x95\x03\x01\x02\x00" + pack_bin(bytes(5121)), "points beyond the limit"
    yield b"\x95\x03\x01\x02\x08\xc4\x00", "flags beyond the limit"
    yield pack("begin", [1, 1, 3, 0, 1, 1, 0, bytes(4)]), "a tool that is not known"
    yield pack("begin", [1, 1, 0, 12, 1, 1, 0, bytes(4)]), "a colour that is not known"
    yield pack("begin", [1, 1, 0, 0, 0, 1, 0, bytes(4)]), "size 0"
    yield pack("begin", [1, 1, 0, 0, 4001, 1, 0, bytes(4)]), "size beyond the limit"
    yield pack("begin", [1, 1, 0, 0, 1, 2, 0, bytes(4)]), "a shape that is not known"
    yield pack("begin", [1, 1, 0, 0, 1, 1, 0, bytes(3)]), "a beginning without a point"
    yield pack("pass", [1, 1, "UPPER"]), "an id with other characters"
    yield pack("pass", [1, 1, "a" * 16]), "an id that is too long"
    yield pack("pass", [1, 1, "a\u0000"]), "an id with a zero byte"
    yield pack("profile", ["a" * 129, 0]), "a name that is too long"
    yield pack("begin", [1, 1, 0, 0, 1, 1, 16, bytes(4)]), "flags of a beginning beyond the limit"
    yield pack("pointer", [32001, 0]), "a pointer beside the board"
    yield pack("pointer", [0, 20001]), "a pointer below the board"
    for data, why in (
        (b"\x80", "a continuation byte alone"),
        (b"\xc3", "a sequence cut off"),
        (b"\xc0\xaf", "an overlong form"),
        (b"\xe0\x80\xaf", "an overlong form of three bytes"),
        (b"\xf0\x80\x80\xaf", "an overlong form of four bytes"),
        (b"\xed\xa0\x80", "half a surrogate pair"),
        (b"\xf4\x90\x80\x80", "beyond U+10FFFF"),
        (b"\xff", "a byte that is never UTF-8"),
    ):
        yield b"\x93\x0b" + pack_str(data) + b"\x00", f"a name that is not UTF-8: {why}"
    yield pack("hello", [""] + hello[1:]), "an empty token"
    yield pack("hello", hello[:1] + [bytes(15)] + hello[2:]), "a session of 15 bytes"
    yield pack("hello", hello[:1] + [bytes(17)] + hello[2:]), "a session of 17 bytes"
    yield pack("hello", hello[:2] + [0] + hello[3:]), "instance 0"
    yield pack("hello", hello[:5] + [2**53] + hello[6:]), "from above 2^53 - 1"
    yield b"\x91\xc1", "a type byte that is never used"
    yield b"\x92\x08" + b"\x91" * 100 + b"\xc0", "nested a hundred deep"


def board_shard(board, shards):
    h = 0xCBF29CE484222325
    for c in board.encode():
        h = (h ^ c) * 0x100000001B3 % 2**64
    return h % shards


def main():
    with open("vectors.txt", "w", encoding="utf-8", newline="\n") as out:
        out.write(HEAD)
        for line in vectors():
            out.write(line + "\n")
        for data, why in refused():
            out.write(f"{data.hex()} ! {why}\n")
        for board in ("0000000000", "k3v9x2mq4t", "zzzzzzzzzz", "a1b2c3d4e5", "7"):
            for shards in (1, 2, 32, 1000, 1024):
                out.write(f"shard {board} {shards} = {board_shard(board, shards)}\n")


main()
