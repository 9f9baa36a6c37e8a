"""The packed form of a show, and what is read of it without unpacking.

The fixed part comes first and is the same for all, so that a scorer may read a column of all shows
at once.
"""

import struct
from typing import Final

from stream_cw.core.columns import (
    HAS_EPISODE,
    HAS_SEASON,
    NO_SLOT,
    RATING_SHIFT,
    REMOVED,
    SERIES,
    WATCHED,
)
from stream_cw.core.limits import U16, U32
from stream_cw.core.rows import ShowKind
from stream_cw.core.show import ListedEpisode, Show, ShowDevice
from stream_cw.core.show_tail import STOPPED, Bookmark, pack_tail, unpack_marks, unpack_nobody

# flags, counts | last play | first play | position, duration, credits | season, episode |
# plays, autoplays, starts, sessions | minutes | plays decayed | hours | weekend | types |
# sessions at the last watch, run, last gap | lately, begun | newest playback began,
# furthest season and episode, longest gap, flags of the tail | length of the title id
FIXED: Final = struct.Struct("<BBIHIIIIHHHHHH3I3H8HH7HHBIHBIHHBBB")
_TITLE_AT: Final = FIXED.size
_LATELY_AND_BEGUN: Final = struct.Struct("<HB")
_ADDED: Final = struct.Struct("<IHHBB")
_HEAD: Final = struct.Struct("<BBIHIIII")
_NUMBERS: Final = struct.Struct("<HH")
_GLIMPSE: Final = struct.Struct("<B11xII4xHH")
_DEVICE: Final = struct.Struct("<BIHH")
_EPISODE: Final = struct.Struct("<IIIIH")
DEVICE_BYTES, EPISODE_BYTES = _DEVICE.size, _EPISODE.size


def pack_show(show: Show) -> bytes:
    """Pack a show; its id stands outside, in the state's index."""
    flags = (
        (SERIES if show.series else 0)
        | (REMOVED if show.removed else 0)
        | (WATCHED if show.watched else 0)
        | (HAS_SEASON if show.season is not None else 0)
        | (HAS_EPISODE if show.episode is not None else 0)
        | (show.rating + 1) << RATING_SHIFT
    )
    tail = pack_tail(
        show.title_id,
        stopped=show.stopped,
        removal_ts=show.removal_ts,
        watched_ts=show.watched_ts,
        position_ts=show.position_ts,
        nobody=show.nobody,
    )
    slot = NO_SLOT if show.position_slot is None else show.position_slot
    title = show.title_id.encode() if show.series else b""
    fixed = FIXED.pack(
        flags,
        len(show.devices) | len(show.episodes) << 2 | slot << 4,
        show.last_ts & U32,
        show.last_ts >> 32,
        show.first_s,
        show.position_ms,
        show.duration_ms or 0,
        U32 if show.credits_ms is None else show.credits_ms,
        show.season or 0,
        show.episode or 0,
        show.plays,
        show.autoplays,
        show.starts,
        show.sessions,
        *show.minutes,
        *show.plays_decayed,
        *show.hours,
        show.weekend,
        *show.types,
        show.sessions_at,
        show.run,
        show.last_gap_s,
        show.lately,
        NO_SLOT if show.begun_slot is None else show.begun_slot,
        U32 if show.started_ts is None else min(show.last_ts - show.started_ts, U32),
        *show.furthest,
        show.longest_gap,
        tail.flags,
        len(title),
    )
    devices = [_DEVICE.pack(d.slot, d.last_s, d.plays, d.sessions_at) for d in show.devices]
    episodes = [
        _EPISODE.pack(e.title, e.position_ms, e.duration_ms or 0, e.ts & U32, e.ts >> 32)
        for e in show.episodes
    ]
    return b"".join((fixed, title, *devices, *episodes, tail.data))


