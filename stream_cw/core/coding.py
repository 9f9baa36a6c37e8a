"""How features are coded: whole numbers from 0 to 127, equal on every machine."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from stream_cw.core.columns import Ints
from stream_cw.core.scene import Scene

CODES: Final = 128
UNKNOWN: Final = CODES - 1
PARTS: Final = 32
_DOUBLE_BIAS: Final = 1023 << 2


class Feature(NamedTuple):
    """A feature of a candidate or of a session.

    Attributes
    ----------
    name : str
    formula : str
        What it is, with its unit.
    reason : str
        What a tile says for which it speaks most.
    compute : callable
        The number before it is coded: of each candidate, or of the session.
    """

    name: str
    formula: str
    reason: str
    compute: Callable[[Scene], Any]


def octaves(amounts: Ints) -> Ints:
    """Code amounts on a logarithmic scale, four codes an octave.

    Parameters
    ----------
    amounts : ndarray of int64
        -1 is unknown.

    Returns
    -------
    ndarray of int64
        The exponent and the first two bits of the mantissa of `1 + amount`: there is no logarithm,
        whose last bit would differ between machines.
    """
    bits = (amounts + 1).astype(np.float64).view(np.int64) >> 50
    return np.where(amounts < 0, UNKNOWN, np.minimum(bits - _DOUBLE_BIAS, UNKNOWN - 1))


def octave(amount: int) -> int:
    """Code one amount as `octaves` does."""
    if amount < 0:
        return UNKNOWN
    exponent = (amount + 1).bit_length() - 1
    mantissa = (amount + 1 << 2 >> exponent) & 3
    return min(4 * exponent + mantissa, UNKNOWN - 1)
