# SPDX-License-Identifier: Apache-2.0
"""Policies about each pod: the "restricted" profile, probes, resources, images, settings and secrets."""

import re

from objects import ROOT, containers, dig, title

# Of Kubernetes' Pod Security Standards, "restricted".
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
# What operators make: Secrets, and the fields of theirs that the programs use.
OPERATORS_SECRETS = {"RabbitmqCluster": "{}-default-user"}


def check(objects):
    for pods in objects.pods():
        for policy in (restricted, probes, resources, images):
            for sentence in policy(pods):
                yield f"{title(pods.owner)}: {sentence}"
        if pods.ours:
            for sentence in (*own_program(pods), *references(objects, pods)):
                yield f"{title(pods.owner)}: {sentence}"
    needed = [(pods.owner, name) for pods in objects.programs() for name in needed_secrets(objects, pods)]
    for o, name in [*needed, *others_secrets(objects)]:
        if not secret_comes_from(objects, name):
            yield f"{title(o)}: nothing here makes Secret {name}, and docs/DEPLOY.md does not tell to make it"
    yield from secrets(objects)


def restricted(pods):
    spec = pods.spec
    pod = spec.get("securityContext", {})
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield f"{name} is not allowed by the restricted profile"
    for volume in spec.get("volumes", []):
        if not VOLUMES & volume.keys():
            yield f'volume {volume["name"]} is of a kind that the restricted profile does not allow'
    if pod.get("sysctls") or pod.get("windowsOptions"):
        yield "sysctls and windowsOptions are not allowed here"
    for c in containers(spec):
        own = c.get("securityContext", {})
        both = {**pod, **own}
        name = f'container {c["name"]}'
        if not both.get("runAsNonRoot"):
            yield f"{name} may run as root: runAsNonRoot is not true"
        if not both.get("runAsUser"):
            yield f"{name} has no numeric user (runAsUser)"
        if dig(both, "seccompProfile.type") not in ("RuntimeDefault", "Localhost"):
            yield f"{name} has no seccompProfile RuntimeDefault"
        if own.get("allowPrivilegeEscalation") is not False:
            yield f"{name}: allowPrivilegeEscalation is not false"
        if own.get("privileged") or own.get("procMount", "Default") != "Default":
            yield f"{name} is privileged"
        if dig(own, "capabilities.drop") != ["ALL"] or dig(own, "capabilities.add", []):
            yield f"{name} does not drop ALL capabilities"
        if any(port.get("hostPort") for port in c.get("ports", [])):
            yield f"{name} takes a port of the host"


def probes(pods):
    if pods.owner["kind"] not in ("Deployment", "StatefulSet"):
        return  # an operator makes its own
    for c in pods.spec["containers"]:
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            port = dig(c, f"{kind}.httpGet.port", dig(c, f"{kind}.tcpSocket.port"))
            if kind not in c:
                yield f'container {c["name"]} has no {kind}'
            elif port is not None and port not in pods.ports:
                yield f'container {c["name"]}: {kind} asks port "{port}", which it does not have'


def resources(pods):
    if pods.owner["kind"] == "RabbitmqCluster":
        named = [("RabbitMQ", pods.owner["spec"])]
    else:
        named = [(f'container {c["name"]}', c) for c in pods.spec.get("containers", [])]
    for name, c in named:
        for amount in ("requests", "limits"):
            for what in ("cpu", "memory"):
                if dig(c, f"resources.{amount}.{what}") is None:
                    yield f"{name} has no {amount} of {what}"


def images(pods):
    named = [c["image"] for c in containers(pods.spec) if "image" in c]
    if pods.owner["kind"] == "RabbitmqCluster":
        named.append(pods.owner["spec"].get("image", "RabbitMQ"))
    if pods.owner["kind"] == "MongoDBCommunity":
        named.append(f'MongoDB:{pods.owner["spec"]["version"]}')
    for image in named:
        tag = image.rsplit("/", 1)[-1].partition(":")[2]
        if tag in ("", "latest") or not re.search(r"@sha256:|^dev$|\d+\.\d+\.\d+", tag):
            yield f"image {image} is not pinned to one version"


