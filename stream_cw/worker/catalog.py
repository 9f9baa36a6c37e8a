"""The catalog that rows are made with, followed on its topic while the worker runs.

The topic is read to its end before the first round, and followed from then on. A round asks for the
view once, so entries come in between two rounds. What a round holds does not change under it: each
fetch of new records makes a new mapping, and offset and works are replaced as one. A row's version
names the offset behind the last record that was read, whatever that one was: so it never falls, and
two workers that read up to it hold the same works. What was appended last has a time, too: rows of
sessions that are live are pushed (`rounds.Rounds.push`), and what they offer must be there by then.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from stream_cw.broker.connection import Brokers
from stream_cw.broker.follower import Follower
from stream_cw.core.works import MENTION, admit_entry
from stream_cw.errors import RefusedRecordError
from stream_cw.worker.batches import LOG_APPEND_TIME
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
    ts : int
        When that record was appended, ms; 0 for none.
    """

    works: Mapping[str, bytes]
    version: int
    ts: int = 0


class Catalog:
    """Follows the catalog topic.

    Parameters
    ----------
    brokers : str or Connection
    topic : str
    stats : Stats
    fail : callable
        Ends the process: the topic can no longer be followed.

    Attributes
    ----------
    known : Known
        What the next round uses.
    """

    def __init__(
        self, brokers: Brokers, topic: str, stats: Stats, fail: Callable[[BaseException], None]
    ) -> None:
        self.known = Known({}, 0)
        self._stats = stats
        self._follower = Follower(brokers, topic, fail)
        self._named: set[str] = set()
        self._news = asyncio.Event()

    async def start(self) -> None:
        """Read the topic to its end, and follow it from then on.

        Raises
        ------
        BrokerError
            If the topic cannot be read to its end.
        """
        await self._follower.read(self._take)
        self._named.clear()  # what was there before the first round is no news
        self._news.clear()
        log.info("catalog of %d works, version %d", len(self.known.works), self.known.version)
        self._follower.follow(self._take)

    async def stop(self) -> None:
        """Follow no further."""
        await self._follower.stop()

    async def changed(self) -> frozenset[str]:
        """Wait for records; return the ids that were named since the last call.

        An entry that is published once more as it was counts: what it offers may be there by now.
        """
        await self._news.wait()
        self._news.clear()
        found, self._named = frozenset(self._named), set()
        return found

    async def _take(self, records: list[Any], positions: Mapping[int, int]) -> None:
        position = positions[0]
        if position == self.known.version:
            return
        if not records:
            self.known = self.known._replace(version=position)
            return
        # In a thread: a fetch of many long series takes longer than a heartbeat may wait.
        works, named = await asyncio.to_thread(self._read, records)
        stamped = records[-1].timestamp_type == LOG_APPEND_TIME
        self.known = Known(works, position, records[-1].timestamp if stamped else 0)
        self._named |= named
        self._news.set()

    def _read(self, records: Iterable[Any]) -> tuple[Mapping[str, bytes], set[str]]:
        works, named = dict(self.known.works), set()
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
            named.add(work_id.removeprefix(MENTION))
            if work is None:
                works.pop(work_id, None)
            else:
                works[work_id] = work
        return works, named
