"""The packed shows of a state as columns: one number of all shows at once.

The fixed part of a packed show is the same for all (`stream_cw.core.show`), so NumPy reads it where
it stands, without a Python object for each show.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream_cw.core.events import DEVICE_TYPES
from stream_cw.core.limits import SHOW_DEVICES
from stream_cw.core.show import HOUR_BINS

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SERIES, REMOVED, WATCHED = 1, 2, 4
RATING_SHIFT: Final = 5

FIXED: Final = np.dtype(
    [
        ("flags", "u1"),
        ("counts", "u1"),
        ("last_low", "<u4"),
        ("last_high", "<u2"),
        ("first_s", "<u4"),
        ("position", "<u4"),
        ("duration", "<u4"),
        ("credits", "<u4"),
        ("season", "<u2"),
        ("episode", "<u2"),
        ("plays", "<u2"),
        ("autoplays", "<u2"),
        ("starts", "<u2"),
        ("sessions", "<u2"),
        ("minutes", "<u4", (3,)),
        ("plays_decayed", "<u2", (3,)),
        ("hours", "<u2", (HOUR_BINS,)),
        ("weekend", "<u2"),
        ("types", "<u2", (len(DEVICE_TYPES),)),
        ("sessions_at", "<u2"),
        ("run", "u1"),
        ("last_gap_s", "<u4"),
        ("title_length", "u1"),
    ]
)
"""Field for field what `show.FIXED` packs; a test holds the two together."""

SEAT: Final = np.dtype(
    [("slot", "u1"), ("last_s", "<u4"), ("plays", "<u2"), ("sessions_at", "<u2")]
)
_SEATS: Final = np.dtype([("seats", SEAT, (SHOW_DEVICES,))])
_PADDING: Final = bytes(FIXED.itemsize)
_RAW_FIXED: Final = np.dtype((np.void, FIXED.itemsize))
_RAW_SEATS: Final = np.dtype((np.void, _SEATS.itemsize))


class Columns(NamedTuple):
    """Columns of n packed shows.

    Attributes
    ----------
    shows : ndarray of FIXED, shape (n,)
    seats : ndarray of SEAT, shape (n, SHOW_DEVICES)
        Each show's statistics of single devices; only the first `seated` of a row mean anything.
    """

    shows: NDArray[Any]
    seats: NDArray[Any]

    def take(self, places: NDArray[np.intp]) -> "Columns":
        """Keep the shows at these places."""
        # As plain bytes: NumPy would copy structs field by field.
        shows, seats = self.shows.view(_RAW_FIXED), self.seats.reshape(-1).view(_RAW_SEATS)
        return Columns(shows.take(places).view(FIXED), seats.take(places).view(_SEATS)["seats"])


def columns(packed: Sequence[bytes]) -> Columns:
    """Read packed shows as columns."""
    buffer = b"".join(packed) + _PADDING
    ends = np.cumsum(np.fromiter(map(len, packed), np.intp, len(packed)))
    starts = np.zeros_like(ends)
    starts[1:] = ends[:-1]
    shows = _at(buffer, starts, _RAW_FIXED).view(FIXED)
    seats = _at(buffer, starts + (FIXED.itemsize + shows["title_length"]), _RAW_SEATS)
    return Columns(shows, seats.view(_SEATS)["seats"])


def _at(buffer: bytes, starts: NDArray[np.intp], raw: np.dtype[Any]) -> NDArray[Any]:
    """Gather what starts at these bytes: a view of the buffer at every byte, some of it taken."""
    windows = np.ndarray((len(buffer) - raw.itemsize + 1,), raw, buffer, strides=(1,))
    return windows[starts]


def last_ts(shows: NDArray[Any]) -> Ints:
    """Last play of each show, ms."""
    return shows["last_low"].astype(np.int64) | shows["last_high"].astype(np.int64) << 32
