"""What a playback event does to its show: positions, counts, decayed sums."""

from typing import Final, NamedTuple

from stream_cw.core.decay import DAY_MS, HABIT_MS, HALF_LIVES_MS, added, landmarks
from stream_cw.core.events import Episode, Movie
from stream_cw.core.limits import EPISODES, SHOW_DEVICES, U8, U16, U32
from stream_cw.core.show import HOUR_BINS, ListedEpisode, Show, ShowDevice
from stream_cw.core.state import hash32

PLAY: Final = 64
"""One play in the units of its sums."""

MINUTE: Final = 1024
"""One minute in the units of its sums."""

_THURSDAY: Final = 3
_SATURDAY: Final = 5


class Watch(NamedTuple):
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
    autoplay : bool
    credit_ms : int
        Watched time that the event proves.
    session : int
        The profile's session counter.
    device_session : int
        The device's session counter, mod 2^16.
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
    credit_ms: int
    session: int
    device_session: int


def local_hour_bin(ts: int, tz_offset_min: int) -> int:
    """Bin of three local hours, 0 to 7."""
    return (ts + tz_offset_min * 60_000) % DAY_MS * HOUR_BINS // DAY_MS


def is_weekend(ts: int, tz_offset_min: int) -> bool:
    """Whether the local day is a Saturday or a Sunday; 1970 began on a Thursday."""
    day = (ts + tz_offset_min * 60_000) // DAY_MS
    return (day + _THURSDAY) % 7 >= _SATURDAY


def minutes_added(
    minutes: list[int] | tuple[int, ...], now: int, credit_ms: int, ts: int
) -> list[int]:
    """Add watched time as of `ts` to decayed minutes that stand at `now`, all in ms."""
    amount = credit_ms * MINUTE // 60_000
    return [
        added(total, now, amount, ts, half_life, U32)
        for total, half_life in zip(minutes, HALF_LIVES_MS, strict=True)
    ]


def hours_added(
    hours: list[int] | tuple[int, ...], now: int, ts: int, tz_offset_min: int
) -> list[int]:
    """Add a play as of `ts` to plays by local hour that stand at `now`, both in ms."""
    counted = list(hours)
    hour = local_hour_bin(ts, tz_offset_min)
    counted[hour] = added(counted[hour], now, PLAY, ts, HABIT_MS, U16)
    return counted


def watch(show: Show, event: Watch) -> None:
    """Take a playback event into a freshly unpacked show, in place."""
    if event.started or event.reported:
        _mark_session(show, event)
    _advance(show, event.ts)
    if event.ts > show.last_ts or (event.ts == show.last_ts and event.supersedes):
        _move(show, event)
    else:
        _note_late(show, event)
    show.last_ts = max(show.last_ts, event.ts)
    show.first_s = min(show.first_s, event.ts // 1000)
    if event.credit_ms:
        show.minutes = minutes_added(show.minutes, show.last_ts, event.credit_ms, event.ts)
    if event.started:
        _count_play(show, event)
    if event.started or event.reported:
        _mark_device(show, event)


def _mark_session(show: Show, event: Watch) -> None:
    session = event.session & U16
    if show.sessions and session == show.sessions_at:
        return
    consecutive = (show.sessions_at + 1) & U16 == session
    show.run = min(show.run + 1, U8) if consecutive else 1
    show.last_gap_s = min(max(0, event.ts - show.last_ts) // 1000, U32)
    show.sessions = min(show.sessions + 1, U16)
    show.sessions_at = session
    show.lately = show.lately << 4 & U16 | local_hour_bin(event.ts, event.tz_offset_min)


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
    if title.id != show.title_id:
        known = _take_listed(show, hash32(title.id))
        left = ListedEpisode(
            hash32(show.title_id), show.position_ms, show.duration_ms, show.last_ts
        )
        _list_episode(show, left)
        show.title_id = title.id
        show.duration_ms = known.duration_ms if known else None
        show.credits_ms = show.season = show.episode = None
    show.position_ms = event.position_ms
    show.position_slot = event.slot
    show.duration_ms = title.duration_ms or show.duration_ms
    show.credits_ms = show.credits_ms if title.credits_ms is None else title.credits_ms
    _number(show, title)
    if event.started:
        show.removed = show.watched = False


def _number(show: Show, title: Movie | Episode) -> None:
    if isinstance(title, Episode):
        show.series = True
        show.season = show.season if title.season is None else title.season
        show.episode = show.episode if title.episode is None else title.episode


def _note_late(show: Show, event: Watch) -> None:
    """Keep what an event tells that is not the newest: facts of the title, another episode."""
    title = event.title
    if title.id == show.title_id:
        show.duration_ms = show.duration_ms or title.duration_ms
        show.credits_ms = title.credits_ms if show.credits_ms is None else show.credits_ms
        if isinstance(title, Episode):
            show.season = title.season if show.season is None else show.season
            show.episode = title.episode if show.episode is None else show.episode
        return
    listed = _take_listed(show, hash32(title.id))
    if listed and listed.ts > event.ts:
        listed.duration_ms = listed.duration_ms or title.duration_ms
        _list_episode(show, listed)
    else:
        duration = title.duration_ms or (listed.duration_ms if listed else None)
        _list_episode(show, ListedEpisode(hash32(title.id), event.position_ms, duration, event.ts))


def _take_listed(show: Show, title: int) -> ListedEpisode | None:
    for i, listed in enumerate(show.episodes):
        if listed.title == title:
            return show.episodes.pop(i)
    return None


def _list_episode(show: Show, episode: ListedEpisode) -> None:
    episodes = [*show.episodes, episode]
    episodes.sort(key=lambda e: (-e.ts, e.title))
    show.episodes = episodes[:EPISODES]


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
