"""What a fetch brought of one partition, as one message."""

from operator import attrgetter
from typing import Any, Final

from msgspec import Struct

LOG_APPEND_TIME: Final = 1
"""How aiokafka marks a time that the broker gave."""
_KEY_SIZE: Final = attrgetter("serialized_key_size")
_VALUE_SIZE: Final = attrgetter("serialized_value_size")


class Batch(Struct, frozen=True):
    """Records of one partition, in order, and the generation that they were fetched in."""

    generation: int
    partition: int
    records: list[Any]
    size: int


class Stretch(Struct, frozen=True):
    """Records of a partition of the changelog, in order, and where the fetch of them began.

    Attributes
    ----------
    start : int
        Where the stretch before ended, or what was sought: between it and the first record
        nothing is left out but what compaction took.
    sought : bool
        Whether it is the first one since the consumer was told to go on there.
    records : list
    """

    start: int
    sought: bool
    records: list[Any]


def size_of(records: list[Any]) -> int:
    """Count the bytes of keys and values of aiokafka's records, nearly."""
    # -1 for what is not there: near enough for a limit, and several times as fast as a loop.
    size: int = sum(map(_VALUE_SIZE, records)) + sum(map(_KEY_SIZE, records))
    return size
