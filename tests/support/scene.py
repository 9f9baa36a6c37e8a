"""A whole system of its own on a broker: topics, workers, a log."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from oracle import Verdict, judge
from worker_support import WorkerProcess, committed, log_ends, sharing, wait_until, workers

from stream_cw.broker.cluster import connect
from stream_cw.broker.contract import Topics, topic_names
from stream_cw.broker.process import Broker
from stream_cw.broker.topics import apply_topics
from stream_cw.clients.pace import Clock
from stream_cw.clients.replay import replay
from stream_cw.core.row import RECENCY, View

PARTITIONS = 4

StartWorker = Callable[..., WorkerProcess]


class Scene:
    """A set of topics of its own on a broker, with workers and a log."""

    def __init__(self, broker: Broker, prefix: str, folder: Path) -> None:
        self.broker = broker
        self.folder = folder
        self.topics: Topics = topic_names(prefix)
        self.admin = connect(broker.address)
        apply_topics(broker.address, self.topics, partitions=PARTITIONS)

    def produce(self, log: Path, speed: float | None = None, clock: Clock = time.monotonic) -> None:
        replay(
            log,
            self.broker.address,
            topic=self.topics.events,
            speed=speed,
            clock=clock,
            is_interrupted=lambda: False,  # also from threads, which take no signals
        )

    def done(self) -> int:
        """How many records of the event topic are committed."""
        return sum(
            max(0, offset)
            for offset in committed(self.broker.address, self.topics, PARTITIONS).values()
        )

    def wait_until_done(self) -> None:
        wanted = sum(log_ends(self.broker.address, self.topics.events, PARTITIONS).values())
        wait_until(lambda: self.done() == wanted, f"{wanted} records committed", 120)

    def members(self) -> int:
        """How many workers hold partitions in a settled group."""
        return sharing(self.admin, self.topics.app_id)

    def judge(self, view: View = RECENCY) -> Verdict:
        return judge(self.broker.address, self.topics, PARTITIONS, self.folder, [view])


@contextmanager
def started(scene: Scene, prefix: str) -> Iterator[StartWorker]:
    """Give a function that starts workers; whatever it started ends with the block."""
    with workers(
        scene.folder / "workers", brokers=scene.broker.address, topic_prefix=prefix
    ) as start:
        yield start
