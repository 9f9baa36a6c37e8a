"""Rounds under way: what they leave to those behind them, and how each goes through.

A round's rows and dead letters are sent behind those of the round before. When the broker has
acknowledged them, and the rounds before with the same partitions are through, its states are left
to `write_behind`: they go to the changelog, then into the store, and its offsets may be committed.
Rounds of other partitions do not wait for one another: a partition takes one batch at a time, and
answers some milliseconds later. So a stored state never runs ahead of its rows, nor an offset ahead
of its state. After a crash rows may be repeated, in the same bytes, and none is lost.
A round without a mark is one of rows alone: nothing is stored of it, and nothing committed.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from itertools import chain
from typing import Final

from stream_cw.core.codec import decode_state
from stream_cw.core.state import ProfileState
from stream_cw.worker.mark import Mark
from stream_cw.worker.output import Output
from stream_cw.worker.sending import Sent, send
from stream_cw.worker.setup import Setup
from stream_cw.worker.tenure import Overtaken, Tenure
from stream_cw.worker.write_behind import WriteBehind

IN_FLIGHT: Final = 3


class _Round:
    def __init__(self, generation: int, outputs: list[Output]) -> None:
        self.generation = generation
        self.outputs = {output.partition: output for output in outputs}
        self.queued = asyncio.Event()
        self.through = asyncio.Event()
        self.task: asyncio.Task[None] | None = None


class Flight:
    """Sees rounds through, in order; see the module."""

    def __init__(self, setup: Setup, tenure: Tenure, behind: WriteBehind) -> None:
        self._setup = setup
        self._tenure = tenure
        self._behind = behind
        self._rounds: deque[_Round] = deque()
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
        """See all rounds through."""
        while self._rounds:
            await self._rounds[0].through.wait()

    def state(self, partition: int, key: bytes) -> ProfileState | None:
        """Find a profile's state as the last round left it."""
        for round_ in reversed(self._rounds):
            output = round_.outputs.get(partition)
            if output is not None and key in output.states:
                return output.states[key]
        data = self._behind.read(partition, key)
        return None if data is None else decode_state(data)

    def mark(self, partition: int) -> Mark:
        """Find a partition's mark as the last round left it."""
        for round_ in reversed(self._rounds):
            output = round_.outputs.get(partition)
            if output is not None and output.mark is not None:
                return output.mark
        return self._behind.mark(partition) or Mark(self._setup.epoch, -1)

    async def _see_through(self, round_: _Round, before: list[_Round]) -> None:
        try:
            for other in before[-1:]:
                await other.queued.wait()  # rows go out behind those of the round before
            await self._tenure.hold(round_.generation)
            outputs = list(round_.outputs.values())
            queued = await asyncio.gather(*(self._send_rows(output) for output in outputs))
            round_.queued.set()
            await asyncio.gather(*(a for sent in chain(*queued) for a in sent.answers))
            if any(output.orders for output in outputs):
                self._setup.ordered()
            self._observe(outputs)
            for other in before:
                if not other.outputs.keys().isdisjoint(round_.outputs):
                    await other.through.wait()
            await self._tenure.hold(round_.generation)
            self._behind.take(round_.generation, outputs)
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

    async def _send_rows(self, output: Output) -> list[Sent]:
        producer, topics = self._setup.producer(), self._setup.topics
        queued = [await send(producer, topics.rows, output.partition, output.rows)]
        if output.letters:
            queued.append(await send(producer, topics.dead_letters, 0, output.letters))
        return queued
