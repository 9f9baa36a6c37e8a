"""The labels again, slowly: every rule of the document as a question about all playbacks."""

from collections.abc import Sequence
from typing import NamedTuple

from stream_cw.core import events as ev
from stream_cw.model.labels import Session, SessionKind

MINUTE, DAY = 60_000, 86_400_000


class Playback(NamedTuple):
    """A playback: its play, its reports (the play is the first), and when it was closed."""

    play: ev.Play
    arrived: int
    reports: tuple[int, ...]
    closed: int | None

    @property
    def order(self) -> tuple[int, int]:
        return self.play.ts, self.arrived

    @property
    def end(self) -> int:
        return self.reports[-1]

    @property
    def lasts(self) -> bool:
        return self.end - self.play.ts >= MINUTE

    @property
    def deliberate(self) -> bool:
        return not self.play.autoplay

    @property
    def show(self) -> str:
        assert not isinstance(self.play.title, ev.Supplemental)
        return self.play.title.show_id


def recompute(arrived: Sequence[ev.Event]) -> list[Session]:
    """Recompute the labels of a log that keeps each device's order and erases nothing."""
    first_at = {}
    for at, event in enumerate(arrived):
        first_at.setdefault((event.profile_id, event.event_id), at)
    told = [
        (at, event)
        for at, event in enumerate(arrived)
        if first_at[event.profile_id, event.event_id] == at
    ]
    found = []
    for profile_id in {event.profile_id for event in arrived}:
        mine = [(at, event) for at, event in told if event.profile_id == profile_id]
        found += _of_profile(mine)
    return sorted(found, key=lambda s: (s.known_ts, s.profile_id, s.ts, s.first_play))


def _of_profile(told: list[tuple[int, ev.Event]]) -> list[Session]:
    playbacks = [p for device in {e.device_id for _, e in told} for p in _of_device(told, device)]
    playbacks.sort(key=lambda p: p.order)
    firsts = [p for p in playbacks if _begins_session(p, playbacks)]
    found = []
    for first in firsts:
        next_first = min((f.order for f in firsts if f.order > first.order), default=None)
        members = [
            p
            for p in playbacks
            if p.order >= first.order and (next_first is None or p.order < next_first)
        ]
        earlier = [p for p in playbacks if p.order < first.order]
        if any(p.deliberate and p.lasts for p in members):
            found.append(_session(members, earlier, told))
    return found


def _of_device(told: list[tuple[int, ev.Event]], device: str) -> list[Playback]:
    found: list[Playback] = []
    for at, event in told:
        if event.device_id != device or not isinstance(
            event, ev.Play | ev.Pause | ev.Progress | ev.Stop
        ):
            continue
        if isinstance(event.title, ev.Supplemental):
            continue
        last = found[-1] if found and found[-1].closed is None else None
        mine = last is not None and last.play.title.id == event.title.id
        if isinstance(event, ev.Play) and not (last and mine and _goes_on(last, event)):
            if last:
                found[-1] = last._replace(closed=event.ts)
            found.append(Playback(event, at, (event.ts,), None))
        elif last and mine:
            closed = event.ts if isinstance(event, ev.Stop) else None
            found[-1] = last._replace(reports=(*last.reports, event.ts), closed=closed)
    return found


def _goes_on(last: Playback, event: ev.Play) -> bool:
    ids = {last.play.session_id, event.session_id}
    return event.ts - last.end <= 30 * MINUTE if None in ids else len(ids) == 1


def _begins_session(playback: Playback, playbacks: list[Playback]) -> bool:
    return all(
        playback.play.ts - other.end > 30 * MINUTE
        for other in playbacks
        if other.order < playback.order
    )


def _session(
    members: list[Playback], earlier: list[Playback], told: list[tuple[int, ev.Event]]
) -> Session:
    first = members[0]
    play = first.play
    target = next(p for p in members if p.deliberate and p.lasts)
    ends = [p.end for p in earlier]
    openings = [
        (event.ts, at, event)
        for at, event in told
        if isinstance(event, ev.SessionStart)
        and event.device_id == play.device_id
        and event.ts <= play.ts
        and at < first.arrived
        and all(event.ts >= end for end in ends)
    ]
    opening = max(openings)[2] if openings else None
    ts = opening.ts if opening else play.ts
    known = min(p for p in target.reports if p - target.play.ts >= MINUTE)
    place = members.index(target)
    for n in range(1, place + 1):
        near = [p.end for p in members[:n] if members[n].play.ts - p.end <= 30 * MINUTE]
        known = max(known, min(near))
    for other in members[:place]:
        if other.deliberate:
            over = other.end + 30 * MINUTE if other.closed is None else other.closed
            known = max(known, over)
    tz = opening.tz_offset_min if opening and opening.tz_offset_min is not None else None
    return Session(
        profile_id=play.profile_id,
        opening=opening.event_id if opening else None,
        first_play=play.event_id,
        device_id=play.device_id,
        device_type=(opening or play).device_type,
        tz_offset_min=tz if tz is not None else play.tz_offset_min,
        ts=ts,
        target=target.show,
        kind=_kind(target.show, ts, earlier),
        gap_ms=play.ts - max(ends) if ends else None,
        switched=bool(earlier) and earlier[-1].play.device_id != play.device_id,
        history=len(earlier),
        known_ts=known,
    )


def _kind(show: str, ts: int, earlier: list[Playback]) -> SessionKind:
    before = [p for p in earlier if p.show == show]
    if not before:
        return "discovery"
    if any(p.lasts and ts - p.end <= 60 * DAY for p in before):
        return "continuation"
    return "older"
