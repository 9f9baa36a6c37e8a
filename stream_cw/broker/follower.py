"""A topic without a group: read to its end, then followed for as long as the process runs.

Everybody who follows sees all of it, and nothing is committed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from stream_cw.broker.connection import Brokers, for_aiokafka
from stream_cw.errors import BrokerError

SILENT_SECONDS: Final = 30.0
"""Nothing came for so long, and the end is not reached: the topic cannot be read."""
POLL_MS: Final = 500
READING_POLL_MS: Final = 20
"""While somebody waits for the end: a fetch that tells it may bring no record."""
FETCH_BYTES: Final = 4_194_304

Take = Callable[[list[Any], Mapping[int, int]], Awaitable[None]]
"""Gets the records of a fetch, maybe none, and for each partition the offset behind all that was
read of it so far."""


class Follower:
    """Reads a topic, and goes on reading.

    Parameters
    ----------
    brokers : str or Connection
    topic : str
    fail : callable
        Ends the process: the topic can no longer be followed.
    partitions : int, default 1
        How many the topic has.
    most_records : int, optional
        Most records that are handed over at a time.
    fetch_wait_ms : int, default 100
        How long the broker may hold back a fetch that finds nothing new. A partition whose records
        were taken meanwhile is not asked for: with several this is the delay's tail.
    """

    def __init__(
        self,
        brokers: Brokers,
        topic: str,
        fail: Callable[[BaseException], None],
        *,
        partitions: int = 1,
        most_records: int | None = None,
        fetch_wait_ms: int = 100,
    ) -> None:
        self._topic = topic
        self._places = [TopicPartition(topic, number) for number in range(partitions)]
        self._fail = fail
        self._ends: dict[TopicPartition, int] = {}
        self._following: asyncio.Task[None] | None = None
        self._consumer = AIOKafkaConsumer(
            **for_aiokafka(brokers),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=FETCH_BYTES,
            max_poll_records=most_records,
            fetch_max_wait_ms=fetch_wait_ms,
        )
        self._consumer.assign(self._places)

    async def read(self, take: Take) -> None:
        """Read the topic to the end that it has at the first fetch; what came since may follow.

        Raises
        ------
        BrokerError
            If it cannot be read, or nothing comes for `SILENT_SECONDS` before the end.
        """
        now = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(SILENT_SECONDS) as limit:
                await self._consumer.start()
                while not await self._is_at_end():
                    if await self._pass_on(take, READING_POLL_MS):
                        limit.reschedule(now() + SILENT_SECONDS)
        except (KafkaError, TimeoutError) as error:
            await self._consumer.stop()
            reason = type(error).__name__
            if isinstance(error, TimeoutError):
                reason = f"nothing came for {SILENT_SECONDS:.0f} s"
            raise BrokerError(f"topic {self._topic} not read to its end: {reason}") from None

    def follow(self, take: Take) -> None:
        """Go on with what comes, until `stop`."""
        self._following = asyncio.create_task(self._follow(take))

    async def stop(self) -> None:
        """Follow no further."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await self._consumer.stop()

    async def behind(self) -> int:
        """Count the records that the topic has more than were read, as its last fetches told."""
        ends = [self._consumer.highwater(place) or 0 for place in self._places]
        return sum(ends) - sum((await self._positions()).values())

    def heard_ms(self) -> int | None:
        """Tell when the broker last answered for the partition it was silent on for longest.

        Returns
        -------
        int or None
            ms since 1970; None where it has not answered yet.
        """
        heard = [self._consumer.last_poll_timestamp(place) for place in self._places]
        return None if None in heard else min(heard)

    async def _is_at_end(self) -> bool:
        # The end as a fetch tells it: the embedded broker, asked for it, may tell a lower one.
        for place in self._places:
            if place not in self._ends and (end := self._consumer.highwater(place)) is not None:
                self._ends[place] = end
        positions = await self._positions()
        return all(
            place in self._ends and positions[place.partition] >= self._ends[place]
            for place in self._places
        )

    async def _positions(self) -> dict[int, int]:
        return {place.partition: await self._consumer.position(place) for place in self._places}

    async def _follow(self, take: Take) -> None:
        try:
            while True:
                await self._pass_on(take, POLL_MS)
        except Exception as error:  # noqa: BLE001 - else the process would miss all that comes later
            self._fail(error)

    async def _pass_on(self, take: Take, wait_ms: int) -> bool:
        """Pass on what a fetch brings; False: nothing."""
        came = await self._consumer.getmany(timeout_ms=wait_ms)
        records = [record for found in came.values() for record in found]
        await take(records, await self._positions())
        return bool(records)
