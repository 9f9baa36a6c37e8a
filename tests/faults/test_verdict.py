"""The oracles of the fault suite see what they are for, without a system to run them on."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from changelog import Folded, Stored
from load import Entry, Ledger, Pace, hash_of
from traffic import Sent, traffic
from verdict import Windows, count, delays, lost_and_doubled, part, stores_wrong
from viewers import Viewers
from watcher import Incident

from stream_cw.core.codec import encode_state
from stream_cw.core.records import Record
from stream_cw.core.rows import Version
from stream_cw.core.state import ProfileState, Source


def event(number: int, type_: str = "stop") -> bytes:
    return json.dumps({"type": type_, "event_id": f"e{number}"}).encode()


def record(offset: int, value: bytes | None, key: bytes = b"ann", partition: int = 0) -> Record:
    return Record(key, value, partition, offset, 1_000 + offset)


def entries(*records: Record) -> dict[tuple[int, int], Entry]:
    return {
        (r.partition, r.offset): Entry(r.key or b"", hash_of(r.value), bad=False) for r in records
    }


LOG = [record(n, event(n)) for n in range(5)]


def test_a_topic_as_acknowledged_has_nothing_misplaced() -> None:
    counted = count(LOG, entries(*LOG[:4]))
    assert (counted.misplaced, counted.unacknowledged) == ([], 1)
    assert counted.revisions == {b"ann": 5}


@pytest.mark.parametrize(
    "found",
    [LOG[:4], [*LOG[:4], record(4, event(9))], [*LOG[:4], record(4, event(4), key=b"bob")]],
    ids=["gone", "another value", "another key"],
)
def test_an_acknowledged_record_that_is_not_there_is_seen(found: list[Record]) -> None:
    assert count(found, entries(*LOG)).misplaced == [(0, 4)]


def test_what_was_acknowledged_without_a_place_must_stand_somewhere() -> None:
    unplaced = list(entries(*LOG[3:]).values())
    counted = count(LOG, entries(*LOG[:3]), unplaced)
    assert (counted.nowhere, counted.unacknowledged) == ([], 0)
    assert count(LOG[:4], entries(*LOG[:3]), unplaced).nowhere == [b"ann"]
    assert count(LOG, entries(*LOG[:4]), unplaced).nowhere == [b"ann"]


def test_an_acknowledgement_without_a_place_ends_no_load() -> None:
    ledger = Ledger()
    told: Any = SimpleNamespace(partition=lambda: 0, offset=lambda: None)
    ledger.note(Sent(b"ann", b"{}"), None, told)
    assert (ledger.unplaced, ledger.ends) == ([Entry(b"ann", hash_of(b"{}"), bad=False)], {})


def test_events_are_counted_once_and_since_the_profile_was_forgotten() -> None:
    log = [
        *LOG,
        record(5, event(0)),
        record(6, b"{"),
        record(7, None),
        record(8, event(8, "forget_profile")),
        record(9, event(9)),
        record(10, event(9)),
    ]
    counted = count(log, {})
    assert counted.revisions == {b"ann": 1}
    assert counted.refused == {(0, 6), (0, 7)}
    assert count(log[:6], {}).revisions == {b"ann": 5}


def a_state(revision: int) -> bytes:
    source = Source(bytes(16), 0, revision)
    return encode_state(ProfileState(source=source, first_ts=1, now=1, revision=revision))


def test_what_states_count_too_seldom_is_lost_and_too_often_doubled() -> None:
    states = {b"ann": a_state(3), b"bob": a_state(7)}
    assert lost_and_doubled({b"ann": 3, b"bob": 7}, states) == (0, 0)
    assert lost_and_doubled({b"ann": 5, b"bob": 6}, states) == (2, 1)
    assert lost_and_doubled({b"ann": 3, b"bob": 7, b"eve": 4}, states) == (4, 0)
    assert lost_and_doubled({b"ann": 3}, states) == (0, 7)


def a_changelog(*values: int) -> Folded:
    changelog = Folded()
    for offset, value in enumerate(values):
        changelog.take(Record(b"ann", a_state(value), 0, offset), places=range(10))
    return changelog


def test_stores_are_held_to_the_changelog_at_their_place() -> None:
    changelog = {0: a_changelog(1, 4, 3)}
    at_end = Stored(0, 2, {b"ann": a_state(4)})
    assert changelog[0].hidden == [b"ann"]
    assert stores_wrong(changelog, [at_end]) == []
    assert stores_wrong(changelog, [at_end, Stored(0, 0, {b"ann": a_state(1)})]) == []
    for wrong in (
        [Stored(0, 0, {b"ann": a_state(1)})],  # none is at the end
        [Stored(0, 2, {b"ann": a_state(3)})],  # the last, not the newest
        [at_end, Stored(0, 1, {b"ann": a_state(1)})],
        [at_end, Stored(0, 5, {b"ann": a_state(4)})],  # ahead
        [Stored(0, 2, {})],
    ):
        assert len(stores_wrong(changelog, wrong)) == 1


def an_incident(began_ms: int, until_ms: int | None) -> Incident:
    return Incident("kill", 0.0, began_ms, {}, until_ms=until_ms)


def test_only_what_happens_while_something_is_amiss_is_excused() -> None:
    windows = Windows([an_incident(50_000, 55_000), an_incident(52_000, 53_000)])
    assert not windows.covers(48_000)
    assert windows.covers(50_000)
    assert windows.covers(57_000)
    assert not windows.covers(59_000)
    assert Windows([an_incident(50_000, None)]).covers(10**9)
    assert not Windows([]).covers(1)


def test_delays_are_of_quiet_times_once_the_system_is_warm() -> None:
    stamps = {(0, 0): 0, (0, 1): 20_000, (0, 2): 50_500}
    rows = [
        Record(
            b"k",
            b"",
            0,
            n,
            stamp + 7,
            (("cw-source-partition", b"0"), ("cw-source-offset", b"%d" % n)),
        )
        for n, stamp in enumerate(stamps.values())
    ]
    windows = Windows([an_incident(50_000, 51_000)])
    assert delays(rows, stamps, windows) == [7]
    assert (part([1, 2, 3, 4], 0.5), part([1, 2, 3, 4], 0.99), part([], 0.5)) == (3, 4, None)


def test_clients_that_get_rows_twice_or_late_are_seen() -> None:
    viewers = Viewers(1, [("ann", "tv")])
    [client] = viewers.clients
    newer, older = (Version(2, 0, 0), b"2"), (Version(1, 0, 0), b"1")
    client.rows = [older, newer]
    assert viewers.out_of_order() == []
    assert viewers.behind({b"ann/tv": b"2"}) == []
    assert viewers.behind({b"ann/tv": b"3"}) == ["ann/tv"]
    for rows in ([newer, older], [older, older]):
        client.rows = rows
        assert len(viewers.out_of_order()) == 1


def test_a_ledger_sees_a_place_that_is_given_twice() -> None:
    class Message:
        def partition(self) -> int:
            return 1

        def offset(self) -> int:
            return 7

    ledger = Ledger()
    for value in (b"a", b"b"):
        ledger.note(Sent(b"ann", value), None, Message())
    assert ledger.doubled == [(1, 7)]
    assert ledger.ends == {1: 8}


def test_bursts_come_at_the_end_of_each_minute() -> None:
    pace = Pace(300, burst_rate=2_000)
    assert [pace.at(second) for second in (0, 56, 58, 61, 118)] == [300, 300, 2_000, 300, 2_000]
    assert Pace(500).at(58) == 500


def test_traffic_is_a_function_of_its_seed_and_has_all_that_it_says() -> None:
    def some(seed: int) -> list[Sent]:
        events = traffic(seed, 200, kept=5)
        return [next(events) for _ in range(20_000)]

    sent = some(1)
    assert sent == some(1) != some(2)
    assert 20 < sum(each.bad for each in sent) < 100
    forgotten = {each.key for each in sent if b"forget" in (each.value or b"")}
    assert len(forgotten) > 5
    assert forgotten.isdisjoint({b"profile-%d" % n for n in range(5)})
    values = [each.value for each in sent if each.value]
    assert 100 < len(values) - len(set(values)) < 400, "repeats"
    counts = sorted(
        (sum(e.key == b"profile-%d" % n for e in sent) for n in range(200)), reverse=True
    )
    assert counts[0] > 10 * counts[50] > 0, "a few are busy"
