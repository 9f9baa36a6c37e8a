"""Who was there and who still wants it: shows slept through, and shows given up."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from stream_cw.core.columns import COUNTS, DEPTH, IDLE, LAST, ROW, Bools, Ints
from stream_cw.core.compiled import compiled
from stream_cw.core.events import DEVICE_TYPES
from stream_cw.core.limits import U16
from stream_cw.core.rules import Asleep
from stream_cw.core.state import DARK, Device, ProfileState

RETURNS: Final = (154, 10, 9, 8, 6, 4, 3, 2, 1, 1)
"""What is taken for known of everybody's resume gaps: shares of real and simulated returns, for two
hundred of them."""

_BIG_SCREENS: Final = frozenset({"tv", "console", "stick"})
_MOST_AUTOPLAYS, _MOST_QUARTERS = 8, 16
_QUARTER_MIN: Final = 15
_MINUTE_MS, _HOUR_MS, _DAY_MS = 60_000, 3_600_000, 86_400_000
_NIGHT_FROM, _NIGHT_TO = 21, 6
_NEVER: Final = 1 << 40
_SESSIONS_AT, _LONGEST_GAP, _TAIL = ROW["sessions_at"], ROW["longest_gap"], ROW["tail"]


def slept_through(shows: Ints, devices: tuple[Device, ...], asleep: Asleep | None) -> Bools:
    """Tell of which shows nobody saw the newest event, as far as can be told.

    Parameters
    ----------
    shows : ndarray of int64, shape (columns.ROWS, n)
    devices : tuple of Device
        Those of the state.
    asleep : Asleep or None

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    found = np.zeros(shows.shape[1], np.bool_)
    if asleep is None or not (shows[DEPTH] >= 0).any():
        return found
    weights = np.array(
        [
            *(asleep.threshold, asleep.base, asleep.each_autoplay, asleep.each_quarter_hour),
            *(asleep.night, asleep.big_screen, asleep.stopped, asleep.display_off),
        ],
        np.int64,
    )
    big = np.array([DEVICE_TYPES[d.device_type] in _BIG_SCREENS for d in devices], np.int64)
    offsets = np.array([d.tz_offset_min or 0 for d in devices], np.int64)
    _weigh(shows, weights, big, offsets, found)
    return found


@compiled
def _weigh(shows: Ints, weights: NDArray[np.int64], big: Ints, offsets: Ints, found: Bools) -> None:
    threshold, base, autoplay, quarter, night, screen, stopped, display_off = weights
    for n in range(shows.shape[1]):
        depth = shows[DEPTH, n]
        if depth < 0:
            continue
        slot = shows[COUNTS, n] >> 4
        offset, wide = (offsets[slot], big[slot]) if slot < len(big) else (0, 0)
        hour = (shows[LAST, n] + offset * _MINUTE_MS) % _DAY_MS // _HOUR_MS
        odds = base + quarter * min(shows[IDLE, n] // _QUARTER_MIN, _MOST_QUARTERS) + screen * wide
        odds += display_off if depth == DARK else autoplay * min(depth, _MOST_AUTOPLAYS)
        if hour >= _NIGHT_FROM or hour < _NIGHT_TO:
            odds += night
        odds += stopped * (shows[_TAIL, n] & 1)
        found[n] = odds >= threshold


def given_up(shows: Ints, state: ProfileState, per_mille: int) -> Bools:
    """Tell which shows have rested longer than the profile's habits explain.

    A show is given up if fewer of the profile's returns than `per_mille` took as many sessions as
    have passed since it was watched, and these are more than twice its own longest gap. What is
    known of everybody (`RETURNS`) stands in for what is not known of a new profile.

    Parameters
    ----------
    shows : ndarray of int64, shape (columns.ROWS, n)
    state : ProfileState
    per_mille : int

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    passed = (state.sessions - shows[_SESSIONS_AT]) & U16
    habit = sessions_explained(state.resume_gaps, per_mille)
    found: Bools = (passed > habit) & (passed > 2 * shows[_LONGEST_GAP])
    return found


def sessions_explained(gaps: tuple[int, ...], per_mille: int) -> int:
    """Find after how many sessions fewer returns than a share are left.

    Parameters
    ----------
    gaps : tuple of int
        `ProfileState.resume_gaps`.
    per_mille : int

    Returns
    -------
    int
        Upper end of a bin; more than can pass where the share is never reached.
    """
    counts = [own + of_all for own, of_all in zip(gaps, RETURNS, strict=True)]
    total, left = sum(counts), sum(counts)
    for bin_, count in enumerate(counts[:-1]):
        left -= count
        if left * 1000 < per_mille * total:
            return 1 << bin_
    return _NEVER
