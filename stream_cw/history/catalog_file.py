"""A catalog on disk: JSON lines of entries, a table of titles, or a recording of the topic.

The first is what a catalog service or the simulator writes. A table ends in `.csv`, see
`catalog_table`. A recording is what `stream-cw catalog export` writes: with offsets, and with the
records that take entries away. A file that is no recording counts as a topic of just its entries.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stream_cw.core.catalog import decode_catalog_entry, encode_catalog_entry
from stream_cw.core.works import admit_entry, pack_work
from stream_cw.errors import InputError, RefusedRecordError
from stream_cw.history.catalog_table import read_table
from stream_cw.history.log import EventLog, open_log
from stream_cw.history.log import read_lines as log_lines


class Line(NamedTuple):
    """What a line of a catalog file says.

    Attributes
    ----------
    number : int
        Counted from 1; of a table's series its first line.
    offset : int
        On the topic.
    id : str
    value : bytes or None
        The entry as JSON; None: the line takes it away.
    work : bytes or None
        The entry as `core.works` packs it.
    append_ts : int or None
        When a recording says that it was appended, ms.
    """

    number: int
    offset: int
    id: str
    value: bytes | None
    work: bytes | None
    append_ts: int | None = None


class RefusedLine(NamedTuple):
    """A line that breaks the contract of the catalog topic, and how."""

    number: int
    offset: int
    error: RefusedRecordError
    append_ts: int | None = None


class KnownWorks(NamedTuple):
    """What a catalog said at a version.

    Attributes
    ----------
    works : dict of str to bytes
        By id, as `core.works` packs them.
    version : int
        The offset behind the last record of it.
    ts : int
        When that record was appended, ms; 0 where nothing says so.
    """

    works: dict[str, bytes]
    version: int
    ts: int = 0


def read_lines(path: Path) -> Iterator[Line | RefusedLine]:
    """Read a catalog file line by line.

    Parameters
    ----------
    path : Path
        Unpacked where its name ends in `.gz`.

    Yields
    ------
    Line or RefusedLine

    Raises
    ------
    InputError
        If the head of a table is not as wanted, or its text is no CSV in UTF-8.
    LogFormatError
        If a line of a recording is damaged, or one is longer than `log.MAX_LINE_BYTES`.
    OSError
        If it cannot be read.
    """
    if path.suffix == ".csv":
        yield from _of_table(path)
    elif (log := EventLog(path)).header is None:
        yield from _of_entries(path)
    else:
        yield from _of_recording(log)


def read_catalog(path: Path, version: int | None = None) -> KnownWorks:
    """Read what a catalog file says, as a worker that followed it would hold it.

    Parameters
    ----------
    path : Path
    version : int, optional
        As rows name it; by default all of the file is read.

    Returns
    -------
    KnownWorks

    Raises
    ------
    InputError
        If a line is refused, or the file does not have the version. What a recording has of refused
        records is left out, as workers do, unless it has nothing else.
    LogFormatError, OSError
        As `read_lines` does.
    """
    works: dict[str, bytes] = {}
    recorded = path.suffix != ".csv" and EventLog(path).header is not None
    refused: RefusedLine | None = None
    taken = end = ts = 0
    reached = version is None
    for line in read_lines(path):
        if version is not None and line.offset >= version:
            reached = True
            break
        end, ts = line.offset + 1, line.append_ts or 0
        if isinstance(line, RefusedLine):
            refused = refused or line
            if not recorded:
                break
            continue
        taken += 1
        if line.work is None:
            works.pop(line.id, None)
        else:
            works[line.id] = line.work
    if refused is not None and not (recorded and taken):
        raise InputError(f"{path}, line {refused.number}: {refused.error}")
    if not reached and version != end:
        raise InputError(f"{path}: version {version} of the catalog wanted, found up to {end}")
    # A version can lie behind an offset that no record has, such as that of a transaction's end.
    return KnownWorks(works, end if version is None else version, ts)


def read_works(*paths: Path) -> dict[str, bytes]:
    """Read the works of catalog files.

    Parameters
    ----------
    *paths : Path
        Such as those of real and of simulated shows.

    Returns
    -------
    dict of str to bytes
        By id, as `core.works` packs them.

    Raises
    ------
    InputError
        If files disagree about a work; else as `read_catalog` does.
    LogFormatError, OSError
        As `read_lines` does.
    """
    works: dict[str, bytes] = {}
    for path in paths:
        found = read_catalog(path).works
        for work_id in found.keys() & works.keys():
            if found[work_id] != works[work_id]:
                raise InputError(f"{path}: says other things of {work_id} than a file before it")
        works |= found
    return works


def _of_entries(path: Path) -> Iterator[Line | RefusedLine]:
    offset = 0
    with open_log(path) as file:
        for number, line in enumerate(log_lines(file, path), start=1):
            value = line.strip()
            if not value:
                continue
            try:
                entry = decode_catalog_entry(value)
            except RefusedRecordError as error:
                yield RefusedLine(number, offset, error)
            else:
                yield Line(number, offset, entry.id, value, pack_work(entry))
            offset += 1


def _of_recording(log: EventLog) -> Iterator[Line | RefusedLine]:
    for number, record in enumerate(log, start=2):
        try:
            work_id, work = admit_entry(record.key, record.value)
        except RefusedRecordError as error:
            yield RefusedLine(number, record.offset, error, record.append_ts)
        else:
            yield Line(number, record.offset, work_id, record.value, work, record.append_ts)


def _of_table(path: Path) -> Iterator[Line | RefusedLine]:
    for offset, (number, entry) in enumerate(read_table(path)):
        try:
            if isinstance(entry, RefusedRecordError):
                raise entry
            value = encode_catalog_entry(entry)
        except RefusedRecordError as error:
            yield RefusedLine(number, offset, error)
        else:
            yield Line(number, offset, entry.id, value, pack_work(entry))
