"""What belongs in the row: started and not finished. Policies are data."""

from typing import Annotated, Final

import numpy as np
from msgspec import Meta, Struct

from stream_cw.core.columns import Bools, Ints
from stream_cw.core.limits import U32

NO_CREDITS: Final = U32
"""Where the credits begin is not known."""


class Policy(Struct, frozen=True, kw_only=True):
    """When a title counts as started and as finished.

    Attributes
    ----------
    started_ms : int
        Watched up to here, a title is started.
    started_per_mille : int
        A film also from this share of its length, whichever is earlier.
    finished_per_mille : int
        Watched up to this share, a title is finished.
    left_ms : int
        Less than this left, a title is finished.
    in_a_row_ms : int or None
        Watched for so long in a row (`binge.watched_in_a_row`), a show gives way to the second
        tile; None is never.
    """

    name: str
    started_ms: int
    started_per_mille: int
    finished_per_mille: int
    left_ms: int
    in_a_row_ms: Annotated[int, Meta(ge=1)] | None = None


WATCH_NEXT: Final = Policy(
    name="watch-next",
    started_ms=120_000,
    started_per_mille=30,
    finished_per_mille=950,
    left_ms=180_000,
)
"""After Android TV's guidelines for its Watch Next row."""


def is_started(policy: Policy, *, series: Bools, position: Ints, duration: Ints) -> Bools:
    """Whether positions are far enough to go on from; an episode has no share of its length.

    Parameters
    ----------
    policy : Policy
    series : ndarray of bool
    position, duration : ndarray of int64
        In ms; a duration of 0 is unknown.
    """
    share = (duration > 0) & (position * 1000 >= duration * policy.started_per_mille)
    return (position >= policy.started_ms) | (~series & share)


def is_finished(policy: Policy, *, position: Ints, duration: Ints, credit: Ints) -> Bools:
    """Whether titles are watched to their end: their credits, else by length; unknown is never.

    Parameters
    ----------
    policy : Policy
    position, duration, credit : ndarray of int64
        In ms; a duration of 0 is unknown, and so is a credits mark of `NO_CREDITS`.
    """
    ended = (duration > 0) & (
        (position * 1000 >= duration * policy.finished_per_mille)
        | (duration - position < policy.left_ms)
    )
    return np.where(credit == NO_CREDITS, ended, position >= credit)
