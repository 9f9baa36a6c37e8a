"""How long a worker takes to go on with many full profiles: from what it, or a standby, has.

    python -m benchmarks.take_over [--profiles N] [--json FILE]

Apache Kafka and two workers run as processes of this machine. The changelog is written as workers
would have: a full state (64 shows) of each profile, behind an event of it that is committed. Then

- changelog: a worker with an empty directory, until it works on its partitions;
- own directory: the same one, stopped and started again;
- standby, stopped: two workers share the partitions, each the other's standby; one is stopped by
  SIGTERM; from there until the other works on all partitions;
- standby, killed: the same by SIGKILL; the group waits for the session timeout first.

A worker's own metric `hand_over_seconds` stands beside: it leaves out the start of a process
(imports, compiled code from its cache) and the time until the group notices.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.filling import fill
from benchmarks.histories import Histories, filled
from benchmarks.processes import OK, Process, running
from stream_cw.broker.contract import topic_names
from stream_cw.broker.kafka import kafka_broker
from stream_cw.broker.process import free_port
from stream_cw.broker.topics import apply_topics

PARTITIONS = 8
SESSION_SECONDS = 6
PREFIX = "stream_cw_worker_"


class Worker:
    """A worker and where it answers."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self._url = f"http://127.0.0.1:{port}"

    def told(self) -> dict[str, float]:
        """Return its metrics; none while it does not answer or is not ready."""
        try:
            if httpx.get(f"{self._url}/readyz", timeout=60).status_code != OK:
                return {}
            lines = httpx.get(f"{self._url}/metrics", timeout=60).text.splitlines()
        except httpx.TransportError:
            return {}
        found = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name.removeprefix(PREFIX): float(value) for name, value in found}

    def wait(self, condition: Callable[[dict[str, float]], bool]) -> dict[str, float]:
        """Wait until what it tells fits."""
        deadline = time.monotonic() + 900
        while time.monotonic() < deadline:
            self.process.check()
            if (told := self.told()) and condition(told):
                return told
            time.sleep(0.02)
        raise SystemExit("a worker took more than 15 minutes")


@contextmanager
def worker(brokers: str, folder: Path, **settings: object) -> Iterator[Worker]:
    port = free_port()
    given: dict[str, object] = {
        "STREAM_CW_BROKERS": brokers,
        "STREAM_CW_DATA_DIR": folder / "data",
        "STREAM_CW_PROBES": f"127.0.0.1:{port}",
        "STREAM_CW_SESSION_TIMEOUT": SESSION_SECONDS,
        **settings,
    }
    with running(
        [sys.executable, "-m", "stream_cw.cli", "worker"], given, folder / f"run-{port}"
    ) as process:
        yield Worker(process, port)


def has_all(told: dict[str, float]) -> bool:
    return sum(name.startswith("lag_records") for name in told) == PARTITIONS


def measure(brokers: str, root: Path, records: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("changelog", "own directory"):
        began = time.monotonic()
        with worker(brokers, root / "one") as one:
            told = one.wait(bool)
            found[name] = {
                "seconds": time.monotonic() - began,
                "hand_over": told["hand_over_seconds"],
                "read": told["changelog_read_total"],
            }
    found["changelog"]["records_per_second"] = records / found["changelog"]["hand_over"]
    for name, kill in (("standby, stopped", False), ("standby, killed", True)):
        with ExitStack() as stack:
            one, two = (
                stack.enter_context(worker(brokers, root / folder, STREAM_CW_STANDBYS=1))
                for folder in ("one", name)
            )
            one.wait(has_half)
            shared = two.wait(
                lambda told: has_half(told) and told["changelog_read_total"] >= records
            )
            began = time.monotonic()
            one.process.end(kill=kill)
            told = two.wait(has_all)
            found[name] = {
                "seconds": time.monotonic() - began,
                "hand_over": told["hand_over_seconds"],
                "read": told["changelog_read_total"] - shared["changelog_read_total"],
            }
    return found


def has_half(told: dict[str, float]) -> bool:
    return 0 < sum(name.startswith("lag_records") for name in told) < PARTITIONS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, kafka_broker(Path(folder) / "kafka") as broker:
        topics = topic_names()
        apply_topics(broker.address, topics, partitions=PARTITIONS)
        first = Histories(options.profiles, full=True).events(-1, 0)
        _, records, size = fill(broker.address, topics, PARTITIONS, filled(), first)
        print(f"{options.profiles} profiles, {records} records, {size / 2**20:.0f} MiB")
        found = measure(broker.address, Path(folder), records)
    for name, figures in found.items():
        print(f"{name}: {', '.join(f'{what} {value:.2f}' for what, value in figures.items())}")
    if options.json:
        options.json.write_text(json.dumps({"profiles": options.profiles, **found}))


if __name__ == "__main__":
    main()
