"""A show laid open for loops that change it: what `stream_cw.core.packed_show` packs, unpacked.

Its fixed part stands as `stream_cw.core.columns` names it, but for what is parted here: the counts,
and when the newest playback began. Whatever is not known is `NONE`, a duration 0, credits `U32`.
"""

from typing import Final, NamedTuple

import numpy as np

from stream_cw.core import show_tail
from stream_cw.core.columns import COUNTS, FLAGS, LAST, ROW, SEAT, SERIES, SIZES, TITLE_LENGTH, Ints
from stream_cw.core.compiled import compiled
from stream_cw.core.joined import Bytes, read_number
from stream_cw.core.limits import EPISODES, SHOW_DEVICES, U32
from stream_cw.core.show_tail import (
    BOOKMARK,
    BOOKMARK_BYTES,
    MARKS,
    MARKS_BYTES,
    NOBODY_BYTES,
    OTHER_TITLE,
    STOPPED,
    TITLE_BYTES,
    UNATTENDED,
)

NONE: Final = -1
MOST_BYTES: Final = 1024
"""More than a packed show can have."""

HAS_SEASON, HAS_EPISODE = 8, 16
NO_SLOT: Final = 15
_MOST_NAME: Final = 256

FIXED_NUMBERS: Final = len(SIZES)
SEATS_AT: Final = FIXED_NUMBERS
"""Seats: slot, last play in s, plays, the device's session; one more than is packed."""
SEAT_NUMBERS: Final = len(SEAT)
LISTED_AT: Final = SEATS_AT + (SHOW_DEVICES + 1) * SEAT_NUMBERS
"""Listed episodes: hash of the title, position, duration, time; one more than is packed."""
LISTED_NUMBERS: Final = 4
_REST: Final = LISTED_AT + (EPISODES + 1) * LISTED_NUMBERS
(
    SLOT, SEATED, LISTED, STARTED, POSITION_TS, REMOVAL_TS, WATCHED_TS, HAS_STOPPED, DEPTH, IDLE,
    MARK_TS, MARK_POSITION, MARK_SEASON, MARK_EPISODE, MARK_DURATION, MARK_CREDITS, MARK_LENGTH,
    NUMBERS,
) = range(_REST, _REST + 18)  # fmt: skip
"""`DEPTH` is `NONE` where somebody was there; `MARK_TS`, where nobody ever surely was."""

_STARTED_AGO, _TAIL = ROW["started_ago"], ROW["tail"]
_POSITION, _DURATION, _CREDITS = ROW["position"], ROW["duration"], ROW["credits"]
SEASON, EPISODE = ROW["season"], ROW["episode"]
_SEAT_SIZES: Final = np.array([size for _, size in SEAT])
_KNOWN, _LENGTH = 12, 13
"""Places in the packed title of a bookmark."""
_LISTED_SIZES: Final = np.array([4, 4, 4, 6])


class Open(NamedTuple):
    """A show laid open.

    Attributes
    ----------
    numbers : ndarray of int64, shape (NUMBERS,)
    title : ndarray of uint8
        The last title's id, as long as `numbers` says at `TITLE_LENGTH`.
    marked : ndarray of uint8
        That of the title where somebody surely was last, as long as `MARK_LENGTH` says.
    """

    numbers: Ints
    title: Bytes
    marked: Bytes


@compiled
def new_open() -> Open:
    """Make a show of nothing, to be filled."""
    numbers = np.zeros(NUMBERS, np.int64)
    return Open(numbers, np.zeros(_MOST_NAME, np.uint8), np.zeros(_MOST_NAME, np.uint8))


