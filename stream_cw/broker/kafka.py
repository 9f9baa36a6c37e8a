"""Apache Kafka on this machine, from Maven's jars, for tests, faults and benchmarks."""

import base64
import fcntl
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final, NamedTuple

from stream_cw.broker.process import HOST, START_TIMEOUT_S, Broker, free_port, wait_ready
from stream_cw.errors import BrokerError

KAFKA_VERSION: Final = "4.1.1"
_HEAP: Final = ("-Xms128m", "-Xmx512m")
_LOGGING: Final = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",)


@contextmanager
def kafka_broker(
    data_dir: Path, *, port: int | None = None, settings: Mapping[str, str | int] | None = None
) -> Iterator[Broker]:
    """Run Apache Kafka as one combined KRaft node on 127.0.0.1.

    Parameters
    ----------
    data_dir : Path
        Holds its log; made where it is missing, used again where it holds one.
    port : int, optional
        Where it serves; a free one if left out.
    settings : mapping, optional
        Server properties that replace or add to our own, such as `num.partitions`.

    Yields
    ------
    Broker
        Up and answering; stopped in order afterwards.

    Raises
    ------
    BrokerError
        If java or mvn is missing, the jars cannot be had, or the broker does not start.
    """
    node = _Node(1, data_dir, port or free_port(), free_port())
    broker = _broker(node, [node], _cluster_id(), settings or {})
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@contextmanager
def kafka_cluster(
    data_dir: Path, *, nodes: int = 3, settings: Mapping[str, str | int] | None = None
) -> Iterator[list[Broker]]:
    """Run Apache Kafka as a cluster of combined KRaft nodes on 127.0.0.1.

    Every topic has a replica on each node, and an acknowledgement needs all of them but one: with
    three nodes, one may be killed at a time and nothing acknowledged is lost.

    Parameters
    ----------
    data_dir : Path
        Holds their logs, a folder each; must not hold another cluster's.
    nodes : int, default 3
    settings : mapping, optional
        As for `kafka_broker`.

    Yields
    ------
    list of Broker
        All up; stopped in order afterwards. Restart one that was killed with `launch`, or with
        `start` where most of the others are up.

    Raises
    ------
    BrokerError
        As for `kafka_broker`.
    """
    members = [
        _Node(number, data_dir / f"node-{number}", free_port(), free_port())
        for number in range(1, nodes + 1)
    ]
    replicated: dict[str, str | int] = {
        "default.replication.factor": nodes,
        "min.insync.replicas": max(1, nodes - 1),
        "offsets.topic.replication.factor": nodes,
        "transaction.state.log.replication.factor": nodes,
        "transaction.state.log.min.isr": max(1, nodes - 1),
    }
    cluster_id = _cluster_id()
    brokers = [
        _broker(node, members, cluster_id, {**replicated, **(settings or {})}) for node in members
    ]
    with ExitStack() as stack:
        for broker in brokers:
            broker.launch()
            stack.callback(broker.stop)
        for broker in brokers:
            wait_ready(broker.address, START_TIMEOUT_S, broker.check, nodes)
        yield brokers


class _Node(NamedTuple):
    number: int
    data_dir: Path
    port: int
    controller: int


def _broker(
    node: _Node, members: Sequence[_Node], cluster_id: str, settings: Mapping[str, str | int]
) -> Broker:
    java = [_program("java"), *_HEAP, *_LOGGING, "-cp", f"{kafka_jars()}/*"]
    node.data_dir.mkdir(parents=True, exist_ok=True)
    properties = node.data_dir / "server.properties"
    properties.write_text(_properties(node, members, settings))
    if not (node.data_dir / "log" / "meta.properties").exists():
        _format(java, properties, cluster_id)
    name = f"Apache Kafka {KAFKA_VERSION}"
    return Broker(
        name if len(members) == 1 else f"{name}, node {node.number}",
        [*java, "kafka.Kafka", str(properties)],
        node.port,
        node.data_dir / "broker.log",
    )


def kafka_jars() -> Path:
    """Folder with the jars of Apache Kafka, brought by Maven the first time (54 MB).

    It lies in `$STREAM_CW_CACHE`, else `$XDG_CACHE_HOME/stream-cw`, else `~/.cache/stream-cw`.

    Raises
    ------
    BrokerError
        If mvn is missing or fails.
    """
    cache = _cache_dir()
    target = cache / f"kafka-{KAFKA_VERSION}"
    if target.is_dir():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"kafka-{KAFKA_VERSION}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            _download(cache, target)
    return target


def _cache_dir() -> Path:
    if own := os.environ.get("STREAM_CW_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stream-cw"


def _download(cache: Path, target: Path) -> None:
    with (
        as_file(files("stream_cw.broker") / "pom.xml") as pom,
        tempfile.TemporaryDirectory(dir=cache, prefix="download-") as folder,
    ):
        jars = Path(folder) / "jars"
        command = [_program("mvn"), "-B", "-q", "-f", str(pom), f"-Dkafka.version={KAFKA_VERSION}"]
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime"]
        _run([*command, *goal, f"-DoutputDirectory={jars}"], "mvn")
        jars.rename(target)  # all or nothing: a reader never sees half of the jars


def _cluster_id() -> str:
    # The tool takes an id that starts with a hyphen for an option; this one starts with "Y3".
    return base64.urlsafe_b64encode(b"cw" + secrets.token_bytes(14)).decode().rstrip("=")


def _format(java: list[str], properties: Path, cluster_id: str) -> None:
    arguments = ["format", "-t", cluster_id, "-c", str(properties)]
    _run([*java, "kafka.tools.StorageTool", *arguments], "StorageTool")


def _run(command: list[str], name: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise BrokerError(f"{name} ended with status {done.returncode}:\n{tail}")


def _program(name: str) -> str:
    if found := shutil.which(name):
        return found
    raise BrokerError(f"Apache Kafka on this machine needs `{name}`, which is not on the PATH")


def _properties(node: _Node, members: Sequence[_Node], settings: Mapping[str, str | int]) -> str:
    voters = (f"{member.number}@{HOST}:{member.controller}" for member in members)
    own: dict[str, str | int] = {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": ",".join(voters),
        "listeners": f"PLAINTEXT://{HOST}:{node.port},CONTROLLER://{HOST}:{node.controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{node.port}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(node.data_dir.resolve() / "log"),
        # A killed node may register again only when the session of its last run is over.
        "broker.session.timeout.ms": 3_000,
        "broker.heartbeat.interval.ms": 500,
        "auto.create.topics.enable": "false",
        "num.partitions": 1,
        "offsets.topic.num.partitions": 4,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
    }
    return "".join(f"{name}={value}\n" for name, value in {**own, **settings}.items())
