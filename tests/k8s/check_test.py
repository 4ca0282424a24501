# SPDX-License-Identifier: Apache-2.0
"""The check finds what it is there for: each broken variant of the manifests is told in a clear sentence."""

import copy
import shutil
import tempfile
import unittest
from pathlib import Path

from check import faults
from objects import ROOT, Objects, render

RENDERED = {}


def broken(overlay, *names):
    """A copy of the overlay, and these objects of it ("Kind name")."""
    if overlay not in RENDERED:
        RENDERED[overlay] = render(overlay)
    objects = Objects(overlay, copy.deepcopy(RENDERED[overlay].all))
    found = [objects.find(*name.split()) for name in names]
    assert all(found), names
    return objects, *found


class Check(unittest.TestCase):
    def told(self, objects, *words):
        said = list(faults(objects))
        self.assertTrue(any(all(word in sentence for word in words) for sentence in said),
                        f"{words} not said in: " + "\n".join(said))

    def test_an_overlay_of_ones_own_has_ones_own_host_and_images(self):
        objects = render("yours")
        url = objects.find("ConfigMap", "easel-gateway")["data"]["EASEL_PUBLIC_URL"]
        host = url.removeprefix("https://")
        self.assertNotIn("easel.example.com", url)
        self.assertEqual(objects.find("HTTPRoute", "gateway")["spec"]["hostnames"], [host])
        self.assertEqual([one["hostname"] for one in objects.find("Gateway", "easel")["spec"]["listeners"]], [host])
        for o in objects.of("Deployment"):
            for container in o["spec"]["template"]["spec"]["containers"]:
                self.assertIn("registry.your.example/", container["image"])

    def test_a_typo_in_a_file(self):
        with tempfile.TemporaryDirectory() as directory:
            shutil.copytree(ROOT / "k8s", Path(directory) / "k8s")
            file = Path(directory) / "k8s/base/gateway.yaml"
            file.write_text(file.read_text().replace("readinessProbe:", "readynessProbe:"))
            self.told(render("production", Path(directory)), "Deployment gateway", "readynessProbe")

    def test_unknown_fields_of_operators_resources(self):
        for kind, path in {
            "RabbitmqCluster easel-rabbitmq": "spec",
            "MongoDBCommunity easel-mongodb": "spec",
            "HTTPRoute gateway": "spec",
            "Gateway easel": "spec",
            "ScaledObject gateway": "spec",
            "PodMonitor easel": "spec",
            "Certificate easel-ca": "spec",
            "NetworkPolicy default-deny": "spec",
        }.items():
            with self.subTest(kind):
                objects, o = broken("production", kind)
                o[path]["replicaz"] = 3
                self.told(objects, kind, "replicaz")

    def test_an_unknown_field_inside_what_a_definition_leaves_open(self):
        objects, o = broken("production", "MongoDBCommunity easel-mongodb")
        o["spec"]["statefulSet"]["spec"]["template"]["spec"]["container"] = []
        self.told(objects, "MongoDBCommunity easel-mongodb", "container")

    def test_a_wrong_type_and_a_kind_that_nobody_knows(self):
        objects, o = broken("dev", "Service gateway")
        o["spec"]["ports"][0]["port"] = "eighty"
        self.told(objects, "Service gateway", "eighty")
        objects, o = broken("dev", "Service gateway")
        o["apiVersion"] = "v2"
        self.told(objects, "no schema knows v2 Service")

    def container(self, change, *words, overlay="production", of="gateway"):
        objects, o = broken(overlay, f"Deployment {of}")
        change(o["spec"]["template"]["spec"], o["spec"]["template"]["spec"]["containers"][0])
        self.told(objects, f"Deployment {of}", *words)

    def test_the_restricted_profile(self):
        self.container(lambda pod, c: pod.pop("securityContext"), "runAsNonRoot")
        self.container(lambda pod, c: pod["securityContext"].pop("seccompProfile"), "seccompProfile")
        self.container(lambda pod, c: pod["securityContext"].update(runAsUser=0), "numeric user")
        self.container(lambda pod, c: c["securityContext"].pop("allowPrivilegeEscalation"), "allowPrivilegeEscalation")
        self.container(lambda pod, c: c["securityContext"].update(capabilities={"drop": ["NET_RAW"]}), "ALL capabilities")
        self.container(lambda pod, c: c["securityContext"].update(readOnlyRootFilesystem=False), "read-only")
        self.container(lambda pod, c: pod.update(hostNetwork=True), "hostNetwork")
        self.container(lambda pod, c: pod["volumes"].append({"name": "x", "hostPath": {"path": "/"}}), "volume x")
        self.container(lambda pod, c: pod.pop("automountServiceAccountToken"), "automountServiceAccountToken")
        objects, o = broken("production", "RabbitmqCluster easel-rabbitmq")
        del o["spec"]["override"]["statefulSet"]["spec"]["template"]["spec"]["containers"][0]["securityContext"]
        self.told(objects, "RabbitmqCluster easel-rabbitmq", "allowPrivilegeEscalation")

    def test_probes(self):
        self.container(lambda pod, c: c.pop("startupProbe"), "no startupProbe")
        self.container(lambda pod, c: c["livenessProbe"]["httpGet"].update(path="/readyz"), "livenessProbe", "/healthz")
        self.container(lambda pod, c: c["readinessProbe"]["httpGet"].update(port="metrics"), "readinessProbe", "metrics")

    def test_resources(self):
        self.container(lambda pod, c: c["resources"]["limits"].pop("memory"), "no limits of memory")
        self.container(lambda pod, c: c["resources"].pop("requests"), "no requests of cpu", overlay="dev")

    def test_images(self):
        for image in ("easel/gateway", "easel/gateway:latest", "easel/gateway:1"):
            self.container(lambda pod, c: c.update(image=image), f"image {image} is not pinned")
        objects, o = broken("dev", "StatefulSet easel-mongodb")
        o["spec"]["template"]["spec"]["containers"][0]["image"] = "mongo:8"
        self.told(objects, "mongo:8 is not pinned")

    def test_secrets(self):
        objects, o = broken("production", "ConfigMap easel-common")
        o["data"]["EASEL_AMQP"] = "amqps://me:secret@easel-rabbitmq.easel.svc:5671/"
        self.told(objects, "EASEL_AMQP holds a secret")
        objects, o = broken("production", "ConfigMap easel-gateway")
        o["data"]["EASEL_CREATE_TOKEN"] = "x"
        self.told(objects, "EASEL_CREATE_TOKEN holds a secret")
        objects, o = broken("dev", "Secret easel-gateway")
        objects.overlay = "production"
        self.told(objects, "not kept in the tree")

    def test_names_of_what_is_not_there(self):
        self.container(lambda pod, c: c["envFrom"][0]["configMapRef"].update(name="easel-comon"), "easel-comon")
        self.container(lambda pod, c: pod.update(serviceAccountName="gatway"), "gatway")
        self.container(lambda pod, c: c["env"][2]["valueFrom"]["secretKeyRef"].update(name="easel-gatway"), "easel-gatway")
        self.container(lambda pod, c: c["volumeMounts"].pop(), "EASEL_AMQP_CA", "nothing is mounted")
        objects, o = broken("dev", "Secret easel-gateway")
        o["data"] = {"EASEL_SECRET": "eA=="}
        self.told(objects, "EASEL_SECRET asks for secret", "does not have")
        objects, o = broken("production", "HTTPRoute gateway")
        o["spec"]["rules"][0]["backendRefs"][0]["port"] = 8080
        self.told(objects, "no Service gateway with port 8080")
        objects, o = broken("production", "ConfigMap easel-history-service")
        o["data"]["EASEL_STORE"] = "mongodb://mongo.easel.svc:27017/easel"
        self.told(objects, "history-service", "mongo.easel.svc")

    def test_network(self):
        for name, words in {
            "default-deny": ("denies everything by default",),
            "names": ("may not look up names",),
            "gateway": ("the balancer cannot reach gateway:8080",),
            "services": ("cannot reach easel-rabbitmq:5671", "no egress"),
            "rabbitmq": ("cannot reach easel-rabbitmq:5671", "no ingress"),
            "history-service": ("history-service cannot reach easel-mongodb:27017", "no egress"),
            "mongodb": ("history-service cannot reach easel-mongodb:27017", "no ingress"),
        }.items():
            with self.subTest(name):
                objects, o = broken("production", f"NetworkPolicy {name}")
                objects.all.remove(o)
                self.told(objects, *words)
        objects, o = broken("production", "NetworkPolicy services")
        o["spec"]["ingress"][0]["ports"][0]["port"] = 9090
        self.told(objects, "opens port 9090", "does not have")
        self.told(objects, "Prometheus cannot reach gateway:8081")
        objects, o = broken("production", "NetworkPolicy gateway")
        del o["spec"]["ingress"][0]["from"]
        self.told(objects, "opens everything")
        objects, o = broken("production", "ConfigMap easel-common")
        o["data"]["EASEL_AMQP"] = "amqps://easel-rabbitmq.easel.svc:5672/"
        self.told(objects, "5672", "does not have")

    def test_services_and_routes(self):
        objects, o = broken("production", "Service gateway")
        o["spec"]["selector"] = {"app": "gateway"}
        self.told(objects, "Service gateway", "selects no pods")
        objects, o = broken("production", "Service gateway")
        o["spec"]["ports"][0]["targetPort"] = "web"
        self.told(objects, "Service gateway", "web")
        objects, o = broken("production", "HTTPRoute gateway")
        o["spec"]["rules"][0]["timeouts"]["request"] = "60s"
        self.told(objects, "WebSockets would be cut off")

    def test_scaling(self):
        objects, o = broken("production", "ScaledObject board-service")
        o["spec"]["maxReplicaCount"] = 33
        self.told(objects, "board-service", "33 replicas for 32 shards")
        objects, o = broken("dev", "Deployment history-service")
        o["spec"]["replicas"] = 40
        self.told(objects, "history-service", "40 replicas for 32 shards")
        objects, o = broken("production", "ScaledObject gateway")
        o["spec"]["scaleTargetRef"]["name"] = "gateways"
        self.told(objects, "no Deployment gateways")
        objects, o = broken("production", "ScaledObject gateway")
        o["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]["policies"][0]["value"] = 5
        self.told(objects, "one pod at a time")
        objects, o = broken("production", "ScaledObject gateway")
        o["spec"]["triggers"][0]["metadata"]["query"] = "sum(easel_gateway_conections)"
        self.told(objects, "easel_gateway_conections", "docs/METRICS.md")
        objects, o = broken("production", "Deployment gateway")
        o["spec"]["replicas"] = 3
        self.told(objects, "undo the autoscaling")

    def test_leaving_and_disruption(self):
        self.container(lambda pod, c: pod.update(terminationGracePeriodSeconds=30), "terminationGracePeriodSeconds 30")
        self.container(lambda pod, c: pod.update(terminationGracePeriodSeconds=8), "less than", of="history-service")
        self.container(lambda pod, c: c.pop("lifecycle"), "without preStop")
        objects, o = broken("production", "PodDisruptionBudget gateway")
        o["spec"]["maxUnavailable"] = 0
        self.told(objects, "ever be drained")
        objects, o = broken("production", "PodDisruptionBudget easel-mongodb")
        objects.all.remove(o)
        self.told(objects, "easel-mongodb", "0 PodDisruptionBudgets")

    def test_broker(self):
        objects, o = broken("production", "ConfigMap easel-common")
        o["data"]["EASEL_QUORUM"] = "0"
        self.told(objects, "EASEL_QUORUM", "3 nodes")
        objects, o = broken("production", "RabbitmqCluster easel-rabbitmq")
        del o["spec"]["tls"]
        self.told(objects, "TLS")

    def test_what_is_there_twice_or_elsewhere(self):
        objects, o = broken("dev", "Service gateway")
        objects.all.append(o)
        self.told(objects, "Service gateway is there twice")
        o["metadata"]["namespace"] = "default"
        self.told(objects, "not in the namespace easel")


if __name__ == "__main__":
    unittest.main()
