"""The share of refused records, and the limit at which a worker stops rather than goes on.

A wrong producer would otherwise drain the topic into the dead letters. Off unless a limit is set.
"""

from msgspec import Struct

from stream_cw.errors import TooManyRefusedError


class Limit(Struct, frozen=True):
    """Largest share of refused records that goes on, and among how many of a partition's last."""

    share: float
    window: int


class Refusals:
    """Which of the last records of a partition were refused.

    It is a function of the log: what was seen is kept with the partition's mark, so that a worker
    which comes back stops at the same record, and does not go through the log bit by bit. Records
    from before the first count as admitted.

    Parameters
    ----------
    limit : Limit
    seen : bytes
        As `encoded` gave it, maybe under another limit.
    """

    def __init__(self, limit: Limit, seen: bytes) -> None:
        self._limit = limit
        self._bits = int.from_bytes(seen) & ((1 << limit.window) - 1)
        self._count = self._bits.bit_count()

    def note(self, partition: int, offset: int, *, refused: bool) -> None:
        """Note the next record.

        Raises
        ------
        TooManyRefusedError
            If it is refused, and brings the share over the limit.
        """
        oldest = self._bits >> (self._limit.window - 1)
        self._bits = (self._bits << 1 | refused) & ((1 << self._limit.window) - 1)
        self._count += refused - oldest
        if refused and self._count > self._limit.share * self._limit.window:
            raise TooManyRefusedError(
                f"partition {partition}, offset {offset}: {self._count} of the last "
                f"{self._limit.window} records are refused, the limit is {self._limit.share:.0%} "
                "(STREAM_CW_REFUSED_LIMIT); the worker stops before this round, and would again"
            )

    def share(self) -> float:
        """Share of refused records among the last ones."""
        return self._count / self._limit.window

    def encoded(self) -> bytes:
        """Write down what was seen: a bit for each record, the last one lowest."""
        return self._bits.to_bytes((self._bits.bit_length() + 7) // 8)
