"""What a round sends, as bytes: rows, dead letters, states."""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from stream_cw.core.codec import encode_state
from stream_cw.core.dead_letter import dead_letter
from stream_cw.core.letter_erasure import erasure_order
from stream_cw.core.row import View, row
from stream_cw.core.rows import SOURCE_OFFSET, SOURCE_PARTITION, encode_row, row_key, seen_of
from stream_cw.core.state import ProfileState, is_live
from stream_cw.core.trace import TRACEPARENT
from stream_cw.worker.held import Held
from stream_cw.worker.mark import AGAIN_HEADER, Mark
from stream_cw.worker.metrics import Metrics
from stream_cw.worker.sending import Outgoing
from stream_cw.worker.stats import Stats
from stream_cw.worker.work import Due, Work

AGAIN: Final = [(AGAIN_HEADER, b"")]


class Output(Struct, kw_only=True):
    """What a round has to say for one partition.

    Attributes
    ----------
    partition : int
    mark : Mark or None
        Of the partition after the round; None for a round of rows alone.
    states : dict of bytes to ProfileState or None
        For the rounds that follow while this one is under way.
    stored : dict of bytes to (bytes or None)
        The same, encoded.
    again : set of bytes
        Keys of states that were dealt with before.
    rows, letters : list of Outgoing
    orders : int
        How many of the letters are orders to erase those of a forgotten profile.
    since : list of int
        When the broker had the first event that a row shows, ms; for each row where it told.
    """

    partition: int
    mark: Mark | None
    states: dict[bytes, ProfileState | None]
    stored: dict[bytes, bytes | None] = {}
    again: set[bytes] = set()
    rows: list[Outgoing] = []
    letters: list[Outgoing] = []
    orders: int = 0
    since: list[int] = []

    @classmethod
    def of(cls, work: Work) -> "Output":
        """Begin the output of a partition's records."""
        return cls(partition=work.partition.number, mark=work.mark(), states=work.changes)


def put_out(
    output: Output, work: Work, *, topic: str, held: Held, view: View, now_ms: int, stats: Stats
) -> Iterator[None]:
    """Encode what came of a partition's records, bit by bit.

    Yields after each dead letter, row and state, so that the caller can breathe in between; the
    output is whole when the iterator ends.
    """
    for refused in work.refused:
        output.letters.append(Outgoing(*dead_letter(refused.record, topic, refused.error)))
        yield
    for profile, offset in work.forgotten.items():
        order = erasure_order(profile, work.partition.number, offset)
        output.letters.append(Outgoing(*order))
        output.orders += 1
    for key in work.erased:
        held.forget(key)
        output.rows.append(tombstone(key, work.partition.number, work.last))
        stats.tombstones += 1
    for key, due in work.due.items():
        if (record := _row(key, due, held, view, now_ms)) is None:
            stats.held_back += 1
        else:
            stats.rows += 1
            output.rows.append(record)
            if due.since_ms is not None:
                output.since.append(due.since_ms)
        yield
    for key, state in work.changes.items():
        output.stored[key] = None if state is None else encode_state(state)
        if state is not None and work.is_past(state):
            output.again.add(key)
        yield


def push_out(
    profile: bytes, state: ProfileState, held: Held, view: View, now_ms: int
) -> list[Outgoing]:
    """Encode the rows of a profile's devices that are live when the catalog changes.

    Parameters
    ----------
    profile : bytes
        Its key.
    state : ProfileState
        No row of a later one was sent.
    held : Held
    view : View
    now_ms : int
        As `held` counts.
    """
    profile_id = profile.decode()
    due = [
        (row_key(profile_id, device.device_id), Due(profile_id, device.device_id, state))
        for device in state.devices
        if is_live(device, max(state.now, view.catalog_ts))
    ]
    made = (_row(key, device, held, view, now_ms) for key, device in due)
    return [record for record in made if record is not None]


def _row(key: bytes, due: Due, held: Held, view: View, now_ms: int) -> Outgoing | None:
    built = row(due.state, due.profile_id, due.device_id, view)
    value = encode_row(built)
    if not held.is_new(key, seen_of(built, value), now_ms) and not due.asked:
        return None
    source = due.state.source
    headers = _source(source.partition, source.offset)
    if due.trace is not None:
        headers.append((TRACEPARENT, due.trace))
    return Outgoing(key, value, headers)


def again(partition: int, key: bytes, value: bytes | None, seen: int) -> Outgoing:
    """Encode what the changelog is to end with for a key: its state, or that it is forgotten."""
    return tombstone(key, partition, seen) if value is None else Outgoing(key, value, AGAIN)


def tombstone(key: bytes, partition: int, seen: int) -> Outgoing:
    """Encode that nothing is left for a key of what was seen up to an offset."""
    return Outgoing(key, None, _source(partition, seen))


def _source(partition: int, offset: int) -> list[tuple[str, bytes]]:
    return [(SOURCE_PARTITION, b"%d" % partition), (SOURCE_OFFSET, b"%d" % offset)]


def count(work: Work, stats: Stats, metrics: Metrics) -> None:
    """Add what a partition's records came to."""
    stats.events += work.applied
    stats.repeated += work.repeated
    stats.redelivered += work.redelivered
    stats.conflated += work.conflated
    stats.refused += len(work.refused)
    for refused in work.refused:
        metrics.refused(refused.error.reason)
    if work.refusals is not None:
        metrics.refused_share(work.partition.number, work.refusals.share())


def measure(records: int, outputs: Iterable[Output], metrics: Metrics) -> None:
    """Note the size of a round, and of the largest state that it leaves."""
    metrics.observe("round_records", records)
    sizes = [len(state) for output in outputs for state in output.stored.values() if state]
    if sizes:
        metrics.observe("state_bytes", max(sizes))
