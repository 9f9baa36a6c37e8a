"""The packed shows of a state as columns: each number of all shows side by side.

A show is packed in a fixed part, the id of its last title, statistics of single devices, listed
episodes and a tail (`stream_cw.core.packed_show`). All numbers are read at once, without a Python
object for a show.
"""

from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stream_cw.core.compiled import compiled, loop
from stream_cw.core.events import DEVICE_TYPES
from stream_cw.core.joined import Bytes, Joined, read_number
from stream_cw.core.limits import SHOW_DEVICES
from stream_cw.core.show import HOUR_BINS
from stream_cw.core.show_tail import MARKS, MARKS_BYTES, UNATTENDED

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SERIES, REMOVED, WATCHED, HAS_SEASON, HAS_EPISODE = 1, 2, 4, 8, 16
RATING_SHIFT: Final = 5
NO_SLOT: Final = 15
"""In four bits: of no device."""

FIXED: Final = (
    ("flags", 1, 1),
    ("counts", 1, 1),
    ("last", 6, 1),
    ("first_s", 4, 1),
    ("position", 4, 1),
    ("duration", 4, 1),
    ("credits", 4, 1),
    ("season", 2, 1),
    ("episode", 2, 1),
    ("plays", 2, 1),
    ("autoplays", 2, 1),
    ("starts", 2, 1),
    ("sessions", 2, 1),
    ("minutes", 4, 3),
    ("plays_decayed", 2, 3),
    ("hours", 2, HOUR_BINS),
    ("weekend", 2, 1),
    ("types", 2, len(DEVICE_TYPES)),
    ("sessions_at", 2, 1),
    ("run", 1, 1),
    ("last_gap_s", 4, 1),
    ("lately", 2, 1),
    ("begun", 1, 1),
    ("started_ago", 4, 1),
    ("furthest", 2, 2),
    ("longest_gap", 1, 1),
    ("tail", 1, 1),
    ("title_length", 1, 1),
)
"""What `packed_show.FIXED` packs: name, bytes, how many of them; a test holds the two together."""
SEAT: Final = (("slot", 1), ("last_s", 4), ("plays", 2), ("sessions_at", 2))
"""Statistics of a single device: name, bytes."""


def _rows() -> dict[str, int]:
    counts = [0, *(many for _, _, many in FIXED)]
    firsts = np.cumsum(counts).tolist()
    return {name: first for (name, _, _), first in zip(FIXED, firsts, strict=False)}


ROW: Final = _rows()
"""In which row of the columns a number stands, the first where there are several."""
FLAGS, COUNTS, LAST, TITLE_LENGTH = map(
    ROW.__getitem__, ("flags", "counts", "last", "title_length")
)
_TAIL: Final = ROW["tail"]
SEATS: Final = TITLE_LENGTH + 1
"""First row of the seats: `SHOW_DEVICES` times what `SEAT` names."""
NO_SEAT: Final = -1
"""Slot of a seat that is not taken."""
FURTHEST: Final = SEATS + SHOW_DEVICES * len(SEAT)
"""Row of the furthest position in a listed episode, ms; -1 where none is listed."""
FURTHEST_LENGTH: Final = FURTHEST + 1
"""Row of that episode's duration, ms; 0 not known."""
DEPTH: Final = FURTHEST_LENGTH + 1
"""Row of the plays that started by themselves before the newest event; -1 somebody was there."""
IDLE: Final = DEPTH + 1
"""Row of the minutes without a deliberate act before it; -1 somebody was there."""
ROWS: Final = IDLE + 1

SIZES: Final = np.array(list(chain.from_iterable([size] * many for _, size, many in FIXED)))
SEAT_SIZES: Final = np.array([size for _, size in SEAT])
_SEAT_NUMBERS: Final = len(SEAT)
_EPISODE_BYTES, _EPISODE_POSITION, _EPISODE_LENGTH = 18, 4, 8


def columns(packed: Joined) -> Ints:
    """Read packed shows as columns.

    Parameters
    ----------
    packed : Joined
        n shows.

    Returns
    -------
    ndarray of int64, shape (ROWS, n)
        The rows that `ROW`, `SEATS` and `FURTHEST` name.
    """
    shows = np.empty((ROWS, len(packed.lengths)), np.int64)
    unpack(packed.data, packed.lengths, shows)
    return shows


@loop("void(u1[::1], i8[::1], i8[:, ::1])")
def unpack(data: Bytes, lengths: Ints, shows: Ints) -> None:
    """Read packed shows as columns, for other loops.

    Parameters
    ----------
    data : ndarray of uint8
        n shows, one behind the other.
    lengths : ndarray of int64, shape (n,)
    shows : ndarray of int64, shape (ROWS, n)
        Takes the columns.
    """
    starts = np.empty(len(lengths), np.int64)
    at = 0
    for n in range(len(lengths)):
        starts[n] = at
        at += lengths[n]
    offset = 0
    for row in range(len(SIZES)):
        _read_row(data, starts, offset, SIZES[row], shows[row])
        offset += SIZES[row]
    for n in range(len(starts)):
        _unpack_rest(data, starts[n] + offset, shows[:, n])


@compiled
def _read_row(data: Bytes, starts: Ints, offset: int, size: int, row: Ints) -> None:
    """Read one number of all shows; where its size is a constant, no loop runs over its bytes."""
    if size == 1:
        for n in range(len(row)):
            row[n] = read_number(data, starts[n] + offset, 1)
    elif size == 2:  # noqa: PLR2004 - bytes
        for n in range(len(row)):
            row[n] = read_number(data, starts[n] + offset, 2)
    elif size == 4:  # noqa: PLR2004
        for n in range(len(row)):
            row[n] = read_number(data, starts[n] + offset, 4)
    else:
        for n in range(len(row)):
            row[n] = read_number(data, starts[n] + offset, size)


@compiled
def _unpack_rest(data: Bytes, at: int, show: Ints) -> None:
    """Read of one show what stands behind the fixed part."""
    at += show[TITLE_LENGTH]
    seated = show[COUNTS] & 3
    for seat in range(SHOW_DEVICES):
        for number in range(_SEAT_NUMBERS):
            row = SEATS + seat * _SEAT_NUMBERS + number
            if seat < seated:
                show[row] = read_number(data, at, SEAT_SIZES[number])
                at += SEAT_SIZES[number]
            else:
                show[row] = NO_SEAT
    furthest, length = -1, 0
    for _ in range(show[COUNTS] >> 2 & 3):
        position = read_number(data, at + _EPISODE_POSITION, 4)
        if position > furthest:
            furthest, length = position, read_number(data, at + _EPISODE_LENGTH, 4)
        at += _EPISODE_BYTES
    show[FURTHEST], show[FURTHEST_LENGTH] = furthest, length
    tail = show[_TAIL]
    if tail & MARKS:
        at += MARKS_BYTES
    show[DEPTH] = data[at] if tail & UNATTENDED else -1
    show[IDLE] = read_number(data, at + 1, 2) if tail & UNATTENDED else -1
