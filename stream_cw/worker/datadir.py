"""The data directory of a worker, locked for as long as the worker runs."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stream_cw.errors import DataDirLockedError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a data directory; it is made where it is missing.

    Raises
    ------
    DataDirLockedError
        If another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "worker.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise DataDirLockedError(
                f"data directory {folder}: wanted for this worker alone, found in use by process "
                f"{file.read().strip() or 'unknown'}; give each worker its own STREAM_CW_DATA_DIR"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
