"""The pure part of a round, against the offline replay; crashes cut it anywhere."""

import gc
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream_cw.core.codec import decode_state, encode_state
from stream_cw.core.events import (
    Browse,
    Episode,
    Event,
    ForgetProfile,
    HomeView,
    Pause,
    Play,
    Progress,
    SessionStart,
    Stop,
    encode_event,
)
from stream_cw.core.letter_erasure import Erasures, is_letter
from stream_cw.core.records import Record
from stream_cw.core.row import RECENCY
from stream_cw.core.rows import SOURCE_OFFSET, Row, decode_row, encode_row, row_content, row_key
from stream_cw.core.state import ProfileState
from stream_cw.history.replay import replay
from stream_cw.worker.held import Held
from stream_cw.worker.mark import MARK_KEY, Mark, decode_mark
from stream_cw.worker.output import Output, put_out
from stream_cw.worker.sending import Outgoing
from stream_cw.worker.stats import Stats
from stream_cw.worker.work import Partition, Work
from stream_cw.worker.write_behind import Pending

EPOCH = bytes(range(16))
START = 1_700_000_000_000
NO_MARK = Mark(EPOCH, -1)
SMALL = 1
"""Bytes of a piece: each state is one."""
PROFILES = ("ann", "bob", "cleo")


def an_event(kind: type[Event], number: int, profile: str = "ann", device: str = "tv") -> Event:
    """Event of a kind; the number gives its id and its time."""
    common: dict[str, Any] = {
        "event_id": f"e{number}",
        "profile_id": profile,
        "device_id": device,
        "device_type": "tv",
        "ts": START + number * 60_000,
    }
    if kind in (Play, Pause, Stop, Progress):
        common["title"] = Episode(id=f"t{number % 3}", series_id=f"s{number % 2}")
        common["position_ms"] = 300_000 + number
    return kind(**common)


def a_log(values: Sequence[Event | bytes], start: int = 0) -> list[Record]:
    """One partition; bytes stand for a record that is no event."""
    return [
        Record(value.profile_id.encode(), encode_event(value), 0, offset)
        if not isinstance(value, bytes)
        else Record(b"ann", value, 0, offset)
        for offset, value in enumerate(values, start=start)
    ]


KINDS = (Play, Play, Stop, Pause, Progress, SessionStart, HomeView, Browse, ForgetProfile)


@st.composite
def logs(draw: st.DrawFn) -> list[Record]:
    values: list[Event | bytes] = []
    for number in range(draw(st.integers(1, 30))):
        if draw(st.integers(0, 9)) == 0:
            values.append(b"{}")
            continue
        seen = draw(st.integers(0, 7)) == 0 and number > 0
        values.append(
            an_event(
                draw(st.sampled_from(KINDS)),
                draw(st.integers(0, number)) if seen else number,
                draw(st.sampled_from(PROFILES)),
                draw(st.sampled_from(("tv", "phone"))),
            )
        )
    return a_log(values)


