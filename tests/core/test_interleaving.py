"""Whatever order the events of several devices arrive in within a day: the same numbers.

The promise is that of docs/state.md, "Decay" and "What depends on the order of arrival": each
device keeps its own order, the limits are not reached, and the events are exactly as many units.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_cw.core.events import (
    DisplayOff,
    Episode,
    Event,
    HomeView,
    MarkWatched,
    Movie,
    Pause,
    Play,
    Progress,
    Remove,
    SessionStart,
    Stop,
    Supplemental,
    Title,
    UndoRemove,
)
from stream_cw.core.packed_show import unpack_show
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import step

MINUTE = 60_000
DAY = 86_400_000
MEETING = 210 * 94 * DAY
"""A landmark of all half-lives at once: 1, 7 and 30 days all divide it."""

DEVICES = ("computer", "phone", "tv")
TITLES: tuple[Title, ...] = (
    Movie(id="film", duration_ms=100 * MINUTE, credits_ms=95 * MINUTE),
    *(
        Episode(
            id=f"episode-{n}",
            series_id="series",
            season=1,
            episode=n,
            duration_ms=(40 + n) * MINUTE,
            credits_ms=39 * MINUTE,
        )
        for n in range(4)
    ),
    Supplemental(id="trailer"),
)
KINDS = (
    *(Play, Play, Play, Stop, Pause, Progress, Progress, SessionStart, HomeView, DisplayOff),
    *(Remove, UndoRemove, MarkWatched),
)

BY_ARRIVAL_IN_A_SHOW = (
    "sessions",
    "sessions_at",
    "run",
    "last_gap_s",
    "lately",
    "begun_slot",
    "longest_gap",
)
"""Defined by the order of arrival, as the document says."""


class Scene(NamedTuple):
    """A history, and the events of one day by device, each device's in its own order."""

    history: list[Event]
    day: dict[str, list[Event]]


@st.composite
def events(
    draw: st.DrawFn,
    name: str,
    device: str,
    times: st.SearchStrategy[int],
    titles: Sequence[Title],
    kinds: Sequence[type[Event]] = KINDS,
) -> Event:
    kind = draw(st.sampled_from(kinds))
    fields: dict[str, Any] = {
        "event_id": name,
        "profile_id": "p",
        "device_id": device,
        "device_type": device,
        "ts": draw(times),
        "session_id": draw(st.sampled_from((None, None, "s1", "s2"))),
        "tz_offset_min": draw(st.sampled_from((None, 0, -180, 345))),
    }
    if kind in (Remove, UndoRemove):
        return kind(**fields, show_id=draw(st.sampled_from(("film", "series"))))
    if kind is MarkWatched:
        return kind(**fields, title=draw(st.sampled_from(titles)))
    if kind not in (Play, Stop, Pause, Progress):
        return kind(**fields)
    if kind is Play:
        fields["autoplay"] = draw(st.booleans())
    minutes = draw(st.integers(0, 90))
    return kind(**fields, title=draw(st.sampled_from(titles)), position_ms=minutes * MINUTE)


