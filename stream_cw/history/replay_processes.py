"""Offline replay in several processes, each with profiles of its own: no profile needs another.

Every process reads the whole log and takes the records of its profiles; the lines that it makes
come back with the numbers of their records and are put into one order by them.
"""

import heapq
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import reduce
from itertools import islice, tee
from multiprocessing.connection import Connection
from pathlib import Path
from typing import BinaryIO, Final

from msgspec.structs import astuple

from stream_cw.core.partition import murmur2
from stream_cw.core.row import View
from stream_cw.errors import StreamCwError
from stream_cw.history.log import EventLog
from stream_cw.history.replay import ReplayReport, RowWriter

Lines = tuple[int, bytes]
"""The number of a record, and what is to be written of it."""

_TOGETHER: Final = 256
"""So many records' lines are handed over at once."""


def replay_in_processes(
    log: EventLog,
    out: BinaryIO,
    processes: int,
    *,
    view: Callable[[], View],
    pushed: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ReplayReport:
    """Replay a log as `replay.replay_offline` does, and write the same bytes.

    Parameters
    ----------
    log : EventLog
    out : binary file
    processes : int
        At least one.
    view : callable
        Makes the view; called in each process, so that it must be a function of a module.
    pushed : bool, default False
        As `replay.replay` has it.
    progress : callable, optional
        Called with the number of a record whose lines were written, and all before it.

    Returns
    -------
    ReplayReport

    Raises
    ------
    StreamCwError
        What a process ran into, or that one ended without a word.
    """
    reports: list[ReplayReport] = []
    with ExitStack() as stack:
        links = [
            stack.enter_context(_running(log.path, (number, processes), view, pushed))
            for number in range(processes)
        ]
        for number, lines in heapq.merge(*(_received(link, reports) for link in links)):
            out.write(lines)
            if progress:
                progress(number)
    return reduce(_added, reports)


@contextmanager
def _running(
    path: Path, share: tuple[int, int], view: Callable[[], View], pushed: bool
) -> Iterator[Connection]:
    """Run a process that replays its share, for as long as the context lasts."""
    spawning = multiprocessing.get_context("spawn")
    link, far_end = spawning.Pipe(duplex=False)
    process = spawning.Process(target=_play, args=(far_end, path, share, view, pushed), daemon=True)
    process.start()
    far_end.close()
    try:
        yield link
    finally:
        link.close()
        process.terminate()
        process.join()


def _received(link: Connection, reports: list[ReplayReport]) -> Iterator[Lines]:
    """Yield what a process makes, in the order of the log; keep its report."""
    while True:
        try:
            told = link.recv()
        except EOFError:
            raise StreamCwError("a process of the replay ended without a word") from None
        if isinstance(told, StreamCwError):
            raise told
        if isinstance(told, ReplayReport):
            reports.append(told)
            return
        yield from told


def _play(
    link: Connection, path: Path, share: tuple[int, int], view: Callable[[], View], pushed: bool
) -> None:
    """Replay the records of a share of the profiles, and tell what comes of them."""
    mine, processes = share
    try:
        log = EventLog(path)
        writer = RowWriter(log.header, view(), pushed=pushed)
        numbered, taken = tee(
            (number, record)
            for number, record in enumerate(log, start=1)
            if murmur2(record.key or b"") % processes == mine
        )
        made = writer.lines(record for _, record in taken)
        told = ((number, lines) for (number, _), lines in zip(numbered, made, strict=True) if lines)
        while together := list(islice(told, _TOGETHER)):
            link.send(together)
        link.send(writer.report)
    except StreamCwError as error:
        link.send(error)


def _added(one: ReplayReport, other: ReplayReport) -> ReplayReport:
    """Add counts; no profile is in two shares."""
    pairs = zip(astuple(one), astuple(other), strict=True)
    return ReplayReport(*(mine + theirs for mine, theirs in pairs))
