"""Records go out in batches that brokers take, in order."""

import asyncio
from typing import Any

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder

from stream_cw.core.rows import MAX_ROW_BYTES
from stream_cw.worker.sending import BATCH_BYTES, Outgoing, send

BROKERS_LIMIT = 1_048_588
"""`message.max.bytes`, of a whole batch, where nothing else is set."""


class Producer:
    """Takes batches as aiokafka's producer does, and keeps them."""

    def __init__(self) -> None:
        self.batches: list[bytes] = []

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(1_000_000, 0)

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Any:
        assert (topic, partition) == ("rows", 3)
        self.batches.append(bytes(batch._build()))
        return asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("size", [0, 100, 12_288, MAX_ROW_BYTES, 700_000])
def test_no_batch_is_larger_than_brokers_take_and_few_are_much_smaller(size: int) -> None:
    headers = [("cw-source-partition", b"12"), ("cw-source-offset", b"123456789012")]
    trace = ("traceparent", b"0" * 55)
    records = [
        Outgoing(b"profile-%08d/device-%08d" % (n, n), bytes(size), [*headers, trace])
        for n in range(max(3_000_000 // (size + 128), 5))
    ]
    producer = Producer()
    sent = asyncio.run(send(producer, "rows", 3, records))
    assert len(producer.batches) > 1
    assert max(map(len, producer.batches)) <= BROKERS_LIMIT
    assert min(map(len, producer.batches[:-1])) > 0.6 * BATCH_BYTES
    assert sent.size == sum(map(len, producer.batches))
    together, place = b"".join(producer.batches), 0
    for record in records:
        place = together.index(record.key or b"", place)
