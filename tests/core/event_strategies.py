"""Hypothesis strategies: events of one profile, in the shapes that real apps send and lose."""

from collections.abc import Sequence

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


@st.composite
def events(
    draw: st.DrawFn,
    *,
    devices: int = 3,
    span_ms: int = 3 * DAY,
    title: st.SearchStrategy[Title] | None = None,
    forget: bool = True,
) -> Event:
    device = draw(st.integers(1, devices))
    common = {
        "event_id": f"e{draw(st.integers(0, 10**6))}",
        "profile_id": "p",
        "device_id": f"device-{device}",
        "device_type": DEVICE_TYPES[device % len(DEVICE_TYPES)],
        "ts": T0 + draw(st.integers(0, span_ms)),
        "session_id": draw(st.none() | st.sampled_from(["s1", "s2"])),
        "tz_offset_min": draw(st.none() | st.sampled_from([-180, 0, 345])),
    }
    playback = st.sampled_from([Play, Play, Stop, Pause, Progress])
    other = [SessionStart, HomeView, DisplayOff, RowSeen, Remove, UndoRemove, Rating, MarkWatched]
    if forget:
        other.append(ForgetProfile)
    kind = draw(playback | playback | st.sampled_from(other))
    if kind in (Play, Stop, Pause, Progress):
        position = draw(st.integers(0, 120 * MINUTE))
        extra = {"title": draw(title or titles()), "position_ms": position}
        if kind is Play:
            extra["autoplay"] = draw(st.booleans())
        return kind(**common, **extra)
    extra = {
        RowSeen: {"revision": 1},
        Remove: {"show_id": "series-1"},
        UndoRemove: {"show_id": "series-1"},
        Rating: {"show_id": "film-1", "rating": 1},
        MarkWatched: {"title": Movie(id="film-1")},
    }.get(kind, {})
    return kind(**common, **extra)


def run(history: Sequence[Event], *, start: int = 0) -> tuple[ProfileState | None, list[Step]]:
    """Run events through the step, from an empty state, at growing offsets."""
    state, steps = None, []
    for offset, event in enumerate(history, start=start):
        taken = step(state, event, Source(EPOCH, 0, offset))
        state = taken.state
        steps.append(taken)
    return state, steps
