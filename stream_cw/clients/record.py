"""Recording of the event topic: a log that replays to the same rows."""

from collections.abc import Callable
from typing import BinaryIO

from msgspec import Struct

from stream_cw.broker.connection import Brokers
from stream_cw.clients.read import read
from stream_cw.clients.topic import describe
from stream_cw.history.log import FORMAT, LogHeader, encode_header, encode_record


class RecordReport(Struct, frozen=True):
    """How many records were written, from how many partitions."""

    records: int
    partitions: int


def record(
    brokers: Brokers,
    out: BinaryIO,
    *,
    topic: str,
    follow: bool = False,
    watch: Callable[[int], None] = lambda _records: None,
) -> RecordReport:
    """Write the records of a topic to a recording, keys and values exactly as they are.

    The records of a partition stand in their order, the partitions as they were fetched.

    Parameters
    ----------
    brokers : str or Connection
    out : binary file
    topic : str
    follow : bool, default False
        Go on with what comes, until `watch` raises or the process is interrupted; else up to the
        end that the topic had at the call.
    watch : callable, optional
        Called with the records written so far, also while none come.

    Raises
    ------
    BrokerError
        If the broker is not reached, or the topic can no longer be read.
    TopicMismatchError
        If there is no such topic.
    """
    source = describe(brokers, topic)
    header = LogHeader(
        stream_cw_log=FORMAT, topic=topic, epoch=source.id, partitions=source.partitions
    )
    out.write(encode_header(header) + b"\n")
    written = 0
    for records in read(brokers, topic, source.partitions, from_beginning=True, to_end=not follow):
        out.writelines(encode_record(one) + b"\n" for one in records)
        out.flush()
        written += len(records)
        watch(written)
    return RecordReport(written, source.partitions)
