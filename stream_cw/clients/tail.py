"""Row updates as they come, the newest of each device."""

from collections.abc import Generator

from msgspec import Struct

from stream_cw.broker.connection import Brokers
from stream_cw.clients.read import read
from stream_cw.clients.topic import describe
from stream_cw.core.records import Record
from stream_cw.core.rows import Row, decode_row
from stream_cw.errors import RefusedRecordError

Rows = dict[bytes, Row]
"""The newest row of each device, by the row's key; the one that changed last stands last."""


class Update(Struct, frozen=True):
    """A row that is newer than what was known of its device; None where the row was erased."""

    key: bytes
    value: bytes | None
    row: Row | None


def accept(rows: Rows, record: Record) -> Update | None:
    """Take a record of the push topic into the rows, if it is newer.

    A device's row is replaced by one of a higher version only, so repeats and what follows a crash
    or a hand-over are dropped; a tombstone clears the device, whose versions then begin anew.

    Parameters
    ----------
    rows : dict
        Changed in place.
    record : Record

    Returns
    -------
    Update or None
        None where nothing changes.

    Raises
    ------
    RefusedRecordError
        If the value is not a row; the rows stay as they are.
    """
    key = record.key or b""
    if record.value is None:
        return Update(key, None, None) if rows.pop(key, None) is not None else None
    row = decode_row(record.value)
    known = rows.get(key)
    if known is not None and row.version <= known.version:
        return None
    rows.pop(key, None)
    rows[key] = row
    return Update(key, record.value, row)


def tail(
    brokers: Brokers,
    *,
    topic: str,
    rows: Rows,
    from_beginning: bool = False,
    to_end: bool = False,
    profile: str | None = None,
) -> Generator[list[Update]]:
    """Follow the push topic.

    Parameters
    ----------
    brokers : str or Connection
    topic : str
    rows : dict
        Kept up to date: the newest row of each device.
    from_beginning : bool, default False
        Begin with what the topic still has, else with what comes from now on.
    to_end : bool, default False
        Stop at the end that the topic has now.
    profile : str, optional
        Only this profile's rows.

    Yields
    ------
    list of Update
        Accepted rows and erasures in their order; empty where nothing came for a moment. A record
        that is no row is passed over: the worker writes none, and a look must not end on one.

    Raises
    ------
    BrokerError
        If the broker is not reached, or the topic can no longer be read.
    TopicMismatchError
        If there is no such topic.
    """
    partitions = describe(brokers, topic).partitions
    wanted = None if profile is None else f"{profile}/".encode()
    for records in read(brokers, topic, partitions, from_beginning=from_beginning, to_end=to_end):
        updates = []
        for record in records:
            if wanted is not None and not (record.key or b"").startswith(wanted):
                continue
            try:
                update = accept(rows, record)
            except RefusedRecordError:
                continue
            if update is not None:
                updates.append(update)
        yield updates
