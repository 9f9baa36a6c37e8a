"""Rounds under way: what they leave to those behind them, and how each goes through.

A round's rows and dead letters are sent behind those of the round before. When the broker has
acknowledged them, and the rounds before with the same partitions are through, its states go to the
changelog, then into the store, and its offsets may be committed. Rounds of other partitions do not
wait for one another: a partition takes one batch at a time, and answers some milliseconds later.
So a stored state never runs ahead of its rows, nor an
offset ahead of its state. After a crash rows may be repeated, in the same bytes, and none is lost.
A round without states is one of rows alone: nothing is stored of it, and nothing committed.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from itertools import chain
from typing import Final

from stream_cw.core.codec import decode_state
from stream_cw.core.state import ProfileState
from stream_cw.errors import LogMismatchError
from stream_cw.worker.mark import Mark
from stream_cw.worker.output import Output
from stream_cw.worker.sending import Outgoing, Sent, send
from stream_cw.worker.setup import Setup

IN_FLIGHT: Final = 3
LEASE_POLL_SECONDS: Final = 0.02


class Overtaken(Exception):  # noqa: N818 - not an error, and never leaves the rounds
    """The round's generation is over."""


class _Round:
    def __init__(self, generation: int, outputs: list[Output]) -> None:
        self.generation = generation
        self.outputs = {output.partition: output for output in outputs}
        self.queued = asyncio.Event()
        self.through = asyncio.Event()
        self.task: asyncio.Task[None] | None = None


class Flight:
    """Sees rounds through, in order; see the module."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._rounds: deque[_Round] = deque()
        self._cut_off = False
        self._landed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._rounds)

    def launch(self, generation: int, outputs: list[Output]) -> None:
        """Send a round on its way."""
        round_ = _Round(generation, outputs)
        before = list(self._rounds)
        self._rounds.append(round_)
        round_.task = asyncio.create_task(self._see_through(round_, before))

    async def wait_for_room(self) -> None:
        """Wait until another round may be under way."""
        while len(self._rounds) >= IN_FLIGHT:
            self._landed.clear()
            await self._landed.wait()

    async def land(self) -> None:
        """See all rounds through; none goes further if this worker was not heard of in time."""
        if not self._setup.lease.is_held():
            self._cut_off = True
        while self._rounds:
            await self._rounds[0].through.wait()

    def resume(self) -> None:
        """Let rounds go further again."""
        self._cut_off = False

    def state(self, partition: int, key: bytes) -> ProfileState | None:
        """Find a profile's state as the last round left it."""
        for round_ in reversed(self._rounds):
            output = round_.outputs.get(partition)
            if output is not None and key in output.states:
                return output.states[key]
        data = self._setup.store.read(partition, key)
        return None if data is None else decode_state(data)

    def mark(self, partition: int) -> Mark:
        """Find a partition's mark as the last round left it."""
        for round_ in reversed(self._rounds):
            if partition in round_.outputs:
                return round_.outputs[partition].mark
        return self._setup.store.mark(partition) or Mark(self._setup.epoch, -1)

    async def _see_through(self, round_: _Round, before: list[_Round]) -> None:
        try:
            for other in before[-1:]:
                await other.queued.wait()  # rows go out behind those of the round before
            await self._hold(round_)
            outputs = round_.outputs.values()
            queued = await asyncio.gather(*(self._send_rows(output) for output in outputs))
            round_.queued.set()
            await asyncio.gather(*(a for sent in chain(*queued) for a in sent.answers))
            if any(output.orders for output in outputs):
                self._setup.ordered()
            self._observe(outputs)
            for other in before:
                if not other.outputs.keys().isdisjoint(round_.outputs):
                    await other.through.wait()
            await self._hold(round_)
            stored = [output for output in outputs if output.changelog]
            places = await asyncio.gather(
                *(self.append(output.partition, output.changelog) for output in stored)
            )
            await self._hold(round_)
            for output, place in zip(stored, places, strict=True):
                self._setup.store.write(output.partition, output.stored, place)
                self._setup.done(output.partition, output.mark.offset + 1)
        except Overtaken:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing may be committed
            self._setup.fail(error)
        finally:
            self._rounds.remove(round_)
            round_.queued.set()
            round_.through.set()
            self._landed.set()

    def _observe(self, outputs: Iterable[Output]) -> None:
        metrics, now_ms = self._setup.metrics, time.time_ns() // 1_000_000
        for output in outputs:
            for since_ms in output.since:
                metrics.observe("event_to_row_seconds", (now_ms - since_ms) / 1000)

    async def _hold(self, round_: _Round) -> None:
        """Make sure that the round's partitions are still this worker's."""
        while True:
            if self._cut_off or round_.generation != self._setup.generation():
                raise Overtaken
            if self._setup.lease.is_held():
                return
            await asyncio.sleep(LEASE_POLL_SECONDS)

    async def _send_rows(self, output: Output) -> list[Sent]:
        producer, topics = self._setup.producer(), self._setup.topics
        queued = [await send(producer, topics.rows, output.partition, output.rows)]
        if output.letters:
            queued.append(await send(producer, topics.dead_letters, 0, output.letters))
        return queued

    async def append(self, partition: int, records: list[Outgoing]) -> int:
        """Append to the changelog; return the offset of the last record."""
        topic = self._setup.topics.changelog
        before = self._setup.store.place(partition)
        sent = await send(self._setup.producer(), topic, partition, records)
        batches = await sent.acknowledged()
        places = [batches[0].first - 1 if before is None else before, *(b.last for b in batches)]
        for place, batch in zip(places, batches, strict=False):
            if batch.first != place + 1:
                raise self.foreign(partition, place + 1, batch.first)
        self._setup.stats.changelog_sent += len(records)
        self._setup.stats.changelog_bytes += sent.size
        return places[-1]

    def foreign(self, partition: int, wanted: int, found: int) -> LogMismatchError:
        """Say that a record of the changelog is not this worker's."""
        return LogMismatchError(
            f"topic {self._setup.topics.changelog}, partition {partition}: wanted offset {wanted} "
            f"for the next state, found {found}: another worker wrote here"
        )