@st.composite
def scenes(draw: st.DrawFn, *, equal_times: bool) -> Scene:
    """Draw a scene; the day begins up to 24 hours before a landmark of all half-lives.

    Most scenes keep to two titles, so that playbacks go on.
    """
    titles = draw(st.sampled_from((TITLES, TITLES[:2], TITLES[1:3])))
    kinds = KINDS[:-1] if equal_times else KINDS
    start = MEETING - draw(st.integers(0, DAY))
    past = st.integers(1, 100 * DAY).map(lambda before: start - before)
    history = [
        # The member's word is of shows that the state knows.
        Play(
            event_id=f"known-{n}", profile_id="p", device_id="tv", device_type="tv",
            ts=start - 101 * DAY + n, title=title, position_ms=0,
        )
        for n, title in enumerate(TITLES[:2])
    ]  # fmt: skip
    history += [
        draw(events(f"before-{n}", draw(st.sampled_from(DEVICES)), past, titles))
        for n in range(draw(st.integers(0, 6)))
    ]
    day = {}
    for place, device in enumerate(DEVICES):
        if equal_times:
            times = st.integers(0, 5).map(lambda n: start + n * 4 * 60 * MINUTE)
        else:
            times = st.integers(0, DAY // 3 - 1).map(lambda n, at=place: start + 3 * n + at)
        there = [
            draw(events(f"{device}-{n}", device, times, titles, kinds))
            for n in range(draw(st.integers(0, 6)))
        ]
        in_time = draw(st.sampled_from((True, True, False)))
        day[device] = sorted(there, key=lambda event: event.ts) if in_time else there
    return Scene(history, day)


def interleaved(draw: st.DataObject, day: dict[str, list[Event]]) -> list[Event]:
    """Draw an order of arrival that keeps each device's own."""
    turns = [device for device, there in day.items() for _ in there]
    waiting = {device: iter(there) for device, there in day.items()}
    return [next(waiting[device]) for device in draw.draw(st.permutations(turns))]


def run(history: Sequence[Event]) -> ProfileState | None:
    state = None
    for offset, event in enumerate(history):
        state = step(state, event, Source(bytes(16), 0, offset)).state
    return state


def whatever_the_order(state: ProfileState) -> dict[str, Any]:
    """Lay out all that must not depend on the order; devices by id, not by place."""
    ids = [device.device_id for device in state.devices]
    shows = {}
    for show_id, packed in state.shows.items():
        show = unpack_show(show_id, packed)
        fields = msgspec.structs.asdict(show)
        for name in BY_ARRIVAL_IN_A_SHOW:
            del fields[name]
        assert show.position_slot is not None
        # Whose position a mark has made the last one again is left to arrival.
        fields["position_slot"] = None if show.watched else ids[show.position_slot]
        fields["devices"] = {ids[d.slot]: (d.last_s, d.plays, d.sessions_at) for d in show.devices}
        shows[show_id] = fields
    return {
        "revision": state.revision,
        "first_ts": state.first_ts,
        "now": state.now,
        "minutes": state.minutes,
        "hours": state.hours,
        "sessions": state.sessions,
        "first acts": state.resumed + state.started,
        "devices": {device.device_id: device for device in state.devices},
        "shows": shows,
    }


@settings(deadline=None, max_examples=100)
@given(scenes(equal_times=False), st.data())
def test_arrival_within_a_day_changes_no_number(scene: Scene, data: st.DataObject) -> None:
    one, other = (run(scene.history + interleaved(data, scene.day)) for _ in range(2))
    if one is None or other is None:
        assert one is other
        return
    note(f"crosses a landmark: {one.now >= MEETING}")
    seen, wanted = whatever_the_order(one), whatever_the_order(other)
    if any(isinstance(event, MarkWatched) for day in scene.day.values() for event in day):
        # Where somebody was is by arrival once a mark has made another title the last one.
        for show in (*seen["shows"].values(), *wanted["shows"].values()):
            del show["nobody"], show["stopped"]
    assert seen == wanted


def test_of_two_reports_of_a_device_in_one_millisecond_the_last_is_where_somebody_was() -> None:
    def told(kind: Any, number: int, device: str, ts: int, position_ms: int) -> Event:
        event: Event = kind(
            event_id=f"e{number}",
            profile_id="p",
            device_id=device,
            device_type="other",
            ts=MEETING + ts,
            title=TITLES[0],
            position_ms=position_ms,
        )
        return event

    known = told(Play, 0, "tv", -DAY, 0)
    here = [
        told(Play, 1, "phone", 0, 0),
        told(Stop, 2, "phone", MINUTE, MINUTE),
        told(Play, 3, "phone", MINUTE, 0),
    ]
    elsewhere = told(Stop, 4, "tv", MINUTE + 1, 5 * MINUTE)
    for late in range(1, 4):
        state = run([known, *here[:late], elsewhere, *here[late:]])
        assert state is not None
        nobody = unpack_show("film", state.shows["film"]).nobody
        assert nobody is not None
        assert nobody.bookmark is not None
        assert nobody.bookmark.position_ms == 0


@settings(deadline=None, max_examples=100)
@given(scenes(equal_times=True), st.data())
def test_of_equal_times_the_greater_device_decides(scene: Scene, data: st.DataObject) -> None:
    """Only what is listed of an episode that two devices report at one ms is left to arrival."""
    arrived = [scene.history + interleaved(data, scene.day) for _ in range(2)]
    one, other = map(run, arrived)
    if one is None or other is None:
        assert one is other
        return
    seen, wanted = whatever_the_order(one), whatever_the_order(other)
    for show in (*seen["shows"].values(), *wanted["shows"].values()):
        show["episodes"] = {(listed.title, listed.ts) for listed in show["episodes"]}
        show["nobody"] = show["nobody"] and (show["nobody"].depth, show["nobody"].idle_min)
    assert seen == wanted
    for show_id, show in seen["shows"].items():
        if show["watched"]:
            continue
        last = newest(show_id, arrived[0])
        assert (show["title_id"], show["position_ms"]) == (last.title.id, last.position_ms)
        assert show["position_slot"] == last.device_id


def newest(show_id: str, arrived: Sequence[Event]) -> Any:
    """Find the playback event of a show with the greatest (ts, device_id, arrival).

    A player that rests where its last report was tells nothing newer than that.
    """
    playbacks = []
    reported: dict[str, tuple[str, int, int]] = {}
    for arrival, event in enumerate(arrived):
        if not isinstance(event, Play | Pause | Stop | Progress):
            continue
        if isinstance(event.title, Supplemental):
            continue
        device, title, position, ts = (
            event.device_id, event.title.id, event.position_ms, event.ts,
        )  # fmt: skip
        last_title, last_position, since = reported.get(device, ("", 0, 0))
        if title == last_title and ts >= since and not isinstance(event, Play):
            ts = since if position == last_position else ts
            reported[device] = ("", 0, 0) if isinstance(event, Stop) else (title, position, ts)
        elif isinstance(event, Play) and not (title == last_title and ts < since):
            reported[device] = (title, position, ts)
        if event.title.show_id == show_id:
            playbacks.append((ts, device, arrival, event))
    return max(playbacks, key=lambda playback: playback[:3])[3]


@pytest.mark.parametrize("days", [1, 7, 30])
def test_the_meeting_is_a_landmark_of_each_half_life(days: int) -> None:
    assert MEETING % (days * DAY) == 0
