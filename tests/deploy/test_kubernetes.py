"""deploy/kubernetes: valid by the schemas of Kubernetes and KEDA, and true to what pods run."""

import re
import shutil
import sys
from copy import deepcopy
from functools import reduce
from importlib.metadata import version
from pathlib import Path
from typing import Final

import kubernetes_validate
import pytest
import yaml
from manifests import (
    GATEWAYS,
    KUBERNETES,
    KUSTOMIZATION,
    MANIFESTS,
    OLDEST,
    PODS,
    RUNNING,
    SCALING,
    WORKERS,
    Manifest,
    chosen,
    container,
    environment,
    names,
    one,
    pod,
    problem_with,
)
from queries import DEPLOY, ROOT, load, run

from stream_cw.broker.contract import topic_names, topics_contract
from stream_cw.config import Settings, variable
from stream_cw.gateway import producing, server
from stream_cw.gateway.settings import GatewaySettings
from stream_cw.worker.run import STOP_SECONDS

SETTINGS: Final = {"worker": Settings, "gateway": GatewaySettings, "topics": Settings}
VERSIONS: Final = (OLDEST, kubernetes_validate.latest_version())


def test_all_files_are_applied() -> None:
    others = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(KUSTOMIZATION["resources"]) == others


@pytest.mark.parametrize("release", VERSIONS)
@pytest.mark.parametrize("manifest", MANIFESTS, ids=names)
def test_a_manifest_is_as_its_schema_says(manifest: Manifest, release: str) -> None:
    assert problem_with(manifest, release) is None


@pytest.mark.parametrize(
    ("manifest", "path", "value"),
    [
        (WORKERS, ("spec", "template", "spec", "terminationGracePeriodSeconds"), "45s"),
        (WORKERS, ("spec", "template", "spec", "readOnlyRootFilesystem"), True),
        (GATEWAYS, ("spec", "strategy", "rolling"), {}),
        (SCALING, ("spec", "maxReplicaCount"), "8"),
        (SCALING, ("spec", "maxReplicas"), 8),
    ],
    ids=lambda part: part[-1] if isinstance(part, tuple) else "",
)
def test_the_schemas_refuse_what_is_wrong(
    manifest: Manifest, path: tuple[str, ...], value: object
) -> None:
    wrong = deepcopy(manifest)
    reduce(lambda part, name: part[name], path[:-1], wrong)[path[-1]] = value
    assert problem_with(wrong, OLDEST) is not None


def test_kustomize_builds_it() -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    done = run("kubectl", "kustomize", str(KUBERNETES))
    assert done.returncode == 0, done.stderr
    built: list[Manifest] = list(yaml.safe_load_all(done.stdout))
    assert [problem for each in built if (problem := problem_with(each, OLDEST))] == []
    kinds = [each["kind"] for each in built]
    assert sorted(kinds) == sorted([each["kind"] for each in MANIFESTS] + ["ConfigMap"] * 2)
    maps = {each["metadata"]["name"] for each in built if each["kind"] == "ConfigMap"}
    for each in built:
        assert each["metadata"]["namespace"] == KUSTOMIZATION["namespace"]
        if each["kind"] in PODS:
            assert container(each)["image"].endswith(f"/stream-cw:{version('stream-cw')}")
            sources = {
                s["configMapRef"]["name"] for s in container(each)["envFrom"] if "configMapRef" in s
            }
            assert sources <= maps


@pytest.mark.parametrize("manifest", RUNNING, ids=names)
def test_settings_and_commands_exist(manifest: Manifest) -> None:
    command = container(manifest)["args"]
    kind = SETTINGS[command[0]]
    known = {variable(kind, name) for name in kind.model_fields}
    assert set(environment(manifest)) <= known
    program = str(Path(sys.executable).with_name("stream-cw"))
    done = run(program, *command, "--help")
    assert done.returncode == 0, done.stderr


