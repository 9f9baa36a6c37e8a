"""What is done with an event, in the worker and in its peers alike: state in, state and rows out.

- full: this project's step. The state is decoded, the event is taken, the row of each device that
  is due is made with the shipped model, the state is encoded. As the worker's, byte for byte.
- filled: the same for profiles of which each begins with a full state.
- trivial: a map of the last 20 titles, and a list of them out. What is left is plumbing.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.histories import filled
from stream_cw.core.codec import decode_state, encode_state
from stream_cw.core.records import Record, admit
from stream_cw.core.row import View, row
from stream_cw.core.rows import SOURCE_OFFSET, SOURCE_PARTITION, encode_row, row_key
from stream_cw.core.state import Source
from stream_cw.core.step import step
from stream_cw.core.warm_up import warm_up
from stream_cw.model.chosen import choose

PARTITIONS: Final = 4
TITLES: Final = 20
_EPOCH: Final = bytes(16)


class Sent(NamedTuple):
    """A record for the rows' topic."""

    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


Job = Callable[[bytes | None, Record], tuple[bytes | None, list[Sent]]]
"""Takes the encoded state of a profile and a record of it; gives the new state and what is sent."""


def full(first: bytes | None = None) -> Job:
    """Make the job of the worker; a profile that is met for the first time has a first state."""
    view = View(scorer=choose("shipped"))
    warm_up(view)

    def run(before: bytes | None, record: Record) -> tuple[bytes | None, list[Sent]]:
        event = admit(record, PARTITIONS)
        before = first if before is None else before
        state = None if before is None else decode_state(before)
        result = step(state, event, Source(_EPOCH, record.partition, record.offset))
        headers = source_of(record)
        sent = [Sent(row_key(event.profile_id, device), None, headers) for device in result.erased]
        after = result.state
        if after is None:
            return None, sent
        for device in result.due:
            value = encode_row(row(after, event.profile_id, device, view))
            sent.append(Sent(row_key(event.profile_id, device), value, headers))
        return encode_state(after), sent

    return run


class _Title(Struct):
    id: str


class _Seen(Struct):
    profile_id: str
    device_id: str
    ts: int
    title: _Title | None = None


class _Listed(Struct):
    ts: int
    titles: list[str]


def trivial() -> Job:
    """Make the job that is next to nothing."""
    decode_event = msgspec.json.Decoder(_Seen).decode
    decode_titles = msgspec.msgpack.Decoder(dict[str, int]).decode
    encode_titles = msgspec.msgpack.Encoder().encode
    encode_list = msgspec.json.Encoder().encode

    def run(before: bytes | None, record: Record) -> tuple[bytes | None, list[Sent]]:
        event = decode_event(record.value or b"")
        titles = {} if before is None else decode_titles(before)
        if event.title is not None:
            titles.pop(event.title.id, None)
            titles[event.title.id] = event.ts
            if len(titles) > TITLES:
                del titles[next(iter(titles))]
        listed = _Listed(event.ts, list(reversed(titles)))
        key = row_key(event.profile_id, event.device_id)
        return encode_titles(titles), [Sent(key, encode_list(listed), source_of(record))]

    return run


def filled_job() -> Job:
    """Make the job of the worker for full profiles."""
    elsewhere = Source(b"\xff" * 16, 0, 0)  # the guard is that of another log
    return full(encode_state(replace(filled(), source=elsewhere)))


JOBS: Final[dict[str, Callable[[], Job]]] = {
    "full": full,
    "filled": filled_job,
    "trivial": trivial,
}


def source_of(record: Record) -> list[tuple[str, bytes]]:
    """Name the event behind a record, as the worker's headers do."""
    return [
        (SOURCE_PARTITION, b"%d" % record.partition),
        (SOURCE_OFFSET, b"%d" % record.offset),
    ]


def place_of(message: Any) -> tuple[int, int]:
    """Read partition and offset of the event behind a row that was consumed."""
    named = dict(message.headers() or [])
    return int(named[SOURCE_PARTITION]), int(named[SOURCE_OFFSET])
