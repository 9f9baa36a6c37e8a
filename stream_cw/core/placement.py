"""How high on the page the row belongs."""

from typing import Final

from stream_cw.core.rows import Placement
from stream_cw.core.state import ProfileState

_PRIOR_RESUMED: Final = 77
_PRIOR_STARTS: Final = 100
"""In tenths of a start: ten starts at .77, the share of returns measured on real accounts."""

_HIGH: Final = 500_000


def place(state: ProfileState, *, tiles: int) -> Placement:
    """Estimate the likelihood of continuation from the share of resumed starts.

    Parameters
    ----------
    state : ProfileState
    tiles : int
        An empty row has nothing to go on with.

    Returns
    -------
    Placement
        Slot 0 from an even chance on, else slot 1.
    """
    starts = 10 * (state.resumed + state.started) + _PRIOR_STARTS
    p = (10 * state.resumed + _PRIOR_RESUMED) * 1_000_000 // starts if tiles else 0
    return Placement(p_continue=p, slot=0 if p >= _HIGH else 1, method="resume_share")
