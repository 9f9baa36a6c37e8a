"""The push topic, followed: each row goes into the store and to those who wait for it."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from stream_cw.broker.connection import Brokers
from stream_cw.broker.follower import Follower
from stream_cw.errors import RefusedRecordError
from stream_cw.gateway.latest import Latest
from stream_cw.gateway.metrics import Count, Metrics
from stream_cw.gateway.subscribers import Subscribers

MOST_RECORDS: Final = 200
"""Rows that are taken before other tasks have a turn: some milliseconds."""
FETCH_WAIT_MS: Final = 50
FAR_BEHIND: Final = 10_000
"""Rows; a gateway that is further behind is not ready."""
SILENT_MS: Final = 10_000
"""A gateway that has not heard of its brokers for longer is not ready."""

log: Final = logging.getLogger("stream_cw.gateway")


class Progress(Protocol):
    """How much of the push topic a gateway knows."""

    caught_up: bool

    async def is_ready(self) -> bool:
        """Whether the gateway knows the rows that there are, or nearly so."""

    async def behind(self) -> int:
        """Count the records that it does not know yet."""


class Following:
    """Follows the push topic.

    Parameters
    ----------
    brokers : str or Connection
    topic : str
    partitions : int
    latest : Latest
    subscribers : Subscribers
    metrics : Metrics
    fail : callable
        Ends the process: the topic can no longer be followed.

    Attributes
    ----------
    caught_up : bool
        All that the topic held at the start is known.
    """

    def __init__(
        self,
        brokers: Brokers,
        topic: str,
        partitions: int,
        latest: Latest,
        subscribers: Subscribers,
        metrics: Metrics,
        fail: Callable[[BaseException], None],
    ) -> None:
        self.caught_up = False
        self._latest = latest
        self._subscribers = subscribers
        self._metrics = metrics
        self._fail = fail
        self._reading: asyncio.Task[None] | None = None
        self._follower = Follower(
            brokers,
            topic,
            fail,
            partitions=partitions,
            most_records=MOST_RECORDS,
            fetch_wait_ms=FETCH_WAIT_MS,
        )

    def start(self) -> None:
        """Read the topic to its end, and follow it from then on, in a task."""
        self._reading = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """Follow no further."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await self._follower.stop()

    async def is_ready(self) -> bool:
        """Whether the gateway knows the rows that there are, or nearly so."""
        if not self.caught_up:
            return False
        heard = self._follower.heard_ms()
        is_heard = heard is not None and time.time() * 1000 - heard < SILENT_MS
        return is_heard and await self.behind() < FAR_BEHIND

    async def behind(self) -> int:
        """Count the records of the topic that were not read yet, as far as the brokers told."""
        return await self._follower.behind() if self.caught_up else 0

    async def _read(self) -> None:
        try:
            await self._follower.read(self._take)
        except Exception as error:  # noqa: BLE001 - else the gateway would know nothing, and stay
            self._fail(error)
            return
        self.caught_up = True
        self._subscribers.wake()
        log.info("caught up with the push topic")
        self._follower.follow(self._take)

    async def _take(self, records: list[Any], _: Mapping[int, int]) -> None:
        for record in records:
            self._metrics.count(self._taken(record))
        await asyncio.sleep(0)

    def _taken(self, record: Any) -> Count:
        try:
            change = self._latest.accept(record)
        except RefusedRecordError as error:
            log.warning(
                "row in partition %d at offset %d passed over: %s",
                *(record.partition, record.offset, error.reason),
            )
            return "rows_refused"
        if change is None:
            return "rows_dropped"
        self._subscribers.publish(change)
        return "rows_erased" if change.known is None else "rows_taken"
