"""The slow oracle: a profile's numbers from the whole list of its events, as docs/state.md says.

Nothing is kept from one question to the next, and nothing is shared with the code under test but
the events' structs and the hash of ids. Each section of the document is one pass over the list in
order of arrival; the numbers are then read off with `max`, `sum` and filters.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, groupby
from typing import Any

from stream_cw.core.events import (
    DEVICE_TYPES,
    BaseEvent,
    DisplayOff,
    Episode,
    Event,
    ForgetProfile,
    MarkWatched,
    Movie,
    Pause,
    Play,
    Progress,
    Rating,
    Remove,
    RowSeen,
    SessionStart,
    SetRecording,
    Stop,
    Supplemental,
    UndoRemove,
)
from stream_cw.core.state import hash32, hash64

DAY_MS = 86_400_000
HALF_LIVES_MS = (1 * DAY_MS, 7 * DAY_MS, 30 * DAY_MS)
SESSION_GAP_MS = 30 * 60_000
SHOWS, DEVICES, SHOW_DEVICES, LISTED, IDS = 64, 8, 3, 3, 256
U8, U16, U32 = 0xFF, 0xFFFF, 0xFFFF_FFFF
UNIT_PLAY, UNIT_MINUTE = 64, 1024


@dataclass(eq=False)
class Happening:
    """An applied event and what the document makes of it."""

    arrival: int
    event: Any
    device: "DeviceLife"
    late: bool = False
    session: int = 0
    profile_sessions: int = 0
    starts_session: bool = False
    first_act: bool = False
    watched: bool = False
    opened: bool = False
    credited_ms: int = 0
    resumes: bool = False
    offset_min: int = 0
    depth: int = 0
    idle_ms: int = 0
    sessions_passed: int = 0
    rests_since: int | None = None
    private: bool = False
    off_ts: int = 0
    hidden: bool = False
    talk: int = 0

    @property
    def ts(self) -> int:
        """When its position was reached."""
        return self.event.ts if self.rests_since is None else self.rests_since

    @property
    def pressed(self) -> bool:
        return self.opened or (isinstance(self.event, Play) and not self.event.autoplay)

    @property
    def is_playback(self) -> bool:
        """Whether it is a playback event of a film or an episode."""
        playback = isinstance(self.event, Play | Pause | Stop | Progress)
        return playback and not isinstance(self.event.title, Supplemental)

    @property
    def attended(self) -> bool:
        return self.depth <= 1 and self.idle_ms <= 60 * 60_000

    @property
    def minute_units(self) -> int:
        return self.credited_ms * UNIT_MINUTE // 60_000

    @property
    def play_units(self) -> int:
        return UNIT_PLAY if self.opened else 0

    @property
    def chosen(self) -> bool:
        return self.opened and not self.event.autoplay

    @cached_property
    def local(self) -> datetime:
        return datetime(1970, 1, 1) + timedelta(milliseconds=self.ts, minutes=self.offset_min)


@dataclass(eq=False)
class OpenPlayback:
    title_id: str
    position_ms: int
    ts: int
    session: int


@dataclass(eq=False)
class DeviceLife:
    """A device from the event that brought it into the state until it left."""

    device_id: str
    place: int
    happenings: list[Happening] = field(default_factory=list)
    left_at: int | None = None
    open: OpenPlayback | None = None
    deliberate_ts: int = 0
    depth: int = 0

    @property
    def in_order(self) -> list[Happening]:
        return [h for h in self.happenings if not h.late]

    def is_told_by(self, happening: Happening) -> bool:
        """Whether an event tells of the device; what brought it in does so even in private."""
        return not happening.late and (not happening.private or happening is self.happenings[0])


@dataclass(eq=False)
class ShowLife:
    """A show from the event that brought it into the state until it left."""

    show_id: str
    happenings: list[Happening] = field(default_factory=list)
    last_ts: int = 0
    watched_in: int | None = None


@dataclass(eq=False)
class Told:
    """All that the passes over the list found."""

    happenings: list[Happening]
    devices: list[DeviceLife]
    shows: list[ShowLife]


def tell(events: Iterable[Event]) -> Told:
    """Make the passes over a profile's events, in order of arrival."""
    happenings, lives = _on_devices(_applied(events))
    _hide(happenings)
    switches = [h for h in happenings if _switches(h.event, on=False)]
    for life in lives:
        _number_sessions(life)
        _pair(life, switches)
        _attend(life)
    counted = accumulate(h.starts_session for h in happenings)
    for happening, sessions in zip(happenings, counted, strict=True):
        happening.profile_sessions = sessions
    shows = _in_shows(happenings)
    return Told(happenings, [life for life in lives if life.left_at is None], shows)


