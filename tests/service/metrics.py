#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Reads metrics as Prometheus' own library does, from standard input, and prints them as JSON:
# [{"name", "type", "help", "samples": [{"name", "labels", "value"}]}].

import json
import sys

from prometheus_client.parser import text_string_to_metric_families

print(json.dumps([
    {
        "name": family.name,
        "type": family.type,
        "help": family.documentation,
        "samples": [{"name": s.name, "labels": s.labels, "value": s.value} for s in family.samples],
    }
    for family in text_string_to_metric_families(sys.stdin.read())
]))
