"""Dead letters, as they stand on `cw.dead-letters.v1`: the refused bytes, the reason in headers.

The value is the refused record's own, so that a mended producer's record can be compared with it,
or a record that was refused by mistake sent again. Where it came from and why it was refused
stands in headers. The same record may be sent more than once: letters are told apart by their
identity, the origin's topic, partition and offset.

The key is `partition/offset` of the origin, and behind another slash the refused record's own key
where it had one: one key a letter, so that the topic can be compacted and a letter taken away by a
tombstone. `letter_erasure` tells whose letters go. A value that was none is empty, for the same
reason, and a header says so.
"""

import hashlib
from collections.abc import Iterable
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from stream_cw.core.decoding import refused_field
from stream_cw.core.records import Record
from stream_cw.errors import RefusalReason, RefusedRecordError

MAX_LETTER_BYTES: Final = 1_048_588
"""Longest key and value together that is passed on whole: Kafka's default limit of a record.

The dead letters' topic takes 64 KiB more than its source, so every record that an uncompressed
source could hold fits with its headers. (A compressed batch can hold longer ones.)
"""
MAX_KEY_BYTES: Final = 65_536
"""What stays of the key where a record is cut; keys of the event topic have at most 128 bytes."""
MAX_MESSAGE_BYTES: Final = 1_024

Headers = list[tuple[str, bytes]]

_Count = Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,17})\Z")]
_Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class _LetterHeaders(Struct, frozen=True, kw_only=True):
    topic: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,249}\Z")] = field(name="cw-origin-topic")
    partition: Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,8})\Z")] = field(
        name="cw-origin-partition"
    )
    offset: _Count = field(name="cw-origin-offset")
    reason: RefusalReason = field(name="cw-reason")
    message: Annotated[str, Meta(max_length=MAX_MESSAGE_BYTES)] = field(name="cw-message")
    value_null: Literal["true"] | UnsetType = field(name="cw-value-null", default=UNSET)
    value_bytes: _Count | UnsetType = field(name="cw-value-bytes", default=UNSET)
    value_sha256: _Sha256 | UnsetType = field(name="cw-value-sha256", default=UNSET)


_NAMES: Final = frozenset(info.encode_name for info in msgspec.structs.fields(_LetterHeaders))


class DeadLetter(Struct, frozen=True, kw_only=True):
    """A refused record and why it was refused.

    Attributes
    ----------
    topic, partition, offset
        Where the record stands.
    reason : RefusalReason
    message : str
        Names the field and the kind of value found, never the value itself.
    key, value : bytes or None
        The record's own, perhaps cut.
    value_bytes : int or None
        Length of the whole value where it was cut, else None.
    value_sha256 : str or None
        SHA-256 of the whole value where it was cut, hexadecimal, else None.
    """

    topic: str
    partition: int
    offset: int
    reason: RefusalReason
    message: str
    key: bytes | None
    value: bytes | None
    value_bytes: int | None = None
    value_sha256: str | None = None

    def identity(self) -> tuple[str, int, int]:
        """Tell the refused record from every other: its topic, partition and offset."""
        return self.topic, self.partition, self.offset


def dead_letter(
    record: Record,
    topic: str,
    error: RefusedRecordError,
    max_bytes: int = MAX_LETTER_BYTES,
) -> tuple[bytes, bytes, Headers]:
    """Make the dead letter of a refused record.

    Parameters
    ----------
    record : Record
    topic : str
        The topic that the record stands on.
    error : RefusedRecordError
        Why it was refused.
    max_bytes : int, default MAX_LETTER_BYTES
        Longest key and value together that is passed on whole. A longer value keeps its head, and
        its length and SHA-256 are told in headers; of a key beside it `MAX_KEY_BYTES` stay.

    Returns
    -------
    key, value, headers
        As on the dead letters' topic.
    """
    message = error.message.encode("utf-8", "replace")[:MAX_MESSAGE_BYTES]
    headers = [
        ("cw-origin-topic", topic.encode()),
        ("cw-origin-partition", b"%d" % record.partition),
        ("cw-origin-offset", b"%d" % record.offset),
        ("cw-reason", error.reason.encode()),
        ("cw-message", message.decode("utf-8", "ignore").encode()),
    ]
    key, value = record.key, record.value
    if value is None:
        headers.append(("cw-value-null", b"true"))
    if len(key or b"") + len(value or b"") > max_bytes:
        key = key and key[: min(MAX_KEY_BYTES, max_bytes)]
        room = max_bytes - len(key or b"")
        if value is not None and len(value) > room:
            headers.append(("cw-value-bytes", b"%d" % len(value)))
            headers.append(("cw-value-sha256", hashlib.sha256(value).hexdigest().encode()))
            value = value[:room]
    return letter_key(record.partition, record.offset, key), value or b"", headers


def letter_key(partition: int, offset: int, key: bytes | None) -> bytes:
    """Make the key of a dead letter, of its origin's place and key."""
    place = b"%d/%d" % (partition, offset)
    return place if key is None else b"%b/%b" % (place, key)


def origin_key(key: bytes) -> bytes | None:
    """Find the refused record's own key in the key of its letter; None where it had none."""
    parts = key.split(b"/", 2)
    return parts[2] if len(parts) > 2 else None  # noqa: PLR2004 (place, place, key)


def decode_dead_letter(
    key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes | None]]
) -> DeadLetter:
    """Read a dead letter, as `dead_letter` makes it; headers that are not its own are ignored.

    Raises
    ------
    RefusedRecordError
        If a header is missing, stands twice or has a wrong value, or key or value are not those of
        a letter with these headers.
    """
    told = _told(headers)
    partition, offset = int(told.partition), int(told.offset)
    own = origin_key(key or b"")
    if key != letter_key(partition, offset, own):
        raise RefusedRecordError("key_mismatch", "the letter's key is not its origin's place")
    if value is None or (told.value_null is not UNSET and value):
        raise RefusedRecordError("bad_field", "the letter's value is not as `cw-value-null` says")
    return DeadLetter(
        topic=told.topic,
        partition=partition,
        offset=offset,
        reason=told.reason,
        message=told.message,
        key=own,
        value=value if told.value_null is UNSET else None,
        value_bytes=None if told.value_bytes is UNSET else int(told.value_bytes),
        value_sha256=None if told.value_sha256 is UNSET else told.value_sha256,
    )


def _told(headers: Iterable[tuple[str, bytes | None]]) -> _LetterHeaders:
    found: dict[str, str | None] = {}
    for name, content in headers:
        if name not in _NAMES:
            continue
        if name in found:
            raise RefusedRecordError("bad_field", f"the header `{name}` stands twice")
        try:
            found[name] = None if content is None else str(content, "utf-8")
        except UnicodeDecodeError:
            raise RefusedRecordError("bad_utf8", f"the header `{name}` is not UTF-8") from None
    try:
        told = msgspec.convert(found, _LetterHeaders)
    except msgspec.ValidationError as error:
        raise refused_field(error) from None
    if (told.value_bytes is UNSET) != (told.value_sha256 is UNSET):
        raise RefusedRecordError(
            "bad_field", "`cw-value-bytes` and `cw-value-sha256` stand together or not at all"
        )
    return told
