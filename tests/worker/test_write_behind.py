"""When states are written that rounds left, in which pieces, and what becomes of them else.

Time is what the test says; the broker answers when it is told to.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest
from msgspec.structs import replace
from rounds_scene import EPOCH, TOPICS, Scene, breathe, scene, settled

from stream_cw.worker import rounds, write_behind
from stream_cw.worker.mark import AGAIN_HEADER, MARK_KEY, Mark, decode_mark
from stream_cw.worker.output import Output
from stream_cw.worker.tenure import Tenure
from stream_cw.worker.write_behind import (
    LOOK_SECONDS,
    LULL_SECONDS,
    MOMENT_SECONDS,
    WORTH_WAITING,
    WriteBehind,
)

MOST_SECONDS = 5.0
States = Mapping[bytes, bytes | None]


class Behind:
    """What writes, without the rounds before it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.tenure = Tenure(scene.rounds.setup)
        self.writes = WriteBehind(scene.rounds.setup, self.tenure)
        self.mark = -1

    async def take(self, states: States, *, again: frozenset[bytes] = frozenset()) -> None:
        self.mark += 1
        left = Output(
            partition=0, mark=Mark(EPOCH, self.mark), states={}, stored=dict(states), again={*again}
        )
        self.writes.take(self.scene.generation, [left])
        await breathe()

    async def at(self, seconds: float) -> bool:
        """Go to a time; tell whether something is being written."""
        self.scene.now = seconds
        self.scene.rounds.lease.renew(seconds)
        self.writes._changed.set()
        await breathe()
        return self.writes.is_writing()

    async def catching_up_at(self, seconds: float) -> bool:
        """Go to a time, with rounds on the way that are as large as they may be."""
        while self.scene.now < seconds:
            self.writes.expect_more()
            now = self.scene.now + 0.9 * LULL_SECONDS
            if await self.at(min(now, seconds)):
                return self.scene.now == seconds
        return False

    def sent(self) -> list[tuple[bytes, bytes | None]]:
        """What is on its way to the changelog, keys and values."""
        return self.scene.broker.records[TOPICS.changelog]

    async def answer(self) -> None:
        while self.scene.broker.waiting:
            self.scene.broker.answer()
            await breathe()


async def go_through(s: Scene, records: int = 1) -> None:
    """Let a round go through: what it left waits."""
    await s.run(records=records)
    s.broker.answer()
    await breathe()


