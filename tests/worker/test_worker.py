"""A worker on Apache Kafka: what it writes, how it ends, how it comes back."""

import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from confluent_kafka import Producer
from oracle import Verdict, judge
from worker_support import (
    WorkerProcess,
    end_of,
    forget,
    last_values,
    log_ends,
    make_events,
    stored,
    wait_until,
)
from worker_system import PARTITIONS, System

from stream_cw.core.codec import decode_state
from stream_cw.core.dead_letter import decode_dead_letter
from stream_cw.core.events import encode_event
from stream_cw.core.partition import partition_for
from stream_cw.worker.mark import MARK_KEY
from stream_cw.worker.store import STORED_AT_KEY

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


def verdict_of(system: System, folder: Path) -> Verdict:
    return judge(system.brokers, system.topics, PARTITIONS, folder)


def test_rows_changelog_and_store_agree_with_the_replay(system: System, tmp_path: Path) -> None:
    system.produce([*make_events(20, 600), forget(3, 1), forget(4, 2)])
    worker = system.start()
    system.wait_until_through(worker)
    stats = worker.stop()
    verdict = verdict_of(system, tmp_path)
    assert verdict.holds, verdict
    assert verdict.lower == verdict.repeated == 0
    folded = last_values(system.changelog())
    marks = folded.pop(MARK_KEY, None)
    assert marks is not None
    assert stored(worker) == folded
    assert len(folded) == 18
    assert stats["events"] == 602
    assert stats["rows"] + stats["tombstones"] == verdict.rows
    assert stats["conflated"] > 0
    assert STORED_AT_KEY not in folded


def test_sigterm_with_work_in_flight_loses_nothing_and_repeats_nothing(
    system: System, tmp_path: Path
) -> None:
    events = make_events(50, 6_000)
    system.produce(events[:5_000])
    first = system.start(round_records=100, pending_seconds=0)
    wait_until(lambda: any(o > 0 for o in system.committed().values()), "a first commit")
    before = first.stop()
    system.produce(events[5_000:])
    assert 0 < before["events"] < len(events)
    assert sum(max(0, o) for o in system.committed().values()) == before["events"]
    second = system.start()
    system.wait_until_through(second)
    after = second.stop()
    assert before["events"] + after["events"] == len(events)
    assert after["redelivered"] == 0
    assert after["changelog_read"] == 0
    verdict = verdict_of(system, tmp_path)
    assert verdict.holds, verdict
    assert verdict.lower == 0


@pytest.mark.parametrize("wiped", [False, True], ids=["kept", "wiped"])
def test_a_killed_worker_comes_back(
    system: System, tmp_path: Path, *, wiped: bool, show_figure: Callable[[str], None]
) -> None:
    events = make_events(50, 6_000)
    system.produce(events[:5_000])
    # In its first commit interval, so all that it writes it writes since the last.
    first = system.start(round_records=100, commit_interval=60, pending_seconds=0)
    wait_until(lambda: system.changelog_records() > 600, "some rounds are through")
    first.kill()
    assert set(system.committed().values()) == {-1001}
    written = len(system.changelog())
    system.produce(events[5_000:])
    if wiped:
        shutil.rmtree(first.folder / "data")
    second = system.start()
    system.wait_until_through(second)
    stats = second.stop()
    show_figure(
        f"killed and back, directory {'wiped' if wiped else 'kept'}: read "
        f"{stats['changelog_read']} of {written} changelog records, all of one commit interval"
    )
    assert 0 < stats["events"] < len(events)
    # A store is behind the changelog by the rounds in flight, three of them, at most; and recovery
    # begins with the record that it ends with.
    few = 3 * 104 + PARTITIONS
    assert stats["changelog_read"] == written if wiped else stats["changelog_read"] <= few < written
    verdict = verdict_of(system, tmp_path)
    assert verdict.holds, verdict


