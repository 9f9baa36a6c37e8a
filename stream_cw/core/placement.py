"""How high on the page the row belongs."""

from typing import Final

from stream_cw.core.rows import Placement
from stream_cw.core.state import ProfileState

_PRIOR_RESUMED: Final = 77
_PRIOR_STARTS: Final = 100
"""In tenths of a start: ten starts at .77, the share of returns measured on real accounts."""

_HIGH: Final = 500_000


def resume_share(state: ProfileState) -> int:
    """Estimate the likelihood of continuation, in micro-units, from the share of resumed starts."""
    starts = 10 * (state.resumed + state.started) + _PRIOR_STARTS
    return (10 * state.resumed + _PRIOR_RESUMED) * 1_000_000 // starts


def place(p_continue: int, method: str) -> Placement:
    """Place the row: slot 0 from an even chance on, else slot 1.

    Parameters
    ----------
    p_continue : int
        In micro-units; 0 for an empty row, which has nothing to go on with.
    method : str
        How it was estimated.

    Returns
    -------
    Placement
    """
    return Placement(p_continue=p_continue, slot=0 if p_continue >= _HIGH else 1, method=method)
