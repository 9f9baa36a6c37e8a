"""Brokers of this machine start, serve, end, and end with their parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

from stream_cw.broker.embedded import embedded_broker
from stream_cw.broker.kafka import KAFKA_VERSION, kafka_jars
from stream_cw.broker.process import Broker, free_port, wait_ready
from stream_cw.errors import BrokerError

DEADLINE_S = 30.0


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def make_topic(address: str, name: str, partitions: int = 1) -> None:
    admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
    admin.create_topics([NewTopic(name, num_partitions=partitions)])[name].result()


def produce(address: str, topic: str, values: list[bytes]) -> None:
    producer = Producer({"bootstrap.servers": address, "acks": "all", "log_level": 0})
    for value in values:
        producer.produce(topic, value=value, partition=0)
    assert producer.flush(DEADLINE_S) == 0


def consume(address: str, topic: str) -> list[bytes | None]:
    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": "test",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    values = []
    try:
        for message in iter(lambda: consumer.poll(DEADLINE_S), None):
            if message.error():
                assert message.error().code() == KafkaError._PARTITION_EOF
                break
            values.append(message.value())
    finally:
        consumer.close()
    return values


def alive(pid: int) -> bool:
    try:
        # A process that ended stays in the list until its parent, or init, looks at it.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def python(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", code, *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_serves(broker: Broker, prefix: str) -> None:
    values = [b"one", b"two", b"three"]
    make_topic(broker.address, prefix + "serves")
    produce(broker.address, prefix + "serves", values)
    assert consume(broker.address, prefix + "serves") == values


@pytest.mark.kafka
def test_kafka_is_halted_and_crashes(own_kafka: Callable[..., Broker]) -> None:
    """Halted it answers later; after kill -9 the same port serves what was acknowledged before."""
    broker = own_kafka(settings={"num.partitions": 3, "message.max.bytes": 2_000_000})
    make_topic(broker.address, "faults", partitions=-1)
    broker.pause()
    producer = Producer({"bootstrap.servers": broker.address, "acks": "all", "log_level": 0})
    producer.produce("faults", value=b"late", partition=0)
    assert producer.flush(1.0) == 1, "a halted broker must not acknowledge"
    broker.resume()
    assert producer.flush(DEADLINE_S) == 0
    address, pid = broker.address, broker.pid
    broker.kill()
    assert not alive(pid)
    with pytest.raises(BrokerError, match="does not run"):
        _ = broker.pid
    broker.start()
    assert (broker.address, broker.pid != pid) == (address, True)
    produce(address, "faults", [b"after"])
    assert consume(address, "faults") == [b"late", b"after"]
    admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
    assert len(admin.list_topics("faults", timeout=DEADLINE_S).topics["faults"].partitions) == 3
    resource = ConfigResource(ConfigResource.Type.BROKER, "1")
    settings = admin.describe_configs([resource])[resource].result()
    assert settings["message.max.bytes"].value == "2000000"
    broker.pause()
    pid = broker.pid
    broker.stop()
    assert not alive(pid), "a halted broker must end too"


def test_taken_port(tmp_path: Path, embedded: Broker) -> None:
    """Another broker serves there, and would answer in its place."""
    broker = embedded_broker(tmp_path, port=embedded.port)
    with pytest.raises(BrokerError, match=f"port {embedded.port} wanted on .*, found in use"):
        broker.__enter__()


def test_failed_start_tells_the_log(tmp_path: Path) -> None:
    command = ["/bin/sh", "-c", "echo out of luck; exit 3"]
    broker = Broker("the broker", command, free_port(), tmp_path / "log")
    with pytest.raises(BrokerError, match="the broker ended with status 3:\nout of luck"):
        broker.start()


def test_silent_start_has_a_deadline(tmp_path: Path) -> None:
    broker = Broker("the broker", ["/bin/sleep", "60"], free_port(), tmp_path / "log")
    with pytest.raises(BrokerError, match=f"no broker answered at {broker.address}"):
        broker.start(timeout_s=0.5)
    with pytest.raises(BrokerError, match="does not run"):
        _ = broker.pid


def test_stops_when_the_block_ends(tmp_path: Path) -> None:
    with embedded_broker(tmp_path) as broker:
        pid = broker.pid
        assert alive(pid)
    assert not alive(pid)
    broker.stop()
    broker.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_dies_with_a_killed_parent(tmp_path: Path) -> None:
    code = """
import sys, pathlib
from stream_cw.broker.embedded import embedded_broker
with embedded_broker(pathlib.Path(sys.argv[1])) as broker:
    print(broker.pid, flush=True)
    sys.stdin.read()
"""
    with python(code, str(tmp_path)) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
    until(lambda: not alive(pid), f"the broker {pid} outlived its parent")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_runs_alone_until_told_to_end(number: signal.Signals, tmp_path: Path) -> None:
    code = "from stream_cw.broker.run import run_broker; run_broker('embedded')"
    with python(code) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        make_topic(address, "alone")
        process.send_signal(number)
        assert process.wait(DEADLINE_S) == 0
    with pytest.raises(BrokerError, match="no broker answered"):
        wait_ready(address, 0.6, lambda: None)


def test_free_ports_lie_below_those_of_outgoing_connections() -> None:
    lowest = 32_768  # of Linux; other systems start higher
    assert all(20_000 <= free_port() < lowest for _ in range(50))


STAND_IN_FOR_MAVEN = """#!/bin/sh
echo called >> "$CALLS"
for argument; do case "$argument" in -DoutputDirectory=*) out="${argument#*=}";; esac; done
mkdir -p "$out" && touch "$out/a.jar"
[ -n "$FAIL" ] && echo "no such artifact" && exit 1
read -r go < "$GATE"
touch "$out/b.jar"
"""


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in Maven's place that waits, half done, until something is written to a pipe.

    The real one runs wherever Apache Kafka is not cached yet; it cannot be halted half way.
    """
    program = tmp_path / "bin" / "mvn"
    program.parent.mkdir()
    program.write_text(STAND_IN_FOR_MAVEN)
    program.chmod(0o755)
    os.mkfifo(tmp_path / "gate")
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("STREAM_CW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("GATE", str(tmp_path / "gate"))
    monkeypatch.setenv("FAIL", "")
    return tmp_path


def test_two_processes_share_one_download(maven: Path) -> None:
    code = """
from stream_cw.broker.kafka import kafka_jars
print("started", flush=True)
print(*sorted(path.name for path in kafka_jars().iterdir()), flush=True)
"""
    with python(code) as one, python(code) as two:
        for process in (one, two):
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
        until((maven / "calls").exists, "Maven was never called")
        assert not (maven / "cache" / f"kafka-{KAFKA_VERSION}").exists()
        (maven / "gate").write_text("go\n")
        for process in (one, two):
            assert process.stdout is not None
            assert process.stdout.readline() == "a.jar b.jar\n"
    assert (maven / "calls").read_text() == "called\n"


def test_failed_download_leaves_nothing(maven: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL", "1")
    with pytest.raises(BrokerError, match=r"(?s)mvn ended with status 1.*no such artifact"):
        kafka_jars()
    assert [path.suffix for path in (maven / "cache").iterdir()] == [".lock"]


def test_missing_maven_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_CW_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BrokerError, match="`mvn`"):
        kafka_jars()
