# SPDX-License-Identifier: Apache-2.0
"""check.py [programs OVERLAY]

Renders each overlay, holds every object against its schema and all of them against our policies, and
says a sentence for each fault; exit 1 if there is one. With programs: prints as JSON what the overlay
gives to each of our programs.
"""

import json
import sys

import network
import pods
import scaling
import schemas
from objects import OVERLAYS, dig, render, title


def faults(objects):
    names = [(o["apiVersion"], o["kind"], o["metadata"]["name"]) for o in objects.all]
    yield from (f"{kind} {name} is there twice" for _, kind, name in {n for n in names if names.count(n) > 1})
    for o in objects.all:
        if o["kind"] != "Namespace" and o["metadata"].get("namespace") != "easel":
            yield f"{title(o)}: is not in the namespace easel"
    wrong = list(schemas.check(objects))
    yield from wrong
    if not wrong:  # the policies need what the schemas require
        for policies in (pods, network, scaling):
            yield from policies.check(objects)


def programs(objects):
    for p in objects.programs():
        container = p.spec["containers"][0]
        probes = {kind: dig(container, f"{kind}Probe.httpGet") for kind in ("startup", "readiness", "liveness")}
        yield {"name": p.name, "settings": objects.settings(p), "ports": p.ports, "probes": probes,
               "graceSeconds": p.spec["terminationGracePeriodSeconds"]}


def main():
    if sys.argv[1:2] == ["programs"]:
        print(json.dumps(list(programs(render(sys.argv[2])))))
        return 0
    bad = 0
    for overlay in OVERLAYS:
        objects = render(overlay)
        found = list(faults(objects))
        bad += len(found)
        print(f"{overlay}: {len(objects.all)} objects, " + ("all well" if not found else f"{len(found)} faults"))
        for sentence in found:
            print(f"  {sentence}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
