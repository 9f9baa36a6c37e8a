"""What each profile played and when, read off the events of its logs in one pass.

Only playbacks and session starts are kept, a few hundred bytes each. Events may arrive late, but
those of one device stand in their own order; of a repeated one the first counts.
"""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Final, NamedTuple

from msgspec import Struct

from stream_cw.core.events import (
    DeviceType,
    Event,
    ForgetProfile,
    Pause,
    Play,
    Progress,
    SessionStart,
    SetRecording,
    Stop,
    Supplemental,
)
from stream_cw.core.limits import SESSION_GAP_MS
from stream_cw.core.recording import Recording, is_private, switched
from stream_cw.core.records import admit
from stream_cw.core.state import Source, digest
from stream_cw.errors import RefusedRecordError
from stream_cw.history.log import EventLog

LASTING_MS: Final = 60_000
"""A playback that lasts so long was meant."""


class Arrival(NamedTuple):
    """An admitted event and its place: the count of all records before it, and its log's."""

    at: int
    log: int
    event: Event
    source: Source


class Seat(NamedTuple):
    """Where somebody sat, as an event tells it."""

    device_id: str
    device_type: DeviceType
    tz_offset_min: int | None
    country: str | None
    session_id: str | None


class Start(NamedTuple):
    """A session_start; `at` is its place in the logs."""

    ts: int
    at: int
    event_id: str
    seat: Seat


class Viewing(Struct, gc=False):
    """A playback.

    Attributes
    ----------
    start, end : int
        Of its play and of its last report, ms.
    at : int
        Place of its play in the logs.
    event_id : str
        Of its play.
    title, show : str
    autoplay : bool
    seat : Seat
    lasting_ts : int or None
        Of the first report that shows it to last `LASTING_MS`.
    closed_ts : int or None
        When a stop or another play ended it; None where neither came.
    """

    start: int
    end: int
    at: int
    event_id: str
    title: str
    show: str
    autoplay: bool
    seat: Seat
    lasting_ts: int | None = None
    closed_ts: int | None = None


class Viewings(Struct):
    """The playbacks of a profile in the order of arrival, and its session starts by device."""

    played: list[Viewing]
    starts: dict[str, list[Start]]
    open: dict[str, Viewing]
    ids: set[bytes]
    recording: Recording = Recording()


def arrivals(
    logs: tuple[EventLog, ...], progress: Callable[[], None] | None = None
) -> Iterator[Arrival]:
    """Read logs one after the other; refused records are left out.

    Parameters
    ----------
    logs : tuple of EventLog
        Each plain one counts as a log of its own that was never on a broker.
    progress : callable, optional
        Called for each record.

    Yields
    ------
    Arrival

    Raises
    ------
    LogFormatError
        If a line of a recording is damaged.
    """
    places = count()
    for number, log in enumerate(logs):
        epoch = bytes.fromhex(log.header.epoch) if log.header else number.to_bytes(16, "big")
        partitions = log.header.partitions if log.header else None
        for record, at in zip(log, places, strict=False):
            if progress:
                progress()
            try:
                event = admit(record, partitions)
            except RefusedRecordError:
                continue
            yield Arrival(at, number, event, Source(epoch, record.partition, record.offset))


def collect(read: Iterator[Arrival]) -> dict[str, Viewings]:
    """Collect the playbacks and session starts of each profile, by its id.

    A playback lasts from its play to its last report: a pause, progress or stop of its title on
    its device, or a play that goes on with it. A play goes on with what is open on its device if it
    has the same title and session_id, or, where either has none, comes not more than 30 minutes
    after its last report; else it is a new playback. What is older than the last report tells
    nothing. Supplemental titles and private events never count, and no playback goes on behind
    them. `forget_profile` drops what came before.
    """
    found: dict[str, Viewings] = {}
    seats: dict[Seat, Seat] = {}
    names: dict[str, str] = {}
    for at, _, event, _ in read:
        if isinstance(event, ForgetProfile):
            found.pop(event.profile_id, None)
            continue
        if not isinstance(event, Play | Pause | Progress | Stop | SessionStart | SetRecording):
            continue
        profile = found.get(event.profile_id)
        if profile is None:
            profile = found[event.profile_id] = Viewings([], {}, {}, set())
        if isinstance(event, SetRecording):
            _switch(profile, event)
        elif is_private(profile.recording, event):
            continue
        elif isinstance(event, Pause | Progress):
            _report(profile, event)
        elif _is_new(profile, event):
            if isinstance(event, Stop):
                _report(profile, event)
                continue
            told = _seat(event)
            seat = seats.setdefault(told, told)
            if isinstance(event, SessionStart):
                start = Start(event.ts, at, event.event_id, seat)
                profile.starts.setdefault(event.device_id, []).append(start)
            elif not isinstance(event.title, Supplemental):
                show = names.setdefault(event.title.show_id, event.title.show_id)
                _play(profile, event, show, seat, at)
    return found


def _switch(profile: Viewings, event: SetRecording) -> None:
    profile.recording = switched(profile.recording, event)
    if not event.recording:
        for running in profile.open.values():
            running.closed_ts = max(event.ts, running.end)
        profile.open.clear()


def _is_new(profile: Viewings, event: Event) -> bool:
    """Whether the id is new; repeated reports that close nothing need no such check."""
    event_id = digest(event.event_id)
    if event_id in profile.ids:
        return False
    profile.ids.add(event_id)
    return True


def _seat(event: Event) -> Seat:
    return Seat(
        event.device_id, event.device_type, event.tz_offset_min, event.country, event.session_id
    )


def _report(profile: Viewings, event: Pause | Progress | Stop) -> None:
    viewing = profile.open.get(event.device_id)
    if viewing is None or viewing.title != event.title.id or event.ts < viewing.end:
        return
    _extend(viewing, event.ts)
    if isinstance(event, Stop):
        viewing.closed_ts = event.ts
        del profile.open[event.device_id]


def _play(profile: Viewings, event: Play, show: str, seat: Seat, at: int) -> None:
    running = profile.open.get(event.device_id)
    if running is not None and running.title == event.title.id:
        if event.ts < running.end:
            return
        if _goes_on(running, event):
            _extend(running, event.ts)
            return
    if running is not None:
        running.closed_ts = max(event.ts, running.end)
    viewing = Viewing(
        start=event.ts,
        end=event.ts,
        at=at,
        event_id=event.event_id,
        title=event.title.id,
        show=show,
        autoplay=event.autoplay,
        seat=seat,
    )
    profile.played.append(viewing)
    profile.open[event.device_id] = viewing


def _goes_on(running: Viewing, event: Play) -> bool:
    opened_in = running.seat.session_id
    if opened_in is not None and event.session_id is not None:
        return opened_in == event.session_id
    return event.ts - running.end <= SESSION_GAP_MS


def _extend(viewing: Viewing, ts: int) -> None:
    viewing.end = ts
    if viewing.lasting_ts is None and ts - viewing.start >= LASTING_MS:
        viewing.lasting_ts = ts
