"""What belongs in the row: started and not finished. Policies are data."""

from typing import Final

from msgspec import Struct


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
    """

    name: str
    started_ms: int
    started_per_mille: int
    finished_per_mille: int
    left_ms: int


WATCH_NEXT: Final = Policy(
    name="watch-next",
    started_ms=120_000,
    started_per_mille=30,
    finished_per_mille=950,
    left_ms=180_000,
)
"""After Android TV's guidelines for its Watch Next row."""


def is_started(policy: Policy, *, series: bool, position_ms: int, duration_ms: int | None) -> bool:
    """Whether a position is far enough to go on from; an episode has no share of its length."""
    if position_ms >= policy.started_ms:
        return True
    if series or duration_ms is None:
        return False
    return position_ms * 1000 >= duration_ms * policy.started_per_mille


def is_finished(
    policy: Policy, *, position_ms: int, duration_ms: int | None, credits_ms: int | None
) -> bool:
    """Whether a title is watched to its end: its credits, else by its length; unknown is never."""
    if credits_ms is not None:
        return position_ms >= credits_ms
    if duration_ms is None:
        return False
    return (
        position_ms * 1000 >= duration_ms * policy.finished_per_mille
        or duration_ms - position_ms < policy.left_ms
    )