def recompute(events: Iterable[Event]) -> dict[str, Any] | None:
    """Compute every number of a profile's state; None where nothing is known of it."""
    told = tell(events)
    happenings = told.happenings
    if not happenings:
        return None
    cause = happenings[-1].event
    now = max(h.event.ts for h in happenings)
    return {
        "revision": len(happenings),
        "cause_id": cause.event_id,
        "cause_type": cause.__struct_config__.tag,
        "first_ts": min(h.event.ts for h in happenings if not h.private),
        "now": now,
        "minutes": [
            decayed([(h.event.ts, h.minute_units) for h in happenings], half_life, U32)
            for half_life in HALF_LIVES_MS
        ],
        "hours": _by_hour(happenings, [True] * len(happenings), [h.event.ts for h in happenings]),
        "sessions": sum(h.starts_session for h in happenings),
        "resumed": sum(h.first_act and h.resumes for h in happenings),
        "started": sum(h.first_act and not h.resumes for h in happenings),
        "returning": _returning(happenings),
        "resume_gaps": _resume_gaps(happenings),
        "off_ts": max([0, *(h.event.ts for h in happenings if _switches(h.event, on=False))]),
        "on_ts": max([0, *(h.event.ts for h in happenings if _switches(h.event, on=True))]),
        "private": happenings[-1].private,
        "devices": {life.device_id: _device(life) for life in told.devices},
        "shows": {life.show_id: _show(life, happenings[-1].arrival) for life in told.shows},
        "event_ids": [hash64(h.event.event_id) for h in happenings[-IDS:]],
        "live": {
            life.device_id
            for life in told.devices
            if not isinstance(life.in_order[-1].event, DisplayOff)
            and now - life.in_order[-1].event.ts <= SESSION_GAP_MS
        },
    }


