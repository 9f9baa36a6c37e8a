"""Releases announced on the catalog's topic when their time comes, so that live sessions see them.

That a time passes is no event: no row changes by it. A record on the catalog's topic is one. It has
no value, and its key is `works.MENTION` and the id of the entry: it changes nothing that the
catalog says, so whoever writes entries at the same time is not in its way, and one too many does no
harm.
"""

import heapq
import time
from collections.abc import Callable
from typing import Final

from stream_cw.broker.connection import Brokers
from stream_cw.clients.delivery import BATCH_BYTES, Delivery, ctrl_c, replay_producer
from stream_cw.clients.progress import Window
from stream_cw.clients.read import read
from stream_cw.clients.topic import describe
from stream_cw.core.limits import SESSION_GAP_MS
from stream_cw.core.offers import unpack_offers
from stream_cw.core.records import Record
from stream_cw.core.windows import NO_END
from stream_cw.core.works import MENTION, admit_entry, offers_of
from stream_cw.errors import RefusedRecordError

_MENTION: Final = MENTION.encode()


class Releases:
    """When something of an entry begins or ends to be there."""

    def __init__(self) -> None:
        self._times: dict[bytes, set[int]] = {}
        self._waiting: list[tuple[int, int, bytes]] = []
        self._announced: dict[bytes, int] = {}

    def take(self, record: Record, now: int) -> None:
        """Note what a record of the topic says.

        Parameters
        ----------
        record : Record
        now : int
            ms. What has passed for longer than a session lasts is left alone, and so is what had
            come when the record was appended: that record told it.
        """
        key = record.key or b""
        if key.startswith(_MENTION):
            self._check(key.removeprefix(_MENTION), record.append_ts, now)
            return
        try:
            _, work = admit_entry(record.key, record.value)
        except RefusedRecordError:
            return
        self._times.pop(key, None)
        told = max(record.append_ts or 0, now - SESSION_GAP_MS)
        if work is not None and (times := {ts for ts in _times_of(work) if ts > told}):
            self._times[key] = times
            for ts in times:
                heapq.heappush(self._waiting, (ts, ts, key))

    def due(self, now: int) -> list[bytes]:
        """List the ids of the entries whose time has come since the last call."""
        found: dict[bytes, None] = {}
        while self._waiting and self._waiting[0][0] <= now:
            _, ts, key = heapq.heappop(self._waiting)
            if ts in self._times.get(key, ()):
                found[key] = None
                self._announced[key] = ts
        return list(found)

    def _check(self, key: bytes, append_ts: int | None, now: int) -> None:
        """Announce once more what the broker's clock, which rows go by, has before its time."""
        ts = self._announced.get(key)
        if ts is not None and append_ts is not None and append_ts < ts:
            heapq.heappush(self._waiting, (now + ts - append_ts, ts, key))


def _times_of(work: bytes) -> set[int]:
    offers = unpack_offers(offers_of(work))
    begins = {offer.from_s for offer in offers} - {0}
    ends = {offer.until_s for offer in offers} - {NO_END}
    return {1000 * seconds for seconds in begins | ends}


def announce(
    brokers: Brokers,
    *,
    topic: str,
    watch: Callable[[bytes], None] = lambda _id: None,
    now: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> None:
    """Follow the catalog's topic and announce on it what begins or ends, until Ctrl-C.

    Parameters
    ----------
    brokers : str or Connection
    topic : str
    watch : callable, optional
        Called with each id that is announced.
    now : callable, optional
        The time, ms.

    Raises
    ------
    BrokerError
        If the broker is not reached, refuses a record, or acknowledges nothing for a minute.
    TopicMismatchError
        If there is no such topic.
    KeyboardInterrupt
        On Ctrl-C.
    """
    target = describe(brokers, topic)
    most_bytes = int(target.settings.get("max.message.bytes", BATCH_BYTES))
    releases = Releases()
    with ctrl_c() as interrupted:
        run = Delivery(
            replay_producer(brokers, most_bytes=most_bytes),
            topic,
            Window(0),
            keep=lambda _prefix: None,
            clock=time.monotonic,
            is_interrupted=interrupted,
        )
        for records in read(brokers, topic, 1, from_beginning=True):
            for record in records:
                releases.take(record, now())
            for key in releases.due(now()):
                run.produce(Record(_MENTION + key, None, 0, 0))
                watch(key)
            run.wait(0)
