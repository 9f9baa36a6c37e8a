"""Sessions drawn from known utilities: what a fit must find again."""

import numpy as np
from numpy.typing import NDArray

from stream_cw.core.features import CODES, FEATURE_NAMES, UNKNOWN
from stream_cw.model.additive import Examples

AT = {name: number for number, name in enumerate(FEATURE_NAMES)}


def sessions(
    columns: dict[str, NDArray[np.int64]], target: NDArray[np.int64], size: int, groups: int = 4
) -> Examples:
    """Sessions of `size` candidates each with these codes; all other features are unknown."""
    count = len(target)
    codes = np.full((len(FEATURE_NAMES), count * size), UNKNOWN, np.uint8)
    for name, values in columns.items():
        codes[AT[name]] = values
    return Examples(
        codes,
        np.arange(count + 1) * size,
        target,
        np.ones(count, bool),
        np.ones(count),
        np.arange(count) % groups,
        np.arange(count) % groups,
        np.arange(count * size, dtype=np.uint64),
    )


def chosen_by(utility: NDArray[np.float64], size: int, seed: int) -> NDArray[np.int64]:
    """Draw a target for each session from the softmax of its candidates (Gumbel's trick)."""
    noise = np.random.default_rng(seed).gumbel(size=len(utility))
    targets: NDArray[np.int64] = (utility + noise).reshape(-1, size).argmax(axis=1)
    return targets


def many_codes(seed: int, count: int = 200, size: int = 6) -> Examples:
    """Sessions with any codes in all features and any target, of some weight."""
    dice = np.random.default_rng(seed)
    made = sessions({}, dice.integers(0, size, count), size)
    return made._replace(
        codes=dice.integers(0, CODES, made.codes.shape).astype(np.uint8),
        weight=dice.uniform(0.1, 2, count),
    )
