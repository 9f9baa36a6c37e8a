"""Erases the dead letters of forgotten profiles, beside the rounds.

A round that forgets a profile puts an order among the dead letters before its offset is committed,
so none is lost. A look reads the topic twice: for orders and tombstones, and where there are some,
for the letters that they cover, which get tombstones. Each worker looks when its partitions are
ready and when it has written an order, so that a crash in between only delays; what was erased
twice is erased. Nothing waits for it, and nothing is kept of it: where the topic cannot be read,
the next look makes up for it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from stream_cw.broker.connection import Brokers
from stream_cw.broker.follower import Follower
from stream_cw.core.letter_erasure import Erasures, is_letter
from stream_cw.errors import BrokerError
from stream_cw.worker.sending import Outgoing, Producer, send
from stream_cw.worker.stats import Stats

log: Final = logging.getLogger("stream_cw.worker")

REST_SECONDS: Final = 10.0
"""At least so long between two looks: many profiles may be forgotten one after another."""
READ_RECORDS: Final = 500
"""Handed over at a time, so that heartbeats do not wait."""


class Eraser:
    """Looks for letters to erase.

    Parameters
    ----------
    brokers, topic : str
        The topic of dead letters.
    producer : callable
        Gives the producer that tombstones go out with.
    stats : Stats
    fail : callable
        Ends the process: a tombstone was not acknowledged, or something else went wrong.
    """

    def __init__(
        self,
        brokers: Brokers,
        topic: str,
        producer: Callable[[], Producer],
        stats: Stats,
        fail: Callable[[BaseException], None],
    ) -> None:
        self._brokers = brokers
        self._topic = topic
        self._producer = producer
        self._stats = stats
        self._fail = fail
        self._wanted = asyncio.Event()

    def look(self) -> None:
        """Say that there may be letters to erase."""
        self._wanted.set()

    async def run(self) -> None:
        """Look whenever it is wanted, for as long as the worker runs."""
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                try:
                    await self._erase()
                except BrokerError as error:
                    log.warning("dead letters are not erased yet: %s", error)
                    self._wanted.set()
                await asyncio.sleep(REST_SECONDS)
        except Exception as error:  # noqa: BLE001 - Faust would go on without
            self._fail(error)

    async def _erase(self) -> None:
        found = Erasures()

        async def note(records: list[Any], _: Mapping[int, int]) -> None:
            for record in records:
                found.note(record.key, record.value, record.offset)

        async def erase(records: list[Any], _: Mapping[int, int]) -> None:
            keys = {
                record.key: None
                for record in records
                if is_letter(record.key, record.value)
                and not found.has_tombstone(record.key, record.offset)
                and found.is_ordered(record.key, record.value, record.offset)
            }
            tombstones = [Outgoing(key, None) for key in keys]
            await (await send(self._producer(), self._topic, 0, tombstones)).acknowledged()
            self._stats.letters_erased += len(tombstones)

        await self._read(note)
        if found.has_orders():
            await self._read(erase)

    async def _read(self, take: Callable[[list[Any], Mapping[int, int]], Awaitable[None]]) -> None:
        follower = Follower(self._brokers, self._topic, self._fail, most_records=READ_RECORDS)
        try:
            await follower.read(take)
        finally:
            await follower.stop()
