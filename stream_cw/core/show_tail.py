"""What a packed show has behind its listed episodes: only where there is something to say.

::

    marks      removal, watched, last title's position: u48 each, as u32 and u16
    nobody     depth, minutes without a deliberate act
    bookmark   its time (u48), position
    title      of the bookmark, where it is not the last one: season, episode, duration, credits,
               which of them are known, length of the id, id

Bits of the second byte of flags say which of these are there.
"""

import struct
from typing import Final

from msgspec import Struct

from stream_cw.core.limits import U32

STOPPED, UNATTENDED, BOOKMARK, OTHER_TITLE, MARKS = 1, 2, 4, 8, 16

_MARKS: Final = struct.Struct("<IHIHIH")
_NOBODY: Final = struct.Struct("<BH")
_BOOKMARK: Final = struct.Struct("<IHI")
_TITLE: Final = struct.Struct("<HHIIBB")
MARKS_BYTES, NOBODY_BYTES, BOOKMARK_BYTES, TITLE_BYTES = (
    _MARKS.size,
    _NOBODY.size,
    _BOOKMARK.size,
    _TITLE.size,
)
"""Sizes of the parts; the title's without its id."""
HAS_SEASON, HAS_EPISODE = 1, 2
"""What is known of the bookmark's title."""


class Bookmark(Struct, frozen=True):
    """Where somebody surely was: the newest such event of a show.

    Attributes
    ----------
    title_id : str
    position_ms, ts : int
    season, episode, duration_ms, credits_ms : int or None
        Facts of the title.
    """

    title_id: str
    position_ms: int
    ts: int
    season: int | None = None
    episode: int | None = None
    duration_ms: int | None = None
    credits_ms: int | None = None


class Nobody(Struct, frozen=True):
    """The newest event of a show came when maybe nobody was there.

    Attributes
    ----------
    depth : int
        Plays that had started by themselves since the device's last deliberate act.
    idle_min : int
        Minutes since then.
    bookmark : Bookmark or None
        None: nobody ever surely was.
    """

    depth: int
    idle_min: int
    bookmark: Bookmark | None


class Tail(Struct, frozen=True):
    """The parts of a tail, and the flags that say which are there."""

    flags: int
    data: bytes


def pack_tail(
    title_id: str,
    *,
    stopped: bool,
    removal_ts: int,
    watched_ts: int,
    position_ts: int,
    nobody: Nobody | None,
) -> Tail:
    """Pack the tail of a show.

    Parameters
    ----------
    title_id : str
        Its last title.
    stopped : bool
        The newest event is a stop.
    removal_ts, watched_ts : int
        Of the member's marks, ms; 0 none.
    position_ts : int
        Of the last title's position, ms: not the show's last play where a mark made it the last.
    nobody : Nobody or None
    """
    flags, parts = STOPPED if stopped else 0, []
    if removal_ts or watched_ts:
        flags |= MARKS
        times = (removal_ts, watched_ts, position_ts)
        parts.append(_MARKS.pack(*(part for ts in times for part in (ts & U32, ts >> 32))))
    if nobody is not None:
        flags |= UNATTENDED
        parts.append(_NOBODY.pack(nobody.depth, nobody.idle_min))
        if (mark := nobody.bookmark) is not None:
            flags |= BOOKMARK
            parts.append(_BOOKMARK.pack(mark.ts & U32, mark.ts >> 32, mark.position_ms))
            if mark.title_id != title_id:
                flags |= OTHER_TITLE
                parts.append(_pack_title(mark))
    return Tail(flags, b"".join(parts))


def _pack_title(mark: Bookmark) -> bytes:
    name = mark.title_id.encode()
    known = (HAS_SEASON if mark.season is not None else 0) | (
        HAS_EPISODE if mark.episode is not None else 0
    )
    fixed = _TITLE.pack(
        mark.season or 0,
        mark.episode or 0,
        mark.duration_ms or 0,
        U32 if mark.credits_ms is None else mark.credits_ms,
        known,
        len(name),
    )
    return fixed + name


def unpack_marks(flags: int, data: bytes, at: int, last_ts: int) -> tuple[int, int, int]:
    """Read the times of removal, of watched (0 none) and of the last title's position, ms."""
    if not flags & MARKS:
        return 0, 0, last_ts
    times = _MARKS.unpack_from(data, at)
    return times[0] | times[1] << 32, times[2] | times[3] << 32, times[4] | times[5] << 32


def unpack_nobody(flags: int, data: bytes, at: int, last: Bookmark) -> Nobody | None:
    """Read who was not there.

    Parameters
    ----------
    flags : int
    data : bytes
        A packed show.
    at : int
        Where its tail begins.
    last : Bookmark
        Gives the facts of the last title.
    """
    if not flags & UNATTENDED:
        return None
    at += _MARKS.size if flags & MARKS else 0
    depth, idle_min = _NOBODY.unpack_from(data, at)
    if not flags & BOOKMARK:
        return Nobody(depth, idle_min, None)
    at += _NOBODY.size
    low, high, position_ms = _BOOKMARK.unpack_from(data, at)
    ts, at = low | high << 32, at + _BOOKMARK.size
    if not flags & OTHER_TITLE:
        facts = (last.season, last.episode, last.duration_ms, last.credits_ms)
        return Nobody(depth, idle_min, Bookmark(last.title_id, position_ms, ts, *facts))
    season, episode, duration, credit, known, length = _TITLE.unpack_from(data, at)
    at += _TITLE.size
    mark = Bookmark(
        data[at : at + length].decode(),
        position_ms,
        ts,
        season if known & HAS_SEASON else None,
        episode if known & HAS_EPISODE else None,
        duration or None,
        None if credit == U32 else credit,
    )
    return Nobody(depth, idle_min, mark)
