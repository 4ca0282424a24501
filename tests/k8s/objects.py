# SPDX-License-Identifier: Apache-2.0
"""The objects of a rendered overlay, and what follows from them."""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "build/k8s"
OVERLAYS = [path.name for path in sorted((ROOT / "k8s/overlays").iterdir())]


def render(overlay, root=ROOT):
    """What `kubectl apply -k` would send to a cluster."""
    made = subprocess.run([TOOLS / "bin/kustomize", "build", root / "k8s/overlays" / overlay],
                          capture_output=True, text=True)
    if made.returncode:
        raise SystemExit(f"{overlay}: kustomize: {made.stderr.strip()}")
    return Objects(overlay, list(yaml.load_all(made.stdout, yaml.CSafeLoader)))


@dataclass
class Pods:
    """The pods that an object makes."""
    owner: dict
    labels: dict
    spec: dict  # a PodSpec, or as much of it as the manifests say
    ports: dict = field(default_factory=dict)  # name: number
    ours: bool = False  # runs one of our programs

    @property
    def name(self):
        return self.owner["metadata"]["name"]


@dataclass
class Objects:
    overlay: str
    all: list

    def of(self, *kinds):
        return [o for o in self.all if o["kind"] in kinds]

    def find(self, kind, name):
        """The object, or None. Generated ConfigMaps are found without their hash, too."""
        for o in self.of(kind):
            if o["metadata"]["name"] == name or re.fullmatch(f"{name}-[a-z0-9]{{10}}", o["metadata"]["name"]):
                return o
        return None

    def pods(self):
        """All pods, also those that an operator makes of its resource."""
        made = []
        for o in self.of("Deployment", "StatefulSet", "DaemonSet", "Job"):
            template = o["spec"]["template"]
            labels = template["metadata"]["labels"]
            ports = {p.get("name", str(p["containerPort"])): p["containerPort"]
                     for c in containers(template["spec"]) for p in c.get("ports", [])}
            made.append(Pods(o, labels, template["spec"], ports, labels.get("app.kubernetes.io/part-of") == "easel"))
        for o in self.of("RabbitmqCluster"):
            labels = {"app.kubernetes.io/name": o["metadata"]["name"], "app.kubernetes.io/component": "rabbitmq",
                      "app.kubernetes.io/part-of": "rabbitmq"}
            made.append(Pods(o, labels, dig(o, "spec.override.statefulSet.spec.template.spec", {}),
                             {"amqps": 5671} if dig(o, "spec.tls.secretName") else {"amqp": 5672}))
        for o in self.of("MongoDBCommunity"):
            made.append(Pods(o, {"app": o["metadata"]["name"] + "-svc"},
                             dig(o, "spec.statefulSet.spec.template.spec", {}), {"mongodb": 27017}))
        return made

    def programs(self):
        return [pods for pods in self.pods() if pods.ours]

    def service_pods(self, name):
        """The pods behind a Service, also one that an operator makes."""
        service = self.find("Service", name)
        if service:
            selector = service["spec"]["selector"]
            return [pods for pods in self.pods() if selector.items() <= pods.labels.items()]
        return [pods for pods in self.pods()
                if pods.owner["kind"] == "RabbitmqCluster" and pods.name == name
                or pods.owner["kind"] == "MongoDBCommunity" and pods.name + "-svc" == name]

    def settings(self, pods):
        """The environment of our program: {name: value, or a reference as {"secret":, "key":, "optional":}}."""
        env = {}
        for source in pods.spec["containers"][0].get("envFrom", []):
            config = self.find("ConfigMap", source["configMapRef"]["name"])
            env.update(config["data"] if config else {})
        for item in pods.spec["containers"][0].get("env", []):
            ref = dig(item, "valueFrom.secretKeyRef")
            env[item["name"]] = item.get("value", "") if ref is None else {
                "secret": ref["name"], "key": ref["key"], "optional": ref.get("optional", False)}
        return env


def containers(pod_spec):
    return pod_spec.get("initContainers", []) + pod_spec.get("containers", [])


def dig(value, path, default=None):
    """dig(o, "spec.tls.secretName"): what stands there, or the default."""
    for step in path.split("."):
        if not isinstance(value, dict) or step not in value:
            return default
        value = value[step]
    return value


def title(o):
    return f'{o["kind"]} {o["metadata"]["name"]}'


def selects(selector, labels):
    """Whether a LabelSelector selects pods with these labels."""
    for rule in selector.get("matchExpressions", []):
        value, values = labels.get(rule["key"]), rule.get("values", [])
        if not {"In": value in values, "NotIn": value not in values,
                "Exists": value is not None, "DoesNotExist": value is None}[rule["operator"]]:
            return False
    return selector.get("matchLabels", {}).items() <= labels.items()
