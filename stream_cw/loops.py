"""The core's loops, compiled ahead of time: one extension module that needs no Numba."""

import os
import sysconfig
import warnings
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Final

from stream_cw import LOOP_FOLDERS
from stream_cw.core import compiled, learned, row, step
from stream_cw.errors import NoCompilerError

_WITH_LOOPS: Final = (learned, row, step)
"""These and what they import have all loops of the core."""


def compile_loops(*, portable: bool = False) -> Path:
    """Make the extension module with all loops of the core, where it is not there yet.

    Processes that start from now on load it in place of Numba (`stream_cw.core.compiled`).

    Parameters
    ----------
    portable : bool, default False
        For every processor of the architecture, not for those like this one alone; a row then takes
        a fifth longer.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    NoCompilerError
        If there are no setuptools, no C++ compiler or no headers of Python; or if portable ones are
        wanted, and there are others.
    """
    if compiled.MADE is not None:
        made = Path(str(compiled.MADE.__file__))
        if portable and made.parent != LOOP_FOLDERS.portable:
            raise NoCompilerError(
                f"there are loops for this processor: {made}; take them away first"
            )
        return made
    if missing := _missing():
        raise NoCompilerError(f"loops cannot be compiled ahead of time: there is no {missing}")
    folder = LOOP_FOLDERS.portable if portable or LOOP_FOLDERS.here is None else LOOP_FOLDERS.here
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as work, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Numba means to replace its compiler of modules one day
        from numba.pycc import CC  # noqa: PLC0415 - needs what may be missing

        module = CC("_loops")
        module.output_dir = work
        module.target_cpu = "" if folder == LOOP_FOLDERS.portable else "host"
        for name, loop in compiled.LOOPS.items():
            module.export(name, loop.signature)(loop.function.py_func)
        module.compile()
        file = str(module.output_file)
        return Path(work, file).replace(folder / file)


def _missing() -> str | None:
    """Name the first thing that is not here of what makes an extension module."""
    if find_spec("setuptools") is None:
        return "setuptools"
    for variable in ("CC", "CXX"):
        command = os.environ.get(variable) or sysconfig.get_config_var(variable) or variable
        if which(command.split()[0]) is None:
            return f"compiler {command!r}"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "Python.h"
    return None
