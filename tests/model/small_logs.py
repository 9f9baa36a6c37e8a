"""Small logs: events by hand, events that Hypothesis draws, and files of them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

from stream_cw.core import events as ev
from stream_cw.history.log import EventLog

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
T0 = 1_700_000_000_000
TYPES: dict[str, ev.DeviceType] = {"tv": "tv", "phone": "phone", "laptop": "computer"}


def episode(show: str, number: int = 1) -> ev.Episode:
    return ev.Episode(id=f"{show}.{number}", series_id=show, season=1, episode=number)


def write_events(path: Path, events: Iterable[ev.Event]) -> EventLog:
    path.write_bytes(b"".join(ev.encode_event(event) + b"\n" for event in events))
    return EventLog(path)


class Story:
    """Events of a profile told one after the other; times in hours since `T0`."""

    def __init__(self, profile_id: str = "p", *, first_id: int = 0) -> None:
        self.profile_id = profile_id
        self.events: list[ev.Event] = []
        self._next = first_id

    def tell(self, kind: type, at: float, device: str, **fields: Any) -> str:
        event_id = f"{self.profile_id}-{self._next}"
        self._next += 1
        event = kind(
            event_id=event_id,
            profile_id=self.profile_id,
            device_id=device,
            device_type=TYPES[device],
            ts=T0 + round(at * HOUR),
            **fields,
        )
        self.events.append(event)
        return event_id

    def open(self, at: float, device: str = "tv", **fields: Any) -> str:
        return self.tell(ev.SessionStart, at, device, **fields)

    def play(self, at: float, show: str, device: str = "tv", **fields: Any) -> str:
        fields = {"title": episode(show), "position_ms": 0} | fields
        return self.tell(ev.Play, at, device, **fields)

    def stop(self, at: float, show: str, device: str = "tv", **fields: Any) -> str:
        fields = {"title": episode(show), "position_ms": 20 * MINUTE} | fields
        return self.tell(ev.Stop, at, device, **fields)

    def watch(
        self, at: float, show: str, device: str = "tv", *, hours: float = 0.5, **fields: Any
    ) -> str:
        event_id = self.play(at, show, device, **fields)
        self.stop(at + hours, show, device)
        return event_id


class Move(NamedTuple):
    """What is drawn for one playback: what is told of it, how much later, and for how long."""

    kinds: tuple[type, ...]
    profile_id: str
    device: str
    later: int
    lasts: int
    title: ev.Title
    autoplay: bool
    session_id: str | None


_TITLES: tuple[ev.Title, ...] = (
    episode("a", 1),
    episode("a", 1),
    episode("a", 2),
    episode("b", 1),
    ev.Movie(id="film"),
    ev.Supplemental(id="trailer", series_id="a"),
)
_LATER = (
    *(0, 1, MINUTE, 10 * MINUTE, 30 * MINUTE, 30 * MINUTE + 1, 90 * MINUTE),
    *(5 * HOUR, 9 * HOUR, DAY, 58 * DAY, 60 * DAY, 61 * DAY),
)
_LASTS = (0, 30 * SECOND, MINUTE - 1, MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR)
_WATCHED = (ev.Play, ev.Stop)
_KINDS: tuple[tuple[type, ...], ...] = (
    _WATCHED,
    _WATCHED,
    (ev.SessionStart, *_WATCHED),
    (ev.SessionStart, *_WATCHED),
    (ev.Play,),
    (ev.Play, ev.Progress),
    (ev.Play, ev.Pause, ev.Play, ev.Stop),
    (ev.SessionStart,),
    (ev.Stop,),
)
_moves = st.builds(
    Move,
    st.sampled_from(_KINDS),
    st.sampled_from(("p", "p", "p", "q")),
    st.sampled_from(tuple(TYPES)),
    st.sampled_from(_LATER),
    st.sampled_from(_LASTS),
    st.sampled_from(_TITLES),
    st.sampled_from((False, False, True)),
    st.sampled_from((None, None, None, "s1", "s2")),
)


@st.composite
def arrivals(
    draw: st.DrawFn, *, min_size: int = 3, max_size: int = 10, repeats: bool = True
) -> list[ev.Event]:
    """Draw events as they arrive: each device's in order of time, but devices late or early."""
    clock = dict.fromkeys("pq", T0)
    told: list[ev.Event] = []
    for move in draw(st.lists(_moves, min_size=min_size, max_size=max_size)):
        clock[move.profile_id] += move.later
        for place, kind in enumerate(move.kinds):
            ts = clock[move.profile_id] + place * move.lasts
            told.append(_event(kind, len(told), move, ts))
    told.sort(key=lambda event: event.ts)
    arrived = told if draw(st.booleans()) else draw(_dealt(told))
    if repeats:
        for place in draw(st.lists(st.integers(0, len(arrived) - 1), max_size=3)):
            again = draw(st.integers(place + 1, len(arrived)))
            arrived = [*arrived[:again], arrived[place], *arrived[again:]]
    return arrived


@st.composite
def _dealt(draw: st.DrawFn, told: Sequence[ev.Event]) -> list[ev.Event]:
    """Let each device's events arrive in their order, whatever those of others do."""
    waiting: dict[tuple[str, str], list[ev.Event]] = {}
    for event in told:
        waiting.setdefault((event.profile_id, event.device_id), []).append(event)
    arrived: list[ev.Event] = []
    while waiting:
        seat = draw(st.sampled_from(sorted(waiting)))
        count = draw(st.integers(1, len(waiting[seat])))
        arrived += waiting[seat][:count]
        waiting[seat] = waiting[seat][count:]
        if not waiting[seat]:
            del waiting[seat]
    return arrived


def _event(kind: type, number: int, move: Move, ts: int) -> ev.Event:
    fields: dict[str, Any] = {}
    if kind is not ev.SessionStart:
        fields = {"title": move.title, "position_ms": number * MINUTE}
    if kind is ev.Play:
        fields["autoplay"] = move.autoplay
    event: ev.Event = kind(
        event_id=f"e{number}",
        profile_id=move.profile_id,
        device_id=move.device,
        device_type=TYPES[move.device],
        ts=ts,
        session_id=move.session_id,
        tz_offset_min=number if move.session_id else None,
        **fields,
    )
    return event


def events_until(events: Sequence[ev.Event], ts: int) -> list[ev.Event]:
    """Leave out what happened later."""
    return [event for event in events if event.ts <= ts]
