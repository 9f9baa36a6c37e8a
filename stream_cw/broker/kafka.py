"""Apache Kafka on this machine: one node from Maven's jars, for tests, faults and benchmarks."""

import base64
import fcntl
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from stream_cw.broker.process import HOST, Broker, free_port
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
    jars = kafka_jars()
    data_dir.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    properties = data_dir / "server.properties"
    properties.write_text(_properties(data_dir, port, settings or {}))
    java = [_program("java"), *_HEAP, *_LOGGING, "-cp", f"{jars}/*"]
    if not (data_dir / "log" / "meta.properties").exists():
        _format(java, properties)
    broker = Broker(
        f"Apache Kafka {KAFKA_VERSION}",
        [*java, "kafka.Kafka", str(properties)],
        port,
        data_dir / "broker.log",
    )
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


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


def _format(java: list[str], properties: Path) -> None:
    # The tool takes an id that starts with a hyphen for an option; this one starts with "Y3".
    cluster_id = base64.urlsafe_b64encode(b"cw" + secrets.token_bytes(14)).decode().rstrip("=")
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


def _properties(data_dir: Path, port: int, settings: Mapping[str, str | int]) -> str:
    controller = free_port()
    own: dict[str, str | int] = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{HOST}:{controller}",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(data_dir.resolve() / "log"),
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
