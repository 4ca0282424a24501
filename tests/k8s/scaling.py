# SPDX-License-Identifier: Apache-2.0
"""Policies about numbers: replicas against shards, autoscaling, disruptions, grace periods, quorum."""

import re

from objects import ROOT, dig, selects, title

# How long a program itself takes to leave, at most; the gateway's is a setting.
LEAVE_S = {"board-service": 2, "history-service": 6}
SPARE_S = 5


def check(objects):
    for pods in objects.programs():
        low, high = replicas(objects, pods)
        settings = objects.settings(pods)
        if pods.name != "gateway" and high > int(settings.get("EASEL_SHARDS", 32)):
            yield f'{title(pods.owner)}: up to {high} replicas for {settings.get("EASEL_SHARDS", 32)} shards'
        yield from disruption(objects, pods, low)
        yield from grace(pods, settings)
    for o in objects.of("StatefulSet", "RabbitmqCluster", "MongoDBCommunity"):
        if o["spec"].get("replicas", o["spec"].get("members", 1)) > 1:
            yield from disruption(objects, next(p for p in objects.pods() if p.owner is o), 3)
    for o in objects.of("ScaledObject"):
        yield from scaled(objects, o)
    yield from broker(objects)


def replicas(objects, pods):
    """The (least, most) that there may be."""
    for o in objects.of("ScaledObject"):
        if o["spec"]["scaleTargetRef"]["name"] == pods.name:
            return o["spec"].get("minReplicaCount", 0), o["spec"].get("maxReplicaCount", 100)
    count = pods.owner["spec"].get("replicas", 1)
    return count, count


def disruption(objects, pods, low):
    budgets = [o for o in objects.of("PodDisruptionBudget") if selects(o["spec"]["selector"], pods.labels)]
    if len(budgets) != 1:
        yield f"{title(pods.owner)}: has {len(budgets)} PodDisruptionBudgets, not one"
    for o in budgets:
        if o["spec"].get("maxUnavailable") == 0 or o["spec"].get("minAvailable", 0) >= low:
            yield f"{title(o)}: no node with a pod of it could ever be drained"


def grace(pods, settings):
    own = int(settings.get("EASEL_DRAIN_GRACE_S", 0)) if pods.name == "gateway" else LEAVE_S[pods.name]
    if not own:
        yield f"{title(pods.owner)}: EASEL_DRAIN_GRACE_S is not set"
    stop = dig(pods.spec["containers"][0], "lifecycle.preStop.sleep.seconds", 0)
    given = pods.spec.get("terminationGracePeriodSeconds", 30)
    if given < stop + own + SPARE_S:
        yield (f"{title(pods.owner)}: terminationGracePeriodSeconds {given} is less than preStop {stop}, "
               f"leaving {own} and {SPARE_S} to spare")
    if pods.name == "gateway" and not stop:
        yield f"{title(pods.owner)}: without preStop it would refuse people before balancers know that it leaves"


def scaled(objects, o):
    spec = o["spec"]
    target = objects.find("Deployment", spec["scaleTargetRef"]["name"])
    if not target:
        yield f'{title(o)}: there is no Deployment {spec["scaleTargetRef"]["name"]}'
    elif "replicas" in target["spec"]:
        yield f"{title(target)}: replicas is set, so that each apply would undo the autoscaling"
    if not 2 <= spec.get("minReplicaCount", 0) <= spec.get("maxReplicaCount", 100):
        yield f"{title(o)}: minReplicaCount must be 2 or more, and at most maxReplicaCount"
    down = dig(spec, "advanced.horizontalPodAutoscalerConfig.behavior.scaleDown", {})
    steps = [(p["type"], p["value"]) for p in down.get("policies", [])]
    if steps != [("Pods", 1)] or down.get("stabilizationWindowSeconds", 0) < 300:
        yield f"{title(o)}: does not scale down slowly, one pod at a time"
    known = re.search(r"## For autoscaling\n(.*?)\n## ", (ROOT / "docs/METRICS.md").read_text(), re.DOTALL)[1]
    for name in metrics(o):
        if not re.search(rf"`{name}\b", known):
            yield f'{title(o)}: {name} does not stand in docs/METRICS.md, "For autoscaling"'


def metrics(o):
    """The metrics of ours that a ScaledObject looks at."""
    return sorted({name for trigger in o["spec"]["triggers"]
                   for name in re.findall(r"easel_\w+", trigger["metadata"].get("query", ""))})


def broker(objects):
    nodes = sum(o["spec"].get("replicas", 1) for o in objects.of("RabbitmqCluster"))
    tls = any(dig(o, "spec.tls.secretName") for o in objects.of("RabbitmqCluster"))
    for pods in objects.programs():
        settings = objects.settings(pods)
        if (settings.get("EASEL_QUORUM", "0") == "1") != (nodes >= 3):
            yield f"{title(pods.owner)}: EASEL_QUORUM does not fit a broker of {nodes or 1} nodes"
        if settings.get("EASEL_AMQP", "").startswith("amqps:") != tls:
            yield f"{title(pods.owner)}: EASEL_AMQP and the broker do not agree about TLS"
