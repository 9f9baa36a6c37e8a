"""Batches that wait for a round."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Final

from stream_cw.worker.batches import Batch
from stream_cw.worker.setup import Setup

WAITING: Final = 8
"""Batches that may wait; the rest stays with the consumer, which fetches ahead."""


class Waiting:
    """What the stream's queue holds, and how much of it fits into a round."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._queue: asyncio.Queue[Any] | None = None
        self._changed = asyncio.Event()

    def attach(self, queue: "asyncio.Queue[Any]") -> None:
        """Say where batches wait."""
        self._queue = queue

    def __len__(self) -> int:
        return 0 if self._queue is None else self._queue.qsize()

    async def wait_for_room(self, is_open: Callable[[], bool]) -> None:
        """Wait until fewer than `WAITING` batches wait, or no round may start."""
        while is_open() and len(self) >= WAITING:
            self._changed.clear()
            await self._changed.wait()

    def look_again(self) -> None:
        """Wake up who waits for room."""
        self._changed.set()

    def gather(self, first: Batch) -> Iterator[Batch]:
        """Yield a batch and those that wait behind it, up to the most records and bytes."""
        records, size = len(first.records), first.size
        self.look_again()
        yield first
        while self._queue is not None and len(self) and self.fits(records, size):
            batch: Batch = self._queue.get_nowait().value
            self.look_again()
            records, size = records + len(batch.records), size + batch.size
            yield batch

    def fits(self, records: int, size: int) -> bool:
        """Whether another batch fits into a round that has so much."""
        setup = self._setup
        return (
            records + setup.batch_records <= setup.most_records
            and size + setup.batch_bytes <= setup.most_bytes
        )
