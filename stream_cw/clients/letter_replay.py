"""Dead letters are sent again: as they were, where today's decoder takes them, or mended.

What goes out is acknowledged by all replicas; then its letter gets a tombstone, so that a second
replay finds it no more. Where a replay breaks off in between, the next one sends the event again: a
repeat counts once within the profile's last 256 events.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

import msgspec
from msgspec import Struct

from stream_cw.broker.connection import Brokers
from stream_cw.broker.contract import Topics
from stream_cw.clients.delivery import BATCH_BYTES, Delivery, ctrl_c, replay_producer
from stream_cw.clients.letter_filter import Filter, parse_origin
from stream_cw.clients.letters import Found, letters
from stream_cw.clients.progress import Window
from stream_cw.clients.topic import describe
from stream_cw.core.events import decode_event
from stream_cw.core.partition import partition_for
from stream_cw.core.records import Record, admit
from stream_cw.errors import InputError, RefusedRecordError

CHUNK: Final = 100
"""Letters that are sent before theirs are taken away."""

Origin = tuple[int, int]


class Mended(Struct, frozen=True, forbid_unknown_fields=True):
    """A line of mended records.

    Attributes
    ----------
    origin : str
        Of the refused record, `PARTITION:OFFSET`.
    value : msgspec.Raw
        The event, as it is to be sent.
    key : str or None
        The event's `profile_id` if left out.
    """

    origin: str
    value: msgspec.Raw
    key: str | None = None


class Plan(Struct, frozen=True):
    """What is to become of a letter.

    Attributes
    ----------
    found : Found
    record : Record
        What would be sent, and to which partition.
    refusal : RefusedRecordError or None
        Why it is not: it would only be refused again.
    """

    found: Found
    record: Record
    refusal: RefusedRecordError | None


class LettersReplay(Struct):
    """How many letters were sent again, and how many were left, still refused."""

    sent: int = 0
    left: int = 0


_decoder: Final = msgspec.json.Decoder(Mended)


def read_mended(lines: Iterable[bytes], name: str) -> dict[Origin, Mended]:
    """Read mended records, one JSON object a line.

    Parameters
    ----------
    lines : iterable of bytes
    name : str
        Of the file, for messages.

    Raises
    ------
    InputError
        If a line is none, or an origin stands twice; the message names the line.
    """
    found: dict[Origin, Mended] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            mended = _decoder.decode(line)
            origin = parse_origin(mended.origin)
        except (msgspec.DecodeError, ValueError) as error:
            raise InputError(f"{name}, line {number}: {error}") from None
        if origin in found:
            raise InputError(f"{name}, line {number}: {mended.origin} stands twice")
        found[origin] = mended
    return found


def judge(found: Found, partitions: int, now_ms: int, mended: Mended | None = None) -> Plan:
    """Say what would be sent for a letter, and whether today's decoder takes it.

    Parameters
    ----------
    found : Found
    partitions : int
        Of the event topic; a record goes to the one of its key.
    now_ms : int
        As append time.
    mended : Mended, optional
        Sent in its place.
    """
    letter = found.letter
    key, value = (letter.key, letter.value) if mended is None else _mended(mended)
    place = partition_for(key or b"", partitions)
    record = Record(key, value, place, 0, now_ms)
    refusal = None
    try:
        if mended is None and letter.value_bytes is not None:
            raise RefusedRecordError("too_large", f"{letter.value_bytes} bytes, the letter is cut")
        admit(record, partitions)
    except RefusedRecordError as error:
        refusal = error
    return Plan(found, record, refusal)


def _mended(mended: Mended) -> tuple[bytes | None, bytes]:
    value = bytes(mended.value)
    if mended.key is not None:
        return mended.key.encode(), value
    try:
        return decode_event(value).profile_id.encode(), value
    except RefusedRecordError:
        return None, value  # it will be told why


def plan(
    brokers: Brokers,
    topics: Topics,
    wanted: Filter,
    mended: Mapping[Origin, Mended] | None = None,
    *,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> Iterator[Plan]:
    """Judge the letters that are meant: those of the filter, or those that were mended.

    Raises
    ------
    InputError
        If a mended record's letter is not there; before anything is yielded.
    BrokerError, TopicMismatchError
        As for `letters`.
    """
    partitions = describe(brokers, topics.events).partitions
    if mended is None:
        for found in letters(brokers, topics.dead_letters, wanted):
            yield judge(found, partitions, now_ms())
        return
    there = {
        origin: found
        for found in letters(brokers, topics.dead_letters, wanted)
        if (origin := (found.letter.partition, found.letter.offset)) in mended
    }
    if missing := [one.origin for origin, one in mended.items() if origin not in there]:
        raise InputError(f"{topics.dead_letters}: no dead letter of {', '.join(missing)}")
    for origin, one in mended.items():
        yield judge(there[origin], partitions, now_ms(), one)


def replay_letters(
    brokers: Brokers, topics: Topics, plans: Iterable[Plan], *, leave: Callable[[Plan], None]
) -> LettersReplay:
    """Send what today's decoder takes, and take its letters away.

    Parameters
    ----------
    brokers : str or Connection
    topics : Topics
    plans : iterable of Plan
    leave : callable
        Called with each that is not sent.

    Raises
    ------
    BrokerError
        If the broker is not reached, refuses a record, or acknowledges nothing for a minute.
    TopicMismatchError
        If a topic is missing.
    """
    report = LettersReplay()
    with ctrl_c() as interrupted:
        events = _delivery(brokers, topics.events, interrupted)
        taken = _delivery(brokers, topics.dead_letters, interrupted)
        try:
            rest = iter(plans)
            while chunk := list(islice(rest, CHUNK)):
                good = [one for one in chunk if one.refusal is None]
                for one in chunk:
                    if one.refusal is not None:
                        leave(one)
                for one in good:
                    events.produce(one.record)
                events.drain()
                for one in good:
                    taken.produce(Record(one.found.record.key, None, 0, 0))
                taken.drain()
                report.sent += len(good)
                report.left += len(chunk) - len(good)
        except BaseException:
            events.interrupt()
            raise
    return report


def _delivery(brokers: Brokers, topic: str, interrupted: Callable[[], bool]) -> Delivery:
    most_bytes = int(describe(brokers, topic).settings.get("max.message.bytes", BATCH_BYTES))
    return Delivery(
        replay_producer(brokers, most_bytes=most_bytes),
        topic,
        Window(0),
        keep=lambda _prefix: None,  # a letter that was sent is gone: there is nothing to go on with
        clock=time.monotonic,
        is_interrupted=interrupted,
    )
