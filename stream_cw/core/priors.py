"""What a model knows of titles: how popular each is, how often gone on with, where it is left.

A title is named by the 64-bit hash of its id. A title that the model does not carry has the code
`UNKNOWN` in all three features, and these weigh nothing in a fitted ranking.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Final

import numpy as np
from msgspec import Meta, Struct

from stream_cw.core.columns import Ints
from stream_cw.core.features import TITLE_FEATURES, UNKNOWN
from stream_cw.core.limits import SHOWS
from stream_cw.core.state import hash64

MAX_TITLES: Final = 10_000
"""33 bytes each in the artefact, which has room for 1,000,000 bytes."""

_COUNT: Final = len(TITLE_FEATURES)
_REMEMBERED: Final = 1 << 14
"""Ids whose place is kept: a hash takes a microsecond, and popular titles come again and again."""

Code = Annotated[int, Meta(ge=0, lt=UNKNOWN)]
TitleHash = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z")]
_HASH: Final = re.compile(r"[0-9a-f]{16}")


class Priors(Struct, frozen=True):
    """What a model carries of titles.

    Attributes
    ----------
    titles : dict of str to (int, int, int)
        By the hash of a show's id, sixteen hexadecimal digits, its codes of `TITLE_FEATURES`.
    """

    titles: dict[TitleHash, tuple[Code, Code, Code]] = {}


def title_hash(number: int) -> str:
    """Write the hash of an id as `Priors` names it."""
    return f"{number:016x}"


def priors_faults(priors: Priors) -> list[str]:
    """Say what makes priors unfit to be served; empty for none."""
    found = []
    if len(priors.titles) > MAX_TITLES:
        found.append(f"{len(priors.titles)} titles, at most {MAX_TITLES} are wanted")
    if not all(map(_HASH.fullmatch, priors.titles)):
        found.append("a title that is no hash of sixteen hexadecimal digits")
    if any(
        len(codes) != _COUNT or not all(0 <= code < UNKNOWN for code in codes)
        for codes in priors.titles.values()
    ):
        found.append(f"a title without {_COUNT} codes from 0 to {UNKNOWN - 1}")
    return found


class CompiledPriors:
    """Priors as an array.

    Parameters
    ----------
    priors : Priors
        Without `priors_faults`.
    """

    def __init__(self, priors: Priors) -> None:
        places = {int(name, 16): place for place, name in enumerate(priors.titles)}
        unknown = (UNKNOWN,) * _COUNT
        self._codes = np.array([*priors.titles.values(), unknown], np.int64).T.copy()
        self._known = len(places)
        self._place = lru_cache(_REMEMBERED)(
            lambda show_id: places.get(hash64(show_id), self._known)
        )

    def codes(self, show_ids: Sequence[str]) -> Ints:
        """Look titles up.

        Parameters
        ----------
        show_ids : sequence of str

        Returns
        -------
        ndarray of int64, shape (3, n)
        """
        if not self._known:
            return _all_unknown(len(show_ids))
        places = np.fromiter(map(self._place, show_ids), np.intp, len(show_ids))
        return self._codes.take(places, axis=1)


@lru_cache(SHOWS)
def _all_unknown(count: int) -> Ints:
    return np.full((_COUNT, count), UNKNOWN, np.int64)


NO_PRIORS: Final = CompiledPriors(Priors())
