"""Too many refused records stop a worker, at the same record again and again; and not before."""

from collections import deque

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from worker_support import WorkerProcess, make_events, wait_until
from worker_system import PARTITIONS, System

from stream_cw.core.dead_letter import decode_dead_letter
from stream_cw.core.events import encode_event
from stream_cw.core.partition import partition_for
from stream_cw.errors import TooManyRefusedError
from stream_cw.worker.mark import Mark, decode_mark, encode_mark
from stream_cw.worker.refusals import Limit, Refusals
from stream_cw.worker.run import TOO_MANY_REFUSED

WINDOW = 20


def tripped_at(refused: list[bool], limit: Limit, restarts: set[int]) -> int | None:
    """Which record stops the worker, when it starts anew before some of them."""
    seen = Refusals(limit, b"")
    for offset, bad in enumerate(refused):
        if offset in restarts:
            seen = Refusals(limit, seen.encoded())
        try:
            seen.note(0, offset, refused=bad)
        except TooManyRefusedError:
            return offset
    return None


@given(
    refused=st.lists(st.booleans(), max_size=120),
    share=st.floats(0.01, 0.99),
    window=st.integers(1, 40),
    restarts=st.sets(st.integers(0, 119)),
)
def test_the_first_record_over_the_share_stops_it_whatever_restarts_lie_before(
    refused: list[bool], share: float, window: int, restarts: set[int]
) -> None:
    last: deque[bool] = deque(maxlen=window)
    wanted = None
    for offset, bad in enumerate(refused):
        last.append(bad)
        if sum(last) > share * window:
            wanted = offset
            break
    assert tripped_at(refused, Limit(share, window), restarts) == wanted


def test_what_was_seen_under_a_longer_window_counts_in_a_shorter_one() -> None:
    seen = Refusals(Limit(0.9, 100), b"")
    for offset in range(60):
        seen.note(0, offset, refused=offset < 51)
    shorter = Refusals(Limit(0.5, 20), seen.encoded())
    with pytest.raises(TooManyRefusedError, match="11 of the last 20 records"):
        shorter.note(0, 60, refused=True)


def test_all_good_takes_no_room_in_the_mark() -> None:
    seen = Refusals(Limit(0.5, 1_000), b"")
    for offset in range(3_000):
        seen.note(0, offset, refused=False)
    assert seen.encoded() == b""


def test_a_mark_of_before_there_was_a_limit_is_read_and_the_other_way_round() -> None:
    class Old(Struct, array_like=True):
        epoch: bytes
        offset: int
        version: int

    old = Old(bytes(16), 5, 1)
    assert decode_mark(msgspec.msgpack.encode(old)) == Mark(bytes(16), 5)
    new = encode_mark(Mark(bytes(16), 5, refused=b"\x01"))
    assert msgspec.msgpack.decode(new, type=Old) == old


def stopped(worker: WorkerProcess) -> str:
    assert worker.wait() == TOO_MANY_REFUSED, worker.log()
    assert worker.stats()["stopped_by"] == "TooManyRefusedError"
    errors = [line for line in worker.log().splitlines() if " ERROR " in line]
    return errors[-1].split(": ", 1)[1]


def letters_of(system: System) -> list[int]:
    """Offsets of the refused records, as often as their letters stand there."""
    letters = (decode_dead_letter(*letter[:3]) for letter in system.letters())
    return [letter.offset for letter in letters]


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_a_wrong_producer_stops_the_worker_and_so_does_each_restart(system: System) -> None:
    """It does not go through the log bit by bit, and no letter comes twice."""
    good = make_events(1, 60)
    key = good[0].profile_id.encode()
    home = partition_for(key, PARTITIONS)
    system.produce(good[:30])
    limit = {"refused_limit": 0.5, "refused_window": WINDOW, "round_records": 4}
    worker = system.start(**limit)
    system.wait_until_through(worker)
    # One by one, so that the rounds before are through: ten are allowed, the eleventh is not.
    for number in range(10):
        system.produce([(key, b"{}", home)])
        wait_until(lambda n=number: len(letters_of(system)) == n + 1, "a letter")  # type: ignore[misc]
    assert worker.process.poll() is None
    allowed = letters_of(system)
    system.produce([(key, b"{}", home)] * 200)
    system.produce(good[30:])
    wanted = f"partition {home}, offset {allowed[-1] + 1}: 11 of the last 20 records are refused"
    assert stopped(worker).startswith(wanted)
    for name in ("one", "another"):
        message = stopped(system.start(name, **limit))
        assert message.startswith(wanted)
    assert letters_of(system) == allowed
    assert not system.is_through()
    # The operator lets it through: nothing was lost, each bad record is a letter once.
    last = system.start("one", refused_limit=None)
    system.wait_until_through(last)
    assert "stopped_by" not in last.stop()
    assert letters_of(system) == list(range(allowed[0], allowed[0] + 210))


@pytest.mark.kafka
def test_a_share_below_the_limit_stops_nobody(system: System) -> None:
    events: list[object] = []
    for number, event in enumerate(make_events(10, 400)):
        key = event.profile_id.encode()
        events.append(event)
        if number % 5 == 0:
            events.append((key, encode_event(event)[:-3], partition_for(key, PARTITIONS)))
    system.produce(events)
    worker = system.start(refused_limit=0.5, refused_window=WINDOW)
    system.wait_until_through(worker)
    assert worker.stop()["refused"] == 80
