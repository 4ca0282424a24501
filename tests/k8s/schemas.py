# SPDX-License-Identifier: Apache-2.0
"""Each object against its schema, strictly: a field that the schema does not know is an error."""

import copy
from functools import cache

import jsonschema
import kubernetes_validate
import yaml

from objects import TOOLS, dig, title

KUBERNETES = "1.37"
# It reads a megabyte for each object; once will do.
kubernetes_validate.utils.schema_contents = cache(kubernetes_validate.utils.schema_contents)


def check(objects):
    definitions = load_definitions()
    for o in objects.all:
        for extra in [o, *hidden(o)]:
            for sentence in errors(extra, definitions):
                yield f"{title(o)}: {sentence}"


def errors(o, definitions):
    kind = (o.get("apiVersion"), o.get("kind"))
    if kind in definitions:
        found = jsonschema.Draft202012Validator(definitions[kind]).iter_errors(o)
        return [sentence(error) for error in sorted(found, key=lambda e: list(map(str, e.path)))]
    try:
        kubernetes_validate.validate(o, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [sentence(error)]
    except kubernetes_validate.SchemaNotFoundError:
        return [f"no schema knows {kind[0]} {kind[1]}"]
    return []


def sentence(error):
    where = ".".join(str(step) for step in error.absolute_path)
    return f"{where or 'its top level'}: {error.message[:300]}"


def hidden(o):
    """What a definition leaves open: the StatefulSet inside a MongoDBCommunity."""
    inner = dig(o, "spec.statefulSet.spec") if o["kind"] == "MongoDBCommunity" else None
    if inner:
        yield {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": o["metadata"],
               "spec": {"serviceName": "x", "selector": {}, **inner}}


@cache
def load_definitions():
    """{(apiVersion, kind): schema} of the operators' resources."""
    made = {}
    for path in sorted((TOOLS / "crds").glob("*.yaml")):
        for definition in yaml.load_all(path.read_text(), yaml.CSafeLoader):
            spec = definition["spec"]
            for version in spec["versions"]:
                schema = strict(version["schema"]["openAPIV3Schema"])
                schema["properties"]["metadata"] = METADATA
                made[f'{spec["group"]}/{version["name"]}', spec["names"]["kind"]] = schema
    return made


METADATA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "namespace": {"type": "string"},
        "labels": {"additionalProperties": {"type": "string"}},
        "annotations": {"additionalProperties": {"type": "string"}},
    },
}


def strict(schema):
    """An OpenAPI schema of Kubernetes as a JSON schema that admits only what it names."""
    schema = copy.deepcopy(schema)
    walk(schema)
    return schema


def walk(schema):
    if schema.pop("x-kubernetes-int-or-string", False):
        schema["type"] = ["integer", "string"]
        schema.pop("anyOf", None)
    if schema.pop("nullable", False):
        schema["type"] = [schema["type"], "null"]
    free = schema.get("x-kubernetes-preserve-unknown-fields", False)
    if "properties" in schema and "additionalProperties" not in schema and not free:
        schema["additionalProperties"] = False
    for child in schema.get("properties", {}).values():
        walk(child)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            walk(schema[key])
