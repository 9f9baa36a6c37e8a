"""What belongs in the row: started and not finished. Policies are data."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from stream_cw.core.compiled import compiled
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


@compiled
def is_started(
    started_ms: int, started_per_mille: int, series: bool, position: int, duration: int
) -> bool:
    """Whether a position is far enough to go on from; an episode has no share of its length.

    Parameters
    ----------
    started_ms, started_per_mille : int
        Of the policy.
    series : bool
    position, duration : int
        In ms; a duration of 0 is unknown.
    """
    if position >= started_ms:
        return True
    return not series and duration > 0 and position * 1000 >= duration * started_per_mille


@compiled
def is_finished(
    finished_per_mille: int, left_ms: int, position: int, duration: int, credit: int
) -> bool:
    """Whether a title is watched to its end: its credits, else by length; unknown is never.

    Parameters
    ----------
    finished_per_mille, left_ms : int
        Of the policy.
    position, duration, credit : int
        In ms; a duration of 0 is unknown, and so is a credits mark of `NO_CREDITS`.
    """
    if credit != NO_CREDITS:
        return position >= credit
    if duration == 0:
        return False
    return position * 1000 >= duration * finished_per_mille or duration - position < left_ms
