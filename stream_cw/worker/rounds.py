"""Rounds: all that waits is worked on as one, and several are under way at a time.

A round is computed, its rows and dead letters are sent. When the broker has acknowledged them, and
the round before is through, its states go to the changelog, then into the store, and its offsets
may be committed. So a stored state never runs ahead of its rows, nor an offset ahead of its state.
After a crash rows may be repeated, in the same bytes, and none is lost.

Each round belongs to a generation of the consumer group. One that no longer is the current one goes
no further, and neither does one whose worker has not been heard of for a session timeout.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Set
from contextlib import asynccontextmanager
from typing import Any, Final

from stream_cw.core.codec import decode_state
from stream_cw.core.records import Record
from stream_cw.core.state import ProfileState
from stream_cw.errors import LogMismatchError
from stream_cw.worker.breath import Breath
from stream_cw.worker.checks import check_start
from stream_cw.worker.live import Live
from stream_cw.worker.output import Output, count, push_out, put_out
from stream_cw.worker.sending import Outgoing, send
from stream_cw.worker.setup import Setup
from stream_cw.worker.transport import LOG_APPEND_TIME, Batch
from stream_cw.worker.work import Partition, Work

IN_FLIGHT: Final = 3
WAITING: Final = 8
"""Batches that may wait; the rest stays with the consumer, which fetches ahead."""
LEASE_POLL_SECONDS: Final = 0.02


class Overtaken(Exception):  # noqa: N818 - not an error, and never leaves this module
    """The round's generation is over."""


class _Round:
    def __init__(self, generation: int, outputs: list[Output]) -> None:
        self.generation = generation
        self.outputs = {output.partition: output for output in outputs}
        self.queued = asyncio.Event()
        self.through = asyncio.Event()
        self.task: asyncio.Task[None] | None = None


