"""A producer that keeps a ledger: each event that the broker acknowledged, and where it lies."""

import threading
import time
from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from msgspec import Struct
from traffic import Sent

TICK_S = 0.01
FLUSH_S = 60.0


class Pace(Struct, frozen=True):
    """Events a second, and how many more in bursts: `burst_s` long, every `burst_every_s`."""

    rate: float
    burst_rate: float = 0.0
    burst_every_s: float = 60.0
    burst_s: float = 3.0

    def at(self, second: float) -> float:
        """Events a second at this time of the run."""
        in_burst = self.burst_rate and second % self.burst_every_s > (
            self.burst_every_s - self.burst_s
        )
        return self.burst_rate if in_burst else self.rate


class Entry(NamedTuple):
    """An acknowledged record: its key, a hash of its value, and whether it breaks the contract."""

    key: bytes
    value_hash: bytes
    bad: bool


class Ledger:
    """What was acknowledged, by partition and offset.

    Attributes
    ----------
    ends : dict of int to int
        The offset behind the last acknowledged record of each partition.
    unplaced : list of Entry
        What was acknowledged without its offset: the broker had it from an attempt before, whose
        answer was lost.
    doubled : list
        Places that were acknowledged for two records.
    """

    def __init__(self) -> None:
        self.entries: dict[tuple[int, int], Entry] = {}
        self.unplaced: list[Entry] = []
        self.ends: dict[int, int] = {}
        self.doubled: list[tuple[int, int]] = []
        self.failures: list[str] = []

    def note(self, sent: Sent, error: KafkaError | None, message: Message) -> None:
        """Take a delivery report."""
        if error is not None:
            self.failures.append(error.str())
            return
        entry = Entry(sent.key, hash_of(sent.value), sent.bad)
        if message.offset() is None:
            self.unplaced.append(entry)
            return
        place = message.partition(), message.offset()
        if place in self.entries:
            self.doubled.append(place)
        self.entries[place] = entry
        self.ends[place[0]] = max(self.ends.get(place[0], 0), place[1] + 1)


def hash_of(value: bytes | None) -> bytes:
    """Tell values apart; no value from an empty one, too."""
    return b"" if value is None else blake2b(value, digest_size=8).digest()


class Load:
    """Produces at a pace, in a thread of its own, until it is told to end."""

    def __init__(self, brokers: str, topic: str, records: Iterator[Sent], pace: Pace) -> None:
        self.ledger = Ledger()
        self.produced = 0
        self._records = records
        self._topic = topic
        self._pace = pace
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")
        self._producer = Producer(
            {
                "bootstrap.servers": brokers,
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "message.timeout.ms": 0,  # nothing is given up while a broker is away
                "queue.buffering.max.messages": 1_000_000,
                "reconnect.backoff.max.ms": 500,
                "linger.ms": 5,
                "log_level": 0,
            }
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Produce no more; what is on its way is still waited for."""
        self._ended.set()

    @property
    def is_over(self) -> bool:
        """Whether all is acknowledged that was produced, or given up."""
        return self._ended.is_set() and not self._thread.is_alive()

    def check(self) -> None:
        """Raise where it has ended, and nobody has told it to."""
        if not self._ended.is_set() and not self._thread.is_alive():
            raise AssertionError("the load has ended by itself")

    def end(self) -> None:
        """Stop, and wait until it is over; twice is fine."""
        self.stop()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        began = before = time.monotonic()
        due = 0.0
        while not self._ended.wait(TICK_S):
            now = time.monotonic()
            due += (now - before) * self._pace.at(now - began)
            before = now
            while due >= 1:
                self._produce(next(self._records))
                due -= 1
            self._producer.poll(0)
        if left := self._producer.flush(FLUSH_S):
            self.ledger.failures.append(f"{left} records without an answer")

    def _produce(self, sent: Sent) -> None:
        self.produced += 1
        try:
            self._producer.produce(
                self._topic,
                sent.value,
                sent.key,
                on_delivery=lambda error, message: self.ledger.note(sent, error, message),
            )
        except (BufferError, KafkaException) as error:
            self.ledger.failures.append(str(error))
