"""Packed shows laid open, and packed again: compiled, byte for byte `packed_show.pack_show`."""

from typing import Final

import numpy as np

from stream_cw.core import show_tail
from stream_cw.core.columns import (
    COUNTS,
    FLAGS,
    LAST,
    NO_SLOT,
    ROW,
    SEAT_SIZES,
    SERIES,
    SIZES,
    TITLE_LENGTH,
    Ints,
)
from stream_cw.core.compiled import compiled
from stream_cw.core.joined import Bytes, read_number
from stream_cw.core.limits import U32
from stream_cw.core.open_show import (
    DEPTH,
    HAS_STOPPED,
    IDLE,
    LISTED,
    LISTED_AT,
    MARK_CREDITS,
    MARK_DURATION,
    MARK_EPISODE,
    MARK_LENGTH,
    MARK_POSITION,
    MARK_SEASON,
    MARK_TS,
    NONE,
    POSITION_TS,
    REMOVAL_TS,
    SEATED,
    SEATS_AT,
    SLOT,
    STARTED,
    WATCHED_TS,
    Open,
    is_last_title,
    mark_here,
    name_title,
)
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

_STARTED_AGO, _TAIL = ROW["started_ago"], ROW["tail"]
_LISTED_SIZES: Final = np.array([4, 4, 4, 6])
_KNOWN, _LENGTH = 12, 13
"""Places in the packed title of a bookmark."""


@compiled
def read_show(packed: Bytes, show_id: Bytes, show: Open) -> None:
    """Lay a packed show open; behind it are as many bytes as its counts can claim."""
    numbers, at = show.numbers, 0
    for row in range(len(SIZES)):
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
    at = _read_rows(packed, at, SEAT_SIZES, numbers[SEATED], numbers[SEATS_AT:])
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
    at = _write_rows(packed, at, SEAT_SIZES, numbers[SEATED], numbers[SEATS_AT:])
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