class Machine:
    """Topics and store around the pure part, as the worker treats them; crashes at will."""

    def __init__(self, *, guarded: bool = True) -> None:
        self.guarded = guarded
        self.rows: dict[bytes, list[bytes | None]] = defaultdict(list)
        self.letters: list[tuple[bytes, bytes | None]] = []
        self.changelog: list[Outgoing] = []
        self.store: dict[bytes, bytes] = {}
        self.pending = Pending(NO_MARK)
        self.held = Held(10**9)
        self.stats = Stats()

    def compute(self, records: Sequence[Record]) -> tuple[Work, Output]:
        mark = self.pending.mark
        if mark == NO_MARK and MARK_KEY in self.store:
            mark = decode_mark(self.store[MARK_KEY])
        work = Work(
            Partition(EPOCH, 0, 1), mark=mark.offset, lookup=self.state, guarded=self.guarded
        )
        for record in records:
            work.take(record)
        output = Output.of(work)
        arguments = {"held": self.held, "view": RECENCY, "now_ms": 0, "stats": self.stats}
        for _ in put_out(output, work, topic="events", **arguments):  # type: ignore[arg-type]
            pass
        return work, output

    def state(self, key: bytes) -> ProfileState | None:
        data = self.pending.states.get(key, self.store.get(key))
        return None if data is None else decode_state(data)

    def run(
        self, records: Sequence[Record], cut: int | None = None, *, waits: bool = False
    ) -> bool:
        """Run a round, and write what it and those before it left, unless that waits.

        With `cut`, crash after so many records went out. Tell if it got through.
        """
        _, output = self.compute(records)
        assert output.mark is not None
        self.pending.add(output, output.mark)
        for number, sending in enumerate(self.sendings(output, waits=waits)):
            if number == cut:
                self.restart()
                return False
            sending()
        if not waits:
            self.pending = Pending(NO_MARK)
        return True

    def sendings(self, output: Output, *, waits: bool) -> Iterator[Callable[[], None]]:
        for record in output.rows:
            assert record.key is not None
            yield partial(self.rows[record.key].append, record.value)
        for record in output.letters:
            assert record.key is not None
            yield partial(self.letters.append, (record.key, record.value))
        for piece in () if waits else list(self.pending.pieces(0, SMALL)):
            for record in piece:
                yield partial(self.changelog.append, record)
            self.write({record.key: record.value for record in piece if record.key})

    def write(self, stored: dict[bytes, bytes | None]) -> None:
        for key, value in stored.items():
            if value is None:
                self.store.pop(key, None)
            else:
                self.store[key] = value

    def letters_of(self) -> tuple[set[int], set[int]]:
        """Offsets of the records that became letters, and of those whose letters are not erased."""
        erasures = Erasures()
        for at, (key, value) in enumerate(self.letters):
            erasures.note(key, value, at)
        sent, kept = set(), set()
        for at, (key, value) in enumerate(self.letters):
            if value is not None and is_letter(key, value):
                offset = int(key.split(b"/")[1])
                sent.add(offset)
                if not erasures.covers(key, value, at):
                    kept.add(offset)
        return sent, kept

    def restart(self) -> None:
        """What a new process finds: the changelog, and nothing remembered."""
        self.held = Held(10**9)
        self.store = {}
        self.pending = Pending(NO_MARK)
        for record in self.changelog:
            assert record.key is not None
            self.write({record.key: record.value})


def changelog_of(output: Output) -> list[Outgoing]:
    """What a round's states are in the changelog, where nothing else waits."""
    assert output.mark is not None
    pending = Pending(output.mark)
    pending.add(output, output.mark)
    return list(chain.from_iterable(pending.pieces(0)))


class Oracle:
    def __init__(self, log: Sequence[Record]) -> None:
        self.states: dict[str, ProfileState] = {}
        self.rows: dict[bytes, list[Row | None]] = defaultdict(list)
        self.refused, self.kept = set(), set()
        for played in replay(log, self.states, epoch=EPOCH, partitions=1):
            if played.refusal:
                self.kept.add(played.record.offset)
            elif b'"forget_profile"' in (played.record.value or b"") and played.erased:
                self.kept = {n for n in self.kept if log[n].key != played.record.key}
            for key, made in played.rows:
                self.rows[key].append(made)
            if played.refusal:
                self.refused.add(played.record.offset)


def assert_same(machine: Machine, oracle: Oracle) -> None:
    stored = {key: value for key, value in machine.store.items() if key != MARK_KEY}
    assert stored == {key.encode(): encode_state(s) for key, s in oracle.states.items()}
    assert machine.letters_of() == (oracle.refused, oracle.kept)
    for key, values in machine.rows.items():
        known = {None if made is None else encode_row(made) for made in oracle.rows[key]}
        assert set(values) <= known
    for key, made in oracle.rows.items():
        last = machine.rows[key][-1]
        if made[-1] is None:
            assert last is None
        else:
            assert last is not None
            assert row_content(decode_row(last)) == row_content(made[-1])


