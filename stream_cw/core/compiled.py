"""Loops over shows and tables, compiled to machine code (Numba) when they are first called.

Such a function is plain Python on whole numbers and arrays: with `NUMBA_DISABLE_JIT=1` it gives the
same results, slowly. The code is kept in Numba's cache between runs where a directory for it can be
written. Numba renews what it kept when the function's own file changes, not when another one does
that it takes a constant or a function from: who changes the core sets `NUMBA_CACHE_DIR` anew, as
the tests do.
"""

from collections.abc import Callable
from typing import TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compile a function for the types that it is called with.

    Parameters
    ----------
    function : callable
        Of whole numbers and arrays.

    Returns
    -------
    callable
        Gives what the function gives. An index out of an array's bounds is not noticed.
    """
    made: F
    try:
        made = njit(cache=True)(function)
    except RuntimeError:  # there is no directory that the cache could be kept in
        made = njit(function)
    return made
