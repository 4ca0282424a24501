# SPDX-License-Identifier: Apache-2.0
"""Reads limits.def, where every limit is defined once."""
import json
import os
import re

DEF = os.path.join(os.path.dirname(os.path.abspath(__file__)), "limits.def")
LIMIT = re.compile(r'^LIMIT\((\w+), ([\w +*<()-]+), (\w+), ([gbhpc]+), ("(?:[^"\\]|\\.)*")\)$')
MUST = re.compile(r'^MUST\((.*), ("(?:[^"\\]|\\.)*")\)$')
HEADING = re.compile(r"^/\* (.*) \*/$")


def read():
    """[(heading, [(name, value, unit, who, what)], [(condition, why)])]"""
    groups, values = [], {}
    for line in open(DEF, encoding="utf-8").read().splitlines():
        if m := HEADING.match(line):
            groups.append((m[1], [], []))
        elif m := LIMIT.match(line):
            values[m[1]] = eval(m[2].replace("UINT64_C", ""), {"__builtins__": {}}, values)
            groups[-1][1].append((m[1], values[m[1]], m[3], m[4], json.loads(m[5])))
        elif m := MUST.match(line):
            groups[-1][2].append((m[1], json.loads(m[2])))
        elif re.match(r"(LIMIT|MUST)\(", line):
            raise SystemExit(f"limits.def: not understood: {line}")
    return groups


def values():
    """{name: value}"""
    return {limit[0]: limit[1] for _, limits, _ in read() for limit in limits}
