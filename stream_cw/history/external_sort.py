"""Sort more items than fit in memory: sorted runs in temporary files, merged."""

import heapq
import tempfile
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import IO, Any, Final, Generic, Protocol, Self, TypeVar

RUN_LENGTH: Final = 16_384
"""Items held and sorted at once."""
FAN_IN: Final = 64
"""So many runs are merged into one: each is an open file."""


class _Comparable(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


T = TypeVar("T", bound=_Comparable)


class ExternalSort(Generic[T]):
    """Takes items in any order, then yields them in theirs; a context that drops its files.

    Parameters
    ----------
    encode : Callable
        An item to one line of bytes, without a line's end in it.
    decode : Callable
        The line back to an equal item.
    """

    def __init__(self, encode: Callable[[T], bytes], decode: Callable[[bytes], T]) -> None:
        self._encode = encode
        self._decode = decode
        self._waiting: list[T] = []
        self._runs: list[IO[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._drop(self._runs)

    def add(self, item: T) -> None:
        """Take one item."""
        self._waiting.append(item)
        if len(self._waiting) >= RUN_LENGTH:
            self._waiting.sort()
            self._write_run(self._waiting)
            self._waiting = []
        if len(self._runs) >= FAN_IN:
            merged = self._runs[:]
            self._write_run(heapq.merge(*map(self._read_run, merged)))
            self._drop(merged)

    def merged(self) -> Iterator[T]:
        """Yield all items in ascending order; call it once, after the last `add`."""
        self._waiting.sort()
        return heapq.merge(self._waiting, *map(self._read_run, self._runs))

    def _write_run(self, items: Iterable[T]) -> None:
        run = tempfile.TemporaryFile()  # noqa: SIM115
        self._runs.append(run)
        run.writelines(self._encode(item) + b"\n" for item in items)

    def _read_run(self, run: IO[bytes]) -> Iterator[T]:
        run.seek(0)
        return map(self._decode, run)

    def _drop(self, runs: list[IO[bytes]]) -> None:
        for run in runs:
            run.close()
        self._runs = [run for run in self._runs if not run.closed]
