"""How far the workers have come, as the group's committed offsets tell."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition
from msgspec import Struct

from stream_cw.broker.contract import Topics

POLL_S = 0.2
ANSWER_S = 2.0


class Incident(Struct):
    """Something that struck, and when the workers had dealt with all that was there by then.

    Attributes
    ----------
    what : str
    at, until : float
        Monotonic seconds; `until` is None for as long as the workers are behind.
    began_ms, until_ms : int
        The same as the wall clock has it, for comparison with the broker's stamps.
    ends : mapping
        What had been acknowledged when it struck: offset behind the last record, by partition.
    is_mended : callable
        Whether what else was to come back is back.
    """

    what: str
    at: float
    began_ms: int
    ends: Mapping[int, int]
    is_mended: Callable[[], bool] = lambda: True
    until: float | None = None
    until_ms: int | None = None

    @property
    def seconds(self) -> float | None:
        """How long the recovery took."""
        return None if self.until is None else self.until - self.at


class Watcher:
    """Asks for the committed offsets again and again, in a thread of its own."""

    def __init__(self, brokers: str, topics: Topics, partitions: int) -> None:
        self.committed: dict[int, int] = dict.fromkeys(range(partitions), 0)
        self.incidents: list[Incident] = []
        self._asked = [TopicPartition(topics.events, n) for n in range(partitions)]
        self._settings: dict[str, Any] = {
            "bootstrap.servers": brokers,
            "group.id": topics.app_id,  # asks what is committed; joins and commits nothing
            "reconnect.backoff.max.ms": 500,
            "log_level": 0,
        }
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher")

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def note(
        self,
        what: str,
        ends: Mapping[int, int],
        is_mended: Callable[[], bool] = lambda: True,
    ) -> None:
        """Note that something struck, and what was there by then."""
        now_ms = time.time_ns() // 1_000_000
        self.incidents.append(Incident(what, time.monotonic(), now_ms, dict(ends), is_mended))

    def is_through(self, ends: Mapping[int, int]) -> bool:
        """Whether all that lies before these offsets is committed."""
        return all(self.committed[partition] >= end for partition, end in ends.items())

    def _run(self) -> None:
        consumer = Consumer(self._settings)
        try:
            while not self._ended.wait(POLL_S):
                try:
                    found = consumer.committed(self._asked, timeout=ANSWER_S)
                except KafkaException:  # a broker is away
                    continue
                self.committed.update({tp.partition: max(0, tp.offset) for tp in found})
                self._close_incidents()
        finally:
            consumer.close()

    def _close_incidents(self) -> None:
        for incident in list(self.incidents):
            if incident.until is None and self.is_through(incident.ends) and incident.is_mended():
                incident.until = time.monotonic()
                incident.until_ms = time.time_ns() // 1_000_000
