"""The dead letters that are there: each once, and none of a forgotten profile."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from stream_cw.broker.connection import Brokers
from stream_cw.clients.letter_filter import Filter
from stream_cw.clients.read import read
from stream_cw.clients.topic import describe
from stream_cw.core.dead_letter import DeadLetter, decode_dead_letter
from stream_cw.core.letter_erasure import Erasures, is_letter
from stream_cw.core.records import Record
from stream_cw.errors import InputError, RefusedRecordError


class Found(Struct, frozen=True):
    """A letter as it stands on the topic.

    Attributes
    ----------
    letter : DeadLetter
    record : Record
        Key, headers and append time: when the record was refused.
    """

    letter: DeadLetter
    record: Record

    @property
    def origin(self) -> str:
        """Where the refused record stands, as `PARTITION:OFFSET`."""
        return f"{self.letter.partition}:{self.letter.offset}"


def letters(
    brokers: Brokers,
    topic: str,
    wanted: Filter | None = None,
    *,
    strange: Callable[[Record], None] = lambda _record: None,
) -> Iterator[Found]:
    """Read the letters that the topic has, in its order.

    A letter that was sent more than once comes once. One that was erased, sent again by `dlq
    replay`, or whose profile was forgotten since, does not come, whether its bytes are gone or not.

    Parameters
    ----------
    brokers, topic : str
    wanted : Filter, optional
        All, if left out.
    strange : callable, optional
        Called with each record that is no letter.

    Yields
    ------
    Found

    Raises
    ------
    BrokerError
        If the topic cannot be read.
    TopicMismatchError
        If there is no such topic.
    """
    describe(brokers, topic)
    erasures = Erasures()
    for records in read(brokers, topic, 1, from_beginning=True, to_end=True):
        for record in records:
            erasures.note(record.key, record.value, record.offset)
    seen: set[bytes] = set()
    for records in read(brokers, topic, 1, from_beginning=True, to_end=True):
        for record in records:
            if record.value is None or not is_letter(record.key, record.value):
                continue
            key = record.key or b""
            if key in seen or erasures.covers(key, record.value, record.offset):
                continue
            try:
                letter = decode_dead_letter(key, record.value, record.headers)
            except RefusedRecordError:
                strange(record)
                continue
            seen.add(key)
            if wanted is None or wanted.takes(letter, record.append_ts):
                yield Found(letter, record)


def find(brokers: Brokers, topic: str, partition: int, offset: int) -> Found:
    """Find the letter of a refused record, by where that stands.

    Raises
    ------
    InputError
        If there is none.
    BrokerError, TopicMismatchError
        As for `letters`.
    """
    of_partition = Filter(partitions=frozenset({partition}))
    for found in letters(brokers, topic, of_partition):
        if found.letter.offset == offset:
            return found
    raise InputError(
        f"{topic}: no dead letter of {partition}:{offset}; it may have been erased, sent again, or "
        "be older than the topic keeps"
    )