CUTS = st.lists(
    st.tuples(st.integers(1, 12), st.none() | st.integers(0, 12), st.booleans()), min_size=60
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(log=logs(), plan=CUTS, lost_commits=st.sets(st.integers(0, 20)))
def test_rounds_come_to_what_the_replay_comes_to_whatever_crashes_cut(
    log: list[Record], plan: list[tuple[int, int | None, bool]], lost_commits: set[int]
) -> None:
    machine = Machine()
    committed = at = 0
    for number, (length, cut, waits) in enumerate(plan):
        through = machine.run(log[at : at + length], cut, waits=waits)
        at = min(at + length, len(log)) if through else committed
        if through and number in lost_commits:
            machine.restart()
            at = committed
        elif through and not waits:
            committed = at
    while at < len(log):
        assert machine.run(log[at : at + 7], waits=True)
        at += 7
    assert machine.run([])
    assert_same(machine, Oracle(log))


def test_a_profile_that_was_forgotten_twice_stays_so_when_a_crash_hides_the_second_time() -> None:
    """The mark got through, the tombstone did not: the first of them is found to be news again."""
    log = a_log(
        [an_event(Play, 0), an_event(ForgetProfile, 1), b"{}", an_event(ForgetProfile, 3), b"{}"]
    )
    for length in (1, 4):  # as they come again, in rounds of so many
        machine = Machine()
        assert machine.run(log[:1])
        _, whole = machine.compute(log[1:4])
        sent = len(whole.rows) + len(whole.letters) + len(changelog_of(whole))
        assert not machine.run(log[1:4], cut=sent - 1)
        for at in range(1, 5, length):
            assert machine.run(log[at : at + length])
        assert_same(machine, Oracle(log))


def test_without_the_guard_a_repeated_round_counts_twice() -> None:
    log = a_log([an_event(Play, 1), an_event(Stop, 2), an_event(Play, 3)])
    for guarded in (True, False):
        machine = Machine(guarded=guarded)
        machine.run(log)
        machine.run(log)
        state = machine.state(b"ann")
        assert state is not None
        assert (state.revision == 3) is guarded


def test_a_row_is_that_of_the_latest_state_at_which_its_device_was_due() -> None:
    # Eight hours later the phone's session is over: the last event is the television's alone.
    log = a_log(
        [
            an_event(Play, 0, device="phone"),
            an_event(Stop, 10, device="phone"),
            an_event(Play, 500, device="tv"),
            an_event(Stop, 510, device="tv"),
            an_event(Progress, 511, device="tv"),
        ]
    )
    machine = Machine()
    work, _ = machine.compute(log)
    revisions = {key: due.state.revision for key, due in work.due.items()}
    assert revisions == {b"ann/phone": 2, b"ann/tv": 4}
    assert work.conflated == 2


def test_an_erasure_takes_the_place_of_rows_before_it_and_precedes_those_after_it() -> None:
    log = a_log(
        [an_event(Play, 0), an_event(Stop, 1), an_event(ForgetProfile, 2), an_event(Play, 3)]
    )
    machine = Machine()
    _, output = machine.compute(log)
    assert [record.key for record in output.rows] == [b"ann/tv", b"ann/tv"]
    assert output.rows[0].value is None
    assert output.rows[1].value is not None
    assert decode_row(output.rows[1].value).version.revision == 1


def test_an_event_below_the_mark_does_not_bring_a_forgotten_profile_back() -> None:
    log = a_log([an_event(Play, 0), an_event(ForgetProfile, 1)])
    machine = Machine()
    machine.run(log)
    assert set(machine.store) == {MARK_KEY}
    machine.restart()
    work, output = machine.compute(log)
    assert work.redelivered == 2
    assert not output.rows
    assert not work.changes


def test_a_refused_record_is_no_dead_letter_twice_below_the_mark() -> None:
    machine = Machine()
    machine.run(a_log([b"{}", an_event(Play, 1)]))
    machine.run(a_log([b"{}", an_event(Play, 1)]))
    assert len(machine.letters) == 1


def test_the_mark_follows_the_states_and_precedes_the_tombstones() -> None:
    machine = Machine()
    machine.run(a_log([an_event(Play, 0, "ann"), an_event(Play, 1, "bob")]))
    _, output = machine.compute(
        a_log([an_event(ForgetProfile, 2, "ann"), an_event(Stop, 3, "bob")], start=2)
    )
    records = changelog_of(output)
    assert [record.key for record in records] == [b"bob", MARK_KEY, b"ann"]
    assert records[-1].value is None


def test_what_comes_again_sends_state_and_row_again() -> None:
    log = a_log([an_event(Play, 0), an_event(Stop, 1)])
    machine = Machine()
    machine.run(log)
    machine.restart()
    work, output = machine.compute(log)
    assert work.redelivered == 2
    assert [record.key for record in output.rows] == [b"ann/tv"]
    assert [record.key for record in changelog_of(output)] == [b"ann", MARK_KEY]
    assert output.rows[0].value == machine.rows[b"ann/tv"][-1]


def test_a_row_of_the_same_content_is_held_back_and_sent_again_in_time() -> None:
    held = Held(again_after_ms=1_000)
    assert held.is_new(b"a", b"content", 0)
    assert not held.is_new(b"a", b"content", 999)
    assert held.is_new(b"a", b"other", 999)
    assert held.is_new(b"a", b"content", 1_000)
    assert not held.is_new(b"a", b"content", 1_999)
    assert held.is_new(b"a", b"content", 2_000)
    held.forget(b"a")
    assert held.is_new(b"a", b"content", 2_000)


def test_what_is_held_back_is_remembered_in_bounded_memory() -> None:
    held = Held(again_after_ms=1_000, capacity=2)
    for key in (b"a", b"b", b"a", b"c"):
        held.is_new(key, b"content", 0)
    assert not held.is_new(b"a", b"content", 0)
    assert held.is_new(b"b", b"content", 0)


def test_a_device_is_sent_the_same_content_once() -> None:
    machine = Machine()
    machine.run(a_log([an_event(Play, 0), an_event(Stop, 1)]))
    machine.run(a_log([an_event(Browse, 2)], start=2))
    assert len(machine.rows[row_key("ann", "tv")]) == 1
    assert machine.stats.held_back == 1


@pytest.mark.parametrize("asking", [SessionStart, HomeView])
def test_a_row_that_was_asked_for_is_sent_though_the_device_has_it(asking: type[Event]) -> None:
    machine = Machine()
    machine.run(a_log([an_event(Play, 0), an_event(Play, 1, device="phone")]))
    machine.run(a_log([an_event(asking, 2)], start=2))
    assert revisions(machine, "tv") == [2, 3]
    assert revisions(machine, "phone") == [2]
    assert machine.stats.held_back == 1


def test_conflation_keeps_that_a_row_was_asked_for() -> None:
    machine = Machine()
    machine.run(a_log([an_event(Play, 0)]))
    machine.run(a_log([an_event(HomeView, 1), an_event(Browse, 2), an_event(Browse, 3)], start=1))
    assert revisions(machine, "tv") == [1, 4]


def test_conflation_keeps_when_the_first_event_of_the_row_came() -> None:
    log = a_log([an_event(Play, 0), an_event(Pause, 1), an_event(Play, 2, "bob")])
    work, _ = Machine().compute(
        [msgspec.structs.replace(record, append_ts=START + record.offset) for record in log]
    )
    since = {key: due.since_ms for key, due in work.due.items()}
    assert since == {b"ann/tv": START, b"bob/tv": START + 2}


def test_a_row_that_is_asked_for_again_by_a_repeated_event_is_sent_again() -> None:
    machine = Machine()
    log = a_log([an_event(Play, 0), an_event(HomeView, 1), an_event(HomeView, 1)])
    machine.run(log[:2])
    _, output = machine.compute(log[2:])
    assert [record.key for record in output.rows] == [b"ann/tv"]
    assert output.rows[0].value == machine.rows[b"ann/tv"][-1]
    assert (SOURCE_OFFSET, b"2") in output.rows[0].headers


def test_a_repeated_event_brings_no_row_behind_a_quiet_one() -> None:
    """At a quiet event's revision there is no row: one would differ from the replay's."""
    machine = Machine()
    log = a_log([an_event(HomeView, 0), an_event(Progress, 1), an_event(HomeView, 0)])
    machine.run(log[:2])
    machine.run(log[2:])
    assert revisions(machine, "tv") == [1]


def revisions(machine: Machine, device: str) -> list[int]:
    rows = machine.rows[row_key("ann", device)]
    return [decode_row(row).version.revision for row in rows if row is not None]


def test_a_refused_record_does_not_keep_its_round() -> None:
    """The traceback of what refused it would, until Python looks for cycles."""
    work = Work(Partition(EPOCH, 0, 1), mark=-1, lookup=lambda _: None)
    gc.disable()
    try:
        work.take(a_log([b"no event"])[0])
        assert work.refused
        kept = weakref.ref(work)
        del work
        assert kept() is None
    finally:
        gc.enable()
