"""Loops over shows and tables, compiled to machine code (Numba) when they are first called.

Such a function is plain Python on whole numbers and arrays: with `NUMBA_DISABLE_JIT=1` it gives the
same results, slowly. The code is kept between runs in `NUMBA_CACHE_DIR`, which the package names by
the core's code where the variable is not set.
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