def cut_into(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    pieces = write_behind.Pending.pieces
    monkeypatch.setattr(write_behind.Pending, "pieces", lambda p, n: pieces(p, n, size))


def played(play: Callable[[Behind], Awaitable[None]], pending_bytes: int = 10**8) -> Scene:
    async def main(s: Scene) -> None:
        await play(Behind(s))

    return scene(main, pending_bytes=pending_bytes, pending_seconds=MOST_SECONDS)


def test_a_state_that_changes_again_is_written_once_with_all_that_came_before_the_write() -> None:
    async def play(b: Behind) -> None:
        await b.take({b"a": b"1", b"b": b"1"})
        await b.take({b"a": b"2"})
        assert not b.scene.broker.waiting
        assert b.writes.read(0, b"a") == b"2"
        assert b.writes.mark(0) == Mark(EPOCH, 1)
        assert not await b.at(MOMENT_SECONDS - 0.001)
        assert await b.at(MOMENT_SECONDS)
        await b.take({b"a": b"3"})
        assert b.scene.done == []
        assert [key for key, _ in b.sent()] == [b"a", b"b", MARK_KEY]
        assert b.sent()[0] == (b"a", b"2")
        await b.answer()
        assert b.scene.done == [2]
        assert b.scene.store.data[b"a"] == b"2"
        assert decode_mark(b.scene.store.data[MARK_KEY] or b"").offset == 1
        assert b.writes.read(0, b"a") == b"3"
        assert b.writes.read(0, b"b") == b"1"
        assert await b.at(2 * MOMENT_SECONDS)
        assert b.writes.read(0, b"a") == b"3", "while it is being written"
        await b.answer()
        assert b.scene.done == [2, 3]
        assert b.writes.is_idle()
        assert b.writes.is_idle()

    assert not played(play).failures


@pytest.mark.parametrize(("replaced", "written_at"), [(False, LOOK_SECONDS), (True, MOST_SECONDS)])
def test_while_it_catches_up_states_wait_for_as_long_as_profiles_come_again(
    replaced: bool, written_at: float
) -> None:
    async def play(b: Behind) -> None:
        few = WORTH_WAITING - (1 if replaced else 0)
        await b.take({b"%d" % n: b"1" for n in range(few)})
        await b.take({b"0": b"2"})
        if not replaced:
            await b.take({b"another": b"1"})
        assert not await b.catching_up_at(written_at - 0.001)
        assert await b.catching_up_at(written_at)
        await b.answer()
        await b.take({b"%d" % n: b"4" for n in range(WORTH_WAITING - 1)})
        await b.take({b"0": b"5"})
        assert not await b.catching_up_at(written_at + LOOK_SECONDS), "counts are of what waits"
        assert await b.catching_up_at(written_at + MOST_SECONDS)
        await b.answer()

    assert not played(play).failures


def test_what_waits_is_written_soon_after_the_worker_has_caught_up() -> None:
    async def play(b: Behind) -> None:
        await b.take({b"a": b"1"})
        b.writes.expect_more()
        await b.take({b"a": b"2"})
        assert not await b.at(LULL_SECONDS - 0.001)
        assert await b.at(LULL_SECONDS)
        await b.answer()
        await b.take({b"a": b"3"})
        assert not await b.at(LULL_SECONDS + MOMENT_SECONDS - 0.001)
        assert await b.at(LULL_SECONDS + MOMENT_SECONDS)
        await b.answer()

    assert not played(play).failures


def test_what_comes_at_the_end_of_a_lull_waits_for_a_moment() -> None:
    async def play(b: Behind) -> None:
        b.writes.expect_more()
        late = LULL_SECONDS - 0.001
        assert not await b.at(late)
        await b.take({b"a": b"1"})
        assert not await b.at(late + MOMENT_SECONDS - 0.001)
        assert await b.at(late + MOMENT_SECONDS)
        await b.answer()

    assert not played(play).failures


def test_states_that_take_up_too_much_are_written_and_rounds_wait_where_that_takes_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cut_into(monkeypatch, 100)
    large = b"x" * 90

    async def play(b: Behind) -> None:
        limit = b.scene.rounds.setup.pending_bytes
        number = 0
        while b.writes._size() + 100 < write_behind.FILLED * limit:
            await b.take({b"%09d" % number: large})
            number += 1
        assert not b.scene.broker.waiting
        await b.take({b"%09d" % number: large})
        assert b.writes.is_writing()
        await asyncio.wait_for(b.writes.wait_for_room(), 10)
        while b.writes._size() < limit:
            number += 1
            await b.take({b"%09d" % number: large})
        waiting = asyncio.create_task(b.writes.wait_for_room())
        await breathe()
        assert not waiting.done()
        b.scene.broker.answer()
        await breathe()
        assert waiting.done(), "a piece is enough"
        assert b.scene.done == []
        flushing = asyncio.create_task(b.writes.flush())
        while not flushing.done():
            await b.answer()
            await breathe()
        assert b.scene.done == [write_behind_marks(b), b.mark + 1]
        assert b.writes.is_idle()

    def write_behind_marks(b: Behind) -> int:
        return decode_mark(next(v for k, v in b.sent() if k == MARK_KEY) or b"").offset + 1

    assert not played(play, pending_bytes=1_000).failures


def test_pieces_are_states_then_the_mark_then_what_is_erased(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cut_into(monkeypatch, 10)

    async def play(b: Behind) -> None:
        await b.take({b"gone": b"1", b"back": None, b"late": b"x" * 6})
        await b.take({b"gone": None, b"back": b"x" * 6}, again=frozenset({b"late"}))
        await b.take({b"late": b"y" * 6, b"long": b"z" * 20}, again=frozenset({b"late"}))
        await b.take({b"long": b"z" * 20, b"new": b"n"})
        assert await b.at(MOMENT_SECONDS)
        pieces = []
        while b.scene.broker.waiting:
            pieces.append([key for key, _ in b.sent()])
            b.sent().clear()
            before = dict(b.scene.store.data)
            b.scene.broker.answer()
            await breathe()
            assert b.scene.store.data.keys() - before.keys() == set(pieces[-1])
            assert bool(b.scene.done) == (MARK_KEY in pieces[-1])
        assert pieces == [[b"back"], [b"late"], [b"long"], [b"new", MARK_KEY, b"gone"]]
        named = {key: [name for name, _ in headers] for key, headers in b.scene.broker.headers}
        assert named[b"late"] == [AGAIN_HEADER]
        assert named[b"back"] == named[b"long"] == named[b"new"] == []
        assert dict(b.scene.broker.headers)[b"gone"][1][1] == b"3", "seen up to the mark"

    assert not played(play).failures


def test_a_state_dealt_with_before_that_changes_is_an_ordinary_one() -> None:
    async def play(b: Behind) -> None:
        await b.take({b"a": b"1"}, again=frozenset({b"a"}))
        await b.take({b"a": b"2"})
        assert await b.at(MOMENT_SECONDS)
        await b.answer()
        assert b.scene.broker.headers[0] == (b"a", [])

    assert not played(play).failures


def test_what_waits_is_written_before_partitions_are_handed_over() -> None:
    async def play(s: Scene) -> None:
        await go_through(s)
        assert not s.broker.waiting
        assert s.rounds.is_busy()
        settling = asyncio.create_task(s.rounds.settle())
        await breathe()
        assert [topic for topic, *_ in s.broker.waiting] == [TOPICS.changelog]
        assert not settling.done()
        s.broker.answer()
        await asyncio.wait_for(settling, 10)
        assert s.done == [1]
        assert not s.rounds.is_busy()

    assert not scene(play, pending_seconds=MOST_SECONDS).failures


@pytest.mark.parametrize("how", ["generation", "lease"])
def test_what_waits_of_partitions_that_went_is_dropped_and_its_events_come_again(how: str) -> None:
    async def play(s: Scene) -> None:
        batch = s.batch(3)
        await s.rounds.run(batch)
        await breathe()
        s.broker.answer()
        await breathe()
        if how == "generation":
            s.generation += 1
        else:
            s.now = 100.0
        await asyncio.wait_for(s.rounds.settle(), 10)
        assert not s.broker.waiting
        assert not s.store.data
        assert not s.done
        s.rounds.lease.renew(s.now)
        s.rounds.resume()
        assert s.rounds._flight.state(0, b"profile-0") is None
        await s.rounds.run(replace(batch, generation=s.generation))
        await settled(s)
        assert s.done == [3]
        assert s.rounds.setup.stats.events == 6

    assert not scene(play, pending_seconds=MOST_SECONDS).failures


def test_an_overtaken_write_goes_no_further_and_what_came_since_does() -> None:
    async def play(b: Behind) -> None:
        await b.take({b"a": b"1"})
        assert await b.at(MOMENT_SECONDS)
        await b.take({b"a": b"2"})
        b.scene.generation += 1
        await b.take({b"b": b"3"})
        await b.answer()
        assert not b.scene.store.data
        assert not b.scene.done
        assert b.writes.read(0, b"a") is None
        assert await b.at(2 * MOMENT_SECONDS)
        await b.answer()
        assert b.scene.store.data.keys() == {b"b", MARK_KEY}
        assert b.scene.done == [3]
        assert b.writes.is_idle()

    assert not played(play).failures


def test_a_foreign_record_is_seen_while_states_wait_and_own_ones_are_none() -> None:
    async def play(s: Scene) -> None:
        await s.run()
        await settled(s)
        s.rounds.resume()
        await go_through(s)
        s.rounds.check_changelog({0: 2})
        s.now = MOMENT_SECONDS
        s.rounds._behind._changed.set()
        await breathe()
        assert s.broker.waiting
        s.rounds.check_changelog({0: 4})  # on their way
        assert not s.failures
        await settled(s)
        s.rounds.resume()
        await go_through(s)
        s.rounds.check_changelog({0: 5})
        assert len(s.failures) == 1

    scene(play, pending_seconds=MOST_SECONDS)


def test_rounds_build_on_what_waits_and_wait_where_it_is_too_much() -> None:
    async def play(s: Scene) -> None:
        await go_through(s)
        assert s.broker.waiting[0][0] == TOPICS.changelog
        state = s.rounds._flight.state(0, b"profile-0")
        assert state is not None
        assert state.revision == 1
        assert s.rounds._flight.mark(0).offset == 0
        blocked = asyncio.create_task(s.run())
        await breathe()
        assert s.rounds.setup.stats.rounds == 1
        s.broker.answer()
        await breathe()
        await blocked
        assert s.rounds.setup.stats.rounds == 2
        assert s.done == [1]
        await settled(s)

    assert not scene(play, pending_bytes=1, pending_seconds=MOST_SECONDS).failures


def test_what_waited_is_gone_when_partitions_come_without_a_hand_over() -> None:
    async def play(s: Scene) -> None:
        await go_through(s)
        s.generation += 1
        s.rounds.resume()
        assert s.rounds._flight.state(0, b"profile-0") is None
        assert s.rounds._flight.mark(0).offset == -1

    assert not scene(play, pending_seconds=MOST_SECONDS).failures


@pytest.mark.parametrize(
    ("taking_ms", "records", "waits"),
    [(0, 1, LULL_SECONDS), (10**6, 10, LULL_SECONDS), (10**6, 9, MOMENT_SECONDS)],
    ids=["the round", "the batch", "neither"],
)
def test_a_round_or_batch_as_large_as_it_may_be_says_that_the_worker_catches_up(
    monkeypatch: pytest.MonkeyPatch, taking_ms: int, records: int, waits: float
) -> None:
    monkeypatch.setattr(rounds, "TAKING_MS", taking_ms)

    async def play(s: Scene) -> None:
        await go_through(s, records)
        assert s.rounds._behind._due_in() == waits
        await settled(s)

    assert not scene(play, pending_seconds=MOST_SECONDS).failures
