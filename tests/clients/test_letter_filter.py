"""Conditions on dead letters, and bytes of others as text."""

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_cw.clients.letter_filter import NAMES, Filter, parse_filter, parse_origin
from stream_cw.clients.printable import printable
from stream_cw.core.dead_letter import DeadLetter
from stream_cw.errors import RefusalReason

REASONS = get_args(RefusalReason)
KEYS = st.none() | st.binary(max_size=12)
ESCAPE = re.compile(
    r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([\\nrt]))|([^\\])", re.DOTALL
)
SHORT = {"\\": "\\", "n": "\n", "r": "\r", "t": "\t"}


def a_letter(reason: str = "bad_json", partition: int = 0, key: bytes | None = b"p") -> DeadLetter:
    return DeadLetter(
        topic="events", partition=partition, offset=1, reason=reason, message="", key=key, value=b""
    )


letters = st.builds(a_letter, st.sampled_from(REASONS), st.integers(0, 4), KEYS)
times = st.integers(0, 10_000)


def bytes_of(text: str) -> bytes:
    """Read escapes back."""
    found = bytearray()
    at = 0
    while at < len(text):
        match = ESCAPE.match(text, at)
        assert match, text[at:]
        byte, short, long, letter, plain = match.groups()
        if byte:
            found.append(int(byte, 16))
        elif short or long:
            found += chr(int(short or long, 16)).encode()
        else:
            found += (plain or SHORT[letter]).encode()
        at = match.end()
    return bytes(found)


HOSTILE = st.sampled_from(
    [b"\x1b[2J", b"\x1b]0;x\x07", b"\x9b", b"\xc2\x9b31m", "\u202e".encode(), b"\\x1b", b"\r\n\t"]
)
PIECES = st.lists(st.binary(max_size=8) | HOSTILE | st.text(max_size=8).map(str.encode)).map(
    b"".join
)


@given(PIECES)
def test_what_is_printed_holds_no_control_character_and_tells_the_bytes(data: bytes) -> None:
    text = printable(data)
    assert text.isprintable()
    assert bytes_of(text) == data


@given(PIECES, st.integers(1, 20))
def test_what_is_too_long_keeps_its_start(data: bytes, most: int) -> None:
    text = printable(data, most)
    whole = printable(data)
    assert len(text) <= most
    assert text == whole or (text.endswith("…") and whole.startswith(text[:-1]))


def test_escapes_are_those_of_python() -> None:
    data = b'{"a":"\xff\x1b[31m\\ \xc3\xbc\xc2\x9b' + "\u202e🎬".encode() + b"\n"
    assert printable(data) == r'{"a":"\xff\x1b[31m\\ ü\u009b\u202e🎬\n'


@given(
    letter=letters,
    at=st.none() | times,
    reasons=st.sets(st.sampled_from(REASONS), max_size=2),
    partitions=st.sets(st.integers(0, 4), max_size=2),
    keys=st.lists(KEYS, max_size=2),
    after=st.none() | times,
    before=st.none() | times,
    order=st.randoms(use_true_random=False),
)
def test_a_filter_takes_what_holds_to_a_condition_of_each_name(
    letter, at, reasons, partitions, keys, after, before, order
) -> None:
    conditions = [f"reason={reason}" for reason in reasons]
    conditions += [f"partition={number}" for number in partitions]
    conditions += [f"key={printable(key or b'')}" for key in keys]
    conditions += [] if after is None else [f"after={after}"]
    conditions += [] if before is None else [f"before={before}"]
    order.shuffle(conditions)
    wanted = (
        (not reasons or letter.reason in reasons)
        and (not partitions or letter.partition in partitions)
        and (not keys or (letter.key or b"") in {key or b"" for key in keys})
        and (after is None or (at is not None and at >= after))
        and (before is None or (at is not None and at < before))
    )
    assert parse_filter(conditions).takes(letter, at) == wanted


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)), st.integers(-840, 840))
def test_times_are_those_of_iso_8601(moment: datetime, offset_min: int) -> None:
    moment = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=offset_min)))
    wanted = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert parse_filter([f"after={moment.isoformat()}"]).after == wanted
    assert parse_filter([f"before={moment.isoformat()}"]) == Filter(before=wanted)


@given(st.text(max_size=20))
def test_any_text_is_a_condition_or_a_value_error(text: str) -> None:
    for condition in (text, f"partition={text}", f"before={text}", f"reason={text}"):
        try:
            parse_filter([condition])
        except ValueError as error:
            assert "wanted" in str(error)  # noqa: PT017 (either outcome is right)


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("reason", "wanted NAME=VALUE with one of reason, partition, key, after, before"),
        ("Reason=bad_json", "wanted NAME=VALUE"),
        ("offset=3", "wanted NAME=VALUE"),
        ("reason=bad", "reason: wanted one of empty, too_large"),
        ("partition=", "partition: wanted a number"),
        ("partition=-1", "partition: wanted a number"),
        ("partition=٣", "partition: wanted a number"),
        ("after=2026-01-31T12:00:00", "after: wanted a time such as"),
        ("before=yesterday", "before: wanted a time such as"),
    ],
)
def test_what_is_no_condition_is_told(condition: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        parse_filter([condition])


def test_the_document_tells_every_reason_and_condition() -> None:
    text = (Path(__file__).parents[2] / "docs" / "dead-letters.md").read_text()
    assert {name for name in (*REASONS, *NAMES) if f"`{name}`" not in text} == set()
    conditions = re.findall(r"--filter (\S+)", text)
    assert conditions
    for condition in conditions:
        parse_filter([condition])


def test_a_time_stands_once() -> None:
    with pytest.raises(ValueError, match="after: wanted once, got 1, 2"):
        parse_filter(["after=1", "after=2"])


def test_an_origin_is_a_partition_and_an_offset() -> None:
    assert parse_origin("3:1041") == (3, 1041)
    for text in ("3", "3:", ":1", "a:1", "3:1:2", "-1:1", "3: 1"):
        with pytest.raises(ValueError, match="wanted"):
            parse_origin(text)