def unpack_show(show_id: str, data: bytes) -> Show:
    """Unpack a show that `pack_show` packed."""
    values = FIXED.unpack_from(data)
    flags, counts, last_low, last_high, first_s, position, duration, credit = values[:8]
    series = bool(flags & SERIES)
    end = _TITLE_AT + values[-1]
    episodes_at = end + (counts & 3) * _DEVICE.size
    tail = episodes_at + (counts >> 2 & 3) * _EPISODE.size
    last_ts = last_low | last_high << 32
    last = Bookmark(
        data[_TITLE_AT:end].decode() if series else show_id,
        position,
        last_ts,
        values[8] if flags & HAS_SEASON else None,
        values[9] if flags & HAS_EPISODE else None,
        duration or None,
        None if credit == U32 else credit,
    )
    tail_flags = values[45]
    removal_ts, watched_ts, position_ts = unpack_marks(tail_flags, data, tail, last_ts)
    return Show(
        series=series,
        title_id=last.title_id,
        season=last.season,
        episode=last.episode,
        position_ms=position,
        position_ts=position_ts,
        duration_ms=last.duration_ms,
        credits_ms=last.credits_ms,
        position_slot=None if counts >> 4 == NO_SLOT else counts >> 4,
        removed=bool(flags & REMOVED),
        watched=bool(flags & WATCHED),
        rating=(flags >> RATING_SHIFT) - 1,
        first_s=first_s,
        last_ts=last_ts,
        plays=values[10],
        autoplays=values[11],
        starts=values[12],
        sessions=values[13],
        minutes=list(values[14:17]),
        plays_decayed=list(values[17:20]),
        hours=list(values[20:28]),
        weekend=values[28],
        types=list(values[29:36]),
        sessions_at=values[36],
        run=values[37],
        last_gap_s=values[38],
        lately=values[39],
        begun_slot=None if values[40] == NO_SLOT else values[40],
        started_ts=None if values[41] == U32 else last_ts - values[41],
        furthest=values[42:44],
        longest_gap=values[44],
        stopped=bool(tail_flags & STOPPED),
        removal_ts=removal_ts,
        watched_ts=watched_ts,
        nobody=unpack_nobody(tail_flags, data, tail, last),
        devices=[ShowDevice(*d) for d in _DEVICE.iter_unpack(data[end:episodes_at])],
        episodes=_unpack_episodes(data[episodes_at:tail]),
    )


def upgraded(data: bytes, version: int) -> bytes:
    """Give a show that an older version of the codec packed what it did not keep.

    Nothing is known of when it was watched lately (before version 3), nor who was there and how far
    it was watched (before version 4): it counts as begun before all marks, and the last episode as
    the furthest.
    """
    at = _TITLE_AT - _ADDED.size - 1
    if version < 3:  # noqa: PLR2004 - a version says what it is
        before = at - _LATELY_AND_BEGUN.size
        data = data[:before] + _LATELY_AND_BEGUN.pack(U16, NO_SLOT) + data[before:]
    furthest = _NUMBERS.unpack_from(data, _HEAD.size) if data[0] & SERIES else (0, 0)
    return data[:at] + _ADDED.pack(U32, *furthest, 0, 0) + data[at:]


def tail_at(data: bytes) -> int:
    """Tell where the tail of a packed show begins."""
    return _episodes_at(data) + (data[1] >> 2 & 3) * _EPISODE.size


def _episodes_at(data: bytes) -> int:
    return _TITLE_AT + data[_TITLE_AT - 1] + (data[1] & 3) * _DEVICE.size


def listed_episodes(data: bytes) -> list[ListedEpisode]:
    """Read the listed episodes of a packed show."""
    return _unpack_episodes(data[_episodes_at(data) : tail_at(data)])


def _unpack_episodes(listed: bytes) -> list[ListedEpisode]:
    return [
        ListedEpisode(title, at, length or None, low | high << 32)
        for title, at, length, low, high in _EPISODE.iter_unpack(listed)
    ]


def slimmed(data: bytes, devices: int) -> bytes:
    """Take the listed episodes out of a packed show, and all but some of its devices."""
    seats = _episodes_at(data) - ((data[1] & 3) - devices) * _DEVICE.size
    counts = data[1] & ~15 | devices
    return b"".join((data[:1], bytes((counts,)), data[2:seats], data[tail_at(data) :]))


Glimpse = tuple[ShowKind, str, int | None, int | None, int, int | None]
"""Fields of a tile, from `kind` to `duration_ms`."""


def glimpse(show_id: str, data: bytes) -> Glimpse:
    """Read what a tile tells of a show's last title, without unpacking the rest."""
    flags, position, duration, season, episode = _GLIMPSE.unpack_from(data)
    if not flags & SERIES:
        return "movie", show_id, None, None, position, duration or None
    return (
        "series",
        last_title(show_id, data),
        season if flags & HAS_SEASON else None,
        episode if flags & HAS_EPISODE else None,
        position,
        duration or None,
    )


def last_title(show_id: str, data: bytes) -> str:
    """Read the id of a packed show's last title."""
    if not data[0] & SERIES:
        return show_id
    return data[_TITLE_AT : _TITLE_AT + data[_TITLE_AT - 1]].decode()


def last_slot(data: bytes) -> int | None:
    """Read the slot of the device where a packed show's position was reached."""
    slot = data[1] >> 4
    return None if slot == NO_SLOT else slot


def last_play(data: bytes) -> int:
    """Read the last play of a packed show, ms."""
    return int.from_bytes(data[2:8], "little")
