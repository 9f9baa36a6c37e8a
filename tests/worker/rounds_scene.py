"""Rounds with a broker whose answers the test gives, and a store that notes what it is told."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from worker_support import make_events

from stream_cw.broker.contract import topic_names
from stream_cw.core.dead_letter import Headers
from stream_cw.core.events import encode_event
from stream_cw.core.row import View
from stream_cw.worker.batches import Batch
from stream_cw.worker.held import Held
from stream_cw.worker.lease import Lease
from stream_cw.worker.mark import MARK_KEY, Mark, decode_mark
from stream_cw.worker.metrics import Metrics
from stream_cw.worker.refusals import Limit
from stream_cw.worker.rounds import Rounds
from stream_cw.worker.setup import Setup
from stream_cw.worker.stats import Stats

TOPICS = topic_names()
EPOCH = bytes(16)


class Found:
    """A record as the consumer hands it over."""

    timestamp = None
    timestamp_type = 0
    headers = ()
    partition = 0

    def __init__(self, offset: int, value: bytes) -> None:
        self.offset, self.key, self.value = offset, b"profile-0", value


class Broker:
    """Queues batches; `answer` acknowledges one, the oldest first."""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, int, int, asyncio.Future[Any]]] = []
        self.ends: dict[tuple[str, int], int] = {}
        self.sent: dict[str, list[bytes]] = defaultdict(list)
        self.records: dict[str, list[tuple[bytes, bytes | None]]] = defaultdict(list)
        self.headers: list[tuple[bytes, Headers]] = []
        self.partitions = {0}

    def create_batch(self) -> Any:
        return _Batch()

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Any:
        assert partition in self.partitions
        future = asyncio.get_running_loop().create_future()
        self.waiting.append((topic, partition, batch.record_count(), future))
        self.sent[topic] += batch.values
        self.records[topic] += zip(batch.keys, batch.values, strict=True)
        if topic == TOPICS.changelog:
            self.headers += zip(batch.keys, batch.headers, strict=True)
        return future

    def answer(self, number: int = 0) -> str:
        topic, partition, count, future = self.waiting.pop(number)
        first = self.ends.get((topic, partition), 0)
        self.ends[topic, partition] = first + count
        future.set_result(Found(first, b""))
        return topic


class _Batch:
    def __init__(self) -> None:
        self.keys: list[Any] = []
        self.values: list[Any] = []
        self.headers: list[Any] = []

    def append(self, *, key: Any, value: Any, headers: Any, **_: Any) -> object:
        self.keys.append(key)
        self.values.append(value)
        self.headers.append(headers)
        return self

    def record_count(self) -> int:
        return len(self.values)

    def size(self) -> int:
        return 0


class Store:
    def __init__(self) -> None:
        self.behind: dict[int, dict[bytes, int]] = {}
        self.data: dict[bytes, bytes | None] = {}
        self.at: dict[int, int] = {}
        self.partitions = {0}

    def read(self, partition: int, key: bytes) -> bytes | None:
        assert partition == 0
        return self.data.get(key)

    def mark(self, partition: int) -> Mark | None:
        assert partition == 0
        data = self.data.get(MARK_KEY)
        return None if data is None else decode_mark(data)

    def place(self, partition: int) -> int | None:
        assert partition in self.partitions
        return self.at.get(partition)

    def write(self, partition: int, changes: dict[bytes, bytes | None], at: int) -> None:
        assert partition in self.partitions
        self.data.update(changes)
        self.at[partition] = at


class Scene:
    def __init__(self, limit: Limit | None, pending_bytes: int, pending_seconds: float) -> None:
        self.broker, self.store = Broker(), Store()
        self.generation = 1
        self.now = 0.0
        self.done: list[int] = []
        self.failures: list[BaseException] = []
        self.views = 0
        self.log_starts_at = 0
        self.catalog_ts = 0
        self.orders = 0
        self.news: asyncio.Queue[frozenset[str]] = asyncio.Queue()
        self.events: Iterator[tuple[int, bytes]] = iter(
            enumerate(map(encode_event, make_events(1, 50)))
        )
        self.rounds = Rounds(
            Setup(
                topics=TOPICS,
                epoch=EPOCH,
                partitions=1,
                store=self.store,
                producer=lambda: self.broker,
                generation=lambda: self.generation,
                done=lambda _, offset: self.done.append(offset),
                log_start=self.log_start,
                fail=self.failures.append,
                lease=Lease(6.0, lambda: self.now),
                held=Held(10**9),
                view=self.next_view,
                changed=self.news.get,
                ordered=self.note_order,
                stats=Stats(),
                metrics=Metrics(Stats()),
                most_records=100,
                most_bytes=10**6,
                batch_records=10,
                batch_bytes=10**4,
                pending_bytes=pending_bytes,
                pending_seconds=pending_seconds,
                limit=limit,
            )
        )
        self.rounds.resume()

    def next_view(self) -> View:
        """A model that is newer each time someone asks."""
        self.views += 1
        return View(model=self.views, catalog_ts=self.catalog_ts)

    def note_order(self) -> None:
        self.orders += 1

    async def log_start(self, partition: int) -> int:
        assert partition == 0
        return self.log_starts_at

    def batch(self, records: int = 1, generation: int | None = None) -> Batch:
        found = [Found(*next(self.events)) for _ in range(records)]
        size = sum(len(record.value) for record in found)
        return Batch(generation or self.generation, 0, found, size)

    async def run(self, generation: int | None = None, records: int = 1) -> None:
        await self.rounds.run(self.batch(records, generation))
        await breathe()


async def breathe() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def scene(
    play: Callable[[Scene], Awaitable[None]],
    limit: Limit | None = None,
    pending_bytes: int = 10**8,
    pending_seconds: float = 0.0,
) -> Scene:
    async def main() -> Scene:
        made = Scene(limit, pending_bytes, pending_seconds)
        await play(made)
        return made

    return asyncio.run(main())


async def settled(s: Scene) -> None:
    """Answer all that waits until nothing is in flight."""
    settling = asyncio.create_task(s.rounds.settle())
    while not settling.done():
        while s.broker.waiting:
            s.broker.answer()
        await breathe()
