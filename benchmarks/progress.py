"""How far a system has come through a log: told by the rows that it left and what it committed."""

import time
from collections.abc import Callable
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from msgspec import Struct

from benchmarks.jobs import PARTITIONS, place_of
from benchmarks.peers import Site

TIMEOUT: Final = 60.0
AT_ONCE: Final = 2_000
WARM_UP: Final = 0.1
"""Share of the events that is not measured."""


def committed(site: Site) -> int:
    """Count the records that the group has committed."""
    consumer = Consumer({"bootstrap.servers": site.brokers, "group.id": site.group})
    try:
        places = [TopicPartition(site.topics.events, number) for number in range(PARTITIONS)]
        return sum(max(0, p.offset) for p in consumer.committed(places, timeout=TIMEOUT))
    except KafkaException:  # the group's coordinator is being made
        return 0
    finally:
        consumer.close()


def rows_of(site: Site) -> int:
    """Count the rows that stand on the topic."""
    consumer = Consumer({"bootstrap.servers": site.brokers, "group.id": "rows"})
    try:
        places = [TopicPartition(site.topics.rows, number) for number in range(PARTITIONS)]
        return sum(consumer.get_watermark_offsets(place, TIMEOUT)[1] for place in places)
    finally:
        consumer.close()


def wait_until_begun(site: Site, rows: int, check: Callable[[], None], seconds: float) -> int:
    """Wait until more rows than these stand on the topic; tell how many."""
    deadline = time.monotonic() + seconds
    while (found := rows_of(site)) <= rows:
        check()
        if time.monotonic() > deadline:
            raise SystemExit(f"{site.prefix} no row after {seconds} s")
        time.sleep(0.1)
    return found


def wait_until_through(site: Site, events: int, check: Callable[[], None], seconds: float) -> None:
    """Wait until all events are committed; `check` raises where the system has ended."""
    deadline = time.monotonic() + seconds
    while committed(site) < events:
        check()
        if time.monotonic() > deadline:
            raise SystemExit(f"{site.prefix} {committed(site)} of {events} after {seconds} s")
        time.sleep(0.5)


class Span(Struct, frozen=True):
    """A stretch of a log that a system went through.

    Attributes
    ----------
    events : int
    seconds : float
    rows : int
    """

    events: int
    seconds: float
    rows: int


class Trail:
    """Follows the rows that a system leaves; see `span`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._places = [0] * PARTITIONS
        self._reached = [-1] * PARTITIONS

    def skip(self, ends: list[int]) -> None:
        """Leave out the events before these offsets: they have had their rows."""
        self._reached = [end - 1 for end in ends]

    def span(self) -> Span:
        """Read the rows since the last call; tell how long the events behind them took.

        An event has its row when one of it, or of a later one of its partition, is on the topic.
        Time begins when the first part of the events have theirs, a share of `WARM_UP`, and ends
        when all have.
        """
        rows = sorted(self._read())
        before = sum(self._reached)
        ends = list(self._reached)
        for _, partition, offset in rows:
            ends[partition] = max(offset, ends[partition])
        events = sum(ends) - before
        began, at, covered = 0, 0, 0
        for stamp, partition, offset in rows:
            covered += max(0, offset - self._reached[partition])
            self._reached[partition] = max(offset, self._reached[partition])
            if not began and covered >= WARM_UP * events:
                began, at = stamp, covered
            if covered == events:
                break
        return Span(events - at, (stamp - began) / 1000, len(rows))

    def _read(self) -> list[tuple[int, int, int]]:
        """Read what came: when the broker had a row, and partition and offset of its event."""
        found: list[tuple[int, int, int]] = []
        settings = {"group.id": "trail", "enable.auto.commit": False}
        consumer = Consumer({"bootstrap.servers": self._site.brokers, **settings})
        try:
            places = [
                TopicPartition(self._site.topics.rows, number, place)
                for number, place in enumerate(self._places)
            ]
            ends = [consumer.get_watermark_offsets(place, TIMEOUT)[1] for place in places]
            left = sum(ends) - sum(self._places)
            consumer.assign(places)
            while left:
                messages = consumer.consume(min(left, AT_ONCE), TIMEOUT)
                assert messages, f"{left} rows of {self._site.prefix} did not come"
                found += [(message.timestamp()[1], *place_of(message)) for message in messages]
                left -= len(messages)
        finally:
            consumer.close()
        self._places = ends
        return found
