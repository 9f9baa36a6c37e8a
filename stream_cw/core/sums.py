"""Decayed sums of plays and of watched time, and the local time that they go by."""

from typing import Final

from stream_cw.core.compiled import compiled
from stream_cw.core.decay import DAY_MS
from stream_cw.core.show import HOUR_BINS

PLAY: Final = 64
"""One play in the units of its sums."""

MINUTE: Final = 1024
"""One minute in the units of its sums."""

_THURSDAY: Final = 3
_SATURDAY: Final = 5


@compiled
def local_hour_bin(ts: int, tz_offset_min: int) -> int:
    """Bin of three local hours, 0 to 7."""
    return (ts + tz_offset_min * 60_000) % DAY_MS * HOUR_BINS // DAY_MS


@compiled
def is_weekend(ts: int, tz_offset_min: int) -> bool:
    """Whether the local day is a Saturday or a Sunday; 1970 began on a Thursday."""
    day = (ts + tz_offset_min * 60_000) // DAY_MS
    return (day + _THURSDAY) % 7 >= _SATURDAY
