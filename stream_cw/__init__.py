"""stream-cw: the Continue Watching row of a streaming service, kept from its playback events."""

import os
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

__version__ = "0.1.0"

_PLAIN_OR_CHECKED: Final = ("NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK")
"""Ways to run the core's loops that machine code made before knows nothing of."""
_CPU: Final = Path("/proc/cpuinfo")
_CPU_BYTES: Final = 8192
"""What tells of the first processor; the others are of its kind."""


class LoopFolders(NamedTuple):
    """Where `stream-cw compile` leaves the loops of the core, as the module `stream_cw._loops`.

    Attributes
    ----------
    here : Path or None
        For processors like this one; None where it cannot be told what it is like.
    portable : Path
        For every processor of the architecture.
    """

    here: Path | None
    portable: Path


def _name_folders() -> LoopFolders:
    """Name the directories of compiled loops by the code of the core (`stream_cw.core.compiled`).

    A loop takes constants and other loops from all over the core, so that a change of any of its
    files makes other directories. Numba's own, for loops that are compiled when they are called, is
    among them, but where the variable names one.
    """
    digest = blake2b(digest_size=8)
    for file in sorted(Path(__file__).with_name("core").glob("*.py")):
        digest.update(f"{file.name}\n".encode() + file.read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    portable = cache / "stream-cw" / "loops" / digest.hexdigest()
    os.environ["NUMBA_CACHE_DIR"] = os.environ.get("NUMBA_CACHE_DIR") or str(portable)
    kind = _kind_of_processor()
    return LoopFolders(None if kind is None else portable / kind, portable)


def _kind_of_processor() -> str | None:
    """Name what the processor can do, as Linux tells it."""
    try:
        with _CPU.open() as told:
            lines = told.read(_CPU_BYTES).splitlines()
    except OSError:
        return None
    able = next((line for line in lines if line.lower().startswith(("flags", "features"))), None)
    return None if able is None else blake2b(able.encode(), digest_size=8).hexdigest()


LOOP_FOLDERS: Final = _name_folders()

if not any(map(os.environ.get, _PLAIN_OR_CHECKED)):
    __path__ += [str(folder) for folder in LOOP_FOLDERS if folder is not None]
