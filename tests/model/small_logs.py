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
    """What is drawn for one event."""

    kind: type
    device: str
    profile_id: str
    later: int
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
    *(0, 1, 30 * SECOND, MINUTE - 1, MINUTE, MINUTE, 5 * MINUTE, 10 * MINUTE),
    *(30 * MINUTE, 30 * MINUTE + 1, 5 * HOUR, 5 * HOUR, DAY, 58 * DAY, 60 * DAY, 61 * DAY),
)
_KINDS = (ev.Play,) * 5 + (ev.Stop,) * 4 + (ev.Progress, ev.Pause) + (ev.SessionStart,) * 3
_moves = st.builds(
    Move,
    st.sampled_from(_KINDS),
    st.sampled_from(tuple(TYPES)),
    st.sampled_from(("p", "p", "p", "q")),
    st.sampled_from(_LATER),
    st.sampled_from(_TITLES),
    st.sampled_from((False, False, True)),
    st.sampled_from((None, None, None, "s1", "s2")),
)


@st.composite
def arrivals(draw: st.DrawFn, *, max_size: int = 30, repeats: bool = True) -> list[ev.Event]:
    """Draw events as they arrive: each device's in order of time, but devices late or early."""
    ts = dict.fromkeys("pq", T0)
    waiting: dict[tuple[str, str], list[ev.Event]] = {}
    for number, move in enumerate(draw(st.lists(_moves, min_size=1, max_size=max_size))):
        ts[move.profile_id] += move.later
        event = _event(number, move, ts[move.profile_id])
        waiting.setdefault((move.profile_id, move.device), []).append(event)
    if draw(st.booleans()):
        arrived = sorted((e for queue in waiting.values() for e in queue), key=lambda e: e.ts)
    else:
        arrived = []
        while waiting:
            seat = draw(st.sampled_from(sorted(waiting)))
            count = draw(st.integers(1, len(waiting[seat])))
            arrived += waiting[seat][:count]
            if not (rest := waiting.pop(seat)[count:]):
                continue
            waiting[seat] = rest
    if repeats:
        _repeat(draw, arrived)
    return arrived


def _repeat(draw: st.DrawFn, arrived: list[ev.Event]) -> None:
    for place in draw(st.lists(st.integers(0, len(arrived) - 1), max_size=3)):
        again = draw(st.integers(place + 1, len(arrived)))
        arrived.insert(again, arrived[place])


def _event(number: int, move: Move, ts: int) -> ev.Event:
    fields: dict[str, Any] = {}
    if move.kind is not ev.SessionStart:
        fields = {"title": move.title, "position_ms": number * MINUTE}
    if move.kind is ev.Play:
        fields["autoplay"] = move.autoplay
    return move.kind(
        event_id=f"e{number}",
        profile_id=move.profile_id,
        device_id=move.device,
        device_type=TYPES[move.device],
        ts=ts,
        session_id=move.session_id,
        tz_offset_min=number if move.session_id else None,
        **fields,
    )


def events_until(events: Sequence[ev.Event], ts: int) -> list[ev.Event]:
    """Leave out what happened later."""
    return [event for event in events if event.ts <= ts]
