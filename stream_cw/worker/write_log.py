"""Whether what goes into the stores goes into RocksDB's log of writes, too.

The log brings back what a killed worker had in its write buffers. Where more is written in a commit
interval than the buffers hold, they are emptied that often anyway: a kill leaves out no more than
the changelog would have to bring back of the events behind the last commit, and the log is a second
copy of every byte.
"""

from collections.abc import Iterable
from typing import Final

import rocksdict

_QUIET: Final = 4
"""The log is taken up again when the buffers would be filled in so many intervals."""
_UNLOGGED: Final = rocksdict.WriteOptions()
_UNLOGGED.disable_wal = True


class WriteLog:
    """Decides for all stores of a worker, told of each write and of each commit interval.

    A log has to hold all that came behind what is on the disk, else there would be a hole: it goes
    on only where the buffers have been emptied.

    Parameters
    ----------
    buffer_bytes : int
        Write buffers of all stores together.

    Attributes
    ----------
    is_kept : bool
        Whether the last write was logged.
    """

    def __init__(self, buffer_bytes: int) -> None:
        self.is_kept = True
        self._buffer_bytes = buffer_bytes
        self._written = 0

    def options(self, size: int) -> rocksdict.WriteOptions | None:
        """Tell how to write so many bytes."""
        self._written += size
        if self._written > self._buffer_bytes:
            self.is_kept = False
        return None if self.is_kept else _UNLOGGED

    def end_interval(self, stores: Iterable[rocksdict.Rdict]) -> None:
        """Have what is in no log written to the disk; wait for that where the log is to go on.

        Parameters
        ----------
        stores : iterable of Rdict
            All that are open: one that was closed has nothing left in its buffers.
        """
        if not self.is_kept:
            is_quiet = self._written * _QUIET < self._buffer_bytes
            for store in stores:
                store.flush(wait=is_quiet)
            self.is_kept = is_quiet
        self._written = 0
