"""Hypothesis strategies: events of one profile, in the shapes that real apps send and lose."""

from collections.abc import Sequence
from typing import Any, Final

from hypothesis import strategies as st

from stream_cw.core.events import (
    DEVICE_TYPES,
    DisplayOff,
    Episode,
    Event,
    ForgetProfile,
    HomeView,
    MarkWatched,
    Movie,
    Pause,
    Play,
    Progress,
    Rating,
    Remove,
    RowSeen,
    SessionStart,
    Stop,
    Supplemental,
    Title,
    UndoRemove,
)
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import Step, step

T0 = 1_600_000_000_000
MINUTE = 60_000
DAY = 86_400_000
EPOCH = bytes(range(16))


def titles(shows: int = 4, episodes: int = 5) -> st.SearchStrategy[Title]:
    lengths = st.none() | st.integers(1, 120).map(lambda minutes: minutes * MINUTE)
    movie = st.builds(
        lambda n, duration: Movie(id=f"film-{n}", duration_ms=duration),
        st.integers(1, shows),
        lengths,
    )
    episode = st.builds(
        lambda n, e, duration, credit: Episode(
            id=f"series-{n}-{e}",
            series_id=f"series-{n}",
            season=1,
            episode=e,
            duration_ms=duration,
            credits_ms=credit,
        ),
        st.integers(1, shows),
        st.integers(1, episodes),
        lengths,
        st.none() | st.integers(0, 60 * MINUTE),
    )
    trailer = st.just(Supplemental(id="trailer-1"))
    return st.one_of(movie, episode, episode, trailer)


_PLAYBACK = (Play, Stop, Pause, Progress)
_OTHER = (SessionStart, HomeView, DisplayOff, RowSeen, Remove, UndoRemove, Rating, MarkWatched)
_PLAYBACKS = st.sampled_from((Play, *_PLAYBACK))
_KINDS = _PLAYBACKS | _PLAYBACKS | st.sampled_from(_OTHER)
_KINDS_AND_FORGET = _PLAYBACKS | _PLAYBACKS | st.sampled_from((*_OTHER, ForgetProfile))
_NUMBERS = st.integers(0, 10**6)
_SESSIONS = st.sampled_from([None, "s1", "s2"])
_OFFSETS = st.sampled_from([None, -180, 0, 345])
_POSITIONS = st.integers(0, 120 * MINUTE)
_BOOLEANS = st.booleans()
_TITLES = titles()
_EXTRA: Final[dict[type, dict[str, Any]]] = {
    RowSeen: {"revision": 1},
    Remove: {"show_id": "series-1"},
    UndoRemove: {"show_id": "series-1"},
    Rating: {"show_id": "film-1", "rating": 1},
    MarkWatched: {"title": Movie(id="film-1")},
}


def events(
    *,
    devices: int = 3,
    span_ms: int = 3 * DAY,
    title: st.SearchStrategy[Title] = _TITLES,
    forget: bool = True,
) -> st.SearchStrategy[Event]:
    """One event; what it is drawn from is made once, not for each event anew."""
    kinds = _KINDS_AND_FORGET if forget else _KINDS
    return _events(kinds, st.integers(1, devices), st.integers(0, span_ms), title)


@st.composite
def _events(
    draw: st.DrawFn,
    kinds: st.SearchStrategy[type[Event]],
    devices: st.SearchStrategy[int],
    times: st.SearchStrategy[int],
    title: st.SearchStrategy[Title],
) -> Event:
    device = draw(devices)
    common: dict[str, Any] = {
        "event_id": f"e{draw(_NUMBERS)}",
        "profile_id": "p",
        "device_id": f"device-{device}",
        "device_type": DEVICE_TYPES[device % len(DEVICE_TYPES)],
        "ts": T0 + draw(times),
        "session_id": draw(_SESSIONS),
        "tz_offset_min": draw(_OFFSETS),
    }
    kind = draw(kinds)
    if kind in _PLAYBACK:
        common |= {"title": draw(title), "position_ms": draw(_POSITIONS)}
    if kind is Play:
        common["autoplay"] = draw(_BOOLEANS)
    return kind(**common, **_EXTRA.get(kind, {}))


def run(history: Sequence[Event], *, start: int = 0) -> tuple[ProfileState | None, list[Step]]:
    """Run events through the step, from an empty state, at growing offsets."""
    state, steps = None, []
    for offset, event in enumerate(history, start=start):
        taken = step(state, event, Source(EPOCH, 0, offset))
        state = taken.state
        steps.append(taken)
    return state, steps
