"""Sorting more lines than memory holds."""

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Final

CHUNK_BYTES: Final = 64 * 1024 * 1024
FAN_IN: Final = 64
"""Runs merged at once: far below the usual limit of open files."""


class LineSorter:
    """Lines with a sortable prefix of fixed length, kept on disk in sorted runs.

    Parameters
    ----------
    directory : Path
        Where the runs are kept; the caller removes it.
    prefix : int
        Bytes of each line that are dropped again when the sorted lines are read.
    chunk_bytes : int
        Lines of about this many bytes are sorted in memory at a time.
    """

    def __init__(self, directory: Path, prefix: int, *, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._directory = directory
        self._prefix = prefix
        self._chunk_bytes = chunk_bytes
        self._lines: list[bytes] = []
        self._bytes = 0
        self._runs: list[list[Path]] = []
        self._made = 0

    def add(self, line: bytes) -> None:
        """Take in a line, prefix first and with its end."""
        self._lines.append(line)
        self._bytes += len(line)
        if self._bytes >= self._chunk_bytes:
            self._spill()

    def __iter__(self) -> Iterator[bytes]:
        """Yield all lines in the order of their prefixes, without them."""
        self._lines.sort()
        runs = [path for level in self._runs for path in level]
        for line in _merge(runs, self._lines):
            yield line[self._prefix :]

    def _spill(self) -> None:
        self._lines.sort()
        self._write(0, iter(self._lines))
        self._lines.clear()
        self._bytes = 0

    def _write(self, level: int, lines: Iterator[bytes]) -> None:
        path = self._directory / f"{self._made}.run"
        self._made += 1
        with path.open("wb") as file:
            file.writelines(lines)
        if level == len(self._runs):
            self._runs.append([])
        runs = self._runs[level]
        runs.append(path)
        if len(runs) == FAN_IN:
            self._write(level + 1, _merge(runs, []))
            for old in runs:
                old.unlink()
            runs.clear()


def _merge(runs: list[Path], lines: list[bytes]) -> Iterator[bytes]:
    files = [path.open("rb") for path in runs]
    try:
        yield from heapq.merge(*files, lines)
    finally:
        for file in files:
            file.close()
