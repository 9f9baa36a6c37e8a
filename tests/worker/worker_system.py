"""A system of topics on Kafka, and what tests do with it."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct
from worker_support import (
    Message,
    WorkerProcess,
    committed,
    log_ends,
    produce,
    read_all,
    sharing,
    wait_until,
    workers,
)

from stream_cw.broker.cluster import connect
from stream_cw.broker.contract import Topics, topic_names
from stream_cw.broker.topics import apply_topics

PARTITIONS = 2


class System(Struct, frozen=True):
    """Topics of one test, and what is done with them."""

    brokers: str
    prefix: str
    topics: Topics
    start: Callable[..., WorkerProcess]

    def produce(self, events: Any) -> None:
        produce(self.brokers, self.topics.events, PARTITIONS, events)

    def committed(self) -> dict[int, int]:
        return committed(self.brokers, self.topics, PARTITIONS)

    def is_through(self) -> bool:
        ends = log_ends(self.brokers, self.topics.events, PARTITIONS)
        return self.committed() == {n: end or -1001 for n, end in ends.items()}

    def wait_until_through(self, *running: WorkerProcess) -> None:
        def through() -> bool:
            for worker in running:
                assert worker.process.poll() is None, worker.log()
            return self.is_through()

        wait_until(through, "all events committed")

    def sharing(self) -> int:
        """How many workers hold partitions in a settled group."""
        return sharing(connect(self.brokers), self.topics.app_id)

    def rows(self) -> list[Message]:
        return read_all(self.brokers, self.topics.rows, PARTITIONS)

    def changelog(self) -> list[Message]:
        return read_all(self.brokers, self.topics.changelog, PARTITIONS)

    def changelog_records(self) -> int:
        return sum(log_ends(self.brokers, self.topics.changelog, PARTITIONS).values())

    def events(self) -> list[Message]:
        return read_all(self.brokers, self.topics.events, PARTITIONS)

    def letters(self) -> list[Message]:
        return read_all(self.brokers, self.topics.dead_letters, 1)


@contextmanager
def a_system(
    brokers: str, folder: Path, *, replication: int | None = None, **common: Any
) -> Iterator[System]:
    """Topics of their own, and a way to start workers on them, which end with the block."""
    prefix = f"t{secrets.token_hex(4)}."
    topics = topic_names(prefix)
    apply_topics(brokers, topics, partitions=PARTITIONS, replication=replication)
    with workers(folder, brokers=brokers, topic_prefix=prefix, **common) as start:
        yield System(brokers, prefix, topics, start)
