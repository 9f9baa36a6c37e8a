"""Loops over shows and tables as machine code (Numba).

Such a function is plain Python on whole numbers and arrays: with `NUMBA_DISABLE_JIT=1` it gives the
same results, slowly.

- Where `stream-cw compile` was run there is a module `stream_cw._loops`, which has all loops that
  Python calls. A process that finds it loads neither Numba nor LLVM.
- Else a loop is compiled when it is first called, and kept between runs in `NUMBA_CACHE_DIR`.

The package names the directory of both by the core's code, so that neither outlives a change.
"""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any, Final, NamedTuple, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class Loop(NamedTuple):
    """A loop that Python calls.

    Attributes
    ----------
    function : callable
        As Python calls it.
    signature : str
        Types of what it takes and gives, in Numba's notation.
    """

    function: Any
    signature: str


LOOPS: Final[dict[str, Loop]] = {}
"""All that were imported, by module and function."""


def _find_made() -> ModuleType | None:
    try:
        return import_module("stream_cw._loops")
    except ImportError:
        return None


MADE: Final = _find_made()
"""The loops made before, if there are such."""


def compiled(function: F) -> F:
    """Compile a function that other loops call.

    Parameters
    ----------
    function : callable
        Of whole numbers and arrays.

    Returns
    -------
    callable
        Gives what the function gives. An index out of an array's bounds is not noticed.
    """
    if MADE is not None:  # whoever calls it has it
        return function
    from numba import njit  # noqa: PLC0415 - with LLVM more than 100 MB

    made: F
    try:
        made = njit(cache=True)(function)
    except RuntimeError:  # there is no directory that the cache could be kept in
        made = njit(function)
    return made


def loop(signature: str) -> Callable[[F], F]:
    """Compile a function that Python calls.

    Parameters
    ----------
    signature : str
        Types of what it takes and gives, in Numba's notation: a loop made before takes anything
        else for these. Arrays are whole ones, row by row.

    Returns
    -------
    callable
        A decorator, which gives what `compiled` gives.
    """

    def decorate(function: F) -> F:
        name = f"{function.__module__.rpartition('.')[2]}_{function.__name__.lstrip('_')}"
        made: F = compiled(function) if MADE is None else getattr(MADE, name)
        LOOPS[name] = Loop(made, signature)
        return made

    return decorate
