"""The whole system on a broker that asks who is there: each role does its work, and no more."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from confluent_kafka import KafkaError, KafkaException
from gateway_support import an_event, bearing, device_path, gateways
from program import running
from secured_system import PREFIX, SecuredSystem, settings_of
from worker_support import wait_until, workers

from stream_cw.broker.acls import Right, grant, rights_of

pytestmark = pytest.mark.kafka
REFUSED = KafkaError.TOPIC_AUTHORIZATION_FAILED


@pytest.mark.parametrize("way", ["password", "certificate"])
def test_the_whole_path_works_with_least_rights(
    system: SecuredSystem, tmp_path: Path, way: str
) -> None:
    as_role: Callable[[str], dict[str, str]] = (
        system.cluster.as_user if way == "password" else system.cluster.as_holder
    )
    profile, device = f"ann-{way}", "tv"
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps(an_event(1, profile, device)) + "\n")
    catalog = tmp_path / "catalog.jsonl"
    catalog.write_text('{"kind":"film","id":"film-1","duration_ms":5400000}\n')
    system.call(as_role("catalog"), "catalog", "import", str(catalog))
    assert system.call(as_role("publisher"), "model", "list") == ""
    shared = {"topic_prefix": PREFIX, "log_level": "DEBUG"}
    with (
        workers(tmp_path / "workers", **shared, **settings_of(as_role("worker"))) as start_worker,
        gateways(tmp_path, **shared, **settings_of(as_role("gateway"))) as start_gateway,
    ):
        worker, gateway = start_worker(), start_gateway()
        producer = as_role("producer")
        system.call(producer, "replay", str(log), "--to", producer["STREAM_CW_BROKERS"])
        gateway.wait_ready()

        with httpx.Client(base_url=gateway.url, headers=bearing(profile), timeout=30) as client:
            sent = client.post("/v1/events", json=[an_event(2, profile, device)])
            assert sent.status_code == 202, sent.text

            def revision() -> int:
                assert worker.process.poll() is None, worker.log()
                row = client.get(f"{device_path(profile, device)}/row")
                return row.json()["version"]["revision"] if row.status_code == 200 else 0

            wait_until(lambda: revision() == 2, "the row of both events", 200)
        environment = {**as_role("client"), "STREAM_CW_TOPIC_PREFIX": PREFIX}
        with running("tail", "--json", "--from-beginning", **environment) as tail:
            tail.read_until(lambda text: f'"{profile}/{device}"' in text)
        recording = tmp_path / "recording.jsonl"
        system.call(as_role("operator"), "record", "-o", str(recording))
        assert recording.read_text().count(profile) > 0
        assert "0 would be sent" in system.call(as_role("operator"), "dlq", "replay", "--dry-run")
        command_line = Path(f"/proc/{worker.process.pid}/cmdline").read_text()
        worker.stop()
        gateway.stop()
        told = worker.log() + gateway.log() + tail.text + command_line
    assert not [secret for secret in system.cluster.passwords.values() if secret in told]


@pytest.mark.parametrize(
    ("role", "topic"),
    [
        ("producer", "rows"),
        ("producer", "changelog"),
        ("producer", "events"),
        ("client", "events"),
        ("client", "changelog"),
        ("gateway", "changelog"),
        ("gateway", "events"),
        ("worker", "rows"),
        ("catalog", "rows"),
        ("publisher", "rows"),
        ("operator", "changelog"),
        ("admin", "rows"),
        ("admin", "events"),
    ],
)
def test_who_may_not_read(system: SecuredSystem, role: str, topic: str) -> None:
    error = system.read(role, getattr(system.topics, topic))
    assert error is not None
    assert error.code() == REFUSED


@pytest.mark.parametrize(
    ("role", "topic"),
    [
        ("client", "rows"),
        ("client", "events"),
        ("producer", "rows"),
        ("gateway", "rows"),
        ("gateway", "catalog"),
        ("worker", "events"),
        ("worker", "models"),
        ("worker", "identities"),
        ("catalog", "models"),
        ("publisher", "catalog"),
        ("operator", "rows"),
        ("admin", "events"),
        ("admin", "rows"),
    ],
)
def test_who_may_not_write(system: SecuredSystem, role: str, topic: str) -> None:
    error = system.write(role, getattr(system.topics, topic))
    assert error is not None
    assert error.code() == REFUSED


def test_who_may_reads_and_writes(system: SecuredSystem) -> None:
    """Else the refusals above could be of a broker that refuses everybody."""
    assert system.write("producer", system.topics.events) is None
    assert system.read("client", system.topics.rows) is None


@pytest.mark.parametrize("role", ["client", "producer", "gateway"])
def test_nobody_but_a_worker_moves_the_offsets_of_its_group(
    system: SecuredSystem, role: str
) -> None:
    with pytest.raises(KafkaException) as refused:
        system.commit(role, system.topics.app_id)
    assert refused.value.args[0].code() == KafkaError.GROUP_AUTHORIZATION_FAILED


def test_a_worker_without_its_rights_ends_with_one_line(
    system: SecuredSystem, tmp_path: Path
) -> None:
    settings = settings_of(system.cluster.as_user("gateway"))
    with workers(tmp_path, topic_prefix=PREFIX, **settings) as start:
        worker = start()
        assert worker.wait(120) == 1
        log = worker.log()
    assert log.count("\n") == 1, log
    assert "uthorization failed" in log


def test_a_tool_without_its_rights_says_so(system: SecuredSystem) -> None:
    result = system.invoke(system.cluster.as_user("producer"), "tail")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "uthorization failed" in result.output


@pytest.mark.parametrize(
    ("topic", "operation"),
    [
        ("events", "READ"),
        ("rows", "WRITE"),
        ("changelog", "READ"),
        ("changelog", "WRITE"),
        ("catalog", "READ"),
    ],
)
def test_a_worker_that_lacks_one_right_ends_and_says_so(
    system: SecuredSystem, tmp_path: Path, topic: str, operation: str
) -> None:
    """Clients of Kafka are told so in the middle of their work, and some would wait."""
    name = f"no-{operation.lower()}-{topic}"
    lacking = Right(operation, "topic", getattr(system.topics, topic))
    rights = [right for right in rights_of("worker", system.topics) if right != lacking]
    described = [Right("DESCRIBE", "topic", lacking.name)]
    system.cluster.add_user(name)
    grant(system.cluster.root, f"User:{name}", [*rights, *described])
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps(an_event(1, name, "tv")) + "\n")
    producer = system.cluster.as_user("producer")
    system.call(producer, "replay", str(log), "--to", producer["STREAM_CW_BROKERS"])
    settings = settings_of(system.cluster.as_user(name))
    with workers(tmp_path, topic_prefix=PREFIX, stall_timeout=20, **settings) as start:
        worker = start()
        assert worker.wait(150) == 1
        told = worker.log()
    assert re.search(r" ERROR stream_cw\.worker: .*TopicAuthorizationFailedError", told), told
    assert lacking.name in told
    assert system.cluster.passwords[name] not in told
