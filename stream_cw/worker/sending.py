"""Records go out as batches, and count as sent when the broker has acknowledged them."""

import asyncio
import time
from collections.abc import Iterable
from typing import Final, Protocol

from msgspec import Struct

from stream_cw.core.dead_letter import Headers

BATCH_BYTES: Final = 900_000
"""A batch is closed here. The producer's own check is no help: its batches accept what brokers
refuse, and their usual limit is 1 MiB. A partition takes one batch at a time."""

_BESIDE_BYTES: Final = 128
"""What a record's headers and lengths take up, nearly."""


class Outgoing(Struct, frozen=True, gc=False):
    """One record to send."""

    key: bytes | None
    value: bytes | None
    headers: Headers = []


class Acknowledged(Struct, frozen=True):
    """Offsets that a topic's partition gave to a batch."""

    first: int
    last: int


class _Batch(Protocol):
    def append(
        self, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: Headers
    ) -> object: ...
    def record_count(self) -> int: ...
    def size(self) -> int: ...


class _Metadata(Protocol):
    offset: int


class Producer(Protocol):
    """The part of aiokafka's producer that is used."""

    def create_batch(self) -> _Batch:
        """Return an empty batch."""

    async def send_batch(
        self, batch: _Batch, topic: str, *, partition: int
    ) -> asyncio.Future[_Metadata]:
        """Queue a batch; the future is done when the broker has acknowledged it."""


class Sent:
    """Batches on their way, in order.

    Attributes
    ----------
    size : int
        How many bytes their records take up.
    """

    def __init__(self) -> None:
        self.size = 0
        self._batches: list[tuple[asyncio.Future[_Metadata], int]] = []

    def add(self, future: asyncio.Future[_Metadata], count: int) -> None:
        """Add a batch of so many records."""
        self._batches.append((future, count))

    @property
    def answers(self) -> list[asyncio.Future[_Metadata]]:
        """The broker's answers, of each batch."""
        return [future for future, _ in self._batches]

    async def acknowledged(self) -> list[Acknowledged]:
        """Wait for the broker; raise the first failure."""
        answers = await asyncio.gather(*self.answers)
        return [
            Acknowledged(answer.offset, answer.offset + count - 1)
            for answer, (_, count) in zip(answers, self._batches, strict=True)
        ]


async def send(producer: Producer, topic: str, partition: int, records: Iterable[Outgoing]) -> Sent:
    """Queue records for a partition, in order.

    Returns when all batches are queued: the next ones go behind them. The broker's answer is
    awaited through the result.
    """
    sent, now_ms = Sent(), int(time.time() * 1000)
    batch, filled = producer.create_batch(), 0
    for record in records:
        key, value = record.key, record.value
        size = len(key or b"") + len(value or b"") + _BESIDE_BYTES
        if filled and filled + size > BATCH_BYTES:
            await _queue(producer, batch, topic, partition, sent)
            batch, filled = producer.create_batch(), 0
        filled += size  # a batch tells its size, too, in twice the time that this takes
        added = batch.append(timestamp=now_ms, key=key, value=value, headers=record.headers)
        if added is None:
            raise ValueError(f"an empty batch took no record of {size} bytes")
    if batch.record_count():
        await _queue(producer, batch, topic, partition, sent)
    return sent


async def _queue(producer: Producer, batch: _Batch, topic: str, partition: int, sent: Sent) -> None:
    count = batch.record_count()
    sent.size += batch.size()
    sent.add(await producer.send_batch(batch, topic, partition=partition), count)
