"""Write-behind: changelog and store follow the rounds some time later.

A round that is through leaves its states here. Its rows are with the broker by then; what its
events left is written later, and only then their offsets may be committed. So a state that changes
again meanwhile is written once, and after a crash the events since the last write come again.

Where the worker keeps up that is a moment. Where it catches up a state is worth waiting for if its
profile comes again: a state of a full profile is ten times as large as its row.
"""

import asyncio
import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Final

from msgspec import Struct

from stream_cw.errors import LogMismatchError
from stream_cw.worker.mark import MARK_KEY, Mark, encode_mark
from stream_cw.worker.output import AGAIN, Output, tombstone
from stream_cw.worker.sending import Outgoing, send
from stream_cw.worker.setup import Setup
from stream_cw.worker.tenure import Overtaken, Tenure

MOMENT_SECONDS: Final = 0.1
"""How long states wait where the worker keeps up."""
LOOK_SECONDS: Final = 2.0
"""How long where it catches up; longer, as the settings say, where profiles come again."""
LULL_SECONDS: Final = 0.5
"""How long after the last full round or batch the worker has caught up."""
WORTH_WAITING: Final = 8
"""One in so many changes has to be of a state that waits already."""
FILLED: Final = 0.75
"""States are written when they take up so much of what they may: rounds go on meanwhile."""
PIECE_BYTES: Final = 2_000_000
"""Bytes that go to the changelog, and then into the store, at a time."""


class Pending(Struct):
    """What waits of a partition.

    Attributes
    ----------
    mark : Mark
        Of the last round that left something here.
    states : dict of bytes to (bytes or None)
        Encoded; None for one that is to be erased.
    again : set of bytes
        Keys of states that were dealt with before.
    size : int
        Bytes of the states.
    """

    mark: Mark
    states: dict[bytes, bytes | None] = {}
    again: set[bytes] = set()
    size: int = 0

    def add(self, output: Output, mark: Mark) -> int:
        """Add what a round leaves; return how many states it replaces."""
        states, added = self.states, output.stored
        replaced = states.keys() & added.keys()
        self.size -= sum(_size(key, states[key]) for key in replaced)
        self.size += sum(_size(key, state) for key, state in added.items())
        states.update(added)
        self.again -= added.keys()
        self.again |= output.again
        self.mark = mark
        return len(replaced)

    def drop(self, keys: Iterable[bytes]) -> None:
        """Drop states that are written."""
        for key in keys:
            if key in self.states:
                self.size -= _size(key, self.states.pop(key))

    def pieces(self, partition: int, most_bytes: int = PIECE_BYTES) -> Iterator[list[Outgoing]]:
        """Cut it into pieces: states, mark, tombstones; see `mark` for why in this order."""
        piece: list[Outgoing] = []
        size = 0
        states = list(self.states.items())
        for key, state in states:
            if state is None:
                continue
            if piece and size + len(state) > most_bytes:
                yield piece
                piece, size = [], 0
            piece.append(Outgoing(key, state, AGAIN if key in self.again else []))
            size += len(state)
        piece.append(Outgoing(MARK_KEY, encode_mark(self.mark)))
        erased = (key for key, state in states if state is None)
        piece.extend(tombstone(key, partition, self.mark.offset) for key in erased)
        yield piece


def _size(key: bytes, state: bytes | None) -> int:
    return len(key) + len(state or b"")