class Rounds:
    """Works on batches in rounds; see the module for the order of things."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.lease = setup.lease
        self._in_flight: deque[_Round] = deque()
        self._next: dict[int, int] = {}
        self._open = False
        self._cut_off = False
        self._room = asyncio.Event()
        self._queue: asyncio.Queue[Any] | None = None
        self._live = Live()
        self._turn = asyncio.Lock()

    # What waits

    def attach(self, queue: "asyncio.Queue[Any]") -> None:
        """Say where batches wait."""
        self._queue = queue

    async def wait_for_room(self) -> None:
        """Wait until fewer than `WAITING` batches wait, or no round may start."""
        while self._open and self._queue is not None and self._queue.qsize() >= WAITING:
            self._room.clear()
            await self._room.wait()

    def is_busy(self) -> bool:
        """Whether records wait or rounds are under way."""
        return bool(self._in_flight) or (self._queue is not None and self._queue.qsize() > 0)

    def check_changelog(self, ends: Mapping[int, int]) -> None:
        """End the process where another worker wrote into the changelog.

        One that was halted past its session may have had older states in its socket. The recovery
        of the next start, or of the next owner, puts the newer ones on top again.
        """
        for partition, end in ends.items():
            if self._in_flight or not self._open:
                return
            place = self.setup.store.place(partition)
            if place is not None and end > place + 1:
                self.setup.fail(self._foreign(partition, place + 1, end - 1))

    def _foreign(self, partition: int, wanted: int, found: int) -> LogMismatchError:
        return LogMismatchError(
            f"topic {self.setup.topics.changelog}, partition {partition}: wanted offset {wanted} "
            f"for the next state, found {found}: another worker wrote here"
        )

    # Hand-over

    def resume(self) -> None:
        """Start rounds again, after the partitions' states have been recovered."""
        self.setup.stats.rebalances += 1
        self.setup.held.clear()  # other workers may have sent rows meanwhile
        self._live.clear()
        self._next.clear()
        self._cut_off = False
        self._open = True
        self.lease.renew(self.lease.now())

    async def settle(self) -> None:
        """Start no further round and see those in flight through."""
        self._open = False
        self._room.set()
        if not self.lease.is_held():
            self._cut_off = True
        while self._in_flight:
            await self._in_flight[0].through.wait()

    async def write_again(self, partitions: Iterable[int]) -> None:
        """Put states back on top that a worker which was cut off has hidden with older ones."""
        store = self.setup.store
        for partition in partitions:
            keys = store.behind.pop(partition, {})
            stored = {key: store.read(partition, key) for key in keys}
            records = [Outgoing(key, value) for key, value in stored.items() if value is not None]
            if records:
                self.setup.stats.rewritten += len(records)
                store.write(partition, {}, await self._append(partition, records))

    # Rounds

    async def run(self, first: Batch) -> None:
        """Work on a batch and on all that waits behind it; return when the next may start."""
        async with self._next_turn():
            generation = self.setup.generation()
            batches = [b for b in self._gather(first) if b.generation == generation]
            if batches and self._open:
                await self._start(generation, batches)

    async def push_changes(self) -> None:
        """Push what the catalog changes, for as long as it is followed."""
        while True:
            await self.push(await self.setup.changed())

    async def push(self, named: Set[str]) -> None:
        """Send rows of sessions that are live and have one of the shows, as a round of its own.

        Parameters
        ----------
        named : set of str
            Shows of which the catalog says something new.
        """
        async with self._next_turn():
            if self._open:
                await self._push(self.setup.generation(), named)

    @asynccontextmanager
    async def _next_turn(self) -> AsyncIterator[None]:
        """Wait until a round may start; what goes wrong in it ends the process."""
        async with self._turn:
            try:
                while len(self._in_flight) >= IN_FLIGHT:
                    await self._in_flight[0].through.wait()
                yield
            except Overtaken:
                pass
            except Exception as error:  # noqa: BLE001 - whatever it is, nothing may be committed
                self.setup.fail(error)

    def _gather(self, first: Batch) -> Iterator[Batch]:
        setup, queue = self.setup, self._queue
        records, size = len(first.records), first.size
        yield first
        while (
            queue is not None
            and queue.qsize()
            and records + setup.batch_records <= setup.most_records
            and size + setup.batch_bytes <= setup.most_bytes
        ):
            batch: Batch = queue.get_nowait().value
            records, size = records + len(batch.records), size + batch.size
            yield batch
        self._room.set()

    async def _start(self, generation: int, batches: list[Batch]) -> None:
        breath = Breath()
        works: dict[int, Work] = {}
        for batch in batches:
            work = works.get(batch.partition) or works.setdefault(
                batch.partition, self._new_work(batch.partition)
            )
            if 0 < work.last + 1 < batch.records[0].offset:
                await self._check_gap(batch.partition, work.last + 1, generation)
            start = self._next.get(batch.partition, 0)
            for found in batch.records:
                if found.offset >= start:
                    work.take(_record(found))
                    if breath.is_due():
                        await self._breathe(breath, generation)
        outputs = []
        view = self.setup.view()
        for work in works.values():
            output = Output.of(work)
            for _ in put_out(
                output,
                work,
                topic=self.setup.topics.events,
                held=self.setup.held,
                view=view,
                now_ms=int(self.lease.now() * 1000),
                stats=self.setup.stats,
            ):
                if breath.is_due():
                    await self._breathe(breath, generation)
            outputs.append(output)
        self.setup.stats.working_ms += breath.worked_ms()
        self._launch(generation, works.values(), outputs)

    async def _push(self, generation: int, named: Set[str]) -> None:
        breath, view, setup = Breath(), self.setup.view(), self.setup
        rows: dict[int, list[Outgoing]] = {}
        for key, partition in self._live.at(view.catalog_ts):
            if (state := self._state(partition, key)) is not None and named & state.shows.keys():
                made = push_out(key, state, setup.held, view, int(self.lease.now() * 1000))
                rows.setdefault(partition, []).extend(made)
            if breath.is_due():
                await self._breathe(breath, generation)
        setup.stats.working_ms += breath.worked_ms()
        setup.stats.pushed += sum(map(len, rows.values()))
        outputs = [
            Output(partition=number, last=self._dealt_with(number), states={}, rows=made)
            for number, made in rows.items()
            if made
        ]
        if outputs:
            self._launch(generation, (), outputs)

    def _launch(self, generation: int, works: Iterable[Work], outputs: list[Output]) -> None:
        for work in works:
            self._next[work.partition.number] = work.last + 1
            self._live.note(work.partition.number, work.changes)
            count(work, self.setup.stats)
        self.setup.stats.rounds += 1
        round_ = _Round(generation, outputs)
        before = self._in_flight[-1] if self._in_flight else None
        self._in_flight.append(round_)
        round_.task = asyncio.create_task(self._see_through(round_, before))

    async def _check_gap(self, partition: int, needed: int, generation: int) -> None:
        """End where records went away unread: aiokafka goes on at the log's start without a word.

        A gap alone may be the end of a transaction, which takes an offset, too.
        """
        start = await self.setup.log_start(partition)
        self._check_current(generation)
        check_start(self.setup.topics.events, partition, needed, start)

    async def _breathe(self, breath: Breath, generation: int) -> None:
        await breath.take()
        self._check_current(generation)

    def _check_current(self, generation: int) -> None:
        if not self._open or generation != self.setup.generation():
            raise Overtaken

    def _new_work(self, partition: int) -> Work:
        return Work(
            Partition(self.setup.epoch, partition, self.setup.partitions),
            mark=self._dealt_with(partition),
            lookup=lambda key: self._state(partition, key),
            guarded=self.setup.guarded,
        )

    def _state(self, partition: int, key: bytes) -> ProfileState | None:
        for round_ in reversed(self._in_flight):
            output = round_.outputs.get(partition)
            if output is not None and key in output.states:
                return output.states[key]
        data = self.setup.store.read(partition, key)
        return None if data is None else decode_state(data)

    def _dealt_with(self, partition: int) -> int:
        for round_ in reversed(self._in_flight):
            if partition in round_.outputs:
                return round_.outputs[partition].last
        mark = self.setup.store.mark(partition)
        return -1 if mark is None else mark.offset

    # What goes out

    async def _see_through(self, round_: _Round, before: _Round | None) -> None:
        try:
            if before is not None:
                await before.queued.wait()  # rows go out behind those of the round before
            await self._hold(round_)
            outputs = round_.outputs.values()
            rows = await asyncio.gather(*(self._send_rows(output) for output in outputs))
            round_.queued.set()
            await asyncio.gather(*(sent.acknowledged() for pair in rows for sent in pair))
            if before is not None:
                await before.through.wait()
            await self._hold(round_)
            stored = [output for output in outputs if output.changelog]
            places = await asyncio.gather(
                *(self._append(output.partition, output.changelog) for output in stored)
            )
            await self._hold(round_)
            for output, place in zip(stored, places, strict=True):
                self.setup.store.write(output.partition, output.stored, place)
                self.setup.done(output.partition, output.last + 1)
        except Overtaken:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing may be committed
            self.setup.fail(error)
        finally:
            self._in_flight.remove(round_)
            round_.queued.set()
            round_.through.set()

    async def _hold(self, round_: _Round) -> None:
        """Make sure that the round's partitions are still this worker's."""
        while True:
            if self._cut_off or round_.generation != self.setup.generation():
                raise Overtaken
            if self.lease.is_held():
                return
            await asyncio.sleep(LEASE_POLL_SECONDS)

    async def _send_rows(self, output: Output) -> Any:
        producer, topics = self.setup.producer(), self.setup.topics
        return await asyncio.gather(
            send(producer, topics.rows, output.partition, output.rows),
            send(producer, topics.dead_letters, 0, output.letters),
        )

    async def _append(self, partition: int, records: list[Outgoing]) -> int:
        """Append to the changelog; return the offset of the last record."""
        topic = self.setup.topics.changelog
        before = self.setup.store.place(partition)
        sent = await send(self.setup.producer(), topic, partition, records)
        batches = await sent.acknowledged()
        places = [batches[0].first - 1 if before is None else before, *(b.last for b in batches)]
        for place, batch in zip(places, batches, strict=False):
            if batch.first != place + 1:
                raise self._foreign(partition, place + 1, batch.first)
        self.setup.stats.changelog_sent += len(records)
        return places[-1]


def _record(found: Any) -> Record:
    stamped = found.timestamp if found.timestamp_type == LOG_APPEND_TIME else None
    return Record(found.key, found.value, found.partition, found.offset, stamped)
