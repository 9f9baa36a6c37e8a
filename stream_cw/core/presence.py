"""Who was there and who still wants it: shows slept through, and shows given up."""

from typing import Final

import numpy as np

from stream_cw.core.columns import COUNTS, DEPTH, IDLE, LAST, ROW, Bools, Ints
from stream_cw.core.compiled import compiled
from stream_cw.core.events import DEVICE_TYPES
from stream_cw.core.limits import U16
from stream_cw.core.rules import Asleep
from stream_cw.core.show_tail import STOPPED
from stream_cw.core.state import DARK, Device, ProfileState

RETURNS: Final = (154, 10, 9, 8, 6, 4, 3, 2, 1, 1)
"""What is taken for known of everybody's resume gaps: shares of real and simulated returns, for two
hundred of them."""

SURELY_ATTENDED: Final = -(1 << 40)
"""Log-odds of what somebody surely saw."""

_IS_BIG: Final = np.array([name in {"tv", "console", "stick"} for name in DEVICE_TYPES])
_MOST_AUTOPLAYS, _MOST_QUARTERS = 8, 16
_QUARTER_MIN: Final = 15
_MINUTE_MS, _HOUR_MS, _DAY_MS = 60_000, 3_600_000, 86_400_000
_NIGHT_FROM, _NIGHT_TO = 21, 6
_NEVER: Final = 1 << 40
_AT_THE_END_MS: Final = 2_000
"""A player's last report comes so close to the end."""
_SESSIONS_AT, _LONGEST_GAP, _TAIL = ROW["sessions_at"], ROW["longest_gap"], ROW["tail"]
_POSITION, _DURATION = ROW["position"], ROW["duration"]


AWAKE: Final = np.zeros(0, np.int64)
"""In the place of `Asleep.numbers`: whoever plays is awake."""


def places_of(devices: tuple[Device, ...]) -> Ints:
    """Lay out what loops want to know of a state's devices.

    Returns
    -------
    ndarray of int64, shape (2, devices)
        The class of each, and its offset of local time in minutes, 0 where it is not known.
    """
    types = [device.device_type for device in devices]
    return np.array([types, [device.tz_offset_min or 0 for device in devices]], np.int64)


@compiled
def slept_through(shows: Ints, devices: Ints, asleep: Ints, slept: Bools) -> None:
    """Tell of which shows nobody saw the newest event, as far as can be told.

    Parameters
    ----------
    shows : ndarray of int64, shape (columns.ROWS, n)
    devices : ndarray of int64
        Of `places_of`.
    asleep : ndarray of int64
        `Asleep.numbers`, or `AWAKE`.
    slept : ndarray of bool, shape (n,)
        Takes it.
    """
    if len(asleep) == 0:
        slept[:] = False
        return
    odds = np.empty(len(slept), np.int64)
    _weigh(shows, devices, asleep, odds)
    for n in range(len(slept)):
        slept[n] = odds[n] >= asleep[0]


def log_odds(shows: Ints, devices: tuple[Device, ...], asleep: Asleep) -> Ints:
    """Compute how likely nobody saw the newest event of each show.

    Parameters
    ----------
    shows : ndarray of int64, shape (columns.ROWS, n)
    devices : tuple of Device
        Those of the state.
    asleep : Asleep

    Returns
    -------
    ndarray of int64, shape (n,)
        Thousandths of log-odds; `SURELY_ATTENDED` where somebody surely did.
    """
    found = np.empty(shows.shape[1], np.int64)
    _weigh(shows, places_of(devices), asleep.numbers, found)
    return found


@compiled
def _weigh(shows: Ints, devices: Ints, asleep: Ints, found: Ints) -> None:
    types, offsets = devices[0], devices[1]
    _, base, autoplay, quarter, quiet, night, screen, played_out, stopped, display_off = asleep
    for n in range(shows.shape[1]):
        depth = shows[DEPTH, n]
        if depth < 0:
            found[n] = SURELY_ATTENDED
            continue
        slot = shows[COUNTS, n] >> 4
        offset, wide = (offsets[slot], _IS_BIG[types[slot]]) if slot < len(types) else (0, False)
        hour = (shows[LAST, n] + offset * _MINUTE_MS) % _DAY_MS // _HOUR_MS
        quarters = min(shows[IDLE, n] // _QUARTER_MIN, _MOST_QUARTERS)
        odds = base + quarter * quarters + screen * wide
        if quarters == _MOST_QUARTERS:
            odds += quiet
        odds += display_off if depth == DARK else autoplay * min(depth, _MOST_AUTOPLAYS)
        if hour >= _NIGHT_FROM or hour < _NIGHT_TO:
            odds += night
        if 0 < shows[_DURATION, n] <= shows[_POSITION, n] + _AT_THE_END_MS:
            odds += played_out
        odds += stopped * (shows[_TAIL, n] & STOPPED)
        found[n] = odds


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
    found = np.empty(shows.shape[1], np.bool_)
    give_up(shows, state.sessions, state.resume_gaps, per_mille, found)
    return found


@compiled
def give_up(
    shows: Ints, sessions: int, gaps: tuple[int, ...], per_mille: int, found: Bools
) -> None:
    """Tell which shows are given up, for other loops; see `given_up`."""
    habit = sessions_explained(gaps, per_mille)
    for n in range(len(found)):
        passed = (sessions - shows[_SESSIONS_AT, n]) & U16
        found[n] = passed > max(habit, 2 * shows[_LONGEST_GAP, n])


@compiled
def sessions_explained(gaps: tuple[int, ...], per_mille: int) -> int:
    """Find after how many sessions fewer returns than a share are left.

    The returns of a bin are taken to be spread evenly over it.

    Parameters
    ----------
    gaps : tuple of int
        `ProfileState.resume_gaps`.
    per_mille : int

    Returns
    -------
    int
        More than can pass where the share is never reached.
    """
    total = sum(gaps) + sum(RETURNS)
    above, begin = 1000 * total, 0  # thousandths of returns that took more than `begin` sessions
    for bin_ in range(len(gaps) - 1):
        count = gaps[bin_] + RETURNS[bin_]
        end, wanted = 1 << bin_, above - per_mille * total
        if 1000 * count > wanted:
            return begin + wanted * (end - begin) // (1000 * count) + 1
        above, begin = above - 1000 * count, end
    return _NEVER