def own_program(pods):
    """What our programs keep to beyond the profile."""
    spec = pods.spec
    if spec.get("automountServiceAccountToken") is not False:
        yield "automountServiceAccountToken is not false"
    if spec.get("enableServiceLinks") is not False:
        yield "enableServiceLinks is not false: addresses of Services would look like settings"
    spread = [c["topologyKey"] for c in spec.get("topologySpreadConstraints", [])
              if dig(c, "labelSelector.matchLabels", {"": ""}).items() <= pods.labels.items()]
    for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname"):
        if key not in spread:
            yield f"its pods are not spread by {key}"
    for c in spec["containers"]:
        if dig(c, "securityContext.readOnlyRootFilesystem") is not True:
            yield "its root file system is not read-only"
        # Readiness asks for the broker. Liveness must not: a broker that is away would end all pods.
        for probe, path in (("startup", "/healthz"), ("readiness", "/readyz"), ("liveness", "/healthz")):
            if dig(c, f"{probe}Probe.httpGet", {"path": path}).get("path") != path:
                yield f"{probe}Probe does not ask {path}"


def references(objects, pods):
    """Everything that a pod names is there, or is named where people read what they must make."""
    spec = pods.spec
    if not objects.find("ServiceAccount", spec.get("serviceAccountName", "")):
        yield f'there is no ServiceAccount {spec.get("serviceAccountName")}'
    for source in spec["containers"][0].get("envFrom", []):
        if not objects.find("ConfigMap", source["configMapRef"]["name"]):
            yield f'there is no ConfigMap {source["configMapRef"]["name"]}'
    names = [item["name"] for item in spec["containers"][0].get("env", [])]
    for name in {name for name in names if names.count(name) > 1}:
        yield f"{name} is set twice"
    for name, value in objects.settings(pods).items():
        secret = objects.find("Secret", value["secret"]) if isinstance(value, dict) else None
        if secret and not value["optional"] and value["key"] not in {**secret.get("data", {}), **secret.get("stringData", {})}:
            yield f'{name} asks for {value["key"]}, which Secret {value["secret"]} does not have'
    mounted = {mount["name"] for mount in spec["containers"][0].get("volumeMounts", [])}
    for volume in spec.get("volumes", []):
        if volume["name"] not in mounted:
            yield f'volume {volume["name"]} is mounted nowhere'
    paths = [mount["mountPath"] + "/" for mount in spec["containers"][0].get("volumeMounts", [])]
    for name, value in objects.settings(pods).items():
        for path in re.findall(r"/etc/easel/[\w./-]+", value) if isinstance(value, str) else []:
            if not any(path.startswith(mount) for mount in paths):
                yield f"{name} names {path}, where nothing is mounted"


def needed_secrets(objects, pods):
    named = {value["secret"] for value in objects.settings(pods).values() if isinstance(value, dict)}
    return sorted(named | {v["secret"]["secretName"] for v in pods.spec.get("volumes", []) if "secret" in v})


def others_secrets(objects):
    """(object, Secret that it names) of what is not our program."""
    for o in objects.of("Gateway"):
        for listener in o["spec"]["listeners"]:
            yield from ((o, ref["name"]) for ref in dig(listener, "tls.certificateRefs", []))
    for o in objects.of("MongoDBCommunity"):
        yield from ((o, user["passwordSecretRef"]["name"]) for user in o["spec"]["users"])
    for o in objects.of("RabbitmqCluster", "MongoDBCommunity"):
        for path in ("spec.tls.secretName", "spec.security.tls.certificateKeySecretRef.name"):
            if dig(o, path):
                yield o, dig(o, path)


def secret_comes_from(objects, name):
    if objects.find("Secret", name):
        return "the overlay"
    if name in [o["spec"]["secretName"] for o in objects.of("Certificate")]:
        return "cert-manager"
    if name in [form.format(o["metadata"]["name"]) for kind, form in OPERATORS_SECRETS.items() for o in objects.of(kind)]:
        return "an operator"
    told = re.findall(r"create secret (?:generic|tls) (\S+)", (ROOT / "docs/DEPLOY.md").read_text())
    return "a person" if name in told else None


def secrets(objects):
    if objects.overlay != "dev":
        for o in objects.of("Secret"):
            yield f"{title(o)}: secrets are not kept in the tree"
    for o in objects.of("ConfigMap"):
        for name, value in o["data"].items():
            if re.search(r"SECRET|PASSWORD|TOKEN", name) or re.search(r"://[^/@]+@", value):
                yield f"{title(o)}: {name} holds a secret; those belong into a Secret"