def test_a_gateway_gets_all_that_it_cannot_start_without() -> None:
    wanted = {
        variable(GatewaySettings, name)
        for name, field in GatewaySettings.model_fields.items()
        if field.is_required()
    }
    assert wanted | {"STREAM_CW_GATEWAY_SECRET"} <= set(environment(GATEWAYS))
    assert GATEWAYS["spec"]["replicas"] > 1
    assert "STREAM_CW_GATEWAY_TICKET_SECRET" in environment(GATEWAYS)


def test_secrets_are_only_referred_to() -> None:
    assert not [each for each in MANIFESTS if each["kind"] == "Secret"]
    secret = {
        variable(GatewaySettings, name)
        for name, field in GatewaySettings.model_fields.items()
        if not field.repr
    }
    found = environment(GATEWAYS)
    assert {name for name in found if "SECRET" in name} == secret
    for name in secret:
        assert found[name] == {"secretKeyRef": {"name": "stream-cw-gateway", "key": name}}


@pytest.mark.parametrize("manifest", RUNNING, ids=names)
def test_each_role_proves_who_it_is_by_secrets_of_its_own(manifest: Manifest) -> None:
    secret = f"{manifest['metadata']['name']}-kafka"
    named = [each["secretRef"] for each in container(manifest)["envFrom"] if "secretRef" in each]
    assert named == [{"name": secret, "optional": True}]
    [volume] = [each for each in pod(manifest)["volumes"] if "secret" in each]
    assert volume["secret"] == {"secretName": f"{secret}-files", "optional": True}
    [mount] = [m for m in container(manifest)["volumeMounts"] if m["name"] == volume["name"]]
    assert mount["readOnly"] is True
    assert mount["mountPath"] in (ROOT / "docs" / "operations.md").read_text()


@pytest.mark.parametrize("manifest", RUNNING, ids=names)
def test_a_pod_may_do_nothing_that_it_need_not(manifest: Manifest) -> None:
    [uid] = re.findall(r"useradd --uid (\d+)", (ROOT / "Dockerfile").read_text())
    spec, only = pod(manifest), container(manifest)
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == int(uid)
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(only["resources"]["requests"]) == {"cpu", "memory"}
    assert "memory" in only["resources"]["limits"]