def test_what_waited_to_be_written_when_a_worker_was_killed_is_done_again(
    system: System, tmp_path: Path
) -> None:
    events = make_events(50, 6_000)
    system.produce(events)
    first = system.start(round_records=100, pending_seconds=60)
    rows = system.topics.rows
    wait_until(
        lambda: sum(log_ends(system.brokers, rows, PARTITIONS).values()) > 2_000, "rows are there"
    )
    first.kill()
    written = last_values(system.changelog())
    written.pop(MARK_KEY, None)
    second = system.start()
    system.wait_until_through(second)
    stats = second.stop()
    known = sum(decode_state(state).revision for state in written.values() if state)
    assert stats["events"] == len(events) - known
    verdict = verdict_of(system, tmp_path)
    assert verdict.holds, verdict
    assert verdict.repeated + verdict.lower > 0, "members had seen more than was written"


def test_where_much_is_written_a_kill_leaves_out_less_than_a_commit_interval(
    system: System, tmp_path: Path, show_figure: Callable[[str], None]
) -> None:
    """More than the write buffers hold is in no log of writes."""
    events = make_events(500, 12_000)
    system.produce(events[:10_000])
    settings = {"store_buffer_bytes": 1_048_576, "round_records": 100}
    first = system.start(commit_interval=60, pending_seconds=0, **settings)
    wait_until(lambda: system.changelog_records() > 4_000, "some MiB are written")
    first.kill()
    written = len(system.changelog())
    system.produce(events[10_000:11_900])
    second = system.start(commit_interval=0.2, **settings)
    system.wait_until_through(second)
    few = iter(events[11_900:])

    def is_logged() -> bool:
        before = _log_sizes(second)
        system.produce([next(few)])
        system.wait_until_through(second)
        return any(size > before.get(log, 0) for log, size in _log_sizes(second).items())

    wait_until(is_logged, "where little is written it is logged")
    stats = second.stop()
    show_figure(
        f"killed while much was written: read {stats['changelog_read']} of {written} changelog "
        "records, all of one commit interval"
    )
    assert stats["changelog_read"] < written
    verdict = verdict_of(system, tmp_path)
    assert verdict.holds, verdict


def _log_sizes(worker: WorkerProcess) -> dict[Path, int]:
    """Of the stores' logs of writes; one may go away meanwhile."""
    found = {}
    for log in (worker.folder / "data").rglob("*.log"):
        with suppress(FileNotFoundError):
            found[log] = log.stat().st_size
    return found


def test_two_workers_share_the_partitions_and_hand_them_over(
    system: System, tmp_path: Path
) -> None:
    events = make_events(40, 6_000)
    one, two = system.start("one"), system.start("two")
    wait_until(lambda: system.sharing() == 2, "two workers share the partitions")
    system.produce(events[:1_000])
    system.wait_until_through(one, two)
    system.produce(events[1_000:])
    first = one.stop()
    system.wait_until_through(two)
    second = two.stop()
    assert first["events"] > 0
    assert second["events"] > 0
    assert first["events"] + second["events"] == len(events)
    assert first["redelivered"] + second["redelivered"] == 0
    verdict = verdict_of(system, tmp_path)
    assert verdict.holds, verdict
    assert verdict.lower == 0


def test_a_data_directory_serves_one_worker(system: System) -> None:
    one = system.start("one")
    lock = one.folder / "data" / "worker.lock"
    wait_until(lambda: lock.exists() and lock.read_text() != "", "the lock")
    two = system.start("two", data_dir=one.folder / "data")
    message = end_of(two)
    assert f"found in use by process {one.process.pid}" in message
    assert "STREAM_CW_DATA_DIR" in message


def test_missing_topics_are_named(system: System) -> None:
    worker = system.start(topic_prefix=f"{system.prefix}other.")
    message = end_of(worker)
    assert f"{system.prefix}other.cw.viewing-events.v1: topic: wanted" in message
    assert "found missing" in message


def bad_records(partitions: int) -> list[tuple[bytes | None, bytes | None, int]]:
    good = make_events(1, 1, seed=5)[0]
    key = good.profile_id.encode()
    home = partition_for(key, partitions)
    return [
        (key, None, home),
        (key, b"\xff\xfe", home),
        (key, encode_event(good)[:-5], home),
        (key, b'{"type":"unknown"}', home),
        (key, b"[" * 100_000, home),
        (key, b'{"a":"' + b"x" * 1_000_000 + b'"}', home),
        (key, b"x" * 1_048_450, home),
        (None, encode_event(good), home),
        (b"another", encode_event(good), home),
        (key, encode_event(good), 1 - home),
    ]