def _resume_gaps(happenings: list[Happening]) -> tuple[int, ...]:
    upper = [1, 2, 4, 8, 16, 32, 64, 128, 256, math.inf]
    counts = [0] * len(upper)
    for passed in (h.sessions_passed for h in happenings if h.sessions_passed):
        counts[next(n for n, most in enumerate(upper) if passed <= most)] += 1
        if sum(counts) > 1000:
            counts = [count // 2 for count in counts]
    return tuple(counts)


def _returning(happenings: list[Happening]) -> tuple[int, ...]:
    shares = []
    for part in (8, 64):
        share = 50_463
        for happening in happenings:
            if happening.first_act:
                goal = 65_535 if happening.resumes else 0
                share += math.floor(Fraction(goal - share, part))
        shares.append(share)
    return tuple(shares)


# Events that change nothing


def _applied(events: Iterable[Event]) -> list[Event]:
    applied: list[Event] = []
    for event in events:
        if event.event_id in [known.event_id for known in applied[-IDS:]]:
            continue
        if isinstance(event, ForgetProfile):
            applied = []
        else:
            applied.append(event)
    return applied


# What is private


def _switches(event: Any, *, on: bool) -> bool:
    return isinstance(event, SetRecording) and event.recording is on


def _hide(happenings: Sequence[Happening]) -> None:
    """Tell by the switches that came before which events are private."""
    off_ts = on_ts = 0
    for happening in happenings:
        ts = happening.event.ts
        happening.off_ts = off_ts
        if _switches(happening.event, on=True):
            on_ts = max(on_ts, ts)
        elif _switches(happening.event, on=False):
            off_ts = max(off_ts, ts)
        else:
            until = on_ts if on_ts > off_ts else math.inf
            happening.private = off_ts > 0 and off_ts <= ts < until


# Devices and sessions


def _on_devices(events: Sequence[Event]) -> tuple[list[Happening], list[DeviceLife]]:
    happenings: list[Happening] = []
    lives: list[DeviceLife] = []
    places: list[DeviceLife] = []
    last_event: dict[DeviceLife, int] = {}
    for arrival, event in enumerate(events):
        life = next((known for known in places if known.device_id == event.device_id), None)
        if life is None:
            place = len(places)
            if place == DEVICES:
                leaving = min(places, key=lambda known: (last_event[known], known.place))
                leaving.left_at, place = arrival, leaving.place
            life = DeviceLife(event.device_id, place)
            places[place : place + 1] = [life]
            lives.append(life)
        last_event[life] = max(event.ts, last_event.get(life, event.ts))
        happenings.append(Happening(arrival, event, life))
        life.happenings.append(happenings[-1])
    return happenings, lives


def _number_sessions(life: DeviceLife) -> None:
    newest_ts, session, session_id, offset_min, talk = None, 0, None, 0, 0
    for happening in life.happenings:
        event = happening.event
        happening.late = newest_ts is not None and event.ts < newest_ts
        if not happening.late:
            if newest_ts is None or _parts(session_id, newest_ts, event):
                talk, session_id = talk + 1, None
                happening.starts_session = not happening.private
                session += life.is_told_by(happening)
            newest_ts, session_id = event.ts, session_id or event.session_id
            if event.tz_offset_min is not None and life.is_told_by(happening):
                offset_min = event.tz_offset_min
        happening.session, happening.talk = session, talk
        told = event.tz_offset_min
        happening.offset_min = offset_min if told is None else told


def _parts(session_id: str | None, newest_ts: int, event: BaseEvent) -> bool:
    if session_id is not None and event.session_id is not None:
        return session_id != event.session_id
    return event.ts - newest_ts > SESSION_GAP_MS


def _device(life: DeviceLife) -> dict[str, Any]:
    newest = life.in_order[-1]
    told = [h for h in life.happenings if life.is_told_by(h)]
    in_session = [h for h in life.happenings if h.session == newest.session]
    ids = [h.event.session_id for h in life.in_order if h.talk == newest.talk]
    offsets = [h.event.tz_offset_min for h in told]
    countries = [h.event.country for h in told if h.event.country is not None]
    return {
        "country": countries[-1] if countries else None,
        "deliberate_ts": life.deliberate_ts,
        "depth": life.depth,
        "device_id": life.device_id,
        "device_type": DEVICE_TYPES.index(told[-1].event.device_type),
        "tz_offset_min": next((known for known in reversed(offsets) if known is not None), None),
        "session_id": next((known for known in ids if known is not None), None),
        "session_start": in_session[0].event.ts,
        "last_ts": newest.event.ts,
        "sessions": newest.session & U16,
        "ended": isinstance(newest.event, DisplayOff),
        "acted": any(h.first_act for h in in_session),
        "open": None
        if life.open is None
        else {
            "title": hash64(life.open.title_id) if life.open.title_id else 0,
            "position_ms": life.open.position_ms,
            "ts": life.open.ts,
            "session": life.open.session & U16,
        },
    }


# Playbacks


def _pair(life: DeviceLife, switches: Sequence[Happening]) -> None:
    """Pair what was played on a device; what may have begun in private is open without a title."""
    held: OpenPlayback | None = None
    acted_in = session = 0
    first = life.happenings[0]
    for happening in _with_switches(life, switches):
        event = happening.event
        session = happening.session if happening.device is life else session
        if happening in switches or (happening is first and happening.private):
            held = held or OpenPlayback("", 0, 0, session)
        if happening.private or not happening.is_playback:
            continue
        title_id = event.title.id
        reported = held is not None and held.title_id == title_id
        if reported and event.ts < held.ts:
            continue
        hidden = held is not None and held.ts < happening.off_ts <= event.ts
        if reported:
            moved = event.position_ms - held.position_ms
            if not hidden:
                happening.credited_ms = max(0, min(event.ts - held.ts, moved))
            if moved == 0 and not isinstance(event, Play):
                happening.rests_since = held.ts
        goes_on = reported and not hidden and held.session == happening.session
        happening.opened = isinstance(event, Play) and not goes_on
        happening.watched = reported or happening.opened
        happening.hidden = hidden and happening.rests_since is None
        if happening.opened and not event.autoplay and acted_in != happening.session:
            happening.first_act, acted_in = True, happening.session
        if happening.watched or hidden:
            opened_in = happening.session if happening.opened or not reported else held.session
            held = OpenPlayback(title_id, event.position_ms, happening.ts, opened_in)
            if isinstance(event, Stop):
                held = None
    life.open = held


def _with_switches(life: DeviceLife, switches: Sequence[Happening]) -> list[Happening]:
    """Put the switches of all devices between what a device told, from its first event on."""
    came = life.happenings[0].arrival
    elsewhere = [h for h in switches if h.arrival > came and h.device is not life]
    return sorted([*life.happenings, *elsewhere], key=lambda happening: happening.arrival)


# Who was there


def _attend(life: DeviceLife) -> None:
    for number, happening in enumerate(life.happenings):
        event = happening.event
        if number == 0:
            life.deliberate_ts = event.ts
        if life.is_told_by(happening):
            if isinstance(event, DisplayOff):
                life.depth = 255
            elif _is_deliberate(event):
                life.deliberate_ts, life.depth = event.ts, 0
        if happening.hidden:
            life.deliberate_ts, life.depth = max(life.deliberate_ts, happening.ts), 0
        if happening.opened and event.autoplay and life.depth != 255:
            life.depth = min(254, life.depth + 1)
        happening.depth = life.depth
        happening.idle_ms = max(0, happening.ts - life.deliberate_ts)


def _is_deliberate(event: Any) -> bool:
    match event:
        case Stop() | Progress() | DisplayOff() | RowSeen():
            return False
        case Play(autoplay=True) | SessionStart(inferred=True):
            return False
    return True


# Shows


def _in_shows(happenings: Sequence[Happening]) -> list[ShowLife]:
    present: dict[str, ShowLife] = {}
    for happening in happenings:
        event = happening.event
        if happening.private:
            continue
        if happening.is_playback:
            show_id = event.title.show_id
            happening.resumes = show_id in present
            life = present.setdefault(show_id, ShowLife(show_id))
            life.happenings.append(happening)
            life.last_ts = max(life.last_ts, happening.ts)
            if happening.watched:
                n = happening.profile_sessions
                happening.sessions_passed = 0 if life.watched_in is None else n - life.watched_in
                life.watched_in = n
            if len(present) > SHOWS:
                del present[min(present, key=lambda known: (present[known].last_ts, known))]
        elif isinstance(event, Remove | UndoRemove | Rating) and event.show_id in present:
            present[event.show_id].happenings.append(happening)
        elif isinstance(event, MarkWatched) and not isinstance(event.title, Supplemental):
            marked = present.get(event.title.show_id)
            if marked is not None:
                marked.happenings.append(happening)
    return list(present.values())


def _show(life: ShowLife, last_arrival: int) -> dict[str, Any]:
    playbacks = [h for h in life.happenings if h.is_playback]
    plays = [(h.ts, h.play_units) for h in playbacks]
    begun = playbacks[0].device
    return {
        "series": isinstance(playbacks[0].event.title, Episode),
        **_titles(life.happenings),
        "rating": next(
            (h.event.rating for h in reversed(life.happenings) if isinstance(h.event, Rating)), 0
        ),
        "furthest": _furthest(life.happenings),
        "longest_gap": min(U8, max(h.sessions_passed for h in playbacks)),
        "first_s": min(h.ts for h in playbacks) // 1000,
        "last_ts": max(h.ts for h in playbacks),
        "plays": min(U16, sum(h.opened for h in playbacks)),
        "autoplays": min(U16, sum(h.opened and h.event.autoplay for h in playbacks)),
        "starts": min(U16, sum(h.first_act for h in playbacks)),
        "minutes": [
            decayed([(h.ts, h.minute_units) for h in playbacks], half_life, U32)
            for half_life in HALF_LIVES_MS
        ],
        "plays_decayed": [decayed(plays, half_life, U16) for half_life in HALF_LIVES_MS],
        "hours": _by_hour(playbacks, [h.chosen for h in playbacks]),
        "weekend": _decayed_where(
            playbacks, [h.chosen and h.local.weekday() >= 5 for h in playbacks]
        ),
        "types": [
            _decayed_where(playbacks, [h.chosen and h.event.device_type == kind for h in playbacks])
            for kind in DEVICE_TYPES
        ],
        **_sessions_of(playbacks),
        "begun_on": None if begun.left_at is not None else begun.device_id,
        "devices": _devices_of(playbacks, last_arrival),
    }


def _furthest(happenings: Sequence[Happening]) -> tuple[int, int]:
    told = [h for h in happenings if isinstance(h.event, MarkWatched) or h.is_playback]
    if isinstance(told[0].event.title, Movie):
        return divmod(max(getattr(h.event, "position_ms", U32) for h in told), 65_536)
    titles = [h.event.title for h in told]
    numbers = [
        (title.season or 0, title.episode)
        for title in titles
        if isinstance(title, Episode) and title.episode is not None and title.season != 0
    ]
    return max([(0, 0), *numbers])


@dataclass(eq=False)
class KnownTitle:
    """A title of a show: its newest position, and its facts; ts is 0 where it was never played."""

    position_ms: int = 0
    ts: int = 0
    facts: dict[str, int] = field(default_factory=dict)

    def take(self, title: Any, *, over: bool) -> None:
        for name in ("duration_ms", "credits_ms", "season", "episode"):
            value = getattr(title, name, None)
            if value is not None and (over or name not in self.facts):
                self.facts[name] = value


@dataclass(eq=False)
class Pointer:
    """What the positions of a show come to, event by event."""

    known: dict[str, KnownTitle] = field(default_factory=dict)
    last: str = ""
    holder: Happening | None = None
    last_ts: int = 0
    started: int | None = None
    removal: tuple[int, bool] = (0, False)
    watched: bool = False
    watched_ts: int = 0
    nobody: tuple[int, int] | None = (0, 0)
    bookmark: tuple[str, int, int] | None = None

    def turn(self, title: Any) -> KnownTitle:
        self.last = title.id
        return self.known.setdefault(title.id, KnownTitle())

    def list_others(self) -> None:
        """Of other titles the newest three stay, and only their length is known."""
        others = [one for one in self.known if one != self.last]
        for one in others:
            facts = self.known[one].facts
            self.known[one].facts = {k: v for k, v in facts.items() if k == "duration_ms"}
        played = [one for one in others if self.known[one].ts]
        played.sort(key=lambda one: (-self.known[one].ts, hash32(one)))
        for one in set(others) - set(played[:LISTED]):
            del self.known[one]

    def forget_old_words(self) -> None:
        if self.started is not None:
            if self.removal[0] < self.started:
                self.removal = (0, False)
            if self.watched_ts < self.started:
                self.watched, self.watched_ts = False, 0
        others = [known.ts for one, known in self.known.items() if one != self.last]
        if any(ts >= self.watched_ts for ts in others):
            self.watched = False


def _is_taken(pointer: Pointer, happening: Happening) -> bool:
    """Whether an event's position replaces that of the show's last title."""
    if pointer.holder is None:
        return True
    if happening.event.title.id == pointer.last:
        newest = pointer.known[pointer.last].ts
    elif happening.ts < pointer.watched_ts:
        return False
    else:
        newest = pointer.last_ts
    if happening.ts != newest:
        return happening.ts > newest
    left_at = pointer.holder.device.left_at
    gone = left_at is not None and left_at <= happening.arrival
    return gone or happening.device.device_id >= pointer.holder.device.device_id


def _play(pointer: Pointer, happening: Happening) -> None:
    title, place = happening.event.title, (happening.event.position_ms, happening.ts)
    if _is_taken(pointer, happening):
        if pointer.holder is not None and pointer.nobody is None:
            before = pointer.known[pointer.last]
            pointer.bookmark = (pointer.last, before.position_ms, pointer.last_ts)
        if title.id != pointer.last:
            pointer.watched = False
        entry = pointer.turn(title)
        entry.position_ms, entry.ts = place
        entry.take(title, over=True)
        pointer.holder = happening
        idle_min = min(U16, happening.idle_ms // 60_000)
        pointer.nobody = None if happening.attended else (happening.depth, idle_min)
    else:
        known = -1 if pointer.bookmark is None else pointer.bookmark[2]
        if pointer.nobody is not None and happening.attended and happening.ts >= known:
            pointer.bookmark = (title.id, *place)
        entry = pointer.known.setdefault(title.id, KnownTitle())
        newer = title.id != pointer.last and happening.ts >= entry.ts
        if newer:
            entry.position_ms, entry.ts = place
        entry.take(title, over=newer)
    pointer.last_ts = max(pointer.last_ts, happening.ts)
    if happening.pressed:
        pointer.started = max(pointer.started or 0, happening.ts)
    if pointer.started is not None and pointer.last_ts - pointer.started >= U32:
        pointer.started = None


def _mark(pointer: Pointer, happening: Happening) -> None:
    event, ts = happening.event, happening.ts
    match event:
        case Remove() if ts > pointer.removal[0]:
            pointer.removal = (ts, True)
        case UndoRemove() if ts >= pointer.removal[0]:
            pointer.removal = (ts, False)
        case MarkWatched() if event.title.id == pointer.last:
            if ts >= pointer.watched_ts:
                pointer.watched, pointer.watched_ts = True, ts
        case MarkWatched() if ts > max(pointer.last_ts, pointer.watched_ts):
            entry = pointer.turn(event.title)
            entry.take(event.title, over=True)
            pointer.watched, pointer.watched_ts = True, ts
        case MarkWatched() if ts > pointer.watched_ts:
            pointer.watched, pointer.watched_ts = False, ts


def _titles(happenings: Sequence[Happening]) -> dict[str, Any]:
    pointer = Pointer()
    for happening in happenings:
        (_play if happening.is_playback else _mark)(pointer, happening)
        pointer.forget_old_words()
        pointer.list_others()
    holder = pointer.holder
    assert holder is not None
    last = pointer.known.pop(pointer.last)
    started = pointer.started
    told = pointer.removal[0] or pointer.watched_ts
    return {
        "title_id": pointer.last,
        "position_ms": last.position_ms,
        "position_ts": last.ts if told else pointer.last_ts,
        "position_device": None if holder.device.left_at is not None else holder.device.device_id,
        **{
            name: last.facts.get(name)
            for name in ("duration_ms", "credits_ms", "season", "episode")
        },
        "episodes": {
            hash32(title_id): (entry.position_ms, entry.facts.get("duration_ms"), entry.ts)
            for title_id, entry in pointer.known.items()
        },
        "stopped": isinstance(holder.event, Stop),
        "started_ts": started,
        "removed": pointer.removal[1],
        "removal_ts": pointer.removal[0],
        "watched": pointer.watched,
        "watched_ts": pointer.watched_ts,
        "nobody": None
        if pointer.nobody is None
        else {
            "depth": pointer.nobody[0],
            "idle_min": pointer.nobody[1],
            "bookmark": pointer.bookmark,
        },
    }


def _sessions_of(playbacks: Sequence[Happening]) -> dict[str, int]:
    sessions = run = gap_s = at = 0
    last_play: int | None = None
    lately: list[int] = []
    for happening in playbacks:
        if happening.watched:
            n = happening.profile_sessions
            if sessions == 0 or n != at:
                run = run + 1 if sessions and at == n - 1 else 1
                gap_s = 0 if last_play is None else max(0, happening.ts - last_play) // 1000
                sessions, at = sessions + 1, n
                lately = [happening.local.hour // 3, *lately]
        last_play = happening.ts if last_play is None else max(last_play, happening.ts)
    return {
        "sessions": min(U16, sessions),
        "sessions_at": at & U16,
        "run": min(U8, run),
        "last_gap_s": min(U32, gap_s),
        "lately": int("".join(f"{part:x}" for part in [*lately, *4 * [15]][3::-1]), 16),
    }


def _devices_of(playbacks: Sequence[Happening], last_arrival: int) -> dict[str, tuple[int, ...]]:
    present: dict[DeviceLife, list[Happening]] = {}

    def forget_those_gone(arrival: int) -> None:
        for life in [d for d in present if d.left_at is not None and d.left_at <= arrival]:
            del present[life]

    def last_play_s(life: DeviceLife) -> int:
        return max(h.ts for h in present[life]) // 1000

    for happening in (h for h in playbacks if h.watched):
        forget_those_gone(happening.arrival)
        present.setdefault(happening.device, []).append(happening)
        if len(present) > SHOW_DEVICES:
            del present[min(present, key=lambda life: (last_play_s(life), -life.place))]
    forget_those_gone(last_arrival)
    return {
        life.device_id: (
            last_play_s(life),
            _decayed_where(playbacks, [h in there and h.chosen for h in playbacks]),
            there[-1].session & U16,
        )
        for life, there in present.items()
    }


def _by_hour(
    happenings: Sequence[Happening], counts: Sequence[bool], times: Sequence[int] | None = None
) -> list[int]:
    return [
        _decayed_where(
            happenings,
            [h.local.hour // 3 == bin_ and yes for h, yes in zip(happenings, counts, strict=True)],
            times,
        )
        for bin_ in range(8)
    ]


def _decayed_where(
    happenings: Sequence[Happening], counts: Sequence[bool], times: Sequence[int] | None = None
) -> int:
    units = [h.play_units * yes for h, yes in zip(happenings, counts, strict=True)]
    steps = list(zip(times or [h.ts for h in happenings], units, strict=True))
    return decayed(steps, HALF_LIVES_MS[2], U16)


# Decay


POW2 = [int(Decimal(2) ** (Decimal(i) / 4096) * 2**16) for i in range(4096)]
"""floor(2^(i/4096) * 2^16), from 28 decimal digits."""


def term(amount: int, ts: int, half_life: int) -> int:
    return 2 * (amount * POW2[ts % half_life * 4096 // half_life] // 2**17)


def decayed(steps: Sequence[tuple[int, int]], half_life: int, limit: int) -> int:
    """Compute a decayed sum from all times it has seen, with the amounts added there (or 0).

    The sum only ever shifts where a new landmark is passed. So the list falls into stretches
    between passings; each stretch is added up on its own, as of its landmark.
    """
    total, before = 0, 0
    landmarks = accumulate((ts // half_life for ts, _ in steps), max)
    for landmark, stretch in groupby(zip(landmarks, steps, strict=True), key=lambda pair: pair[0]):
        total >>= landmark - before
        total += sum(
            term(amount, ts, half_life) >> (landmark - ts // half_life)
            for _, (ts, amount) in stretch
            if amount
        )
        total, before = min(total, limit), landmark
    return total


def read_sum(total: int, now: int, half_life: int) -> float:
    """Take the growth since the landmark out of a sum, as its readers do."""
    return total / (POW2[now % half_life * 4096 // half_life] / 2**16)


def true_sum(steps: Sequence[tuple[int, int]], half_life: int) -> float:
    """Compute what a decayed sum stands for, in real numbers, at the newest time it has seen."""
    now = max(ts for ts, _ in steps)
    return sum(amount * 2.0 ** (-(now - ts) / half_life) for ts, amount in steps)


def allowed_error(steps: Sequence[tuple[int, int]], half_life: int) -> float:
    """Bound in units between `read_sum` and `true_sum`.

    The table's step is 2^(1/4096), its entries are floored at 2^-16; each amount loses less than
    two units when it is added, and all shifts together less than two of what is left.
    """
    added = sum(1 for _, amount in steps if amount)
    return true_sum(steps, half_life) * (2 ** (1 / 4096) * (1 + 2**-15) - 1) + 2 * added + 2
