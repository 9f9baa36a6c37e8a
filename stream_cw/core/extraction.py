"""The features of a row's candidates on a device: raw numbers first, then their codes."""

from typing import Final

import numpy as np

from stream_cw.core import show_numbers
from stream_cw.core.candidates import Candidates
from stream_cw.core.columns import LAST, Bools, Ints
from stream_cw.core.compiled import compiled, loop
from stream_cw.core.decay import HALF_LIVES_MS, current
from stream_cw.core.features import FEATURES, PARTS, SESSION_FEATURES, SHOW_FEATURES, UNKNOWN
from stream_cw.core.joined import Bytes
from stream_cw.core.priors import NO_PRIORS, CompiledPriors
from stream_cw.core.show_numbers import (
    AGE,
    AHEAD_OF_NEXT,
    LAST_PLACE,
)
from stream_cw.core.state import ProfileState
from stream_cw.core.sums import MINUTE, is_weekend, local_hour_bin

_SHOW: Final = len(SHOW_FEATURES)
_TITLES: Final = _SHOW + len(SESSION_FEATURES)
_CODINGS: Final = np.array([("number", "amount", "share").index(f.coding) for f in FEATURES])
_AMOUNT, _SHARE = 1, 2
_MANTISSA_BITS, _EXPONENT_OF_1 = 52, 1023

Facts = tuple[Ints, Bools, Bytes, Ints, int, int, int, int, Ints, tuple[int, ...], Ints]

(
    GAP, PLACE_OF_LAST, HOUR, WEEKEND, DEVICE_TYPE, RETURNING_FAST, RETURNING_SLOW, MINUTES_OF_1D,
    MINUTES_OF_7D, MINUTES_OF_30D, LEAD,
) = range(_SHOW, _TITLES)  # fmt: skip


def feature_codes(
    state: ProfileState, slot: int, found: Candidates, priors: CompiledPriors = NO_PRIORS
) -> Ints:
    """Compute all features of candidates at the state's now.

    Parameters
    ----------
    state : ProfileState
    slot : int
        The device's place in the state.
    found : Candidates
        n of them; at least one.
    priors : CompiledPriors, optional
        What a model knows of titles.

    Returns
    -------
    ndarray of int64, shape (len(FEATURES), n)
        Codes; those of the session are the same for all candidates.
    """
    out = np.empty((len(FEATURES), len(found.ids)), np.int64)
    extract(facts(state, slot, found, priors), out)
    return out


def facts(state: ProfileState, slot: int, found: Candidates, priors: CompiledPriors) -> Facts:
    """Lay out what features are computed from, as `extract` takes it; see `feature_codes`."""
    device = state.devices[slot]
    return (
        found.shows,
        found.finished,
        found.works.data,
        found.works.lengths,
        state.now,
        state.sessions,
        slot,
        device.sessions,
        found.devices,
        _session(state, slot),
        priors.codes(found.ids),
    )


def _session(state: ProfileState, slot: int) -> tuple[int, ...]:
    """Tell what is known of the session without its candidates; zero elsewhere."""
    now, device = state.now, state.devices[slot]
    offset = device.tz_offset_min or 0
    day, week, month = [
        current(total, now, now, half_life) // MINUTE
        for total, half_life in zip(state.minutes, HALF_LIVES_MS, strict=True)
    ]
    fast, slow = state.returning
    return (
        0, 0, local_hour_bin(now, offset), int(is_weekend(now, offset)), device.device_type,
        fast >> 10, slow >> 10, day, week, month, 0,
    )  # fmt: skip


FACTS: Final = (
    "Tuple((i8[:, ::1], b1[::1], u1[::1], i8[::1], i8, i8, i8, i8, i8[:, ::1], UniTuple(i8, 11), "
    "i8[:, ::1]))"
)
"""Type of `facts`, in the notation of `compiled.loop`."""


@loop(f"void({FACTS}, i8[:, ::1])")
def extract(told: Facts, out: Ints) -> None:
    """Compute all features, for other loops: of `facts`, into what `feature_codes` gives."""
    (
        shows, finished, works, lengths, now, sessions, slot, device_sessions, devices, session,
        titles,
    ) = told  # fmt: skip
    hour = session[HOUR - _SHOW]
    show_numbers.times(shows, finished, now, sessions, out)
    show_numbers.devices(shows, now, slot, device_sessions, devices[0], out)
    show_numbers.habits(shows, now, hour, out)
    show_numbers.catalog(works, lengths, shows, now, out)
    _finish(session, shows[LAST], out)
    out[_TITLES:] = titles


@compiled
def _finish(known: tuple[int, ...], last: Ints, out: Ints) -> None:
    """Add what the session has from its candidates, and code all numbers."""
    session = np.array(known)
    count, latest = len(last), 0
    for n in range(count):
        if last[n] > last[latest]:
            latest = n
    session[GAP - _SHOW] = out[AGE, latest]
    session[PLACE_OF_LAST - _SHOW] = out[LAST_PLACE, latest]
    session[LEAD - _SHOW] = out[AHEAD_OF_NEXT, latest]
    for row in range(_SHOW):
        if _CODINGS[row] == _SHARE:
            _share(out[row])
        else:
            _code(out[row], _CODINGS[row])
    for n in range(len(session)):
        code = coded(session[n], _CODINGS[_SHOW + n])
        for m in range(count):
            out[_SHOW + n, m] = code


@compiled
def _share(numbers: Ints) -> None:
    total = 0
    for n in range(len(numbers)):
        total += numbers[n]
    for n in range(len(numbers)):
        numbers[n] = numbers[n] * PARTS // max(total, 1)


@compiled
def _code(numbers: Ints, coding: int) -> None:
    for n in range(len(numbers)):
        numbers[n] = coded(numbers[n], coding)


@compiled
def coded(number: int, coding: int) -> int:
    """Code a number that is not a share; an amount as `features.octave` does."""
    if number < 0:
        return UNKNOWN
    if coding == _AMOUNT:
        # A double begins with its sign, its exponent and the first bits of its mantissa.
        quarters = int(np.float64(number + 1).view(np.int64)) >> _MANTISSA_BITS - 2
        return min(quarters - 4 * _EXPONENT_OF_1, UNKNOWN - 1)
    return min(number, UNKNOWN - 1)
