"""Where the titles of a packed show were left (`stream_cw.core.packed_show`), compiled."""

from typing import Final, NamedTuple

from stream_cw.core.columns import (
    COUNTS,
    FLAGS,
    LAST,
    ROW,
    TITLE_LENGTH,
    WATCHED,
    Ints,
)
from stream_cw.core.compiled import compiled
from stream_cw.core.joined import Bytes, read_number
from stream_cw.core.packed_show import DEVICE_BYTES, EPISODE_BYTES, FIXED
from stream_cw.core.show_tail import (
    BOOKMARK_BYTES,
    MARKS,
    MARKS_BYTES,
    NOBODY_BYTES,
    OTHER_TITLE,
    TITLE_BYTES,
)

_FIXED_BYTES: Final = FIXED.size
_POSITION_TS, _BOOKMARK_POSITION = 12, 6
_TITLE_DURATION, _TITLE_CREDITS, _TITLE_LENGTH = 4, 8, 13
_DURATION, _CREDITS, _TAIL = ROW["duration"], ROW["credits"], ROW["tail"]


class Left(NamedTuple):
    """A listed episode.

    Attributes
    ----------
    title : int
        Hash of its id.
    position, duration, ts : int
        In ms; a duration of 0 is unknown.
    """

    title: int
    position: int
    duration: int
    ts: int


class Attended(NamedTuple):
    """Where somebody surely was.

    Attributes
    ----------
    name : ndarray of uint8
        The title's id; of a film, nothing.
    position, duration, credit : int
        In ms; 0 and `rules.NO_CREDITS` are unknown.
    """

    name: Bytes
    position: int
    duration: int
    credit: int


@compiled
def last_name(packed: Bytes, show: Ints) -> Bytes:
    """Read the id of the last title; of a film, nothing."""
    return packed[_FIXED_BYTES : _FIXED_BYTES + show[TITLE_LENGTH]]


@compiled
def listed_count(show: Ints) -> int:
    """Tell how many episodes are listed."""
    return int(show[COUNTS] >> 2 & 3)


@compiled
def listed(packed: Bytes, show: Ints, number: int) -> Left:
    """Read a listed episode; they stand from the newest to the oldest."""
    at = _listed_at(show) + number * EPISODE_BYTES
    return Left(
        read_number(packed, at, 4),
        read_number(packed, at + 4, 4),
        read_number(packed, at + 8, 4),
        read_number(packed, at + 12, 6),
    )


@compiled
def is_only_marked(packed: Bytes, show: Ints) -> bool:
    """Whether the last title is that by a member's mark, and another one was played last."""
    if not (show[FLAGS] & WATCHED and show[_TAIL] & MARKS):
        return False
    return bool(read_number(packed, _tail_at(show) + _POSITION_TS, 6) < show[LAST])


@compiled
def attended(packed: Bytes, show: Ints) -> Attended:
    """Read the bookmark of a show that has one."""
    at = _tail_at(show) + (MARKS_BYTES if show[_TAIL] & MARKS else 0) + NOBODY_BYTES
    position = read_number(packed, at + _BOOKMARK_POSITION, 4)
    if not show[_TAIL] & OTHER_TITLE:
        return Attended(last_name(packed, show), position, show[_DURATION], show[_CREDITS])
    at += BOOKMARK_BYTES
    name = packed[at + TITLE_BYTES : at + TITLE_BYTES + packed[at + _TITLE_LENGTH]]
    duration = read_number(packed, at + _TITLE_DURATION, 4)
    return Attended(name, position, duration, read_number(packed, at + _TITLE_CREDITS, 4))


@compiled
def _listed_at(show: Ints) -> int:
    return int(_FIXED_BYTES + show[TITLE_LENGTH] + (show[COUNTS] & 3) * DEVICE_BYTES)


@compiled
def _tail_at(show: Ints) -> int:
    return _listed_at(show) + listed_count(show) * EPISODE_BYTES
