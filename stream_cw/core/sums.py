"""Decayed sums of plays and of watched time, and the local time that they go by."""

from typing import Final

from stream_cw.core.decay import DAY_MS, HABIT_MS, HALF_LIVES_MS, added
from stream_cw.core.limits import U16, U32
from stream_cw.core.show import HOUR_BINS

PLAY: Final = 64
"""One play in the units of its sums."""

MINUTE: Final = 1024
"""One minute in the units of its sums."""

_THURSDAY: Final = 3
_SATURDAY: Final = 5


def local_hour_bin(ts: int, tz_offset_min: int) -> int:
    """Bin of three local hours, 0 to 7."""
    return (ts + tz_offset_min * 60_000) % DAY_MS * HOUR_BINS // DAY_MS


def is_weekend(ts: int, tz_offset_min: int) -> bool:
    """Whether the local day is a Saturday or a Sunday; 1970 began on a Thursday."""
    day = (ts + tz_offset_min * 60_000) // DAY_MS
    return (day + _THURSDAY) % 7 >= _SATURDAY


def minutes_added(
    minutes: list[int] | tuple[int, ...], now: int, credit_ms: int, ts: int
) -> list[int]:
    """Add watched time as of `ts` to decayed minutes that stand at `now`, all in ms."""
    if not credit_ms:
        return list(minutes)
    amount = credit_ms * MINUTE // 60_000
    return [
        added(total, now, amount, ts, half_life, U32)
        for total, half_life in zip(minutes, HALF_LIVES_MS, strict=True)
    ]


def hours_added(
    hours: list[int] | tuple[int, ...], now: int, ts: int, tz_offset_min: int
) -> list[int]:
    """Add a play as of `ts` to plays by local hour that stand at `now`, both in ms."""
    counted = list(hours)
    hour = local_hour_bin(ts, tz_offset_min)
    counted[hour] = added(counted[hour], now, PLAY, ts, HABIT_MS, U16)
    return counted
