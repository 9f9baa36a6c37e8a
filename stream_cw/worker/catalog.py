"""The catalog that rows are made with, followed on its topic while the worker runs.

The topic is read to its end before the first round, and followed from then on. A round asks for the
view once, so entries come in between two rounds. What a round holds does not change under it: each
fetch of new records makes a new mapping, and offset and works are replaced as one. A row's version
names the offset behind the last record that was read, whatever that one was: so it never falls, and
two workers that read up to it hold the same works.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from stream_cw.broker.follower import Follower
from stream_cw.core.works import admit_entry
from stream_cw.errors import RefusedRecordError
from stream_cw.worker.stats import Stats

log: Final = logging.getLogger("stream_cw.worker")


class Known(NamedTuple):
    """What the catalog said at a time.

    Attributes
    ----------
    works : mapping of str to bytes
        By id; never changed.
    version : int
        The offset behind the last record that was read.
    """

    works: Mapping[str, bytes]
    version: int


class Catalog:
    """Follows the catalog topic.

    Parameters
    ----------
    brokers, topic : str
    stats : Stats
    fail : callable
        Ends the process: the topic can no longer be followed.

    Attributes
    ----------
    known : Known
        What the next round uses.
    """

    def __init__(
        self, brokers: str, topic: str, stats: Stats, fail: Callable[[BaseException], None]
    ) -> None:
        self.known = Known({}, 0)
        self._stats = stats
        self._follower = Follower(brokers, topic, fail)

    async def start(self) -> None:
        """Read the topic to its end, and follow it from then on.

        Raises
        ------
        BrokerError
            If the topic cannot be read to its end.
        """
        await self._follower.read(self._take)
        log.info("catalog of %d works, version %d", len(self.known.works), self.known.version)
        self._follower.follow(self._take)

    async def stop(self) -> None:
        """Follow no further."""
        await self._follower.stop()

    async def _take(self, records: list[Any], positions: Mapping[int, int]) -> None:
        position = positions[0]
        if position == self.known.version:
            return
        # In a thread: a fetch of many long series takes longer than a heartbeat may wait.
        works = await asyncio.to_thread(self._changed, records) if records else self.known.works
        self.known = Known(works, position)

    def _changed(self, records: Iterable[Any]) -> Mapping[str, bytes]:
        works = dict(self.known.works)
        for record in records:
            try:
                work_id, work = admit_entry(record.key, record.value)
            except RefusedRecordError as error:
                self._stats.catalog_refused += 1
                log.warning(
                    "catalog entry at offset %d refused, the one before stays: %s: %s",
                    *(record.offset, error.reason, error),
                )
                continue
            self._stats.catalog_taken += 1
            if work is None:
                works.pop(work_id, None)
            else:
                works[work_id] = work
        return works
