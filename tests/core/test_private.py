"""What is private leaves no trace: in no number of the state, and in no row but its cause."""

from typing import Any

import msgspec
import pytest
from event_strategies import DAY, EPOCH, MINUTE, T0, events
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stream_cw.core import apply as applying
from stream_cw.core.decay import HALF_LIVES_MS
from stream_cw.core.events import Event, Movie, Play, Progress, SetRecording, Stop
from stream_cw.core.packed_show import unpack_show
from stream_cw.core.row import row
from stream_cw.core.shows import Shows
from stream_cw.core.state import Device, ProfileState, Source, find_device
from stream_cw.core.step import step

CLOCKS = {"source", "revision", "cause_id", "cause_type", "private", "now", "event_ids"}
"""What a private event may change of a profile beside its device."""
CLOCKS_OF_A_DEVICE = {"session_id", "last_ts", "ended"}
HABIT_MS = 30 * DAY


def decayed(sums: tuple[int, ...], half_lives: tuple[int, ...], before: int, now: int) -> tuple:
    pairs = zip(sums, half_lives, strict=True)
    return tuple(total >> now // life - before // life for total, life in pairs)


def check_nothing_is_told(before: ProfileState, after: ProfileState, event: Event) -> None:
    """A private event changes clocks and the cause, and a new device may come."""
    assert (after.cause_id, after.private) == (event.event_id, True)
    expected = msgspec.structs.replace(
        before,
        minutes=decayed(before.minutes, HALF_LIVES_MS, before.now, after.now),
        hours=decayed(before.hours, (HABIT_MS,) * 8, before.now, after.now),
        devices=after.devices,
        **{name: getattr(after, name) for name in CLOCKS},
    )
    assert after == expected
    for known, device in zip(before.devices, after.devices, strict=False):
        clocks = {name: getattr(device, name) for name in CLOCKS_OF_A_DEVICE}
        assert device == msgspec.structs.replace(known, **clocks)
        assert device == known or device.device_id == event.device_id
    assert len(after.devices) - len(before.devices) in (0, 1)


def off_and_on(ts: int, recording: bool, number: int) -> SetRecording:
    return SetRecording(
        event_id=f"switch-{number}", profile_id="p", device_id="device-1", device_type="tv",
        ts=ts, recording=recording,
    )  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Events, and switches among them; often in the order of their times."""
    told: list[Event] = draw(st.lists(events(forget=False), min_size=1, max_size=25))
    times = draw(st.lists(st.integers(0, 3 * DAY), min_size=1, max_size=4))
    told += [off_and_on(T0 + ts, draw(st.booleans()), n) for n, ts in enumerate(times)]
    if draw(st.booleans()):
        return sorted(told, key=lambda event: event.ts)
    return draw(st.permutations(told))


def private_of(history: list[Event]) -> int:
    """Step through a history, check each private event, and count them."""
    state, found = None, 0
    for offset, event in enumerate(history):
        taken = step(state, event, Source(EPOCH, 0, offset))
        assert taken.state is not None
        if taken.applied and taken.state.private:
            found += 1
            assert state is not None
            check_nothing_is_told(state, taken.state, event)
        if taken.applied:
            made = row(taken.state, "p", event.device_id)
            assert made.cause.recorded is not taken.state.private
        state = taken.state
    return found


def play(kind: type, minute: int, at: int, event_id: str, **fields: Any) -> Event:
    return kind(
        event_id=event_id, profile_id="p", device_id="device-1", device_type="tv",
        ts=T0 + minute * MINUTE, title=Movie(id="film-1"), position_ms=at * MINUTE, **fields,
    )  # fmt: skip


SECRET = [
    play(Play, 0, 0, "a"),
    off_and_on(T0 + 1 * MINUTE, False, 0),
    play(Progress, 50, 50, "b"),
    play(Stop, 51, 51, "c"),
    off_and_on(T0 + 52 * MINUTE, True, 1),
]


@given(histories())
@example(SECRET)
@settings(max_examples=150, deadline=None)
def test_a_private_event_changes_clocks_and_nothing_else(history: list[Event]) -> None:
    private_of(history)


def test_what_is_private_begins_with_the_switch_and_ends_with_the_next() -> None:
    assert private_of(SECRET) == 2
    assert private_of([SECRET[0], *SECRET[2:]]) == 0
    later = [play(Play, n, 0, f"later-{n}") for n in (52, 53, 90)]
    assert private_of([*SECRET, *later]) == 2
    assert private_of([*SECRET[:4], *later]) == 5
    assert private_of([*SECRET[:2], SECRET[4], *later, play(Play, 51, 0, "late")]) == 1


def stepped(history: list[Event]) -> ProfileState:
    state = None
    for offset, event in enumerate(history):
        state = step(state, event, Source(EPOCH, 0, offset)).state
    assert state is not None
    return state


def test_a_report_behind_it_credits_nothing_of_it() -> None:
    """The playback was begun before the switch and is reported on behind it."""
    state = stepped([*SECRET, play(Stop, 60, 58, "d")])
    show = unpack_show("film-1", state.shows["film-1"])
    assert (show.position_ms, show.minutes, show.plays) == (58 * MINUTE, [0, 0, 0], 1)
    assert state.minutes == (0, 0, 0)


@pytest.mark.parametrize("before", [SECRET, SECRET[1:]], ids=["begun before it", "begun in it"])
def test_what_goes_on_behind_it_is_credited_from_its_first_report_on(before: list[Event]) -> None:
    first = play(Progress, 60, 58, "first")
    state = stepped([*before, first])
    assert state.minutes == (0, 0, 0)
    state = stepped([*before, first, play(Stop, 65, 63, "second")])
    credited = stepped([play(Play, 60, 58, "first"), play(Stop, 65, 63, "second")])
    assert state.minutes == credited.minutes
    assert state.devices[0].open is None


def test_a_play_behind_it_is_a_new_one() -> None:
    state = stepped([*SECRET, play(Play, 60, 55, "d")])
    assert unpack_show("film-1", state.shows["film-1"]).plays == 2
    assert state.minutes == (0, 0, 0)


def test_who_is_there_is_not_known_once_behind_it() -> None:
    """The first play that starts by itself is excused, those behind it are not."""
    depths = []
    history = [play(Play, 0, 0, "a"), play(Stop, 1, 1, "b"), *SECRET[1:]]
    for n in range(3):
        history.append(play(Play, 120 + 2 * n, 0, f"play-{n}", autoplay=True))
        device = stepped(history).devices[0]
        depths.append((device.depth, device.deliberate_ts))
        history.append(play(Stop, 121 + 2 * n, 1, f"stop-{n}"))
    assert depths == [(depth, T0 + 120 * MINUTE) for depth in (1, 2, 3)]


def test_a_device_that_came_in_private_has_begun_something_there() -> None:
    switches = [off_and_on(T0, False, 0), off_and_on(T0 + 9 * MINUTE, True, 1)]
    tablet = {"device_id": "tablet"}
    begun = msgspec.structs.replace(play(Play, 1, 0, "begun"), **tablet)
    first = msgspec.structs.replace(play(Progress, 60, 50, "first"), **tablet)
    rests = msgspec.structs.replace(play(Stop, 90, 50, "rests"), **tablet)
    state = stepped([switches[0], begun, switches[1], first, rests])
    assert unpack_show("film-1", state.shows["film-1"]).last_ts == first.ts


def more(state: ProfileState, field: str) -> ProfileState:
    """The same, but that one number has grown."""
    value = getattr(state, field)
    if isinstance(value, tuple):
        return msgspec.structs.replace(state, **{field: (value[0] + 1, *value[1:])})
    return msgspec.structs.replace(state, **{field: value + 1})


def seen(device: Device, **fields: Any) -> Device:
    return msgspec.structs.replace(device, **fields)


LEAKS = {
    **{
        field: lambda state, _event, field=field: more(state, field)
        for field in (
            *("minutes", "hours", "sessions", "resumed", "started", "returning"),
            *("resume_gaps", "first_ts"),
        )
    },
    "show": lambda state, _event: msgspec.structs.replace(
        state, shows=Shows.of({name: data[:-1] + b"?" for name, data in state.shows.items()})
    ),
    "new show": lambda state, event: applying.play(
        state, event, Movie(id="film-2"), find_device(state, event.device_id)
    ),
    **{
        field: lambda state, _event, field=field: msgspec.structs.replace(
            state, devices=tuple(seen(d, **{field: getattr(d, field) + 1}) for d in state.devices)
        )
        for field in ("sessions", "session_start", "deliberate_ts", "depth")
    },
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_found(leak: str, monkeypatch: pytest.MonkeyPatch) -> None:
    attend = applying._attend_privately
    monkeypatch.setattr(
        applying, "_attend_privately", lambda state, event: LEAKS[leak](attend(state, event), event)
    )
    with pytest.raises(AssertionError):
        private_of(SECRET)
