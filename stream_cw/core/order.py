"""In which order the tiles of a row stand."""

import numpy as np

from stream_cw.core.columns import Ints
from stream_cw.core.compiled import loop


def in_order(scores: Ints, played: Ints, ids: list[str]) -> list[int]:
    """Order n shows: the greatest score first, of equal ones what was played last.

    Parameters
    ----------
    scores, played : ndarray of int64, shape (n,)
        `played` has last plays, ms.
    ids : list of str
        Of shows that were played in the same millisecond the one with the smaller id stands first.

    Returns
    -------
    list of int
        Numbers of the shows.
    """
    order = np.empty(len(ids), np.int64)
    # A loop made before takes anything for an array: a scorer's list would end the process.
    if _sort(np.ascontiguousarray(scores, np.int64), played, order):
        found: list[int] = order.tolist()
        return found
    return sorted(range(len(ids)), key=lambda n: (-scores[n], -played[n], ids[n]))


@loop("b1(i8[::1], i8[::1], i8[::1])")
def _sort(scores: Ints, played: Ints, order: Ints) -> bool:
    """Order by score and last play; tell whether that is enough, as no two stand equal."""
    equal = 0
    for n in range(len(order)):
        before = 0
        for m in range(len(order)):
            same = scores[m] == scores[n]
            before += (scores[m] > scores[n]) | (same & (played[m] > played[n]))
            equal += same & (played[m] == played[n])
        order[before] = n
    return equal == len(order)