@compiled
def read_show(packed: Bytes, show_id: Bytes, show: Open) -> None:
    """Lay a packed show open; behind it are as many bytes as its counts can claim."""
    numbers, at = show.numbers, 0
    for row in range(FIXED_NUMBERS):
        numbers[row] = read_number(packed, at, SIZES[row])
        at += SIZES[row]
    length = numbers[TITLE_LENGTH]
    show.title[:length] = packed[at : at + length]
    at += length
    if not numbers[FLAGS] & SERIES:
        name_title(show, show_id)
    counts = numbers[COUNTS]
    numbers[SEATED], numbers[LISTED] = counts & 3, counts >> 2 & 3
    numbers[SLOT] = NONE if counts >> 4 == NO_SLOT else counts >> 4
    at = _read_rows(packed, at, _SEAT_SIZES, numbers[SEATED], numbers[SEATS_AT:])
    at = _read_rows(packed, at, _LISTED_SIZES, numbers[LISTED], numbers[LISTED_AT:])
    ago = numbers[_STARTED_AGO]
    numbers[STARTED] = NONE if ago == U32 else numbers[LAST] - ago
    _read_tail(packed, at, show)


@compiled
def _read_rows(packed: Bytes, at: int, sizes: Ints, count: int, numbers: Ints) -> int:
    for row in range(count):
        for number in range(len(sizes)):
            numbers[row * len(sizes) + number] = read_number(packed, at, sizes[number])
            at += sizes[number]
    return at


@compiled
def _read_tail(packed: Bytes, at: int, show: Open) -> None:
    numbers = show.numbers
    flags = numbers[_TAIL]
    numbers[HAS_STOPPED] = flags & STOPPED
    numbers[REMOVAL_TS] = numbers[WATCHED_TS] = 0
    numbers[POSITION_TS] = numbers[LAST]
    if flags & MARKS:
        numbers[REMOVAL_TS] = read_number(packed, at, 6)
        numbers[WATCHED_TS] = read_number(packed, at + 6, 6)
        numbers[POSITION_TS] = read_number(packed, at + 12, 6)
        at += MARKS_BYTES
    numbers[DEPTH] = numbers[MARK_TS] = NONE
    if not flags & UNATTENDED:
        return
    numbers[DEPTH], numbers[IDLE] = packed[at], read_number(packed, at + 1, 2)
    at += NOBODY_BYTES
    if not flags & BOOKMARK:
        return
    mark_here(show)
    numbers[MARK_TS] = read_number(packed, at, 6)
    numbers[MARK_POSITION] = read_number(packed, at + 6, 4)
    at += BOOKMARK_BYTES
    if not flags & OTHER_TITLE:
        return
    known, length = packed[at + _KNOWN], packed[at + _LENGTH]
    numbers[MARK_SEASON] = read_number(packed, at, 2) if known & show_tail.HAS_SEASON else NONE
    numbers[MARK_EPISODE] = (
        read_number(packed, at + 2, 2) if known & show_tail.HAS_EPISODE else NONE
    )
    numbers[MARK_DURATION] = read_number(packed, at + 4, 4)
    numbers[MARK_CREDITS] = read_number(packed, at + 8, 4)
    numbers[MARK_LENGTH] = length
    at += TITLE_BYTES
    show.marked[:length] = packed[at : at + length]


@compiled
def season_of(numbers: Ints) -> int:
    """Tell the season of the last title."""
    return int(numbers[SEASON]) if numbers[FLAGS] & HAS_SEASON else NONE


@compiled
def episode_of(numbers: Ints) -> int:
    """Tell the number of the last title."""
    return int(numbers[EPISODE]) if numbers[FLAGS] & HAS_EPISODE else NONE


@compiled
def mark_here(show: Open) -> None:
    """Note that somebody surely was where the last title stands at the show's last play."""
    numbers = show.numbers
    numbers[MARK_TS], numbers[MARK_POSITION] = numbers[LAST], numbers[_POSITION]
    numbers[MARK_SEASON], numbers[MARK_EPISODE] = season_of(numbers), episode_of(numbers)
    numbers[MARK_DURATION], numbers[MARK_CREDITS] = numbers[_DURATION], numbers[_CREDITS]
    mark_title(show, show.title[: numbers[TITLE_LENGTH]])


@compiled
def mark_title(show: Open, title: Bytes) -> None:
    """Name the title where somebody surely was last."""
    show.numbers[MARK_LENGTH] = len(title)
    show.marked[: len(title)] = title


@compiled
def name_title(show: Open, title: Bytes) -> None:
    """Name the last title."""
    show.numbers[TITLE_LENGTH] = len(title)
    show.title[: len(title)] = title


