"""deploy/kubernetes as tests read it: its manifests, their schemas, what containers are told."""

import json
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import kubernetes_validate
import yaml
from queries import DEPLOY, load

KUBERNETES: Final = DEPLOY / "kubernetes"
KUSTOMIZATION: Final = load(KUBERNETES / "kustomization.yaml")
KEDA: Final = Path(__file__).with_name("keda-scaledobject.v1alpha1.json")
OLDEST: Final = "1.32"
PODS: Final = ("StatefulSet", "Deployment", "Job")

Manifest = dict[str, Any]
MANIFESTS: Final[list[Manifest]] = [
    manifest
    for name in KUSTOMIZATION["resources"]
    for manifest in yaml.safe_load_all((KUBERNETES / name).read_text())
]


def names(manifest: Any) -> str:
    return f"{manifest['kind']}-{manifest['metadata']['name']}" if manifest else ""


def problem_with(manifest: Manifest, release: str) -> str | None:
    """Tell what the schema of a manifest's kind does not take."""
    if manifest["kind"] == "ScaledObject":
        errors = jsonschema_rs.validator_for(json.loads(KEDA.read_bytes())).iter_errors(manifest)
        return next((error.message for error in errors), None)
    try:
        kubernetes_validate.validate(manifest, release, strict=True)
    except kubernetes_validate.ValidationError as error:
        return str(error.message)
    return None


def one(kind: str, name: str) -> Manifest:
    [found] = [each for each in MANIFESTS if names(each) == f"{kind}-{name}"]
    return found


WORKERS: Final = one("StatefulSet", "stream-cw-worker")
GATEWAYS: Final = one("Deployment", "stream-cw-gateway")
SCALING: Final = one("ScaledObject", "stream-cw-worker")
RUNNING: Final = [each for each in MANIFESTS if each["kind"] in PODS]


def pod(manifest: Manifest) -> Manifest:
    spec: Manifest = manifest["spec"]["template"]["spec"]
    return spec


def container(manifest: Manifest) -> Manifest:
    [only] = pod(manifest)["containers"]
    found: Manifest = only
    return found


def environment(manifest: Manifest) -> dict[str, Any]:
    """Give what a container finds in its environment: values, or where one comes from."""
    found: dict[str, Any] = {}
    for source in container(manifest).get("envFrom", []):
        if "configMapRef" in source:
            found |= generated(source["configMapRef"]["name"])
    return found | {
        entry["name"]: entry.get("value", entry.get("valueFrom"))
        for entry in container(manifest).get("env", [])
    }


def generated(name: str) -> dict[str, str]:
    [source] = [each for each in KUSTOMIZATION["configMapGenerator"] if each["name"] == name]
    [file] = source["envs"]
    return dict(line.split("=", 1) for line in (KUBERNETES / file).read_text().splitlines())


def chosen(manifest: Manifest) -> dict[str, str] | None:
    spec = manifest["spec"]
    selector: dict[str, str] | None = {
        "Service": spec.get("selector"),
        "PodDisruptionBudget": spec.get("selector", {}).get("matchLabels"),
        "NetworkPolicy": spec.get("podSelector", {}).get("matchLabels"),
        **dict.fromkeys(PODS, spec.get("selector", {}).get("matchLabels")),
    }.get(manifest["kind"])
    return selector