def test_bad_records_become_dead_letters_and_change_nothing_else(
    system: System, tmp_path: Path
) -> None:
    events = make_events(20, 400)
    bad = bad_records(PARTITIONS)
    mixed: list[object] = list(events)
    for number, record in enumerate(bad):
        mixed.insert(number * 35, record)
    system.produce(mixed)
    worker = system.start()
    system.wait_until_through(worker)
    stats = worker.stop()
    assert stats["refused"] == len(bad)
    assert stats["events"] == len(events)
    letters = {
        letter.identity(): letter
        for letter in (
            decode_dead_letter(key, value, headers) for key, value, headers, *_ in system.letters()
        )
    }
    assert len(letters) == len(bad)
    for key, value, _, partition, offset in system.events():
        letter = letters.get((system.topics.events, partition, offset))
        if letter is not None:
            assert (letter.key, letter.value) == (key, value)
    verdict = verdict_of(system, tmp_path)
    assert verdict.holds, verdict


def write_changelog(system: System, key: bytes, value: bytes, partition: int) -> None:
    producer = Producer({"bootstrap.servers": system.brokers, "log_level": 0})
    producer.produce(system.topics.changelog, key=key, value=value, partition=partition)
    assert producer.flush(30) == 0


def test_a_state_of_a_newer_version_stops_the_worker(system: System) -> None:
    write_changelog(system, b"profile-1", b"\xff\xff" + bytes(100), 0)
    assert "version" in end_of(system.start())
    assert sum(max(0, offset) for offset in system.committed().values()) == 0


def newest_and_oldest(system: System) -> tuple[bytes, bytes, bytes, int]:
    """Key, newest and oldest state of a profile with two, and its partition."""
    versions: dict[bytes, list[bytes]] = {}
    places: dict[bytes, int] = {}
    for key, value, _, partition, _ in system.changelog():
        if key is not None and value is not None and key != MARK_KEY:
            versions.setdefault(key, []).append(value)
            places[key] = partition
    key = next(key for key, values in versions.items() if len(values) > 1)
    return key, versions[key][-1], versions[key][0], places[key]


@pytest.mark.parametrize("wiped", [False, True], ids=["kept", "wiped"])
def test_an_older_state_behind_a_newer_one_is_written_over(system: System, *, wiped: bool) -> None:
    """A worker that was halted past its session may put an old state last: it must not win."""
    events = make_events(5, 200)
    system.produce(events[:100])
    worker = system.start()
    system.wait_until_through(worker)
    system.produce(events[100:])
    system.wait_until_through(worker)
    worker.stop()
    key, newest, oldest, partition = newest_and_oldest(system)
    write_changelog(system, key, oldest, partition)
    if wiped:
        shutil.rmtree(worker.folder / "data")
    again = system.start()
    wait_until(lambda: last_values(system.changelog())[key] == newest, "the newest state on top")
    assert again.stop()["rewritten"] == 1
    assert stored(again)[key] == newest


def test_a_foreign_record_in_the_changelog_stops_the_worker(system: System) -> None:
    system.produce(make_events(5, 50))
    worker = system.start()
    system.wait_until_through(worker)
    for partition in range(PARTITIONS):
        write_changelog(system, MARK_KEY, last_values(system.changelog())[MARK_KEY], partition)
    assert "another worker wrote here" in end_of(worker)


def test_a_halted_worker_does_not_go_on_where_another_took_over(
    system: System, tmp_path: Path
) -> None:
    events = make_events(40, 8_000)
    system.produce(events)
    one = system.start("one", round_records=100, pending_seconds=0)
    wait_until(lambda: sum(max(0, o) for o in system.committed().values()) > 500, "commits")
    one.send(signal.SIGSTOP)
    two = system.start("two")
    system.wait_until_through(two)
    one.send(signal.SIGCONT)
    wait_until(lambda: one.process.poll() is not None or system.sharing() == 2, "one is back")
    for worker in (one, two):
        worker.send(signal.SIGTERM)
        worker.wait()
    last = system.start("two")
    wait_until(lambda: not verdict_of(system, tmp_path).states_wrong, "the newest states on top")
    last.stop()
    verdict = verdict_of(system, tmp_path)
    assert not verdict.wrong
    # What lay in its socket when it was halted arrives late: consumers drop a lower version.
    assert len(verdict.stale) <= verdict.lower
