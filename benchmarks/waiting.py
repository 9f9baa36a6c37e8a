"""What members of the latency's benchmark hold: a reader of rows, and a sender of events."""

import threading
import time
from collections import deque
from typing import Any, Final

from confluent_kafka import OFFSET_END, Consumer, Message, Producer, TopicPartition
from msgspec import Struct

from benchmarks.jobs import PARTITIONS, place_of

DRAIN_SECONDS: Final = 120.0


class Row(Struct, frozen=True):
    """A row that came: of whom, of which event, and when, in seconds since 1970."""

    profile: bytes
    partition: int
    offset: int
    appended: float
    arrived: float


class Rows(threading.Thread):
    """Reads rows as they come."""

    def __init__(self, brokers: str, topic: str) -> None:
        super().__init__(daemon=True)
        self.found: list[Row] = []
        self.seen = [-1] * PARTITIONS
        self.seen_of: dict[bytes, int] = {}
        self._consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": "load",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,
            }
        )
        self._consumer.assign(
            [TopicPartition(topic, number, OFFSET_END) for number in range(PARTITIONS)]
        )

    def run(self) -> None:
        """Read for ever."""
        while True:
            message = self._consumer.poll(0.1)
            if message is not None:
                self._take(message, time.time())

    def _take(self, message: Message, now: float) -> None:
        if message.error():
            raise SystemExit(str(message.error()))
        partition, offset = place_of(message)
        key: Any = message.key()
        appended = (message.timestamp()[1] + 1) / 1000
        profile = key.partition(b"/")[0]
        self.found.append(Row(profile, partition, offset, appended, now))
        self.seen[partition] = max(self.seen[partition], offset)
        self.seen_of[profile] = max(self.seen_of.get(profile, -1), offset)


class Sending:
    """Sends events and notes where the broker put them."""

    def __init__(self, brokers: str, topic: str) -> None:
        self.offsets: list[int] = []
        self.last_of: dict[bytes, int] = {}
        self._topic = topic
        self._waiting: list[deque[int]] = [deque() for _ in range(PARTITIONS)]
        self._producer = Producer({"bootstrap.servers": brokers, "linger.ms": 0})

    def send(self, key: bytes, value: bytes, partition: int) -> None:
        """Send an event; its number is its place in `offsets`."""
        self._waiting[partition].append(len(self.offsets))
        self.offsets.append(-1)
        self._producer.produce(self._topic, value, key, partition, on_delivery=self._delivered)
        self._producer.poll(0)

    def poll(self) -> None:
        """Take notes."""
        self._producer.poll(0)

    def flush(self) -> None:
        """See all events through."""
        assert self._producer.flush(DRAIN_SECONDS) == 0

    def _delivered(self, error: object, message: Message) -> None:
        assert error is None, error
        number = self._waiting[message.partition()].popleft()
        self.offsets[number] = self.last_of[message.key()] = message.offset()