class WriteBehind:
    """Holds what is to be written, and writes it when it is time; see the module.

    To rounds it is the store as it will be.
    """

    def __init__(self, setup: Setup, tenure: Tenure) -> None:
        self._setup = setup
        self._tenure = tenure
        self._pending: dict[int, Pending] = {}
        self._writing: dict[int, Pending] = {}
        self._generation = 0
        self._since = 0.0
        self._full_at = -math.inf
        self._taken = self._replaced = 0
        self._task: asyncio.Task[None] | None = None
        self._at_once = False
        self._changed = asyncio.Event()
        self._room = asyncio.Event()

    def is_idle(self) -> bool:
        """Whether nothing waits or is being written."""
        return not self._pending and not self._writing

    def is_writing(self) -> bool:
        """Whether the changelog may be ahead of the store."""
        return bool(self._writing)

    def read(self, partition: int, key: bytes) -> bytes | None:
        """Read the encoded state of a profile as the last round left it."""
        for waiting in (self._pending, self._writing):
            if partition in waiting and key in (states := waiting[partition].states):
                return states[key]
        return self._setup.store.read(partition, key)

    def mark(self, partition: int) -> Mark | None:
        """Read a partition's mark as the last round left it."""
        for waiting in (self._pending, self._writing):
            if partition in waiting:
                return waiting[partition].mark
        return self._setup.store.mark(partition)

    async def wait_for_room(self) -> None:
        """Wait until more may be taken."""
        while self._size() >= self._setup.pending_bytes:
            self._room.clear()
            await self._room.wait()

    def expect_more(self) -> None:
        """Note that a round or a batch is as large as it may be: the worker catches up."""
        self._full_at = self._setup.lease.now()

    def take(self, generation: int, outputs: list[Output]) -> None:
        """Take what a round of the current generation leaves."""
        if generation != self._generation:
            self.clear()
            self._generation = generation
        for output in outputs:
            if output.mark is not None:
                self._add(output, output.mark)
        if self._pending:
            self._changed.set()
            self._task = self._task or asyncio.create_task(self._run())

    def _begin(self) -> None:
        self._since = self._setup.lease.now()
        self._taken = self._replaced = 0

    def _add(self, output: Output, mark: Mark) -> None:
        if not self._pending:
            self._begin()
        pending = self._pending.setdefault(output.partition, Pending(mark))
        self._taken += len(output.stored)
        self._replaced += pending.add(output, mark)

    def _size(self) -> int:
        waiting = chain(self._pending.values(), self._writing.values())
        return sum(pending.size for pending in waiting)

    def clear(self) -> None:
        """Drop what waits: its events will come again."""
        self._pending = {}

    async def flush(self) -> None:
        """Write all that waits now."""
        self._at_once = True
        self._changed.set()
        while self._task is not None:
            await asyncio.wait([self._task])
        self._at_once = False

    async def _run(self) -> None:
        try:
            while self._pending:
                await self._until_due()
                with suppress(Overtaken):
                    await self._write()
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing may be committed
            self._setup.fail(error)
        finally:
            self._task = None

    async def _until_due(self) -> None:
        while (seconds := self._due_in()) > 0:
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._changed.wait()

    def _due_in(self) -> float:
        if self._at_once or self._size() >= FILLED * self._setup.pending_bytes:
            return 0.0
        most = self._setup.pending_seconds
        come_again = self._replaced * WORTH_WAITING >= self._taken
        longest = most if come_again else min(LOOK_SECONDS, most)
        lull = self._full_at + LULL_SECONDS - self._since
        wait = min(longest, max(MOMENT_SECONDS, lull))
        return self._since + wait - self._setup.lease.now()

    async def _write(self) -> None:
        generation = self._generation
        self._writing, self._pending = self._pending, {}
        try:
            await self._tenure.hold(generation)
            writing = [self._write_partition(generation, *one) for one in self._writing.items()]
            for ended in await asyncio.gather(*writing, return_exceptions=True):
                if isinstance(ended, BaseException):
                    raise ended
        finally:
            self._writing = {}
            self._room.set()

    async def _write_partition(self, generation: int, partition: int, pending: Pending) -> None:
        for piece in pending.pieces(partition):
            place = await self.append(partition, piece)
            await self._tenure.hold(generation)
            written = {record.key: record.value for record in piece if record.key is not None}
            self._setup.store.write(partition, written, place)
            pending.drop(written)
            self._room.set()
        self._setup.done(partition, pending.mark.offset + 1)

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
