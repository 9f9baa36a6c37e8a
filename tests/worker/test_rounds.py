"""The order of things in a round, with a broker whose answers the test gives.

On Apache Kafka an answer cannot be held back between two lines of a test; here it can. The store
notes what it is told. What the two do for real is tested in `test_worker`.
"""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from rounds_scene import EPOCH, TOPICS, Scene, breathe, scene, settled
from worker_support import forget

from stream_cw.core.events import encode_event
from stream_cw.core.limits import SESSION_GAP_MS
from stream_cw.core.rows import Version, decode_row
from stream_cw.core.state import live_devices
from stream_cw.errors import LogMismatchError, TooManyRefusedError
from stream_cw.worker import breath, rounds
from stream_cw.worker.flight import IN_FLIGHT, Flight
from stream_cw.worker.mark import MARK_KEY, Mark, decode_mark
from stream_cw.worker.output import Output
from stream_cw.worker.refusals import Limit
from stream_cw.worker.sending import Outgoing
from stream_cw.worker.tenure import Tenure
from stream_cw.worker.write_behind import WriteBehind


def test_rows_precede_the_state_and_the_state_precedes_store_and_commit() -> None:
    async def play(s: Scene) -> None:
        await s.run()
        assert [topic for topic, *_ in s.broker.waiting] == [TOPICS.rows]
        assert s.broker.answer() == TOPICS.rows
        await breathe()
        assert [topic for topic, *_ in s.broker.waiting] == [TOPICS.changelog]
        assert not s.store.data
        assert not s.done
        s.broker.answer()
        await breathe()
        assert set(s.store.data) == {b"profile-0", MARK_KEY}
        assert s.done == [1]

    assert not scene(play).failures


def test_rounds_build_on_those_in_flight_and_end_in_order() -> None:
    async def play(s: Scene) -> None:
        await s.run()
        await s.run()
        assert s.rounds.setup.stats.rounds == 2
        assert s.rounds.setup.stats.events == 2
        s.broker.answer(1)
        await breathe()
        assert [topic for topic, *_ in s.broker.waiting] == [TOPICS.rows]
        while s.broker.waiting:
            s.broker.answer()
            await breathe()
        assert s.done == [1, 2]

    assert not scene(play).failures


def output(*partitions: int) -> list[Output]:
    """What a round has to say: a row and a state for each partition."""
    return [
        Output(
            partition=number,
            mark=Mark(EPOCH, 0),
            states={},
            stored={b"state-%d" % number: b"state"},
            rows=[Outgoing(b"row", b"row")],
        )
        for number in partitions
    ]


def test_a_round_waits_for_those_with_a_partition_of_its_own_and_for_no_other() -> None:
    async def play(s: Scene) -> None:
        s.broker.partitions = s.store.partitions = {0, 1, 2}
        tenure = Tenure(s.rounds.setup)
        behind = WriteBehind(s.rounds.setup, tenure)
        flight = Flight(s.rounds.setup, tenure, behind)
        for partitions in ((0,), (1,), (1, 2)):
            flight.launch(s.generation, output(*partitions))
        await breathe()
        for _ in range(2):  # the rows of the last
            assert s.broker.answer(2) == TOPICS.rows
        await breathe()
        assert [waiting[:2] for waiting in s.broker.waiting] == [(TOPICS.rows, 0), (TOPICS.rows, 1)]
        s.broker.answer(1)
        await breathe()
        assert [waiting[:2] for waiting in s.broker.waiting] == [
            (TOPICS.rows, 0),
            (TOPICS.changelog, 1),
        ]
        assert len(flight) == 1
        while s.broker.waiting:
            s.broker.answer()
            await breathe()
        assert len(flight) == 0
        assert s.store.at == {0: 1, 1: 3, 2: 1}

    assert not scene(play).failures


def test_too_many_refused_records_end_it_when_the_rounds_before_are_through() -> None:
    """Else their letters would be sent again by each restart."""

    async def play(s: Scene) -> None:
        s.events = ((offset, b"no event") for offset in range(10))
        await s.run()
        stopping = asyncio.create_task(s.run(records=2))
        await breathe()
        assert not s.failures
        while s.broker.waiting:
            assert not s.rounds.is_open()
            s.broker.answer()
            await breathe()
        await stopping
        assert s.done == [1]
        assert len(s.broker.sent[TOPICS.dead_letters]) == 1
        assert decode_mark(s.store.data[MARK_KEY] or b"").refused == b"\x01"
        # What a restart does: it begins behind what is through, and stops before the same record.
        s.rounds.resume()
        s.events = ((offset, b"no event") for offset in (1, 2))
        await s.run(records=1)
        assert len(s.broker.sent[TOPICS.dead_letters]) == 2
        assert b'refused_share{partition="0"} 0.2' in s.rounds.setup.metrics.text()
        await settled(s)
        s.rounds.resume()
        await s.run(records=1)

    failures = scene(play, Limit(0.2, 10)).failures
    assert [type(failure) for failure in failures] == [TooManyRefusedError] * 2
    assert all("offset 2: 3 of the last 10 records" in str(failure) for failure in failures)


