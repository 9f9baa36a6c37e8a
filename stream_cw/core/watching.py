"""What a playback event does to its show: positions, counts, decayed sums."""

from typing import Final

from msgspec import Struct

from stream_cw.core.decay import HABIT_MS, HALF_LIVES_MS, added, landmarks
from stream_cw.core.events import Episode, Movie
from stream_cw.core.limits import (
    ATTENDED_DEPTH,
    ATTENDED_IDLE_MS,
    SHOW_DEVICES,
    U8,
    U16,
    U32,
)
from stream_cw.core.show import ListedEpisode, Show, ShowDevice, bookmark_of
from stream_cw.core.show_tail import Bookmark, Nobody
from stream_cw.core.standing import (
    forget_marks,
    list_episode,
    number_title,
    reach,
    take_listed,
    turn_to,
)
from stream_cw.core.state import hash32
from stream_cw.core.sums import PLAY, hours_added, is_weekend, local_hour_bin, minutes_added

_MINUTE_MS: Final = 60_000


class Watch(Struct, frozen=True, kw_only=True):
    """A playback event as its show sees it.

    Attributes
    ----------
    title : Movie or Episode
    position_ms, ts : int
    tz_offset_min : int
    device_type, slot : int
        Class and place of the device.
    supersedes : bool
        Wins over the last event of the same ms: its device's id is not the smaller one.
    started : bool
        A new playback begins.
    reported : bool
        An open playback goes on.
    pressed : bool
        Somebody pressed play, be it behind a pause; or a new playback began by itself.
    autoplay : bool
    stopped : bool
        The event is a stop.
    credit_ms : int
        Watched time that the event proves.
    session : int
        The profile's session counter.
    device_session : int
        The device's session counter, mod 2^16.
    depth : int
        Plays that started by themselves on the device since its last deliberate act.
    idle_ms : int
        Time since then.
    """

    title: Movie | Episode
    position_ms: int
    ts: int
    tz_offset_min: int
    device_type: int
    slot: int
    supersedes: bool
    started: bool
    reported: bool
    autoplay: bool
    stopped: bool
    credit_ms: int
    session: int
    device_session: int
    depth: int = 0
    idle_ms: int = 0
    pressed: bool = False

    @property
    def attended(self) -> bool:
        """Whether somebody was surely there."""
        return self.depth <= ATTENDED_DEPTH and self.idle_ms <= ATTENDED_IDLE_MS


