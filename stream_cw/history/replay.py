"""Offline replay: an event log through the pure step alone.

It is also the oracle of the worker's tests: every row of every live device, held back or not.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from msgspec import Struct

from stream_cw.core.records import Record, admit
from stream_cw.core.row import RECENCY, View, row
from stream_cw.core.rows import Row, encode_row, row_key
from stream_cw.core.state import ProfileState, Source, live_devices
from stream_cw.core.step import step
from stream_cw.errors import RefusedRecordError
from stream_cw.history.log import EventLog, LogHeader

PLAIN_EPOCH = bytes(16)
"""Identity of a log that was never on a broker."""


class Played(Struct):
    """What came of one record.

    Attributes
    ----------
    record : Record
    view : View
    refusal : RefusedRecordError or None
    applied : bool
    state : ProfileState or None
        Of the profile after it; None where nothing is known of it.
    erased, due : tuple of str
        Devices whose rows are gone, and those that are to be sent a row.
    """

    record: Record
    view: View
    refusal: RefusedRecordError | None = None
    applied: bool = False
    state: ProfileState | None = None
    erased: tuple[str, ...] = ()
    due: tuple[str, ...] = ()

    @property
    def rows(self) -> list[tuple[bytes, Row | None]]:
        """Keys and rows in order, made anew; None is a tombstone."""
        erased = ((self.key(device_id), None) for device_id in self.erased)
        return [*erased, *((self.key(device_id), self.row(device_id)) for device_id in self.due)]

    @property
    def profile_id(self) -> str:
        """Whose record it is, if it was not refused."""
        return (self.record.key or b"").decode()

    def key(self, device_id: str) -> bytes:
        """Return the key of a device's rows."""
        return row_key(self.profile_id, device_id)

    def row(self, device_id: str) -> Row:
        """Make the row of a device that is due."""
        if self.state is None:
            raise KeyError(device_id)
        return row(self.state, self.profile_id, device_id, self.view)


class ReplayReport(Struct):
    """Counts of a replay."""

    records: int = 0
    refused: int = 0
    applied: int = 0
    repeated: int = 0
    rows: int = 0
    tombstones: int = 0
    profiles: int = 0


def replay(
    records: Iterable[Record],
    states: dict[str, ProfileState],
    *,
    epoch: bytes = PLAIN_EPOCH,
    partitions: int | None = None,
    view: View = RECENCY,
    pushed: bool = False,
) -> Iterator[Played]:
    """Run records through the step.

    Parameters
    ----------
    records : iterable of Record
        In the order of their partitions.
    states : dict of str to ProfileState
        By profile id; changed as the records come.
    epoch : bytes
        The log's identity.
    partitions : int or None
        How many partitions the topic has; None leaves the rule on partitions out.
    view : View
    pushed : bool, default False
        Also make the rows of events that are no reason to rescore: a change of the catalog may have
        pushed them.

    Yields
    ------
    Played
    """
    for record in records:
        try:
            event = admit(record, partitions)
        except RefusedRecordError as error:
            yield Played(record, view, refusal=error)
            continue
        profile_id = event.profile_id
        source = Source(epoch, record.partition, record.offset)
        taken = step(states.get(profile_id), event, source)
        if taken.state is None:
            states.pop(profile_id, None)
        else:
            states[profile_id] = taken.state
        due: tuple[str, ...] = ()
        if taken.state is not None and taken.applied:
            due = live_devices(taken.state) if pushed else taken.due
        yield Played(
            record,
            view,
            applied=taken.applied,
            state=taken.state,
            erased=taken.erased,
            due=due,
        )


class RowWriter:
    """Writes what comes of records as JSON lines, `{"key": …, "row": …}`, and counts.

    Parameters
    ----------
    header : LogHeader or None
        Of the log, as `EventLog` has it.
    view : View
    pushed : bool, default False
        As `replay` has it.

    Attributes
    ----------
    report : ReplayReport
        Of the records so far.
    """

    def __init__(self, header: LogHeader | None, view: View, *, pushed: bool = False) -> None:
        self.report = ReplayReport()
        self._epoch = bytes.fromhex(header.epoch) if header else PLAIN_EPOCH
        self._partitions = header.partitions if header else None
        self._view, self._pushed = view, pushed
        self._profiles: set[bytes | None] = set()

    def lines(self, records: Iterable[Record]) -> Iterator[bytes]:
        """Yield for each record all of its lines: one, several or none.

        A row stands in its line byte for byte as on the push topic; a tombstone is null.
        """
        for played in replay(
            records,
            {},
            epoch=self._epoch,
            partitions=self._partitions,
            view=self._view,
            pushed=self._pushed,
        ):
            self._count(played)
            yield b"".join(self._line(key, made) for key, made in played.rows)

    def _count(self, played: Played) -> None:
        report = self.report
        report.records += 1
        if played.refusal:
            report.refused += 1
            return
        report.applied += played.applied
        report.repeated += not played.applied
        self._profiles.add(played.record.key)
        report.profiles = len(self._profiles)

    def _line(self, key: bytes, made: Row | None) -> bytes:
        self.report.rows += made is not None
        self.report.tombstones += made is None
        return b'{"key":"%s","row":%s}\n' % (key, b"null" if made is None else encode_row(made))


def replay_offline(
    log: EventLog,
    out: BinaryIO,
    *,
    view: View = RECENCY,
    pushed: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ReplayReport:
    """Replay a log and write its rows, as `RowWriter` has them.

    Parameters
    ----------
    log : EventLog
    out : binary file
    view : View
    pushed : bool, default False
        As `replay` has it.
    progress : callable, optional
        Called with the number of records so far, after each.

    Returns
    -------
    ReplayReport
    """
    writer = RowWriter(log.header, view, pushed=pushed)
    for done, lines in enumerate(writer.lines(log), start=1):
        out.write(lines)
        if progress:
            progress(done)
    return writer.report