def test_a_worker_keeps_its_name_and_its_states() -> None:
    found = environment(WORKERS)
    assert found["STREAM_CW_INSTANCE"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    places = {mount["mountPath"]: mount["name"] for mount in container(WORKERS)["volumeMounts"]}
    [claim] = WORKERS["spec"]["volumeClaimTemplates"]
    assert places[found["STREAM_CW_DATA_DIR"]] == claim["metadata"]["name"]
    assert "replicas" not in WORKERS["spec"]


@pytest.mark.parametrize("manifest", [WORKERS, GATEWAYS], ids=names)
def test_a_pod_can_write_where_it_does(manifest: Manifest) -> None:
    """Compilers and the gateway's store use the folder for temporary files; the root is locked."""
    places = {mount["mountPath"]: mount["name"] for mount in container(manifest)["volumeMounts"]}
    assert places["/tmp"] in {volume["name"] for volume in pod(manifest)["volumes"]}  # noqa: S108
    assert pod(manifest)["securityContext"]["fsGroup"] == 10001


def test_probes_are_asked_where_they_are_answered() -> None:
    found = environment(WORKERS)["STREAM_CW_PROBES"]
    assert container(WORKERS)["ports"] == [
        {"name": "probes", "containerPort": int(found.removeprefix("0.0.0.0:"))}
    ]
    assert container(GATEWAYS)["ports"] == [
        {"name": "http", "containerPort": GatewaySettings.model_fields["port"].default}
    ]
    assert environment(GATEWAYS)["STREAM_CW_GATEWAY_HOST"] == "0.0.0.0"  # noqa: S104
    for manifest in (WORKERS, GATEWAYS):
        [port] = container(manifest)["ports"]
        alive, ready = (container(manifest)[f"{kind}Probe"] for kind in ("liveness", "readiness"))
        assert alive["httpGet"] == {"path": "/healthz", "port": port["name"]}
        assert ready["httpGet"] == {"path": "/readyz", "port": port["name"]}
    assert container(WORKERS)["startupProbe"]["httpGet"] == {"path": "/healthz", "port": "probes"}


def test_pods_are_given_the_time_that_they_take_to_end() -> None:
    assert pod(WORKERS)["terminationGracePeriodSeconds"] > STOP_SECONDS
    _, pause = container(GATEWAYS)["lifecycle"]["preStop"]["exec"]["command"]
    ending = int(pause) + server.ENDING_SECONDS + producing.STOP_SECONDS
    assert pod(GATEWAYS)["terminationGracePeriodSeconds"] > ending


@pytest.mark.parametrize("manifest", [each for each in MANIFESTS if chosen(each)], ids=names)
def test_what_selects_pods_selects_those_of_its_name(manifest: Manifest) -> None:
    labels = {each["metadata"]["name"]: each["spec"]["template"]["metadata"] for each in RUNNING}
    selector = set((chosen(manifest) or {}).items())
    selected = {name for name, pods in labels.items() if selector <= set(pods["labels"].items())}
    name = manifest["metadata"]["name"]
    assert selected == ({name} if name in labels else set(labels))


def test_the_network_lets_through_to_ports_that_there_are() -> None:
    for manifest in (WORKERS, GATEWAYS):
        policy = one("NetworkPolicy", manifest["metadata"]["name"])
        [rule] = policy["spec"]["ingress"]
        [port] = container(manifest)["ports"]
        assert rule["ports"] == [{"port": port["name"]}]
        assert rule["from"]
    assert "ingress" not in one("NetworkPolicy", "stream-cw")["spec"]


def test_a_budget_lets_one_go_at_a_time() -> None:
    budgets = [each for each in MANIFESTS if each["kind"] == "PodDisruptionBudget"]
    assert {each["metadata"]["name"] for each in budgets} == {
        each["metadata"]["name"] for each in (WORKERS, GATEWAYS)
    }
    assert all(each["spec"]["maxUnavailable"] == 1 for each in budgets)


def test_scaling_is_by_the_lag_of_the_workers_up_to_one_for_each_partition() -> None:
    spec = SCALING["spec"]
    target = spec["scaleTargetRef"]
    assert (target["kind"], target["name"]) == (WORKERS["kind"], WORKERS["metadata"]["name"])
    job = container(one("Job", "stream-cw-topics"))["args"]
    partitions = int(job[job.index("--partitions") + 1])
    assert spec["maxReplicaCount"] == partitions == topics_contract().partitions
    assert int(environment(WORKERS)["STREAM_CW_STANDBYS"]) < spec["minReplicaCount"] < partitions
    [trigger] = spec["triggers"]
    asked, known = trigger["metadata"], environment(WORKERS)
    assert trigger["type"] == "kafka"
    assert asked["bootstrapServersFromEnv"] == variable(Settings, "brokers")
    assert asked["consumerGroupFromEnv"] == variable(Settings, "app_id")
    assert {"STREAM_CW_BROKERS", "STREAM_CW_APP_ID"} <= set(known)
    prefix = known.get("STREAM_CW_TOPIC_PREFIX", "")
    assert asked["topic"] == topic_names(prefix, known["STREAM_CW_APP_ID"]).events
    assert int(asked["lagThreshold"]) > 0
    assert asked["offsetResetPolicy"] == "earliest"
    assert len(asked) == 5


def test_prometheus_finds_the_pods() -> None:
    jobs = load(DEPLOY / "prometheus" / "kubernetes.yml")["scrape_configs"]
    for job, manifest in zip(jobs, (WORKERS, GATEWAYS), strict=True):
        [found] = job["kubernetes_sd_configs"]
        assert found["namespaces"]["names"] == [KUSTOMIZATION["namespace"]]
        keep, instance = job["relabel_configs"]
        labels = manifest["spec"]["template"]["metadata"]["labels"]
        [port] = container(manifest)["ports"]
        part = labels["app.kubernetes.io/component"]
        assert job["job_name"] == f"{labels['app.kubernetes.io/name']}-{part}"
        assert keep["regex"] == f"{labels['app.kubernetes.io/name']};{part};{port['name']}"
        assert instance["target_label"] == "instance"
