"""Rounds: all that waits is worked on as one, and several are under way at a time.

A round is computed here; how it goes through is told in `flight`.

Each round belongs to a generation of the consumer group. One that no longer is the current one goes
no further, and neither does one whose worker has not been heard of for a session timeout.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from stream_cw.core.records import Record
from stream_cw.core.row import View
from stream_cw.errors import TooManyRefusedError
from stream_cw.worker.batches import LOG_APPEND_TIME, Batch
from stream_cw.worker.breath import Breath
from stream_cw.worker.checks import check_start
from stream_cw.worker.flight import Flight
from stream_cw.worker.live import Live
from stream_cw.worker.output import Output, again, count, measure, push_out, put_out
from stream_cw.worker.refusals import Refusals
from stream_cw.worker.sending import Outgoing
from stream_cw.worker.setup import Setup
from stream_cw.worker.tenure import Overtaken, Tenure
from stream_cw.worker.waiting import Waiting
from stream_cw.worker.work import Partition, Work
from stream_cw.worker.write_behind import WriteBehind

TAKING_MS: Final = 50
"""A round takes no further batch after so long: rows leave when all of it is computed."""


class Rounds:
    """Works on batches in rounds; see the module for the order of things."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.lease = setup.lease
        self.waiting = Waiting(setup)
        self._tenure = Tenure(setup)
        self._behind = WriteBehind(setup, self._tenure)
        self._flight = Flight(setup, self._tenure, self._behind)
        self._next: dict[int, int] = {}
        self._open = False
        self._halted_at = self.lease.now()
        self._live = Live()
        self._turn = asyncio.Lock()

    # What waits

    async def wait_for_room(self) -> None:
        """Wait until another batch may wait, or no round may start."""
        await self.waiting.wait_for_room(self.is_open)

    def is_open(self) -> bool:
        """Whether rounds may start: the worker has its partitions."""
        return self._open

    def is_busy(self) -> bool:
        """Whether records wait, rounds are under way, or what they left is not written."""
        return len(self.waiting) > 0 or len(self._flight) > 0 or not self._behind.is_idle()

    def check_changelog(self, ends: Mapping[int, int]) -> None:
        """End the process where another worker wrote into the changelog.

        One that was halted past its session may have had older states in its socket. The recovery
        of the next start, or of the next owner, puts the newer ones on top again.
        """
        for partition, end in ends.items():
            if self._behind.is_writing() or not self._open:
                return
            place = self.setup.store.place(partition)
            if place is not None and end > place + 1:
                self.setup.fail(self._behind.foreign(partition, place + 1, end - 1))

    # Hand-over

    def resume(self) -> None:
        """Start rounds again, after the partitions' states have been recovered."""
        self.setup.stats.rebalances += 1
        self.setup.held.clear()  # other workers may have sent rows meanwhile
        self._live.clear()
        self._next.clear()
        self.setup.metrics.forget_shares()
        self._behind.clear()
        self._tenure.resume()
        self._open = True
        now = self.lease.now()
        self.lease.renew(now)
        self.setup.metrics.level("hand_over_seconds", now - self._halted_at)

    async def settle(self) -> None:
        """Start no further round, see those in flight through, and write what they left.

        Nothing goes further if this worker was not heard of in time.
        """
        if self._open:
            self._halted_at = self.lease.now()
        self._open = False
        self.waiting.look_again()
        self._tenure.end()
        await self._flight.land()
        await self._behind.flush()

    async def write_again(self, partitions: Iterable[int]) -> None:
        """Put what a worker that was cut off has hidden with older states back on top."""
        store = self.setup.store
        for partition in partitions:
            keys = store.behind.pop(partition, {})
            records = [
                again(partition, key, store.read(partition, key), seen)
                for key, seen in keys.items()
            ]
            if records:
                self.setup.stats.rewritten += len(records)
                store.write(partition, {}, await self._behind.append(partition, records))

    # Rounds

    async def run(self, first: Batch) -> None:
        """Work on a batch and on all that waits behind it; return when the next may start."""
        async with self._next_turn():
            if self._open:
                await self._start(self.setup.generation(), first)

    async def push_changes(self) -> None:
        """Push what the catalog changes, for as long as it is followed."""
        while True:
            await self.push(await self.setup.changed())

    async def push(self, named: frozenset[str]) -> None:
        """Send rows of sessions that are live and have one of the shows, as a round of its own.

        Parameters
        ----------
        named : frozenset of str
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
                await self._flight.wait_for_room()
                await self._behind.wait_for_room()
                yield
            except Overtaken:
                pass
            except TooManyRefusedError as error:
                await self.settle()  # else letters of the rounds before would come again
                self.setup.fail(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, nothing may be committed
                self.setup.fail(error)

    async def _start(self, generation: int, first: Batch) -> None:
        breath = Breath()
        works, records = await self._take(generation, first, breath)
        view = self.setup.view()
        outputs = [await self._put_out(generation, work, view, breath) for work in works]
        self.setup.stats.working_ms += breath.worked_ms()
        if works:
            measure(records, outputs, self.setup.metrics)
            self._launch(generation, works, outputs)

    async def _take(self, generation: int, first: Batch, breath: Breath) -> tuple[list[Work], int]:
        """Take what waits; return the work on each partition, and how many records it was."""
        records, size = 0, 0
        works: dict[int, Work] = {}
        for batch in self.waiting.gather(first):
            if batch.generation != generation:
                continue
            records, size = records + len(batch.records), size + batch.size
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
            is_full = breath.worked_ms() >= TAKING_MS or not self.waiting.fits(records, size)
            if is_full or len(batch.records) >= self.setup.batch_records:
                self._behind.expect_more()
            if is_full:
                break
        return list(works.values()), records

    async def _put_out(self, generation: int, work: Work, view: View, breath: Breath) -> Output:
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
        return output

    async def _push(self, generation: int, named: frozenset[str]) -> None:
        breath, view, setup = Breath(), self.setup.view(), self.setup
        rows: dict[int, list[Outgoing]] = {}
        for key, partition in self._live.at(view.catalog_ts):
            state = self._flight.state(partition, key)
            if state is not None and not named.isdisjoint(state.shows):
                made = push_out(key, state, setup.held, view, int(self.lease.now() * 1000))
                rows.setdefault(partition, []).extend(made)
            if breath.is_due():
                await self._breathe(breath, generation)
        setup.stats.working_ms += breath.worked_ms()
        pushed = sum(map(len, rows.values()))
        setup.stats.pushed += pushed
        setup.stats.rows += pushed
        outputs = [
            Output(partition=number, mark=None, states={}, rows=made)
            for number, made in rows.items()
            if made
        ]
        if outputs:
            self._launch(generation, (), outputs)

    def _launch(self, generation: int, works: Iterable[Work], outputs: list[Output]) -> None:
        for work in works:
            self._next[work.partition.number] = work.last + 1
            self._live.note(work.partition.number, work.changes)
            count(work, self.setup.stats, self.setup.metrics)
        self.setup.stats.rounds += 1
        self._flight.launch(generation, outputs)

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
        mark, limit = self._flight.mark(partition), self.setup.limit
        return Work(
            Partition(self.setup.epoch, partition, self.setup.partitions),
            mark=mark.offset,
            refusals=None if limit is None else Refusals(limit, mark.refused),
            lookup=partial(self._flight.state, partition),
            guarded=self.setup.guarded,
        )


def _record(found: Any) -> Record:
    stamped = found.timestamp if found.timestamp_type == LOG_APPEND_TIME else None
    headers = tuple(found.headers)
    return Record(found.key, found.value, found.partition, found.offset, stamped, headers)
