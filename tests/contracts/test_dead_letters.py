"""A dead letter holds the refused bytes and says where they stood and why they were refused."""

import hashlib

import pytest
from contract_cases import DEAD_LETTERS
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_cw.core.dead_letter import (
    MAX_KEY_BYTES,
    MAX_LETTER_BYTES,
    MAX_MESSAGE_BYTES,
    DeadLetter,
    Headers,
    dead_letter,
    decode_dead_letter,
)
from stream_cw.core.records import Record
from stream_cw.errors import RefusedRecordError

TOPIC = "cw.viewing-events.v1"
BAD_FIELD = RefusedRecordError("bad_field", "Expected `int` >= 0 - at `$.position_ms`")
KAFKA_RECORD_LIMIT = 1_048_588
DEAD_LETTER_TOPIC_LIMIT = KAFKA_RECORD_LIMIT + 65_536
BATCH_AND_RECORD_OVERHEAD = 61 + 5 * 5 + 10
"""Header of a batch, and the longest integers before a record's parts."""


def size_on_the_topic(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    parts = sum(len(name.encode()) + len(content) + 10 for name, content in headers)
    return BATCH_AND_RECORD_OVERHEAD + len(key or b"") + len(value or b"") + parts


@given(
    key=st.none() | st.binary(max_size=20),
    value=st.none() | st.binary(max_size=40),
    partition=st.integers(0, 2**29),
    offset=st.integers(0, 2**59),
    message=st.text(max_size=50),
)
def test_what_is_written_is_read(
    key: bytes | None, value: bytes | None, partition: int, offset: int, message: str
) -> None:
    record = Record(key, value, partition, offset)
    written = dead_letter(record, TOPIC, RefusedRecordError("too_deep", message))
    assert decode_dead_letter(*written) == DeadLetter(
        topic=TOPIC,
        partition=partition,
        offset=offset,
        reason="too_deep",
        message=message,
        key=key,
        value=value,
    )
    headers = {name: content.decode() for name, content in written[2]}
    assert DEAD_LETTERS.validator.is_valid(headers)
    assert decode_dead_letter(*written).identity() == (TOPIC, partition, offset)


@settings(deadline=None)
@given(
    key=st.none() | st.binary(max_size=30),
    value=st.none() | st.binary(max_size=60),
    limit=st.integers(0, 100),
)
def test_only_what_does_not_fit_is_cut_and_then_told(
    key: bytes | None, value: bytes | None, limit: int
) -> None:
    record = Record(key, value, 0, 1)
    letter = decode_dead_letter(*dead_letter(record, TOPIC, BAD_FIELD, max_bytes=limit))
    kept_key, kept = letter.key, letter.value
    assert len(kept_key or b"") + len(kept or b"") <= limit
    assert (kept_key is None, kept is None) == (key is None, value is None)
    if len(key or b"") + len(value or b"") <= limit:
        assert (kept_key, kept) == (key, value)
    if kept == value:
        assert (letter.value_bytes, letter.value_sha256) == (None, None)
    else:
        assert value is not None
        assert kept is not None
        assert value.startswith(kept)
        assert letter.value_bytes == len(value)
        assert letter.value_sha256 == hashlib.sha256(value).hexdigest()


@pytest.mark.parametrize("key_bytes", [0, 10, 128, 70_000, KAFKA_RECORD_LIMIT])
def test_a_record_at_the_brokers_limit_fits_whole_with_the_longest_message(key_bytes: int) -> None:
    key, value = b"k" * key_bytes, b"v" * (KAFKA_RECORD_LIMIT - key_bytes)
    record = Record(key, value, 2**31 - 1, 2**59)
    error = RefusedRecordError("wrong_partition", "ü" * 5_000)
    written = dead_letter(record, "t" * 249, error)
    assert written[:2] == (b"%d/%d/%b" % (record.partition, record.offset, key), value)
    assert size_on_the_topic(*written) <= DEAD_LETTER_TOPIC_LIMIT


@pytest.mark.parametrize(
    ("key_bytes", "value_bytes"), [(0, 3_000_000), (3_000_000, 0), (900_000, 900_000)]
)
def test_a_longer_record_is_cut_to_fit(key_bytes: int, value_bytes: int) -> None:
    record = Record(b"k" * key_bytes, b"v" * value_bytes, 0, 1)
    written = dead_letter(record, TOPIC, BAD_FIELD)
    assert size_on_the_topic(*written) <= DEAD_LETTER_TOPIC_LIMIT
    letter = decode_dead_letter(*written)
    key, value = letter.key, letter.value
    assert key is not None
    assert value is not None
    assert len(key) == min(key_bytes, MAX_KEY_BYTES)
    assert len(value) == min(value_bytes, MAX_LETTER_BYTES - len(key))


def test_a_long_message_is_cut_between_characters() -> None:
    error = RefusedRecordError("bad_field", "x" + "🎬" * 2_000 + "\ud800")
    letter = decode_dead_letter(*dead_letter(Record(b"k", b"v", 0, 1), TOPIC, error))
    assert letter.message == "x" + "🎬" * ((MAX_MESSAGE_BYTES - 1) // 4)


def good() -> Headers:
    return dead_letter(Record(b"k", b"v", 3, 17), TOPIC, BAD_FIELD)[2]


@pytest.mark.parametrize(
    ("headers", "reason", "named"),
    [
        ([], "bad_field", "cw-origin-topic"),
        ([*good(), ("cw-reason", b"bad_json")], "bad_field", "cw-reason"),
        ([*good()[:4], ("cw-message", b"\xff")], "bad_utf8", "cw-message"),
        ([*good()[:4], ("cw-message", None)], "bad_field", "cw-message"),
        ([*good(), ("cw-value-bytes", b"12")], "bad_field", "cw-value-sha256"),
        ([*good()[:3], ("cw-reason", b"Mallory\n'"), good()[4]], "bad_field", "cw-reason"),
    ],
)
def test_bad_headers_are_refused_by_name(
    headers: list[tuple[str, bytes | None]], reason: str, named: str
) -> None:
    with pytest.raises(RefusedRecordError) as refused:
        decode_dead_letter(b"3/17/k", b"v", headers)
    assert refused.value.reason == reason
    assert named in refused.value.message
    assert "Mallory" not in refused.value.message


def test_headers_of_others_may_hold_anything() -> None:
    others = [("traceparent", b"\xff"), ("x", None), ("traceparent", b"again")]
    assert decode_dead_letter(b"3/17/k", b"v", [*others, *good()]).offset == 17


@pytest.mark.parametrize("key", [None, b"", b"k", b"3/17k", b"3/18/k", b"03/17/k", b"3"])
def test_a_key_that_is_not_the_origins_is_refused(key: bytes | None) -> None:
    with pytest.raises(RefusedRecordError) as refused:
        decode_dead_letter(key, b"v", good())
    assert refused.value.reason == "key_mismatch"


def test_no_key_and_an_empty_key_are_told_apart() -> None:
    keys = [None, b"", b"/", b"a/b", b"1/2/3"]
    written = [dead_letter(Record(key, b"v", 3, 17), TOPIC, BAD_FIELD) for key in keys]
    assert len({key for key, *_ in written}) == len(keys)
    assert [decode_dead_letter(*letter).key for letter in written] == keys


def test_a_tombstone_is_no_letter_and_a_null_value_is_empty() -> None:
    for value in (None, b"v"):
        with pytest.raises(RefusedRecordError, match="cw-value-null"):
            decode_dead_letter(b"3/17", value, [*good(), ("cw-value-null", b"true")])
