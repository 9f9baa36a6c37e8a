"""The step: its guard, repeats, sessions, erasure."""

from event_strategies import EPOCH, T0, events, run
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_cw.core.events import (
    DisplayOff,
    ForgetProfile,
    HomeView,
    Movie,
    Pause,
    Play,
    Progress,
)
from stream_cw.core.limits import DEVICES, EVENT_IDS, SESSION_GAP_MS, SHOWS
from stream_cw.core.state import Source, live_devices
from stream_cw.core.step import step

FILM = Movie(id="film")


def fields(event_id: str, ts: int, device: str = "tv") -> dict:
    return {
        "event_id": event_id,
        "profile_id": "p",
        "device_id": device,
        "device_type": "tv",
        "ts": ts,
    }


@settings(deadline=None, max_examples=100)
@given(st.lists(events(forget=False), min_size=1, max_size=30), st.integers(0, 29))
def test_what_is_delivered_again_changes_nothing(history, back):
    state, _ = run(history)
    for offset in range(max(0, len(history) - back - 1), len(history)):
        again = step(state, history[offset], Source(EPOCH, 0, offset))
        assert again.state == state
        assert not again.applied
        assert again.due == live_devices(state)


def test_the_guard_is_of_one_log_and_one_partition():
    state, _ = run([HomeView(**fields("a", T0)), HomeView(**fields("b", T0 + 1))])
    event = HomeView(**fields("c", T0 + 2))
    assert not step(state, event, Source(EPOCH, 0, 1)).applied
    assert step(state, event, Source(EPOCH, 0, 2)).applied
    assert step(state, event, Source(bytes(16), 0, 0)).applied
    assert step(state, event, Source(EPOCH, 1, 0)).applied


def test_a_repeated_id_counts_once_within_the_last_256():
    history = [HomeView(**fields(f"e{i}", T0 + i)) for i in range(EVENT_IDS + 1)]
    state, _ = run(history)
    place = Source(EPOCH, 0, 10_000)
    remembered = step(state, history[1], place)
    assert not remembered.applied
    assert remembered.due == ()
    assert remembered.state.revision == state.revision
    assert remembered.state.source == place, "the place is recorded all the same"
    assert step(state, history[0], place).applied, "the 257th id back is forgotten"


def test_rows_are_due_for_every_live_device_and_no_other():
    history = [
        HomeView(**fields("a", T0, "phone")),
        HomeView(**fields("b", T0 + SESSION_GAP_MS - 1, "tv")),
        HomeView(**fields("c", T0 + SESSION_GAP_MS, "web")),
        HomeView(**fields("d", T0 + SESSION_GAP_MS + 1, "web")),
    ]
    _, steps = run(history)
    assert [taken.due for taken in steps] == [
        ("phone",),
        ("phone", "tv"),
        ("phone", "tv", "web"),
        ("tv", "web"),
    ]


def test_a_dark_display_ends_the_session_until_the_next_event():
    history = [
        HomeView(**fields("a", T0)),
        DisplayOff(**fields("b", T0 + 1)),
        HomeView(**fields("c", T0 + 2)),
    ]
    _, steps = run(history)
    assert [taken.due for taken in steps] == [("tv",), (), ("tv",)]


def test_a_progress_report_is_kept_and_rescored_with_the_next_act():
    history = [
        Play(**fields("a", T0), title=FILM, position_ms=0),
        Progress(**fields("b", T0 + 1000), title=FILM, position_ms=1000),
    ]
    state, steps = run(history)
    assert steps[1].applied
    assert steps[1].due == ()
    assert state.revision == 2


@settings(deadline=None, max_examples=100)
@given(st.lists(events(), max_size=20), st.lists(events(forget=False), max_size=20))
def test_a_forgotten_profile_starts_as_if_nothing_had_been(before, after):
    known, _ = run(before)
    forgotten = ForgetProfile(**fields("forget", T0, "device-1"))
    taken = step(known, forgotten, Source(EPOCH, 0, 100))
    assert taken.state is None
    assert taken.applied
    assert (
        set(taken.erased) == {"device-1"} | {d.device_id for d in known.devices}
        if known
        else {"device-1"}
    )
    fresh = stale = None
    for offset, event in enumerate(after, start=200):
        fresh = step(fresh, event, Source(EPOCH, 0, offset)).state
        stale = step(stale, event, Source(EPOCH, 0, offset)).state
    assert fresh == stale


def test_the_row_of_a_device_that_leaves_is_erased():
    """Else `forget_profile` would not know of it."""
    history = [HomeView(**fields(f"e{i}", T0 + i, f"d{i}")) for i in range(DEVICES + 2)]
    _, steps = run(history)
    assert [taken.erased for taken in steps[-3:]] == [(), ("d0",), ("d1",)]


def test_a_player_that_rests_brings_no_show_back_that_has_left():
    """What it says was true long ago: it must not take another show's place."""
    seen = {"title": Movie(id="left"), "position_ms": 1_800_000}
    history = [
        Play(**fields("play", T0, "tablet"), title=seen["title"], position_ms=0),
        Pause(**fields("pause", T0 + 1_800_000, "tablet"), **seen),
    ]
    for number in range(SHOWS):
        at = T0 + (number + 1) * 86_400_000
        film = Movie(id=f"film-{number}")
        history.append(Play(**fields(f"film-{number}", at), title=film, position_ms=0))
    before, _ = run(history)
    again = Progress(**fields("again", at + 60_000, "tablet"), **seen)
    after, _ = run([*history, again])
    assert "left" not in before.shows
    assert after.shows == before.shows
