"""How the consumer is to behave, and whom it asks."""

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from stream_cw.worker.lease import Lease
from stream_cw.worker.metrics import Metrics


class Keeper(Protocol):
    """What the consumer asks of the one who works on the records."""

    lease: Lease

    async def wait_for_room(self) -> None:
        """Wait until fewer batches wait, or the flow stops."""

    async def settle(self) -> None:
        """Start no further round and see those in flight through."""

    def is_open(self) -> bool:
        """Whether rounds may start."""

    def is_busy(self) -> bool:
        """Whether records wait or are worked on."""

    def check_changelog(self, ends: Mapping[int, int]) -> None:
        """Compare the ends of the changelog's partitions with what was written or read there."""


class Manners(Struct, frozen=True, kw_only=True):
    """How the consumer behaves; times in seconds.

    Attributes
    ----------
    keeper : Keeper
    fetch_wait : float
        How long the broker may hold back an empty fetch.
    settle_timeout : float
        How long a hand-over may take.
    stall_timeout : float
        How long waiting records may see no progress.
    metrics : Metrics
        Told how far behind the consumer is.
    fail : callable
        Ends the process with nothing committed.
    """

    keeper: Keeper
    fetch_wait: float
    settle_timeout: float
    stall_timeout: float
    metrics: Metrics
    fail: Callable[[BaseException], None]
