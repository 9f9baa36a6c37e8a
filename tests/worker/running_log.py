"""Events that flow while a test changes something, and the rows that come of them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import Producer
from worker_support import make_events
from worker_system import PARTITIONS, System

from stream_cw.clients.read import read
from stream_cw.core.events import Event, encode_event
from stream_cw.core.partition import partition_for
from stream_cw.core.rows import Row, Version, decode_row


class Watch:
    """Rows as they come."""

    def __init__(self, system: System) -> None:
        self.versions: list[Version] = []
        self._batches = read(system.brokers, system.topics.rows, PARTITIONS, from_beginning=True)

    @property
    def models(self) -> list[int]:
        return [version.model for version in self.versions]

    def until(self, found: Callable[[Row], bool], count: int = 1) -> None:
        """Read on until so many rows more are what is looked for."""
        deadline = time.monotonic() + 90
        while count > 0:
            assert time.monotonic() < deadline, f"so far: {self.versions[-1:]}"
            for record in next(self._batches):
                row = decode_row(record.value)
                self.versions.append(row.version)
                count -= found(row)

    def until_catalog(self, version: int, count: int = 30) -> None:
        self.until(lambda row: row.version.catalog == version, count)

    def until_model(self, offset: int, count: int = 50) -> None:
        self.until(lambda row: row.version.model == offset + 1, count)


@contextmanager
def running_log(system: System) -> Iterator[Callable[[], int]]:
    """Produce events all the time; gives a function that ends it and tells how many there were."""
    ended = threading.Event()
    producer = Producer({"bootstrap.servers": system.brokers, "log_level": 0, "linger.ms": 5})
    produced: list[Event] = []

    def run() -> None:
        for event in make_events(20, 30_000):
            if len(produced) % 10 == 0 and ended.wait(0.05):
                return
            key = event.profile_id.encode()
            place = partition_for(key, PARTITIONS)
            producer.produce(system.topics.events, encode_event(event), key, place)
            producer.poll(0)
            produced.append(event)

    def end() -> int:
        ended.set()
        thread.join()
        assert producer.flush(30) == 0
        return len(produced)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield end
    finally:
        end()
