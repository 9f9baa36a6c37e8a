"""The worker and what a Python team would pick instead, as processes that do one job.

The peers' programs are in `tests/benchmarks`. Quix Streams pins other versions of packages than
this project does, so it has an environment of its own, made once (`.cache/peers`).
"""

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from confluent_kafka.admin import AdminClient

from benchmarks.jobs import PARTITIONS
from benchmarks.processes import Process, running
from stream_cw.broker.contract import Topics, topic_names
from stream_cw.broker.topics import apply_topics

ROOT: Final = Path(__file__).parents[1]
PROGRAMS: Final = ROOT / "tests" / "benchmarks"
PEERS: Final = {"faust": "faust_app.py", "quix": "quix_app.py", "bare": "bare_loop.py"}
OURS: Final = "ours"
SYSTEMS: Final = (OURS, *PEERS)
QUIX: Final = "quixstreams==3.28.*"
BROKER: Final[dict[str, str | int]] = {
    "log.cleaner.enable": "false",  # so that the bytes of a changelog can be counted
    "log.segment.delete.delay.ms": 1_000,
    "num.network.threads": 2,
    "num.io.threads": 2,
}
"""Settings of the broker under all of them."""


class Site:
    """Topics, a group and a folder that one run has to itself."""

    def __init__(
        self, brokers: str, name: str, folder: Path, *, partitions: int = PARTITIONS
    ) -> None:
        self.brokers = brokers
        self.prefix = f"{name}."
        self.folder = folder
        self.topics: Topics = topic_names(self.prefix)
        apply_topics(brokers, self.topics, partitions=partitions)

    @property
    def group(self) -> str:
        """The consumer group."""
        return self.topics.app_id

    def remove(self) -> None:
        """Delete the topics."""
        client = AdminClient({"bootstrap.servers": self.brokers, "log_level": 0})
        names = [name for name in client.list_topics(timeout=30).topics if self.prefix in name]
        for future in client.delete_topics(names).values():
            future.result(60)


@contextmanager
def working(system: str, job: str, site: Site, name: str = "run") -> Iterator[Process]:
    """Run one of `SYSTEMS` on a job for as long as the context lasts; it logs in a folder."""
    folder = site.folder / name
    if system == OURS:
        settings: dict[str, object] = {
            "STREAM_CW_BROKERS": site.brokers,
            "STREAM_CW_TOPIC_PREFIX": site.prefix,
            "STREAM_CW_DATA_DIR": site.folder / "state",
        }
        module = ["stream_cw.cli", "worker"] if job != "trivial" else ["benchmarks.plumbing"]
        command = [sys.executable, "-m", *module]
    else:
        settings = {
            "PEER_BROKERS": site.brokers,
            "PEER_GROUP": site.group,
            "PEER_EVENTS": site.topics.events,
            "PEER_ROWS": site.topics.rows,
            "PEER_PREFIX": site.prefix,
            "PEER_FOLDER": site.folder / "state",
            "PEER_JOB": job,
        }
        python = quix_python() if system == "quix" else Path(sys.executable)
        command = [str(python), str(PROGRAMS / PEERS[system])]
    settings["PYTHONPATH"] = ROOT
    with running(command, settings, folder) as process:
        yield process


def quix_python() -> Path:
    """Find the Python that has Quix Streams; make its environment where it is missing."""
    cache = ROOT / ".cache"
    home, done = cache / "peers", cache / "peers" / ".ready"
    cache.mkdir(exist_ok=True)
    with (cache / "peers.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)  # noqa: S603
            install = [home / "bin" / "pip", "install", "--quiet"]
            subprocess.run([*install, "--editable", ROOT, QUIX], check=True)  # noqa: S603
            done.touch()
    return home / "bin" / "python"


def log_bytes(data_dir: Path, site: Site) -> int:
    """Count the bytes of a site's changelogs in a broker's folder: the log segments alone."""
    return sum(
        segment.stat().st_size
        for folder in (data_dir / "log").iterdir()
        if site.prefix in folder.name and "changelog" in folder.name
        for segment in folder.glob("*.log")
    )
