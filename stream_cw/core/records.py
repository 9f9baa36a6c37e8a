"""One record of the event topic, and the rules that admit it."""

from typing import Final

from msgspec import Struct

from stream_cw.core.events import Event, decode_event
from stream_cw.core.partition import partition_for
from stream_cw.errors import RefusedRecordError

MAX_AHEAD_MS: Final = 300_000
"""How far an event's time may lie after the broker's append time: five minutes of clock skew."""


class Record(Struct, frozen=True, gc=False):
    """A record as the broker, or a recorded log, hands it over.

    Attributes
    ----------
    key, value : bytes or None
    partition, offset : int
    append_ts : int or None
        When the broker appended it, ms; None where it is not known.
    headers : tuple of (str, bytes or None)
    """

    key: bytes | None
    value: bytes | None
    partition: int
    offset: int
    append_ts: int | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()


def admit(record: Record, partitions: int | None) -> Event:
    """Decode a record and hold it to the rules of its topic.

    Parameters
    ----------
    record : Record
    partitions : int or None
        How many partitions the topic has; None leaves the rule on partitions out.

    Returns
    -------
    Event

    Raises
    ------
    RefusedRecordError
        If the value is no event, its key is not its profile_id, it lies in another partition than
        its key's, or its time is more than `MAX_AHEAD_MS` after its append time.
    """
    event = decode_event(record.value)
    key = event.profile_id.encode()
    if record.key != key:
        raise RefusedRecordError("key_mismatch", "the record's key is not its `profile_id`")
    if partitions is not None and partition_for(key, partitions) != record.partition:
        raise RefusedRecordError(
            "wrong_partition", f"partition {record.partition} is not the one of the record's key"
        )
    if record.append_ts is not None:
        check_time(event, record.append_ts)
    return event


def check_time(event: Event, append_ts: int) -> None:
    """Hold an event's time to that of its append, ms.

    Raises
    ------
    RefusedRecordError
        If it lies more than `MAX_AHEAD_MS` after it.
    """
    if event.ts > append_ts + MAX_AHEAD_MS:
        ahead = (event.ts - append_ts) // 1000
        raise RefusedRecordError(
            "from_the_future", f"`ts` lies {ahead} s after the broker's append time"
        )