@compiled
def is_last_title(show: Open, title: Bytes) -> bool:
    """Whether a title is the last one."""
    return _are_equal(show.title[: show.numbers[TITLE_LENGTH]], title)


@compiled
def _are_equal(one: Bytes, other: Bytes) -> bool:
    same = len(one) == len(other)
    for n in range(min(len(one), len(other))):
        same &= one[n] == other[n]
    return bool(same)


@compiled
def write_show(show: Open, packed: Bytes) -> int:
    """Pack a show; tell how many bytes it has."""
    numbers = show.numbers
    series, length = numbers[FLAGS] & SERIES != 0, numbers[TITLE_LENGTH]
    other = numbers[MARK_TS] != NONE and not is_last_title(
        show, show.marked[: numbers[MARK_LENGTH]]
    )
    numbers[_TAIL] = _tail_flags(numbers, other)
    slot = NO_SLOT if numbers[SLOT] == NONE else numbers[SLOT]
    numbers[COUNTS] = numbers[SEATED] | numbers[LISTED] << 2 | slot << 4
    started = numbers[STARTED]
    numbers[_STARTED_AGO] = U32 if started == NONE else min(numbers[LAST] - started, U32)
    numbers[TITLE_LENGTH] = length if series else 0
    at = _write_rows(packed, 0, SIZES, 1, numbers)
    numbers[TITLE_LENGTH] = length
    if series:
        packed[at : at + length] = show.title[:length]
        at += length
    at = _write_rows(packed, at, _SEAT_SIZES, numbers[SEATED], numbers[SEATS_AT:])
    at = _write_rows(packed, at, _LISTED_SIZES, numbers[LISTED], numbers[LISTED_AT:])
    return _write_tail(show, packed, at)


@compiled
def _tail_flags(numbers: Ints, other_title: bool) -> int:
    flags = STOPPED if numbers[HAS_STOPPED] else 0
    if numbers[REMOVAL_TS] or numbers[WATCHED_TS]:
        flags |= MARKS
    if numbers[DEPTH] != NONE:
        flags |= UNATTENDED
        if numbers[MARK_TS] != NONE:
            flags |= BOOKMARK | (OTHER_TITLE if other_title else 0)
    return flags


@compiled
def _write_rows(packed: Bytes, at: int, sizes: Ints, count: int, numbers: Ints) -> int:
    for row in range(count):
        for number in range(len(sizes)):
            at = _write_number(packed, at, sizes[number], numbers[row * len(sizes) + number])
    return at


@compiled
def _write_number(packed: Bytes, at: int, size: int, number: int) -> int:
    for n in range(size):
        packed[at + n] = number >> 8 * n & 255
    return at + size


@compiled
def _write_tail(show: Open, packed: Bytes, at: int) -> int:
    numbers = show.numbers
    flags = numbers[_TAIL]
    if flags & MARKS:
        at = _write_number(packed, at, 6, numbers[REMOVAL_TS])
        at = _write_number(packed, at, 6, numbers[WATCHED_TS])
        at = _write_number(packed, at, 6, numbers[POSITION_TS])
    if flags & UNATTENDED:
        at = _write_number(packed, at, 1, numbers[DEPTH])
        at = _write_number(packed, at, 2, numbers[IDLE])
    if flags & BOOKMARK:
        at = _write_number(packed, at, 6, numbers[MARK_TS])
        at = _write_number(packed, at, 4, numbers[MARK_POSITION])
    if flags & OTHER_TITLE:
        season, episode = numbers[MARK_SEASON], numbers[MARK_EPISODE]
        at = _write_number(packed, at, 2, max(season, 0))
        at = _write_number(packed, at, 2, max(episode, 0))
        at = _write_number(packed, at, 4, numbers[MARK_DURATION])
        at = _write_number(packed, at, 4, numbers[MARK_CREDITS])
        known = (show_tail.HAS_SEASON if season != NONE else 0) | (
            show_tail.HAS_EPISODE if episode != NONE else 0
        )
        at = _write_number(packed, at, 1, known)
        length = numbers[MARK_LENGTH]
        at = _write_number(packed, at, 1, length)
        packed[at : at + length] = show.marked[:length]
        at += length
    return at
