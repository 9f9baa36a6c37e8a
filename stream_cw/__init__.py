"""stream-cw: the Continue Watching row of a streaming service, kept from its playback events."""

import os
from hashlib import blake2b
from pathlib import Path

__version__ = "0.1.0"


def _keep_compiled_loops() -> None:
    """Name a directory for compiled loops by the code of the core (`stream_cw.core.compiled`).

    Numba renews what it keeps of a function when the function's own file changes. A loop takes
    constants and other loops from all over the core, so it must be renewed with any of its files.
    """
    digest = blake2b(digest_size=8)
    for file in sorted(Path(__file__).with_name("core").glob("*.py")):
        found = file.stat()
        digest.update(f"{file.name} {found.st_size} {found.st_mtime_ns}\n".encode())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    named = str(cache / "stream-cw" / "loops" / digest.hexdigest())
    os.environ["NUMBA_CACHE_DIR"] = os.environ.get("NUMBA_CACHE_DIR") or named


_keep_compiled_loops()
