"""The pace of a replay: event time passes as time does, only faster."""

from collections.abc import Callable, Iterable, Iterator

from stream_cw.core.records import Record, admit
from stream_cw.errors import RefusedRecordError

Clock = Callable[[], float]
"""Seconds, monotonic."""
Wait = Callable[[float], None]


def paced(
    records: Iterable[Record], speed: float | None, *, clock: Clock, wait: Wait
) -> Iterator[Record]:
    """Yield each record when its event time has come.

    Parameters
    ----------
    records : iterable of Record
        A record that is late, or that is refused as an event, is due at once.
    speed : float or None
        Seconds of event time that pass in one second; None for no pace at all.
    clock : callable
        Seconds, monotonic.
    wait : callable
        Called with the seconds that are left, until none are; it may return earlier.
    """
    if speed is None:
        yield from records
        return
    began: float | None = None
    first_ts = 0
    for record in records:
        ts = _event_ts(record)
        if ts is not None:
            if began is None:
                began, first_ts = clock(), ts
            due = began + (ts - first_ts) / 1000 / speed
            while (left := due - clock()) > 0:
                wait(left)
        yield record


def _event_ts(record: Record) -> int | None:
    try:
        return admit(record, partitions=None).ts
    except RefusedRecordError:
        return None
