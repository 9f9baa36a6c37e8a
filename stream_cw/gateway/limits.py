"""Not too much at once: of bytes, of events, of streams."""

import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from starlette.requests import ClientDisconnect, Request

from stream_cw.gateway.problems import Problem

MAX_BODY_BYTES: Final = 1_048_576
MAX_REMEMBERED: Final = 100_000
"""Subjects that are remembered; one forgotten may send as after a rest."""
STREAM_RETRY_SECONDS: Final = 5


async def read_body(request: Request, most: int = MAX_BODY_BYTES) -> bytes:
    """Read a request's body, and stop reading where it is too long.

    Raises
    ------
    Problem
        413 past the limit.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise Problem(
                    413, "too_large", f"the limit is {most} bytes", {"connection": "close"}
                )
    except ClientDisconnect:
        raise Problem(400, "cut_short", "the body ended before its end") from None
    return bytes(body)


class Buckets:
    """A token bucket for each subject.

    Parameters
    ----------
    per_second : float
        How fast a bucket fills.
    at_once : int
        How much it holds.
    now : callable
        A monotonic clock, in seconds.
    """

    def __init__(self, per_second: float, at_once: int, now: Callable[[], float]) -> None:
        self._per_second = per_second
        self._at_once = at_once
        self._now = now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, subject: str, count: int) -> None:
        """Take from the subject's bucket.

        Raises
        ------
        Problem
            429 if it does not hold so much, with the time after which it does; nothing is taken.
        """
        now = self._now()
        left, at = self._left.pop(subject, (float(self._at_once), now))
        left = min(self._at_once, left + (now - at) * self._per_second)
        wait = (count - left) / self._per_second
        if wait <= 0:
            left -= count
        self._left[subject] = (left, now)
        if len(self._left) > MAX_REMEMBERED:
            self._left.popitem(last=False)
        if wait > 0:
            raise Problem(
                429,
                "too_many_events",
                f"the limit is {self._per_second:g} events a second",
                {"retry-after": str(math.ceil(wait))},
            )


class StreamLimits:
    """Counts the streams that are open.

    Parameters
    ----------
    most : int
        Of the gateway.
    per_subject : int
    """

    def __init__(self, most: int, per_subject: int) -> None:
        self._most = most
        self._per_subject = per_subject
        self._open: Counter[str] = Counter()
        self.total = 0

    @contextmanager
    def one_more(self, subject: str) -> Iterator[None]:
        """Count a stream for as long as the context lasts.

        Raises
        ------
        Problem
            429 for a subject that has its share, 503 where the gateway is full.
        """
        retry = {"retry-after": str(STREAM_RETRY_SECONDS)}
        if self._open[subject] >= self._per_subject:
            raise Problem(429, "too_many_streams", f"the limit is {self._per_subject}", retry)
        if self.total >= self._most:
            raise Problem(503, "full", "this gateway has no room for another stream", retry)
        self._open[subject] += 1
        self.total += 1
        try:
            yield
        finally:
            self.total -= 1
            self._open[subject] -= 1
            if not self._open[subject]:
                del self._open[subject]
