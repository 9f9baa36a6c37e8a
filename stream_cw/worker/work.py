"""The pure part of a round: records of a partition in; states, rows and dead letters out.

Nothing here waits, sends or looks at a clock, and nothing changes outside of the `Work` itself: a
round that may not go on is simply dropped.
"""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from stream_cw.core.events import ForgetProfile, HomeView, SessionStart
from stream_cw.core.records import Record, admit
from stream_cw.core.rows import row_key
from stream_cw.core.state import ProfileState, Source, live_devices
from stream_cw.core.step import QUIET, Step, is_seen, step
from stream_cw.core.trace import trace_of
from stream_cw.errors import RefusedRecordError
from stream_cw.worker.mark import Mark
from stream_cw.worker.refusals import Refusals

Lookup = Callable[[bytes], ProfileState | None]
Asking = SessionStart | HomeView
"""Events by which a device asks for its row: it waits for the one that follows."""


class Partition(Struct, frozen=True):
    """One partition of the event topic.

    Attributes
    ----------
    epoch : bytes
        The topic's id, 16 bytes.
    number : int
    count : int
        How many partitions the topic has.
    """

    epoch: bytes
    number: int
    count: int


class Due(Struct, frozen=True):
    """A row to send: the device, and the latest state of the round at which it was due.

    Attributes
    ----------
    asked : bool
        The device waits for a row: it is sent whatever the device has already.
    since_ms : int or None
        When the broker had the first event that the row shows, ms; None where it did not tell.
    trace : bytes or None
        Trace of the event at which the row was due, where its record names one.
    """

    profile_id: str
    device_id: str
    state: ProfileState
    asked: bool = False
    since_ms: int | None = None
    trace: bytes | None = None


class Refused(Struct, frozen=True):
    """A record that breaks the contract, and how."""

    record: Record
    error: RefusedRecordError


class Work:
    """Takes the records of one partition, one by one and in order, onto states.

    Parameters
    ----------
    partition : Partition
    mark : int
        Highest offset that was dealt with before.
    lookup : callable
        Gives the state of a profile, by its key, as the rounds before left it.
    refusals : Refusals, optional
        Which of the last records were refused; None: nobody counts.
    guarded : bool, default True
        False applies again what comes again, whatever its place and its id: for the negative
        control of the tests alone.

    Attributes
    ----------
    changes : dict of bytes to ProfileState or None
        What each touched profile's state is now, by key; None: it is to be erased.
    due : dict of bytes to Due
        Rows to send, by their key.
    erased : dict of bytes to None
        Keys of rows to erase, in order; they go out before the rows of `due`.
    refused : list of Refused
    forgotten : dict of bytes to int
        Offset of the event by which a profile was forgotten, by its key.
    refusals : Refusals or None
    last : int
        Highest offset taken, `mark` before the first.
    applied, repeated, redelivered, conflated : int
        Counts; see `stats.Stats`.
    """

    def __init__(
        self,
        partition: Partition,
        *,
        mark: int,
        lookup: Lookup,
        refusals: Refusals | None = None,
        guarded: bool = True,
    ) -> None:
        self.partition = partition
        self.changes: dict[bytes, ProfileState | None] = {}
        self.due: dict[bytes, Due] = {}
        self.erased: dict[bytes, None] = {}
        self.refused: list[Refused] = []
        self.forgotten: dict[bytes, int] = {}
        self.last = mark
        self.applied = self.repeated = self.redelivered = self.conflated = 0
        self._mark = mark if guarded else -1
        self._lookup = lookup
        self.refusals = refusals
        self._guarded = guarded

    def take(self, record: Record) -> None:
        """Take the next record.

        Raises
        ------
        StateError
            If the stored state of its profile cannot be used.
        TooManyRefusedError
            If it is one too many.
        """
        self.last = max(self.last, record.offset)
        dealt_with = record.offset <= self._mark
        try:
            event = admit(record, self.partition.count)
        except RefusedRecordError as error:
            if dealt_with:
                self.redelivered += 1
            else:
                # One that was raised holds by its traceback all that the round has.
                told = RefusedRecordError(error.reason, error.message)
                self.refused.append(Refused(record, told))
                self._note(record, refused=True)
            return
        if not dealt_with:
            self._note(record, refused=False)
        key = event.profile_id.encode()
        before = self.changes[key] if key in self.changes else self._lookup(key)
        if before is None and dealt_with:
            self.redelivered += 1
            if isinstance(event, ForgetProfile):  # else an earlier one could have the last word
                self.forgotten[key] = record.offset
            return
        source = Source(self.partition.epoch, self.partition.number, record.offset)
        if before is not None and not self._guarded:
            unseen = Source(self.partition.epoch, self.partition.number, -1)
            before = msgspec.structs.replace(before, source=unseen, event_ids=b"")
        result = step(before, event, source)
        self._count(result, seen=before is not None and is_seen(before, source))
        self.changes[key] = result.state
        if result.applied and isinstance(event, ForgetProfile):
            self.forgotten[key] = record.offset
        for device_id in result.erased:
            self._erase(row_key(event.profile_id, device_id))
        # What comes again finds a state that may have been left by a quiet event: no row is its.
        if result.state is not None and result.state.cause_type not in QUIET:
            asking = event.device_id if isinstance(event, Asking) else None
            since, trace = record.append_ts, trace_of(record.headers)
            for device_id in result.due or _waiting(result.state, asking):
                asked = device_id == asking
                due = Due(event.profile_id, device_id, result.state, asked, since, trace)
                self._set_due(due)

    def _note(self, record: Record, *, refused: bool) -> None:
        if self.refusals is not None:
            self.refusals.note(self.partition.number, record.offset, refused=refused)

    def _count(self, result: Step, *, seen: bool) -> None:
        if result.applied:
            self.applied += 1
        elif seen:
            self.redelivered += 1
        else:
            self.repeated += 1

    def _set_due(self, due: Due) -> None:
        key = row_key(due.profile_id, due.device_id)
        if (before := self.due.pop(key, None)) is not None:
            self.conflated += 1
            due = msgspec.structs.replace(
                due, asked=due.asked or before.asked, since_ms=before.since_ms
            )
        self.due[key] = due

    def _erase(self, key: bytes) -> None:
        if self.due.pop(key, None) is not None:
            self.conflated += 1
        self.erased[key] = None

    def is_past(self, state: ProfileState) -> bool:
        """Whether a state was dealt with before: it is written again."""
        return state.source.offset <= self._mark

    def mark(self) -> Mark:
        """Return the partition's mark after these records."""
        seen = b"" if self.refusals is None else self.refusals.encoded()
        return Mark(self.partition.epoch, self.last, refused=seen)


def _waiting(state: ProfileState, asking: str | None) -> tuple[str, ...]:
    """Return the device that asks again, by a repeated event, for the row that it has not seen."""
    return tuple(device_id for device_id in live_devices(state) if device_id == asking)
