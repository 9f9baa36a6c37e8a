"""How far a system has come through a log: told by the rows that it left and what it committed."""

import time
from collections.abc import Callable
from typing import Final

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaException,
    TopicPartition,
)

from benchmarks.jobs import PARTITIONS
from benchmarks.peers import Site

TIMEOUT: Final = 60.0
AT_ONCE: Final = 2_000
_SOURCE: Final = ("cw-source-partition", "cw-source-offset")


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


def wait_until_through(site: Site, events: int, check: Callable[[], None], seconds: float) -> None:
    """Wait until all events are committed; `check` raises where the system has ended."""
    deadline = time.monotonic() + seconds
    while committed(site) < events:
        check()
        if time.monotonic() > deadline:
            raise SystemExit(f"{site.prefix} {committed(site)} of {events} after {seconds} s")
        time.sleep(0.5)


class Trail:
    """The rows of a run: when the broker had each, and which event it follows from.

    Attributes
    ----------
    rows : list of (int, int, int)
        Append time in ms, partition and offset of the event; in the order of time.
    """

    def __init__(self, site: Site) -> None:
        self.rows: list[tuple[int, int, int]] = []
        consumer = Consumer(
            {
                "bootstrap.servers": site.brokers,
                "group.id": "trail",
                "enable.auto.commit": False,
                "fetch.max.bytes": 50_000_000,
            }
        )
        try:
            places = [
                TopicPartition(site.topics.rows, number, OFFSET_BEGINNING)
                for number in range(PARTITIONS)
            ]
            left = sum(consumer.get_watermark_offsets(place, TIMEOUT)[1] for place in places)
            consumer.assign(places)
            while left:
                messages = consumer.consume(min(left, AT_ONCE), TIMEOUT)
                assert messages, f"{left} rows of {site.prefix} did not come"
                for message in messages:
                    named = dict(message.headers() or [])
                    partition, offset = (int(named[name]) for name in _SOURCE)
                    self.rows.append((message.timestamp()[1], partition, offset))
                left -= len(messages)
        finally:
            consumer.close()
        self.rows.sort()

    def rate(self, first: int, events: int) -> float:
        """Tell the events a second from when `first` events had their row to when all had.

        An event has its row when one of it, or of a later one of its partition, is on the topic.
        """
        reached = [-1] * PARTITIONS
        covered, began, at_first = 0, None, 0
        for stamp, partition, offset in self.rows:
            covered += max(0, offset - reached[partition])
            reached[partition] = max(offset, reached[partition])
            if began is None and covered >= first:
                began, at_first = stamp, covered
            if covered == events:
                assert began is not None
                return 1000 * (events - at_first) / max(1, stamp - began)
        raise SystemExit(f"rows of {covered} events, wanted those of {events}")
