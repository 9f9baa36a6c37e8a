"""Packed things one behind the other, as compiled loops read them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream_cw.core.compiled import compiled
from stream_cw.core.limits import SHOWS
from stream_cw.core.shows import Shows

Bytes = NDArray[np.uint8]

PADDING: Final = bytes(1024)
"""Behind the last one: more than its counts can claim, as damaged bytes may claim anything."""


_NOTHING: Final = np.frombuffer(PADDING, np.uint8)


class Joined(NamedTuple):
    """n packed things.

    Attributes
    ----------
    parts : sequence of bytes
    data : ndarray of uint8
        All of them, one behind the other.
    lengths : ndarray of int64, shape (n,)
    """

    parts: Sequence[bytes]
    data: Bytes
    lengths: NDArray[np.int64]


def as_bytes(data: bytes) -> Bytes:
    """Lay bytes out for compiled loops."""
    return np.frombuffer(data, np.uint8)


def joined(parts: list[bytes]) -> Joined:
    """Join packed things."""
    data = as_bytes(b"".join((*parts, PADDING)))
    return Joined(parts, data, np.fromiter(map(len, parts), np.int64, len(parts)))


def joined_shows(shows: Shows) -> Joined:
    """Lay the shows of a state out for compiled loops."""
    return Joined(shows.packed(), *laid_out(shows))


def laid_out(shows: Shows) -> tuple[Bytes, NDArray[np.int64]]:
    """Lay the shows of a state out: all of them, one behind the other, and the length of each."""
    lengths = np.frombuffer(shows.lengths, "<u2").astype(np.int64)
    return as_bytes(shows.data + PADDING), lengths


@lru_cache(SHOWS)
def nothing(count: int) -> Joined:
    """Join so many things of no bytes."""
    return Joined((b"",) * count, _NOTHING, np.zeros(count, np.int64))


@compiled
def read_number(data: Bytes, at: int, size: int) -> int:
    """Read a whole number of some bytes, the lowest first."""
    value = np.int64(0)
    for n in range(size):  # a place that cannot be negative: all bytes are loaded at once
        value |= np.int64(data[np.uint64(at + n)]) << (8 * n)
    return int(value)
