#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the tables of PROTOCOL.md that are made from errors.def: run it after that has changed. With
--check it only says whether they are as they should be."""
import json
import os
import re
import sys

ERROR = re.compile(r'^ERROR\((\w+), (\d+), (\w+), ("(?:[^"\\\\]|\\\\.)*"), ("(?:[^"\\\\]|\\\\.)*")\)$')
MARK = "<!-- made from errors.def: {} -->"


def read_errors():
    errors = []
    for line in open("errors.def", encoding="utf-8"):
        if not line.startswith("ERROR("):
            continue
        m = ERROR.match(line.rstrip("\n"))
        if not m:
            sys.exit(f"errors.def: not understood: {line}")
        errors.append((m[1], int(m[2]), m[3], json.loads(m[5])))
    return errors


def table(head, rows):
    lines = [head, re.sub(r"[^|]+", " --- ", head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def tables(errors):
    closing = sorted((close, name, meaning) for name, close, _, meaning in errors if close)
    staying = [(f"`{name}`", meaning) for name, close, _, meaning in errors if not close]
    return {
        "closing": table("| close | code | meaning |", [(str(c), f"`{n}`", m) for c, n, m in closing]),
        "staying": table("| code | meaning |", staying),
    }


def main():
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    text = open("PROTOCOL.md", encoding="utf-8").read()
    made = text
    for name, content in tables(read_errors()).items():
        begin, end = MARK.format(name), MARK.format("end of " + name)
        before, _, rest = made.partition(begin + "\n")
        _, found, after = rest.partition(end)
        if not found:
            sys.exit(f"PROTOCOL.md: there is no table {name}")
        made = f"{before}{begin}\n\n{content}\n{end}{after}"
    if "--check" not in sys.argv:
        open("PROTOCOL.md", "w", encoding="utf-8").write(made)
    elif made != text:
        sys.exit("PROTOCOL.md: the tables of errors are not those of errors.def: run proto/tables.py")


main()
