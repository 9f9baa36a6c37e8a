"""Playbacks of a viewing export, in the order of their starts, to the events they stand for."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from stream_cw.core.events import Event, Play, SessionStart, Stop, Title
from stream_cw.history.device_classes import device_id, device_type
from stream_cw.history.time_zones import offset_minutes
from stream_cw.history.titles import short_hash
from stream_cw.history.viewing_rows import Playback

SESSION_GAP_MS: Final = 30 * 60_000
"""A device that rested longer starts a new session."""
_FORGET_EVERY: Final = 1_024


class Identity(NamedTuple):
    """What a row's names became."""

    profile_id: str
    title: Title


class _Seat(NamedTuple):
    """One profile on one device: it has one playback at a time."""

    profile: str
    device: str


class Timeline:
    """Makes play, stop and session_start events, in event-time order.

    A playback whose end lies behind the next start in its seat stops at that start. A stop stands
    before the plays of its time, but behind its own play. A session_start stands right before the
    first play in a seat after more than `SESSION_GAP_MS` since the latest end there (as the rows
    tell ends, not as they were moved). Memory grows with the playbacks that run at the same time.

    Parameters
    ----------
    identify : Callable
        Names the profile and the title of a row.
    zone : ZoneInfo or None
        For countries with several zones.

    Attributes
    ----------
    repeated : int
        Rows left out because they equal the row before.
    moved_stops : int
    without_offset : int
        Rows whose local time is not known.
    sessions : int
    """

    def __init__(self, identify: Callable[[Playback], Identity], zone: ZoneInfo | None) -> None:
        self.repeated = 0
        self.moved_stops = 0
        self.without_offset = 0
        self.sessions = 0
        self._identify = identify
        self._zone = zone
        self._running: dict[_Seat, tuple[int, int, Stop]] = {}
        self._ends: list[tuple[int, int, _Seat]] = []
        self._latest_end: dict[_Seat, int] = {}
        self._same_time: Counter[tuple[str, ...]] = Counter()

    def events(self, playbacks: Iterable[Playback]) -> Iterator[Event]:
        """Yield the events of playbacks that come in ascending order."""
        last: Playback | None = None
        for order, row in enumerate(playbacks):
            if row == last:
                self.repeated += 1
                continue
            if last is None or row.start != last.start:
                self._same_time.clear()
            last = row
            yield from self._stops_until(row.start)
            yield from self._start(row, order)
            if order % _FORGET_EVERY == 0:
                self._forget(row.start)
        yield from self._stops_until(None)

    def _start(self, row: Playback, order: int) -> Iterator[Event]:
        seat = _Seat(row.profile, row.device)
        if running := self._running.pop(seat, None):
            self.moved_stops += 1
            yield self._stop_at(running[2], row.start)
        play, stop = self._play_and_stop(row)
        rested_since = self._latest_end.get(seat)
        if rested_since is None or row.start - rested_since > SESSION_GAP_MS:
            self.sessions += 1
            yield _session_start(play)
        yield play
        end = row.start + row.duration
        self._latest_end[seat] = max(end, rested_since or 0)
        self._running[seat] = end, order, stop
        heapq.heappush(self._ends, (end, order, seat))

    def _stops_until(self, ts: int | None) -> Iterator[Event]:
        while self._ends and (ts is None or self._ends[0][0] <= ts):
            _, order, seat = heapq.heappop(self._ends)
            running = self._running.get(seat)
            if running and running[1] == order:
                del self._running[seat]
                yield running[2]

    def _play_and_stop(self, row: Playback) -> tuple[Play, Stop]:
        profile_id, title = self._identify(row)
        device = device_id(row.device)
        seen = (profile_id, device, title.id)
        occurrence = self._same_time[seen]
        self._same_time[seen] += 1
        row_id = short_hash("row", f"{profile_id}/{device}/{row.start}/{title.id}/{occurrence}")
        country = row.country or None
        offset = offset_minutes(country, row.start, self._zone)
        self.without_offset += offset is None
        play = Play(
            event_id=f"{row_id}-play",
            profile_id=profile_id,
            device_id=device,
            device_type=device_type(row.device),
            ts=row.start,
            tz_offset_min=offset,
            country=country,
            title=title,
            position_ms=max(0, row.position - row.duration),
            autoplay=row.autoplay,
        )
        end = row.start + row.duration
        stop = Stop(
            event_id=f"{row_id}-stop",
            profile_id=profile_id,
            device_id=device,
            device_type=play.device_type,
            ts=end,
            tz_offset_min=offset_minutes(country, end, self._zone),
            country=country,
            title=title,
            position_ms=row.position,
        )
        return play, stop

    def _stop_at(self, stop: Stop, ts: int) -> Stop:
        offset = offset_minutes(stop.country, ts, self._zone)
        return msgspec.structs.replace(stop, ts=ts, tz_offset_min=offset)

    def _forget(self, ts: int) -> None:
        oldest = ts - SESSION_GAP_MS
        self._latest_end = {seat: end for seat, end in self._latest_end.items() if end >= oldest}
        self._ends = [(end, order, seat) for seat, (end, order, _) in self._running.items()]
        heapq.heapify(self._ends)


def _session_start(play: Play) -> SessionStart:
    return SessionStart(
        event_id=play.event_id.replace("-play", "-session"),
        profile_id=play.profile_id,
        device_id=play.device_id,
        device_type=play.device_type,
        ts=play.ts,
        tz_offset_min=play.tz_offset_min,
        country=play.country,
        inferred=True,
    )
