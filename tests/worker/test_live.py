"""Whom a change of the catalog may be pushed to."""

from msgspec.structs import replace
from worker_support import make_events

from stream_cw.core.limits import SESSION_GAP_MS
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import step
from stream_cw.worker.live import Live

NOW = 1_700_000_000_000


def state(now: int) -> ProfileState:
    made = step(None, make_events(1, 1)[0], Source(bytes(16), 0, 0)).state
    assert made is not None
    return replace(made, now=now)


def test_a_profile_is_live_for_as_long_as_a_session() -> None:
    live = Live()
    live.note(3, {b"p": state(NOW)})
    live.note(1, {b"q": state(NOW + 1)})
    assert live.at(NOW - SESSION_GAP_MS) == [(b"p", 3), (b"q", 1)]
    assert live.at(NOW + SESSION_GAP_MS) == [(b"p", 3), (b"q", 1)]
    assert live.at(NOW + SESSION_GAP_MS + 1) == [(b"q", 1)]
    assert live.at(NOW) == [(b"q", 1)], "who was gone is forgotten until the next event"
    live.note(3, {b"p": state(NOW + 9)})
    assert live.at(NOW) == [(b"q", 1), (b"p", 3)]


def test_who_is_erased_is_forgotten() -> None:
    live = Live()
    live.note(0, {b"p": state(NOW), b"q": state(NOW)})
    live.note(0, {b"p": None, b"unknown": None})
    assert live.at(NOW) == [(b"q", 0)]


def test_those_with_the_oldest_events_leave_a_full_memory() -> None:
    live = Live(capacity=3)
    for name in (b"a", b"b", b"c", b"a", b"d"):
        live.note(0, {name: state(NOW)})
    assert [key for key, _ in live.at(NOW)] == [b"c", b"a", b"d"]
