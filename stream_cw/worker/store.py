"""The states on this machine: one RocksDB for each partition, behind Faust's table.

A store is never ahead of the changelog: a piece of what rounds leave is written only after the
broker has acknowledged its changelog records, and with their offset, all or nothing. What a crash
leaves out is read back from the changelog: the last pieces, or where much is written (`write_log`)
the last commit interval.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import rocksdict
from faust.stores import rocksdb
from faust.types import TP
from msgspec import Struct

from stream_cw.core.codec import decode_source
from stream_cw.core.rows import SOURCE_OFFSET
from stream_cw.errors import StreamCwError
from stream_cw.worker.batches import Stretch
from stream_cw.worker.disk import destroy_store, noted, open_store, shared_memory
from stream_cw.worker.mark import AGAIN_HEADER, MARK_KEY, Mark, decode_mark
from stream_cw.worker.stats import Stats
from stream_cw.worker.write_log import WriteLog

OFFSET_KEY: Final = rocksdb.Store.offset_key
STORED_AT_KEY: Final = b"!stored_at"
MOST_GONE: Final = 10_000
"""Tombstones that are remembered while the changelog is followed."""

log: Final = logging.getLogger("stream_cw.worker")


class Config(Struct, frozen=True):
    """What a store needs beside Faust.

    Attributes
    ----------
    cache_bytes, buffer_bytes : int
        Block cache and write buffers of all partitions together.
    rebuild_after_ms : int
        A store that rested for longer is rebuilt: the changelog keeps tombstones only so long.
    stats : Stats
    fail : callable
        Ends the process: Faust's recovery logs an exception and goes on.
    """

    cache_bytes: int
    buffer_bytes: int
    rebuild_after_ms: int
    stats: Stats
    fail: Callable[[BaseException], None]


class StateStore(rocksdb.Store):  # type: ignore[misc]
    """Faust's RocksDB store, with batches of changelog records and one memory budget."""

    def __init__(self, url: Any, app: Any, table: Any, config: Config, **kwargs: Any) -> None:
        super().__init__(url, app, table, driver="rocksdict", **kwargs)
        self._config = config
        self._shared = shared_memory(config.cache_bytes, config.buffer_bytes)
        self.behind: dict[int, dict[bytes, int]] = {}
        """Keys by partition whose changelog ends with an older state than the store has, or with
        one of a profile that was forgotten since; and what went into the newer."""
        self._gone: dict[int, dict[bytes, int]] = {}
        self._marked: dict[int, int] = {}
        self._log = WriteLog(config.buffer_bytes)

    def read(self, partition: int, key: bytes) -> bytes | None:
        """Read the encoded state of a profile."""
        db = self._opened(partition)
        try:
            value: bytes | None = db.get(key)
        except Exception as error:  # noqa: BLE001 - rocksdict has no type for it
            raise noted(error, self.partition_path(partition)) from None
        return value

    def mark(self, partition: int) -> Mark | None:
        """Read the partition's mark."""
        value = self.read(partition, MARK_KEY)
        return None if value is None else decode_mark(value)

    def place(self, partition: int) -> int | None:
        """Read the last changelog offset that went in."""
        value = self.read(partition, OFFSET_KEY)
        return None if value is None else int(value)

    def write(
        self, partition: int, changes: Mapping[bytes, bytes | None], changelog_offset: int
    ) -> None:
        """Write a piece of what rounds left and its place in the changelog, all or nothing."""
        batch = rocksdict.WriteBatch(raw_mode=True)
        for key, value in changes.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        self._write(partition, batch, changelog_offset)

    def apply_changelog_batch(
        self,
        batch: Iterable[Any],
        to_key: Callable[[Any], Any],
        to_value: Callable[[Any], Any],
    ) -> None:
        """Do nothing: `take` has had them. Faust's buffer would hold the last one back."""

    def take(self, message: Any) -> None:
        """Take records of the changelog; for each key the state that saw most stays.

        A worker that was cut off may have put an older state behind a newer one, or behind a
        tombstone. The newer one is kept, and its key is noted in `behind`, to be written to the
        changelog again.
        """
        if self.app.should_stop:  # the stores are closed, or will be in a moment
            return
        try:
            if message.generation_id == self.app.consumer_generation_id:
                self._follow(message.tp, message.value)
            elif message.tp.partition in self._dbs:
                # What a rebalance overtook would leave a gap. Faust counts it as read all the same,
                # and would end the recovery at it.
                self.app.consumer.read_again(message.tp)
        except Exception as error:  # noqa: BLE001 - Faust's recovery would log it and go on
            self._config.fail(error)

    def _follow(self, tp: TP, stretch: Stretch) -> None:
        """Take a stretch that goes on where the last one ended; else have it read again.

        When recovery ends Faust empties its queues, and what a standby waited for is gone.
        """
        place = self.place(tp.partition)
        goes_on = stretch.sought if place is None else stretch.start <= place + 1
        if not goes_on:
            self.app.consumer.read_again(tp)
            return
        # Faust keeps to itself what begins and ends at the store's place: the next one is no less
        # the first.
        if stretch.sought or tp.partition not in self._gone:
            self._begin(tp.partition)
        self._apply(tp.partition, stretch.records)

    def _apply(self, partition: int, records: Iterable[Any]) -> None:
        known = self.place(partition)
        behind = self.behind.setdefault(partition, {})
        states: dict[bytes, bytes | None] = {}
        last = -1
        for record in records:
            last = record.offset
            self._config.stats.changelog_read += 1
            if known is not None and last <= known:
                continue
            key = record.key
            before = states[key] if key in states else self.read(partition, key)
            applied = _applied_in(record)  # refuses a state of a newer version
            seen = self._forgotten(partition, record) if before is None else _applied(key, before)
            if seen > applied or (before is None and record.value is not None and seen == applied):
                behind[key] = seen
                continue
            behind.pop(key, None)
            if record.value is None:
                self._gone[partition][key] = applied
            states[key] = record.value
        if states or last > (known if known is not None else -1):
            self.write(partition, states, last)
        if len(self._gone[partition]) > MOST_GONE:
            self._begin(partition)

    def _begin(self, partition: int) -> None:
        """Read on from here as a store does that was just opened: its mark tells what is gone."""
        mark = self.mark(partition)
        self._marked[partition] = -1 if mark is None else mark.offset
        self._gone[partition] = {}

    def _forgotten(self, partition: int, record: Any) -> int:
        """Find how far was seen of a key that has no state: it is forgotten up to there.

        Either its tombstone was read, or it lies before the place that the store has come to: then
        all up to the mark that the store had when it began to read left no state.
        """
        gone = self._gone[partition].get(record.key)
        if gone is not None:
            return gone
        is_late = any(name == AGAIN_HEADER for name, _ in record.headers)
        return -1 if is_late else self._marked[partition]

    def _write(self, partition: int, batch: rocksdict.WriteBatch, changelog_offset: int) -> None:
        batch.put(OFFSET_KEY, b"%d" % changelog_offset)
        batch.put(STORED_AT_KEY, b"%d" % _wall_ms())
        db = self._opened(partition)
        try:
            db.write(batch, self._log.options(batch.size_in_bytes()))
        except Exception as error:  # noqa: BLE001 - rocksdict has no type for it
            raise noted(error, self.partition_path(partition)) from None

    async def end_interval(self) -> None:
        """Note that a commit interval is over."""
        try:
            self._log.end_interval(self._dbs.values())
        except Exception as error:  # noqa: BLE001 - rocksdict has no type for it
            self._config.fail(error)

    def _opened(self, partition: int) -> rocksdict.Rdict:
        try:
            return self._dbs[partition]
        except KeyError:
            raise StreamCwError(
                f"the store of partition {partition} is not open: it belongs to another worker"
            ) from None

    def persisted_offset(self, tp: TP) -> int:
        """Tell Faust where recovery goes on; -1 for an empty store.

        For None it would go on behind what an earlier recovery read and could not keep.
        """
        place = self.place(tp.partition)
        return -1 if place is None else place

    async def assign_partitions(self, table: Any, tps: set[TP], generation_id: int = 0) -> None:
        """Open the stores of new partitions; only this opens one."""
        del generation_id
        for tp in tps:
            if tp.topic == table.changelog_topic_name and tp.partition not in self._dbs:
                self._dbs[tp.partition] = self._open_for_partition(tp.partition)

    def _db_for_partition(self, partition: int) -> rocksdict.Rdict:
        return self._opened(partition)

    def revoke_partitions(self, table: Any, tps: set[TP]) -> None:
        """Close the stores of partitions that other workers have now."""
        for tp in tps:
            if tp.topic == table.changelog_topic_name:
                self.behind.pop(tp.partition, None)
                self._gone.pop(tp.partition, None)
                if (db := self._dbs.pop(tp.partition, None)) is not None:
                    db.close()

    async def stop(self) -> None:
        """Close all stores."""
        while self._dbs:
            self._dbs.popitem()[1].close()

    def _open_for_partition(self, partition: int) -> rocksdict.Rdict:
        path = self.partition_path(partition)
        db = open_store(path, self._shared, (STORED_AT_KEY, OFFSET_KEY, MARK_KEY))
        stored_at = db.get(STORED_AT_KEY)
        if stored_at is not None and _wall_ms() - int(stored_at) > self._config.rebuild_after_ms:
            log.warning("the store of partition %d rested for too long: it is rebuilt", partition)
            db.close()
            destroy_store(path, self._shared)
            db = open_store(path, self._shared)
        return db


def _applied(key: bytes, value: bytes) -> int:
    """Highest offset of the events that went into a value."""
    return decode_mark(value).offset if key == MARK_KEY else decode_source(value).offset


def _applied_in(record: Any) -> int:
    if record.value is not None:
        return _applied(record.key, record.value)
    for name, value in record.headers:
        if name == SOURCE_OFFSET:
            return int(value)
    raise StreamCwError(f"changelog record {record.offset} is a tombstone without a source")


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
