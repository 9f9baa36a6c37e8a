"""Which letters an order covers: those of its profile, from before the profile was forgotten."""

import pytest

from stream_cw.core.dead_letter import letter_key
from stream_cw.core.letter_erasure import Erasures, erasure_order, is_letter

ANN = b'{"profile_id":"ann","type":"play"}'


def after(*records: tuple[bytes, bytes | None]) -> Erasures:
    erasures = Erasures()
    for at, (key, value) in enumerate(records):
        erasures.note(key, value, at)
    return erasures


def letter(partition: int, offset: int, key: bytes | None = b"ann") -> tuple[bytes, bytes]:
    return letter_key(partition, offset, key), b"\xff"


FORGOTTEN = erasure_order(b"ann", 1, 50)


@pytest.mark.parametrize(
    ("record", "at", "covered"),
    [
        (letter(1, 49), 0, True),
        (letter(1, 49), 9, True),  # repeated behind the order, after a crash
        (letter(1, 51), 0, False),  # of the same round as the order, before it on the topic
        (letter(0, 99), 0, True),
        (letter(0, 9), 9, False),
        (letter(1, 49, b"anna"), 0, False),
        (letter(1, 49, None), 0, False),
        (letter(1, 49, b"1/2/ann"), 0, False),
        ((letter_key(1, 49, None), ANN), 0, True),
        ((letter_key(1, 49, b"bob"), ANN), 0, True),
        ((letter_key(1, 49, None), ANN[:-1]), 0, False),
        ((letter_key(1, 49, None), b'{"profile_id":7}'), 0, False),
        ((letter_key(1, 49, None), b"[" * 100_000), 0, False),
        ((b"no letter's key", ANN), 9, False),
    ],
)
def test_whose_letters_an_order_covers(
    record: tuple[bytes, bytes], at: int, *, covered: bool
) -> None:
    erasures = after(*[(b"other", b"")] * 5, FORGOTTEN)
    assert erasures.covers(*record, at) is covered


def test_the_last_order_of_a_profile_counts() -> None:
    erasures = after(FORGOTTEN, erasure_order(b"ann", 1, 70))
    assert erasures.covers(*letter(1, 69), 0)
    assert not erasures.covers(*letter(1, 71), 0)


def test_a_tombstone_takes_away_what_stands_before_it() -> None:
    erasures = after(letter(1, 1), (letter_key(1, 1, b"ann"), None), letter(1, 1))
    assert [erasures.covers(*letter(1, 1), at) for at in (0, 2)] == [True, False]
    assert not erasures.covers(*letter(1, 2), 0)


def test_an_order_that_cannot_be_read_orders_nothing() -> None:
    erasures = after((FORGOTTEN[0], b"?"), (FORGOTTEN[0], b'{"partition":1}'))
    assert not erasures.has_orders()


def test_letters_are_told_from_the_rest() -> None:
    assert is_letter(*letter(1, 1, None))
    assert not is_letter(letter_key(1, 1, None), None)
    assert not is_letter(*FORGOTTEN)
