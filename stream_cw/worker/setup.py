"""What rounds work with: given to them, so that they know neither Faust nor RocksDB."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct

from stream_cw.broker.contract import Topics
from stream_cw.core.row import View
from stream_cw.worker.held import Held
from stream_cw.worker.lease import Lease
from stream_cw.worker.mark import Mark
from stream_cw.worker.metrics import Metrics
from stream_cw.worker.refusals import Limit
from stream_cw.worker.sending import Producer
from stream_cw.worker.stats import Stats


class Store(Protocol):
    """The part of the state store that rounds use."""

    behind: dict[int, dict[bytes, int]]

    def read(self, partition: int, key: bytes) -> bytes | None:
        """Read an encoded state."""

    def mark(self, partition: int) -> Mark | None:
        """Read a partition's mark."""

    def place(self, partition: int) -> int | None:
        """Read the last changelog offset that went in."""

    def write(
        self, partition: int, changes: dict[bytes, bytes | None], changelog_offset: int
    ) -> None:
        """Write a piece, all or nothing."""


class Setup(Struct, frozen=True, kw_only=True):
    """What rounds work with.

    Attributes
    ----------
    epoch, partitions
        Of the event topic.
    generation : callable
        The consumer group's generation, as this worker knows it.
    done : callable
        Told partition and next offset when all before is written.
    log_start : callable
        Asks for the first offset that a partition of the event topic still has.
    fail : callable
        Ends the process with nothing committed.
    view : callable
        What rows are made with from now on; a round asks once.
    changed : callable
        Waits for a change of the catalog, and tells which ids it named.
    ordered : callable
        Told when dead letters were ordered to be erased.
    pending_bytes, pending_seconds
        What states may take up that wait to be written, and how long they may wait.
    limit : Limit or None
        Of the share of refused records; None: there is none.
    """

    topics: Topics
    epoch: bytes
    partitions: int
    store: Store
    producer: Callable[[], Producer]
    generation: Callable[[], int]
    done: Callable[[int, int], None]
    log_start: Callable[[int], Awaitable[int]]
    fail: Callable[[BaseException], None]
    lease: Lease
    held: Held
    view: Callable[[], View]
    changed: Callable[[], Awaitable[frozenset[str]]]
    ordered: Callable[[], None]
    stats: Stats
    metrics: Metrics
    most_records: int
    most_bytes: int
    batch_records: int
    batch_bytes: int
    pending_bytes: int
    pending_seconds: float
    guarded: bool = True
    limit: Limit | None = None
