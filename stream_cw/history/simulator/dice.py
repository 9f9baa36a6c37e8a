"""Chance and arithmetic that give the same result on every machine.

Only `random.Random.random`, whole numbers and plain division are used: the last bit of `exp` and
`log` differs between C libraries, and with it a draw could.
"""

import hashlib
from collections.abc import Sequence
from decimal import Context, Decimal
from functools import cache, lru_cache
from random import Random
from typing import Final

MICRO: Final = 1_000_000
"""One, in the unit that probabilities are told in."""

_DEEPEST: Final = 1_600
"""Utilities this far (in hundredths of a nat) below the best one weigh nothing."""


class Dice(Random):
    """A seeded source of chance, one for each purpose, so that no draw moves another's."""

    def below(self, bound: int) -> int:
        """Draw a whole number from 0 to `bound` - 1."""
        return int(self.random() * bound)

    def between(self, low: int, high: int) -> int:
        """Draw a whole number from `low` to `high`, both included."""
        return low + int(self.random() * (high - low + 1))

    def chance(self, percent: float) -> bool:
        """Draw true in `percent` of 100."""
        return self.random() * 100 < percent

    def bell(self, spread: int) -> int:
        """Draw from a bell of mean 0 and standard deviation `spread`, at most 3.5 of it away."""
        total = self.random() + self.random() + self.random() + self.random()
        return round((total - 2.0) * spread * 1.732)

    def pick(self, weights: Sequence[int]) -> int:
        """Draw an index in proportion to whole-number weights."""
        left = int(self.random() * sum(weights))
        for index, weight in enumerate(weights):
            left -= weight
            if left < 0:
                return index
        raise ValueError("at least one weight must be positive")


def dice_for(seed: int, purpose: str, number: int = 0) -> Dice:
    """Make the dice of one purpose and number (a profile's, a household's) under a seed."""
    digest = hashlib.blake2b(f"{seed}/{purpose}/{number}".encode(), digest_size=8).digest()
    return Dice(int.from_bytes(digest, "big"))


def name_for(seed: int, purpose: str, number: int = 0, *, size: int = 5) -> str:
    """Make a short name in hexadecimal digits, two for each byte of `size`."""
    return hashlib.blake2b(f"{seed}:{purpose}:{number}".encode(), digest_size=size).hexdigest()


@lru_cache(maxsize=8_192)
def doublings(number: int) -> int:
    """Return 100 times the base-2 logarithm of 1 + `number`, linear between powers of two."""
    floor = (number + 1).bit_length() - 1
    return 100 * floor + ((number + 1 - (1 << floor)) * 100 >> floor)


@cache
def _weights() -> tuple[int, ...]:
    context = Context(prec=30)
    return tuple(int(context.exp(Decimal(-depth) / 100) * 2**40) for depth in range(_DEEPEST))


def shares(utilities: Sequence[int]) -> list[int]:
    """Turn utilities into probabilities (softmax).

    Parameters
    ----------
    utilities : sequence of int
        In hundredths of a nat; at least one.

    Returns
    -------
    list of int
        In micro-units, summing to `MICRO` exactly: what rounding leaves goes to the best one.
    """
    table = _weights()
    best = max(utilities)
    weights = [table[best - u] if best - u < _DEEPEST else 0 for u in utilities]
    total = sum(weights)
    parts = [weight * MICRO // total for weight in weights]
    parts[utilities.index(best)] += MICRO - sum(parts)
    return parts