def test_letters_are_erased_when_the_order_is_acknowledged() -> None:
    async def play(s: Scene) -> None:
        s.events = iter([(0, encode_event(forget(0, 1)))])
        await s.run()
        order = s.broker.sent[TOPICS.dead_letters]
        assert order == [b'{"partition":0,"offset":0}']
        assert s.orders == 0
        await settled(s)
        assert s.orders == 1

    assert not scene(play).failures


def test_a_round_is_of_one_model_and_the_next_of_the_newer_one() -> None:
    async def play(s: Scene) -> None:
        for model in (1, 2):
            s.broker.sent.clear()
            await s.run(records=10)
            rows = [decode_row(value) for value in s.broker.sent[TOPICS.rows]]
            assert len({row.device_id for row in rows}) == 2
            assert {row.version.model for row in rows} == {model}
            await settled(s)
            s.rounds.resume()

    assert not scene(play).failures


@pytest.mark.parametrize("kind", ["events", "bad records"])
def test_others_have_a_turn_after_each_record_and_each_thing_to_send(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A turn is taken when it is due, which is always here: what counts is where it can be."""
    monkeypatch.setattr(breath, "BREATH_SECONDS", -1.0)
    records = 50

    async def play(s: Scene) -> None:
        if kind == "bad records":
            s.events = ((offset, b"no event") for offset in range(records))
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        await breathe()
        ticks = 0
        await s.rounds.run(s.batch(records))
        stats = s.rounds.setup.stats
        profiles = 0 if stats.refused else 1
        assert stats.events + stats.refused == records
        assert ticks >= records + stats.refused + stats.rows + profiles
        ticking.cancel()
        await settled(s)

    assert not scene(play).failures


@pytest.mark.parametrize(("taking_ms", "taken"), [(0, 1), (10**6, 3)])
def test_a_round_takes_what_waits_until_its_time_is_over(
    monkeypatch: pytest.MonkeyPatch, taking_ms: int, taken: int
) -> None:
    monkeypatch.setattr(rounds, "TAKING_MS", taking_ms)

    async def play(s: Scene) -> None:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        s.rounds.waiting.attach(queue)
        first, *others = [s.batch() for _ in range(3)]
        for batch in others:
            queue.put_nowait(SimpleNamespace(value=batch))
        await s.rounds.run(first)
        assert s.rounds.setup.stats.events == taken
        assert queue.qsize() == 3 - taken
        await settled(s)

    assert not scene(play).failures


def test_no_more_than_a_few_rounds_are_in_flight() -> None:
    async def play(s: Scene) -> None:
        for _ in range(IN_FLIGHT):
            await s.run()
        blocked = asyncio.create_task(s.run())
        await breathe()
        assert s.rounds.setup.stats.rounds == IN_FLIGHT
        while s.broker.waiting:
            s.broker.answer()
            await breathe()
        await blocked
        assert s.rounds.setup.stats.rounds == IN_FLIGHT + 1
        await settled(s)

    assert not scene(play).failures


class TestPushes:
    """A change of the catalog; what was sent before is forgotten where a row is to be new."""

    def test_a_live_session_with_the_show_gets_its_row_behind_those_in_flight(self) -> None:
        async def play(s: Scene) -> None:
            await s.run(records=10)
            state = s.rounds._flight.state(0, b"profile-0")
            assert state is not None
            assert len(live_devices(state)) == 2, "by the catalog's time one of them has gone"
            (show,) = list(state.shows)[:1]
            s.catalog_ts = state.now + SESSION_GAP_MS
            before = len(s.broker.sent[TOPICS.rows])
            s.rounds.setup.held.clear()
            await s.rounds.push(frozenset({"another"}))
            assert s.rounds.setup.stats.pushed == 0
            await s.rounds.push(frozenset({"another", show}))
            await breathe()
            rows = [decode_row(value) for value in s.broker.sent[TOPICS.rows][before:]]
            assert {row.version for row in rows} == {Version(state.revision, 0, 3)}
            assert [row.device_id for row in rows] == ["device-0-1"]
            assert s.rounds.setup.stats.pushed == 1
            await settled(s)
            assert s.done == [10]
            assert s.broker.sent[TOPICS.changelog].count(s.store.data[MARK_KEY]) == 1

        assert not scene(play).failures

    def test_who_is_gone_gets_none_and_is_forgotten(self) -> None:
        async def play(s: Scene) -> None:
            await s.run(records=3)
            state = s.rounds._flight.state(0, b"profile-0")
            assert state is not None
            s.rounds.setup.held.clear()
            s.catalog_ts = state.now + SESSION_GAP_MS + 1
            await s.rounds.push(frozenset(state.shows))
            s.catalog_ts = state.now
            await s.rounds.push(frozenset(state.shows))
            assert s.rounds.setup.stats.pushed == 0
            await settled(s)

        assert not scene(play).failures

    def test_what_the_device_has_already_is_held_back(self) -> None:
        async def play(s: Scene) -> None:
            await s.run(records=3)
            state = s.rounds._flight.state(0, b"profile-0")
            assert state is not None
            await s.rounds.push(frozenset(state.shows))
            assert s.rounds.setup.stats.pushed == 0
            s.rounds.setup.held.clear()
            await s.rounds.push(frozenset(state.shows))
            assert s.rounds.setup.stats.pushed > 0
            await settled(s)

        assert not scene(play).failures

    def test_none_is_sent_while_partitions_are_handed_over(self) -> None:
        async def play(s: Scene) -> None:
            await s.run(records=3)
            shows = frozenset(f"series-{n}" for n in range(30))
            await settled(s)
            s.rounds.setup.held.clear()
            await s.rounds.push(shows)
            s.rounds.resume()
            await s.rounds.push(shows)
            assert s.rounds.setup.stats.pushed == 0

        assert not scene(play).failures

    def test_changes_are_pushed_as_they_are_told(self) -> None:
        async def play(s: Scene) -> None:
            await s.run(records=3)
            s.rounds.setup.held.clear()
            pushing = asyncio.create_task(s.rounds.push_changes())
            s.news.put_nowait(frozenset(f"series-{n}" for n in range(30)))
            await breathe()
            assert s.rounds.setup.stats.pushed > 0
            pushing.cancel()
            await settled(s)

        assert not scene(play).failures


def test_nothing_of_an_older_generation_is_appended_stored_or_committed() -> None:
    async def play(s: Scene) -> None:
        await s.run()
        s.generation = 2
        s.broker.answer()
        await breathe()
        assert not s.broker.waiting
        assert not s.store.data
        assert not s.done
        await s.run(generation=1)
        assert s.rounds.setup.stats.rounds == 1

    assert not scene(play).failures


def test_settling_waits_for_the_rounds_in_flight_and_starts_no_other() -> None:
    async def play(s: Scene) -> None:
        await s.run()
        settling = asyncio.create_task(s.rounds.settle())
        await breathe()
        assert not settling.done()
        await s.run()
        assert s.rounds.setup.stats.rounds == 1
        await settled(s)
        await settling
        assert s.done == [1]

    assert not scene(play).failures


def test_a_worker_that_was_halted_past_its_session_goes_no_further() -> None:
    async def play(s: Scene) -> None:
        await s.run()
        s.now = 6.0
        s.broker.answer()
        await breathe()
        assert not s.broker.waiting
        await s.rounds.settle()  # the group has told it: no heartbeat in time
        assert not s.store.data
        assert not s.done

    assert not scene(play).failures


def test_a_late_heartbeat_lets_a_round_go_on() -> None:
    async def play(s: Scene) -> None:
        await s.run()
        s.now = 6.0
        s.broker.answer()
        await breathe()
        s.rounds.lease.renew(6.0)
        await asyncio.wait_for(settled(s), 10)
        assert s.done == [1]

    assert not scene(play).failures


def test_a_foreign_record_in_the_changelog_is_seen() -> None:
    async def play(s: Scene) -> None:
        await s.run()
        await settled(s)
        s.rounds.resume()
        s.rounds.check_changelog({0: 2})
        assert not s.failures
        s.broker.ends[TOPICS.changelog, 0] = 3
        s.rounds.check_changelog({0: 3})
        assert len(s.failures) == 1
        await s.run()
        await settled(s)
        assert len(s.failures) == 2
        assert s.done == [1]

    assert all("another worker wrote here" in str(error) for error in scene(play).failures)


def test_a_gap_is_passed_over_unless_the_log_starts_behind_what_is_needed() -> None:
    async def play(s: Scene) -> None:
        await s.run()
        next(s.events)
        s.log_starts_at = 1  # offset 1 is the end of a transaction
        await s.run()
        await settled(s)
        assert s.done == [1, 3]
        assert not s.failures
        s.rounds.resume()
        next(s.events)
        s.log_starts_at = 4
        await s.run()
        assert not s.broker.waiting
        assert s.done == [1, 3]

    failures = scene(play).failures
    assert [type(error) for error in failures] == [LogMismatchError]
    assert "partition 0: the log wanted from offset 3 on" in str(failures[0])
    assert "found from 4 on: events are lost" in str(failures[0])


def test_a_log_that_had_a_past_before_the_worker_is_read_from_its_start() -> None:
    async def play(s: Scene) -> None:
        next(s.events)
        s.log_starts_at = 1
        await s.run()
        await settled(s)
        assert s.done == [2]

    assert not scene(play).failures


def test_a_failed_send_ends_the_process_with_nothing_committed() -> None:
    async def play(s: Scene) -> None:
        await s.run()
        s.broker.waiting.pop(0)[3].set_exception(TimeoutError("no answer"))
        await breathe()
        assert not s.done
        assert not s.store.data

    assert [type(error) for error in scene(play).failures] == [TimeoutError]
