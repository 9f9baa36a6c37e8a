"""Which dead letters are gone: those of a forgotten profile, and those that a tombstone names.

When a profile is forgotten an *order* is written among the dead letters, with the place of the
event that says so. It covers the letters of the profile from before: no reader shows them, and
whoever finds one writes its tombstone, until compaction has taken the bytes. A letter is a
profile's where the refused record's key is its id, or the value is JSON with it as `profile_id`.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct

from stream_cw.core.dead_letter import MAX_LETTER_BYTES, origin_key
from stream_cw.core.decoding import decode_json
from stream_cw.errors import RefusedRecordError

ORDER_PREFIX: Final = b"!forgotten/"
"""Letters' keys begin with a digit, so no letter can have such a key."""


class Order(Struct, frozen=True):
    """Where a profile was forgotten: partition and offset of the event topic."""

    partition: int
    offset: int


class _Who(Struct, frozen=True):
    profile_id: str | None = None


_orders: Final = msgspec.json.Decoder(Order)
_who: Final = msgspec.json.Decoder(_Who)
_encoder: Final = msgspec.json.Encoder()


def erasure_order(profile: bytes, partition: int, offset: int) -> tuple[bytes, bytes]:
    """Make the order to erase a profile's letters; key and value of a record."""
    return ORDER_PREFIX + profile, _encoder.encode(Order(partition, offset))


class Erasures:
    """What the topic says of letters that are gone; bounded by the orders and tombstones there.

    All records of the topic are noted first; then `covers` tells of each letter.
    """

    def __init__(self) -> None:
        self._orders: dict[bytes, tuple[Order, int]] = {}
        self._tombstones: dict[bytes, int] = {}

    def note(self, key: bytes | None, value: bytes | None, at: int) -> None:
        """Note a record and its offset, in order; only orders and tombstones say something."""
        if key is None:
            return
        if value is None:
            self._tombstones[key] = at
        elif key.startswith(ORDER_PREFIX):
            try:
                self._orders[key.removeprefix(ORDER_PREFIX)] = _orders.decode(value), at
            except msgspec.DecodeError:  # nobody of ours wrote it
                return

    def has_orders(self) -> bool:
        """Whether any profile was forgotten."""
        return bool(self._orders)

    def covers(self, key: bytes, value: bytes, at: int) -> bool:
        """Tell whether a letter is gone, by its key, value and offset on the letters' topic."""
        return self.has_tombstone(key, at) or self.is_ordered(key, value, at)

    def has_tombstone(self, key: bytes, at: int) -> bool:
        """Tell whether a tombstone stands behind a letter."""
        return at < self._tombstones.get(key, -1)

    def is_ordered(self, key: bytes, value: bytes, at: int) -> bool:
        """Tell whether the letter's profile was forgotten after it.

        Within the partition of the order its offset decides, so that a letter which is repeated
        behind the order, after a crash, is covered too; among others the place on the topic does.
        """
        if not self._orders:
            return False
        partition, offset = _place(key)
        for profile in _profiles(key, value):
            if profile in self._orders:
                order, ordered_at = self._orders[profile]
                if offset < order.offset if partition == order.partition else at < ordered_at:
                    return True
        return False


def is_letter(key: bytes | None, value: bytes | None) -> bool:
    """Tell a letter from a tombstone and from an order."""
    return value is not None and not (key or b"").startswith(ORDER_PREFIX)


def _place(key: bytes) -> tuple[int, int]:
    parts = key.split(b"/", 2)
    try:
        return int(parts[0]), int(parts[1])
    except (IndexError, ValueError):
        return -1, -1


def _profiles(key: bytes, value: bytes) -> Iterator[bytes]:
    if (own := origin_key(key)) is not None:
        yield own
    try:
        named = decode_json(_who, value, MAX_LETTER_BYTES).profile_id
    except RefusedRecordError:
        return
    if named is not None:
        yield named.encode()
