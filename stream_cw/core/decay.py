"""Exponentially decayed sums in integers, by event time.

Forward decay after Cormode, Shkapenyuk, Srivastava and Xu, *Forward decay: a practical time decay
model for streaming systems*, ICDE 2009: an amount is scaled up by its own age since a landmark, so
that adding is commutative and old amounts need no work; the landmark is the last whole multiple of
the half-life, and passing one halves the sum. All arithmetic is on integers: the last bit of `exp`
differs between processors. `docs/state.md` defines every number.
"""

from math import isqrt
from typing import Final

import numpy as np

from stream_cw.core.compiled import compiled

DAY_MS: Final = 86_400_000
HALF_LIVES_MS: Final = (DAY_MS, 7 * DAY_MS, 30 * DAY_MS)
SHORTEST_MS: Final = HALF_LIVES_MS[0]
"""All others are whole multiples of it: within one of its landmarks no sum is halved."""
HABIT_MS: Final = 30 * DAY_MS
"""Half-life of habits: hours, weekend, device types, plays on a device."""

_STEPS: Final = 4096
_SCALE_BITS: Final = 16


def _powers_of_two() -> tuple[int, ...]:
    bits = 128
    root = 2 << bits
    for _ in range(_STEPS.bit_length() - 1):
        root = isqrt(root << bits)
    powers, value = [], 1 << bits
    for _ in range(_STEPS):
        powers.append(value >> (bits - _SCALE_BITS))
        value = value * root >> bits
    return tuple(powers)


POW2: Final = _powers_of_two()
"""`floor(2^(i/4096) * 2^16)` for i from 0 to 4095."""

_POW2: Final = np.array(POW2)
_MOST_HALVINGS: Final = 63
"""No sum has more bits; a shift of a compiled number by 64 would do nothing."""


@compiled
def term(amount: int, ts: int, half_life: int) -> int:
    """Scale an amount up to its landmark's measure; the result is even.

    Parameters
    ----------
    amount : int
        In units of the sum, not negative.
    ts : int
        Event time, ms.
    half_life : int
        In ms.
    """
    factor = int(_POW2[ts % half_life * _STEPS // half_life])
    return amount * factor >> (_SCALE_BITS + 1) << 1


@compiled
def landmarks(earlier: int, later: int, half_life: int) -> int:
    """How many landmarks lie between two times: how often a sum is halved on the way."""
    return later // half_life - earlier // half_life


@compiled
def halved(total: int, times: int) -> int:
    """Halve a sum so many times."""
    return total >> min(times, _MOST_HALVINGS)


@compiled
def added(total: int, now: int, amount: int, ts: int, half_life: int, most: int) -> int:
    """Add an amount as of its own time to a sum that stands at `now` or later.

    The caller has shifted the sum already when `ts` lies past the sum's old time.

    Parameters
    ----------
    total : int
    now : int
        Greatest time that the sum has seen, this one included, ms.
    amount, ts, half_life : int
        See `term`.
    most : int
        Where the sum saturates.
    """
    amount = term(amount, ts, half_life)
    return min(total + halved(amount, landmarks(ts, now, half_life)), most)


def current(total: int, last: int, now: int, half_life: int) -> int:
    """Value of a sum at a time: in its units, decayed from when it was last added to.

    Parameters
    ----------
    total : int
    last : int
        Greatest time that the sum has seen, ms.
    now : int
        Not before `last`, ms.
    half_life : int
        In ms.
    """
    factor = POW2[now % half_life * _STEPS // half_life]
    return (total >> landmarks(last, now, half_life)) * (1 << _SCALE_BITS) // factor
