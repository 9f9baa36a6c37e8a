"""A compacted topic of one partition: read to its end, then followed while the worker runs.

By a consumer of its own, without a group: every worker sees all of it, and nothing is committed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from stream_cw.errors import BrokerError

SILENT_SECONDS: Final = 30.0
"""Nothing came for so long, and the end is not reached: the topic cannot be read."""
POLL_MS: Final = 500
FETCH_BYTES: Final = 4_194_304

Take = Callable[[list[Any], int], Awaitable[None]]
"""Gets the records of a fetch, maybe none, and the offset behind all that was read so far."""


class Follower:
    """Reads a topic, and goes on reading.

    Parameters
    ----------
    brokers, topic : str
    fail : callable
        Ends the process: the topic can no longer be followed.
    """

    def __init__(self, brokers: str, topic: str, fail: Callable[[BaseException], None]) -> None:
        self._place = TopicPartition(topic, 0)
        self._fail = fail
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=[address.strip() for address in brokers.split(",")],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=FETCH_BYTES,
        )
        self._consumer.assign([self._place])
        self._following: asyncio.Task[None] | None = None

    async def read(self, take: Take) -> None:
        """Read the topic to its end.

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
                    if await self._pass_on(take):
                        limit.reschedule(now() + SILENT_SECONDS)
        except (KafkaError, TimeoutError) as error:
            await self._consumer.stop()
            raise BrokerError(
                f"topic {self._place.topic} not read to its end, nothing came for "
                f"{SILENT_SECONDS:.0f} s: {type(error).__name__}"
            ) from None

    def follow(self, take: Take) -> None:
        """Go on with what comes, until `stop`."""
        self._following = asyncio.create_task(self._follow(take))

    async def stop(self) -> None:
        """Follow no further."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await self._consumer.stop()

    async def _is_at_end(self) -> bool:
        # The end as a fetch tells it: the embedded broker, asked for it, may tell a lower one.
        end = self._consumer.highwater(self._place)
        position: int = await self._consumer.position(self._place)
        return end is not None and position >= end

    async def _follow(self, take: Take) -> None:
        try:
            while True:
                await self._pass_on(take)
        except Exception as error:  # noqa: BLE001 - else the worker would miss all that comes later
            self._fail(error)

    async def _pass_on(self, take: Take) -> bool:
        """Pass on what a fetch brings; False: nothing."""
        came = await self._consumer.getmany(timeout_ms=POLL_MS)
        records = [record for found in came.values() for record in found]
        await take(records, await self._consumer.position(self._place))
        return bool(records)
