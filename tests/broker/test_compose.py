"""docker-compose.yml and the Dockerfile, as far as they can be checked without an engine.

`docker compose config` runs where the client's plugin is installed. Everywhere else the checks are
on the structure: what is pinned, who waits for whom, whose volume is whose. Beyond that, the
settings of the broker are held against a running Apache Kafka, those of workers and gateway against
their own, the commands against the command line, and the workers' health check is run for real.
No image is built or started here.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka.admin import AdminClient, ConfigResource

from stream_cw.broker.kafka import KAFKA_VERSION
from stream_cw.broker.process import Broker
from stream_cw.config import Settings, variable
from stream_cw.core.row import View
from stream_cw.gateway.settings import GatewaySettings
from stream_cw.worker.metrics import Metrics
from stream_cw.worker.probes import Standing, answering
from stream_cw.worker.stats import Stats

ROOT = Path(__file__).parents[2]
WORKERS = ("worker-1", "worker-2")
OWN = ("topics", *WORKERS, "gateway")
OBSERVED = ("prometheus", "grafana")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return document


def run(*command: str, **arguments: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True, **arguments)


def test_docker_takes_it() -> None:
    if not shutil.which("docker") or run("docker", "compose", "version").returncode:
        pytest.skip("docker compose is not installed")
    wanted = dict.fromkeys(asked_of_the_environment(), "x" * 32)
    for profile in ([], ["--profile", "observed"]):
        command = ("docker", "compose", *profile, "config", "--quiet")
        done = run(*command, cwd=ROOT, env={**os.environ, **wanted})
        assert done.returncode == 0, done.stderr


def asked_of_the_environment() -> dict[str, str]:
    """Give the variables that compose takes from the environment, and how."""
    return dict(re.findall(r"\$\{(\w+)(.*?)\}", (ROOT / "docker-compose.yml").read_text()))


def test_services(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {"kafka", *OWN, *OBSERVED}
    assert services["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"
    assert {name for name in services if services[name].get("profiles")} == set(OBSERVED)
    assert all(services[name]["profiles"] == ["observed"] for name in OBSERVED)


def test_ports_are_open_on_this_machine_alone(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports == [f"127.0.0.1:{port}:{port}" for port in (9092, 8080, 9090, 3000)]


def test_each_waits_for_what_it_needs(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert services["topics"]["depends_on"]["kafka"]["condition"] == "service_healthy"
    assert services["topics"]["restart"] == "no"
    for name in (*WORKERS, "gateway"):
        waits = services[name]["depends_on"]
        assert waits["kafka"]["condition"] == "service_healthy"
        assert waits["topics"]["condition"] == "service_completed_successfully"
    for name in ("kafka", *WORKERS, "gateway"):
        check = services[name]["healthcheck"]
        assert check["test"][0] in {"CMD", "CMD-SHELL"}
        assert services[name]["restart"] == "unless-stopped"


def test_each_worker_has_its_own_name_and_volume(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for worker in WORKERS:
        environment = services[worker]["environment"]
        assert environment["STREAM_CW_INSTANCE"] == worker
        assert services[worker]["volumes"] == [f"{worker}:{environment['STREAM_CW_DATA_DIR']}"]
    used = {volume.split(":")[0] for service in services.values() for volume in volumes(service)}
    assert {name for name in used if not name.startswith("./")} == set(compose["volumes"])


def volumes(service: dict[str, Any]) -> list[str]:
    return list(service.get("volumes", []))


def test_each_knows_its_settings(compose: dict[str, Any]) -> None:
    for name in OWN:
        kind = GatewaySettings if name == "gateway" else Settings
        known = {variable(kind, field) for field in kind.model_fields}
        assert set(compose["services"][name]["environment"]) <= known


def test_a_gateway_starts_with_no_secret_that_others_know(compose: dict[str, Any]) -> None:
    """What tokens are held to comes from the environment, and without it compose starts nothing."""
    asked = asked_of_the_environment()
    wanted = {
        variable(GatewaySettings, name)
        for name, field in GatewaySettings.model_fields.items()
        if field.is_required()
    }
    assert set(asked) == wanted | {"STREAM_CW_GATEWAY_SECRET"}
    assert all(how.startswith(":?") for how in asked.values())
    environment = compose["services"]["gateway"]["environment"]
    assert all(environment[name] == f"${{{name}{how}}}" for name, how in asked.items())


def test_broker_is_reached_where_it_listens(compose: dict[str, Any]) -> None:
    kafka = compose["services"]["kafka"]
    environment = kafka["environment"]
    listeners = listeners_of(environment["KAFKA_LISTENERS"])
    advertised = listeners_of(environment["KAFKA_ADVERTISED_LISTENERS"])
    for name in OWN:
        brokers = compose["services"][name]["environment"]["STREAM_CW_BROKERS"]
        assert brokers == advertised["INSIDE"] == kafka["hostname"] + listeners["INSIDE"]
    assert kafka["ports"] == ["127.0.0.1:9092:9092"]
    assert advertised["OUTSIDE"] == "localhost" + listeners["OUTSIDE"] == "localhost:9092"
    voter = environment["KAFKA_CONTROLLER_QUORUM_VOTERS"]
    assert voter == f"{environment['KAFKA_NODE_ID']}@{kafka['hostname']}{listeners['CONTROLLER']}"
    assert environment["KAFKA_LOG_DIRS"] == kafka["volumes"][0].split(":")[1]


def listeners_of(value: str) -> dict[str, str]:
    return dict(listener.split("://") for listener in value.split(","))


@pytest.mark.kafka
def test_broker_knows_its_settings(compose: dict[str, Any], kafka: Broker) -> None:
    """The image turns KAFKA_NODE_ID into node.id; a name that Kafka does not know is ignored."""
    admin = AdminClient({"bootstrap.servers": kafka.address, "log_level": 0})
    resource = ConfigResource(ConfigResource.Type.BROKER, "1")
    known = set(admin.describe_configs([resource])[resource].result())
    environment = compose["services"]["kafka"]["environment"]
    names = {
        name.removeprefix("KAFKA_").lower().replace("_", ".")
        for name in environment
        if name != "CLUSTER_ID"
    }
    assert names - known == set()


def test_health_of_a_worker(compose: dict[str, Any]) -> None:
    """The check asks where the worker answers, and believes what it says."""
    service = compose["services"]["worker-1"]
    kind, _, *arguments = service["healthcheck"]["test"]
    assert kind == "CMD"
    port = service["environment"]["STREAM_CW_PROBES"].rpartition(":")[2]
    alive = True

    async def healthy() -> bool:
        standing = Standing(lambda: alive, lambda: True, View)
        async with answering("127.0.0.1:0", standing, Metrics(Stats())) as address:
            assert address is not None
            command = [part.replace(f":{port}/", f":{address[1]}/") for part in arguments]
            assert command != arguments
            return (await asyncio.to_thread(run, sys.executable, *command)).returncode == 0

    assert asyncio.run(healthy())
    alive = False
    assert not asyncio.run(healthy())


def test_health_of_a_gateway(compose: dict[str, Any]) -> None:
    """It is asked as a worker is, at its own port."""
    worker, gateway = (
        compose["services"][name]["healthcheck"]["test"] for name in ("worker-1", "gateway")
    )
    port = GatewaySettings.model_fields["port"].default
    assert gateway == [part.replace(":9464/", f":{port}/") for part in worker]
    assert compose["services"]["gateway"]["environment"]["STREAM_CW_GATEWAY_HOST"] == "0.0.0.0"  # noqa: S104
    assert compose["services"]["gateway"]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_commands_exist(compose: dict[str, Any]) -> None:
    program = str(Path(sys.executable).with_name("stream-cw"))
    for command in (compose["services"][name]["command"] for name in OWN):
        done = run(program, *command, "--help")
        assert done.returncode == 0, done.stderr


def test_image_has_what_it_copies() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = [
        name
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for name in line.split()[1:-1]
    ]
    ignored, *let_through = (ROOT / ".dockerignore").read_text().split()
    assert ignored == "*"
    for name in copied:
        assert (ROOT / name).exists(), name
        assert f"!{name}" in let_through, name
    assert {"pyproject.toml", "README.md", "LICENSE", "schemas", "stream_cw"} <= set(copied)


def test_image_can_run_all_commands() -> None:
    """A gateway needs its extra, which the package does not bring by itself."""
    assert 'pip install --no-cache-dir ".[gateway,compile]"' in (ROOT / "Dockerfile").read_text()


def test_image_brings_its_loops() -> None:
    """They are compiled for every processor, and looked for where they were left."""
    build, final = (ROOT / "Dockerfile").read_text().split("FROM python:3.11-slim\n")
    assert "XDG_CACHE_HOME=/opt/cache /opt/stream-cw/bin/stream-cw compile --portable" in build
    assert "COPY --from=build /opt /opt" in final
    assert "XDG_CACHE_HOME=/opt/cache" in final
    assert "PATH=/opt/stream-cw/bin:$PATH" in final


def test_image_runs_as_nobody_special() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("FROM ")][-1] == "FROM python:3.11-slim"
    assert "USER stream-cw" in lines
    assert lines.index("USER stream-cw") < lines.index('ENTRYPOINT ["stream-cw"]')
