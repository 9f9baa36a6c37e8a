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
from stream_cw.history.log import EventLog

PLAIN_EPOCH = bytes(16)
"""Identity of a log that was never on a broker."""


class Played(Struct):
    """What came of one record.

    Attributes
    ----------
    record : Record
    refusal : RefusedRecordError or None
    applied : bool
    rows : list of (bytes, Row or None)
        Keys and rows in order; None is a tombstone.
    """

    record: Record
    refusal: RefusedRecordError | None
    applied: bool
    rows: list[tuple[bytes, Row | None]]


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
            yield Played(record, error, False, [])
            continue
        profile_id = event.profile_id
        source = Source(epoch, record.partition, record.offset)
        taken = step(states.get(profile_id), event, source)
        if taken.state is None:
            states.pop(profile_id, None)
        else:
            states[profile_id] = taken.state
        rows: list[tuple[bytes, Row | None]] = [
            (row_key(profile_id, device_id), None) for device_id in taken.erased
        ]
        if taken.state is not None and taken.applied:
            due = live_devices(taken.state) if pushed else taken.due
            rows.extend(
                (row_key(profile_id, device_id), row(taken.state, profile_id, device_id, view))
                for device_id in due
            )
        yield Played(record, None, taken.applied, rows)


def replay_offline(
    log: EventLog,
    out: BinaryIO,
    *,
    view: View = RECENCY,
    pushed: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ReplayReport:
    """Replay a log and write its rows as JSON lines: `{"key": …, "row": …}`.

    Parameters
    ----------
    log : EventLog
    out : binary file
        A row stands in its line byte for byte as on the push topic; a tombstone is null.
    view : View
    pushed : bool, default False
        As `replay` has it.
    progress : callable, optional
        Called with the number of records so far, after each.

    Returns
    -------
    ReplayReport
    """
    report = ReplayReport()
    states: dict[str, ProfileState] = {}
    profiles = set()
    epoch = bytes.fromhex(log.header.epoch) if log.header else PLAIN_EPOCH
    partitions = log.header.partitions if log.header else None
    for played in replay(log, states, epoch=epoch, partitions=partitions, view=view, pushed=pushed):
        report.records += 1
        if played.refusal:
            report.refused += 1
        else:
            report.applied += played.applied
            report.repeated += not played.applied
            profiles.add(played.record.key)
        for key, made in played.rows:
            value = b"null" if made is None else encode_row(made)
            out.write(b'{"key":"%s","row":%s}\n' % (key, value))
            report.rows += made is not None
            report.tombstones += made is None
        if progress:
            progress(report.records)
    report.profiles = len(profiles)
    return report
