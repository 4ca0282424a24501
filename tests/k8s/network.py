# SPDX-License-Identifier: Apache-2.0
"""Policies about the network: shut by default, open where a setting, a route or a monitor needs it."""

import re

from objects import dig, selects, title


def check(objects):
    yield from shut(objects)
    yield from openings_lead_somewhere(objects)
    yield from services(objects)
    for who, pods, port, why in needed(objects):
        if not pods:
            yield f"{title(who.owner)}: {why}, and no Service here is called so"
        elif port not in pods.ports.values():
            yield f"{who_name(who)}: {why} asks {pods.name} for port {port}, which it does not have"
        elif not ingress(objects, pods, port, who):
            yield f"NetworkPolicies: {who_name(who)} cannot reach {pods.name}:{port} ({why}): no ingress there"
        elif hasattr(who, "labels") and not egress(objects, who, pods, port):
            yield f"NetworkPolicies: {who_name(who)} cannot reach {pods.name}:{port} ({why}): no egress from it"


def who_name(who):
    return who.name if hasattr(who, "name") else who


def policies(objects, pods, direction):
    return [p["spec"] for p in objects.of("NetworkPolicy")
            if direction in p["spec"]["policyTypes"] and selects(p["spec"]["podSelector"], pods.labels)]


def shut(objects):
    for pods in objects.pods():
        for direction in ("Ingress", "Egress"):
            if not policies(objects, pods, direction):
                yield f"{title(pods.owner)}: no NetworkPolicy shuts its {direction.lower()}"
        if not any(port_open(rule, 53, {}) for p in policies(objects, pods, "Egress") for rule in p.get("egress", [])):
            yield f"{title(pods.owner)}: may not look up names (port 53)"
    if not any(p["spec"]["podSelector"] == {} and not p["spec"].get("ingress") and not p["spec"].get("egress")
               and sorted(p["spec"]["policyTypes"]) == ["Egress", "Ingress"] for p in objects.of("NetworkPolicy")):
        yield "NetworkPolicies: none denies everything by default in both directions"


def openings_lead_somewhere(objects):
    for policy in objects.of("NetworkPolicy"):
        chosen = [pods for pods in objects.pods() if selects(policy["spec"]["podSelector"], pods.labels)]
        if not chosen:
            yield f"{title(policy)}: selects no pods"
        for rule in policy["spec"].get("ingress", []):
            if not rule.get("ports") or not rule.get("from"):
                yield f"{title(policy)}: opens everything"
            for port in rule.get("ports", []):
                for pods in chosen:
                    # A cluster's ports for itself are its own matter.
                    inside = all("podSelector" in f and selects(f["podSelector"], pods.labels) for f in rule.get("from", []))
                    if not inside and port["port"] not in (*pods.ports, *pods.ports.values()):
                        yield f'{title(policy)}: opens port {port["port"]}, which {pods.name} does not have'
        for rule in policy["spec"].get("egress", []):
            for to in rule.get("to", []):
                if "podSelector" in to and "namespaceSelector" not in to and not any(
                        selects(to["podSelector"], pods.labels) for pods in objects.pods()):
                    yield f"{title(policy)}: lets out to pods that are not there"


def services(objects):
    for o in objects.of("Service"):
        behind = objects.service_pods(o["metadata"]["name"])
        if not behind:
            yield f"{title(o)}: selects no pods"
        for pods in behind:
            for port in o["spec"]["ports"]:
                if port.get("targetPort", port["port"]) not in (*pods.ports, *pods.ports.values()):
                    yield f'{title(o)}: leads to port {port["targetPort"]}, which {pods.name} does not have'
    for route in objects.of("HTTPRoute"):
        for rule in route["spec"]["rules"]:
            for ref in rule["backendRefs"]:
                service = objects.find("Service", ref["name"])
                if not service or ref["port"] not in [p["port"] for p in service["spec"]["ports"]]:
                    yield f'{title(route)}: there is no Service {ref["name"]} with port {ref["port"]}'
            if set(rule.get("timeouts", {"none": "none"}).values()) != {"0s"}:
                yield f"{title(route)}: WebSockets would be cut off by its time-outs (they must be 0s)"


def needed(objects):
    """(who, pods, port, why) of every connection that must be possible. `who` are pods, or a word for
    somebody outside; `pods` is None where nobody has that name."""
    for pods in objects.programs():
        for name in ("EASEL_AMQP", "EASEL_STORE"):
            for host, port in addresses(objects.settings(pods).get(name, "")):
                target = [t for part in host.split(".")[:2] for t in objects.service_pods(part)]
                yield pods, *(target[:1] or [None]), port, f"{name} names {host}" if not target else name
    for route in objects.of("HTTPRoute"):
        for pods in objects.service_pods(route["spec"]["rules"][0]["backendRefs"][0]["name"]):
            yield "the balancer", pods, pods.ports["http"], title(route)
    for monitor in objects.of("PodMonitor"):
        for pods in objects.pods():
            if selects(monitor["spec"]["selector"], pods.labels):
                yield "Prometheus", pods, pods.ports["admin"], title(monitor)


def addresses(url):
    """The (host, port)s of amqp(s)://… and mongodb://…"""
    hosts = re.match(r"\w+://([^/]+)", url)
    return [(host, int(port)) for host, port in re.findall(r"([\w.-]+):(\d+)", hosts[1])] if hosts else []


def ingress(objects, pods, port, who):
    return any(port_open(rule, port, pods.ports) and comes_from(rule, who)
               for p in policies(objects, pods, "Ingress") for rule in p.get("ingress", []))


def comes_from(rule, who):
    if not hasattr(who, "labels"):  # somebody in another namespace
        return any("namespaceSelector" in source for source in rule.get("from", []))
    return any("namespaceSelector" not in source and selects(source["podSelector"], who.labels)
               for source in rule.get("from", []) if "podSelector" in source)


def egress(objects, who, pods, port):
    return any(port_open(rule, port, pods.ports) and any(
                   selects(to["podSelector"], pods.labels) for to in rule["to"]
                   if "podSelector" in to and "namespaceSelector" not in to)
               for p in policies(objects, who, "Egress") for rule in p.get("egress", []) if "to" in rule)


def port_open(rule, port, names):
    return any(names.get(p["port"], p["port"]) == port or
               isinstance(p["port"], int) and p["port"] <= port <= p.get("endPort", p["port"])
               for p in rule.get("ports", []))