def watch(show: Show, event: Watch) -> int:
    """Take a playback event into a freshly unpacked show, in place.

    Returns
    -------
    int
        How many sessions of the profile have passed since the show was last watched; 0 where it
        was watched in this one, or never.
    """
    gap = _mark_session(show, event) if event.started or event.reported else 0
    _advance(show, event.ts)
    if _is_newest(show, event):
        _move(show, event)
    else:
        _note_late(show, event)
    if event.pressed:
        show.started_ts = max(show.started_ts or 0, event.ts)
    forget_marks(show)
    reach(show, event.title, event.position_ms)
    show.last_ts = max(show.last_ts, event.ts)
    show.first_s = min(show.first_s, event.ts // 1000)
    show.minutes = minutes_added(show.minutes, show.last_ts, event.credit_ms, event.ts)
    if event.started:
        _count_play(show, event)
    if event.started or event.reported:
        _mark_device(show, event)
    return gap


def _is_newest(show: Show, event: Watch) -> bool:
    """Whether the position is taken; another title must be newer than what the member marked."""
    other = event.title.id != show.title_id
    if other and event.ts < show.watched_ts:
        return False
    newest = show.last_ts if other else show.position_ts
    return event.ts > newest or (event.ts == newest and event.supersedes)


def _mark_session(show: Show, event: Watch) -> int:
    session = event.session & U16
    if show.sessions and session == show.sessions_at:
        return 0
    gap = (session - show.sessions_at) & U16 if show.sessions else 0
    show.run = min(show.run + 1, U8) if gap == 1 else 1
    show.longest_gap = max(show.longest_gap, min(gap, U8))
    show.last_gap_s = min(max(0, event.ts - show.last_ts) // 1000, U32)
    show.sessions = min(show.sessions + 1, U16)
    show.sessions_at = session
    show.lately = show.lately << 4 & U16 | local_hour_bin(event.ts, event.tz_offset_min)
    return gap


def _advance(show: Show, ts: int) -> None:
    """Halve the sums once for each landmark that the show's newest time passes."""
    if ts <= show.last_ts:
        return
    for i, half_life in enumerate(HALF_LIVES_MS):
        if passed := landmarks(show.last_ts, ts, half_life):
            show.minutes[i] >>= passed
            show.plays_decayed[i] >>= passed
    if passed := landmarks(show.last_ts, ts, HABIT_MS):
        show.hours = [value >> passed for value in show.hours]
        show.types = [value >> passed for value in show.types]
        show.weekend >>= passed
        for device in show.devices:
            device.plays >>= passed


def _move(show: Show, event: Watch) -> None:
    title = event.title
    bookmark = _bookmark(show)
    if title.id != show.title_id:
        turn_to(show, title.id)
        show.watched = False
    show.position_ms, show.position_ts = event.position_ms, event.ts
    show.position_slot = event.slot
    show.stopped = event.stopped
    show.nobody = (
        None
        if event.attended
        else Nobody(event.depth, min(event.idle_ms // _MINUTE_MS, U16), bookmark)
    )
    show.duration_ms = title.duration_ms or show.duration_ms
    show.credits_ms = show.credits_ms if title.credits_ms is None else title.credits_ms
    number_title(show, title)


def _bookmark(show: Show) -> Bookmark | None:
    """Tell where somebody surely was last."""
    return bookmark_of(show) if show.nobody is None else show.nobody.bookmark


def _note_late(show: Show, event: Watch) -> None:
    """Keep what an event tells that is not the newest: facts of the title, another episode."""
    title = event.title
    if title.id == show.title_id:
        show.duration_ms = show.duration_ms or title.duration_ms
        show.credits_ms = title.credits_ms if show.credits_ms is None else show.credits_ms
        if isinstance(title, Episode):
            show.season = title.season if show.season is None else show.season
            show.episode = title.episode if show.episode is None else show.episode
    _attend_late(show, event)
    if title.id == show.title_id:
        return
    listed = take_listed(show, hash32(title.id))
    if listed and listed.ts > event.ts:
        listed.duration_ms = listed.duration_ms or title.duration_ms
        list_episode(show, listed)
    else:
        duration = title.duration_ms or (listed.duration_ms if listed else None)
        list_episode(show, ListedEpisode(hash32(title.id), event.position_ms, duration, event.ts))


def _attend_late(show: Show, event: Watch) -> None:
    """Move the bookmark to where somebody was, if that is newer."""
    nobody = show.nobody
    if nobody is None or not event.attended:
        return
    if nobody.bookmark is not None and event.ts < nobody.bookmark.ts:
        return
    title = event.title
    numbers = (title.season, title.episode) if isinstance(title, Episode) else (None, None)
    facts = (*numbers, title.duration_ms, title.credits_ms)
    bookmark = Bookmark(title.id, event.position_ms, event.ts, *facts)
    show.nobody = Nobody(nobody.depth, nobody.idle_min, bookmark)


def _count_play(show: Show, event: Watch) -> None:
    now, ts = show.last_ts, event.ts
    show.plays = min(show.plays + 1, U16)
    if event.autoplay:
        show.autoplays = min(show.autoplays + 1, U16)
    show.plays_decayed = [
        added(total, now, PLAY, ts, half_life, U16)
        for total, half_life in zip(show.plays_decayed, HALF_LIVES_MS, strict=True)
    ]
    if event.autoplay:
        return
    show.hours = hours_added(show.hours, now, ts, event.tz_offset_min)
    kind = event.device_type
    show.types[kind] = added(show.types[kind], now, PLAY, ts, HABIT_MS, U16)
    if is_weekend(ts, event.tz_offset_min):
        show.weekend = added(show.weekend, now, PLAY, ts, HABIT_MS, U16)


def _mark_device(show: Show, event: Watch) -> None:
    seen = next((d for d in show.devices if d.slot == event.slot), None)
    if seen is None:
        seen = ShowDevice(event.slot, 0)
        show.devices.append(seen)
    seen.last_s = max(seen.last_s, event.ts // 1000)
    seen.sessions_at = event.device_session
    if event.started and not event.autoplay:
        seen.plays = added(seen.plays, show.last_ts, PLAY, event.ts, HABIT_MS, U16)
    show.devices.sort(key=lambda d: (-d.last_s, d.slot))
    del show.devices[SHOW_DEVICES:]
