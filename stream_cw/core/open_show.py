"""A show laid open for loops that change it: what `stream_cw.core.packed_show` packs, unpacked.

Its fixed part stands as `stream_cw.core.columns` names it, but for what is parted here: the counts,
and when the newest playback began. Whatever is not known is `NONE`, a duration 0, credits `U32`.
"""

from typing import Final, NamedTuple

import numpy as np

from stream_cw.core.columns import (
    FLAGS,
    HAS_EPISODE,
    HAS_SEASON,
    LAST,
    ROW,
    SEAT,
    SIZES,
    TITLE_LENGTH,
    Ints,
)
from stream_cw.core.compiled import compiled
from stream_cw.core.joined import Bytes
from stream_cw.core.limits import EPISODES, SHOW_DEVICES

NONE: Final = -1
MOST_BYTES: Final = 1024
"""More than a packed show can have."""

_MOST_NAME: Final = 256

SEATS_AT: Final = len(SIZES)
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

_POSITION, _DURATION, _CREDITS = ROW["position"], ROW["duration"], ROW["credits"]
SEASON, EPISODE = ROW["season"], ROW["episode"]


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
