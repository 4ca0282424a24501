#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what documents have of errors.def and limits.def: the tables of PROTOCOL.md, and docs/LIMITS.md. Run it
after one of these has changed. With --check it only says whether all is as it should be."""
import json
import os
import re
import sys

import limits

ERROR = re.compile(r'^ERROR\((\w+), (\d+), (\w+), ("(?:[^"\\\\]|\\\\.)*"), ("(?:[^"\\\\]|\\\\.)*")\)$')
MARK = "<!-- made from {}: {} -->"


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
    seen = [limit for _, group, _ in limits.read() for limit in group if "c" in limit[3]]
    return {
        ("errors.def", "closing"): table("| close | code | meaning |", [(str(c), f"`{n}`", m) for c, n, m in closing]),
        ("errors.def", "staying"): table("| code | meaning |", staying),
        ("limits.def", "limits"): table("| limit | what |", [(amount(v, unit), what) for _, v, unit, _, what in seen]),
    }


# ---- limits ------------------------------------------------------------------------------------

WHO = {"g": "gateway", "b": "board service", "h": "history service", "p": "page"}
HEAD = """\
# Limits

Made from [limits.def](../proto/limits.def) by `proto/tables.py`; not edited by hand. Every limit of the programs
that is no setting ([README](../README.md#settings)), who keeps it, and what happens there. Whom it hurts when somebody
uses one up stands in [SECURITY.md](SECURITY.md), what clients see of them in [PROTOCOL.md](../proto/PROTOCOL.md) §10.
"""


def amount(value, unit):
    if unit == "bytes" and value >= 1024 and value % 1024 == 0:
        return f"{value >> 20} MiB" if value % (1 << 20) == 0 else f"{value >> 10} KiB"
    if unit == "ms" and value >= 1000 and value % 100 == 0:
        return f"{value / 1000:,g} s"
    return f"{value:,} {unit}"


def keepers(who):
    kept = [WHO[letter] for letter in who if letter in WHO]
    return "all three" if kept[:3] == [WHO[letter] for letter in "gbh"] and len(kept) == 3 else ", ".join(kept)


def limits_page():
    parts = [HEAD]
    for heading, group, musts in limits.read():
        parts.append(f"\n## {heading}\n\n")
        if group:
            rows = [(f"`{name}`", amount(value, unit), keepers(who), what) for name, value, unit, who, what in group]
            parts.append(table("| name | limit | who keeps it | what |", rows))
        if musts:
            parts.append("The compiler checks these.\n\n")
            parts.append(table("| holds | so that |", [(f"`{condition}`".replace("|", "\\|"), why) for condition, why in musts]))
    return "".join(parts)


# ---- what is written ---------------------------------------------------------------------------


def protocol():
    made = open("PROTOCOL.md", encoding="utf-8").read()
    for (source, name), content in tables(read_errors()).items():
        begin, end = MARK.format(source, name), MARK.format(source, "end of " + name)
        before, _, rest = made.partition(begin + "\n")
        _, found, after = rest.partition(end)
        if not found:
            sys.exit(f"PROTOCOL.md: there is no table {name}")
        made = f"{before}{begin}\n\n{content}\n{end}{after}"
    return made


def main():
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    for path, made in (("PROTOCOL.md", protocol()), ("../docs/LIMITS.md", limits_page())):
        if "--check" not in sys.argv:
            open(path, "w", encoding="utf-8").write(made)
        elif not os.path.exists(path) or open(path, encoding="utf-8").read() != made:
            sys.exit(f"{os.path.basename(path)}: not as errors.def and limits.def have it: run proto/tables.py")


main()
