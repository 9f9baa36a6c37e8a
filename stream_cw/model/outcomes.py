"""What the row of a session offered, and where the target stood in it."""

from typing import Protocol, runtime_checkable

from msgspec import Struct

from stream_cw.core.candidates import Candidates, candidates
from stream_cw.core.row import View, row
from stream_cw.core.state import ProfileState, find_device
from stream_cw.model.labels import Session
from stream_cw.model.openings import Opening


@runtime_checkable
class Places(Protocol):
    """A scorer that estimates the chance of a continuation in more than one way."""

    def placements(self, state: ProfileState, slot: int, found: Candidates) -> dict[str, int]:
        """Estimate by each method, in micro-units; what is passed is as for `Scorer.rank`."""
        ...


class Outcome(Struct, frozen=True):
    """A session and the row that it was opened with.

    Attributes
    ----------
    session : Session
    tiles : int
    rank : int or None
        Place of the target among the tiles, 0 is the first; None where it is not among them.
    p : dict of str to int
        Estimates of the chance of a continuation by method, in micro-units; those that the scorer
        has, else what the row says.
    """

    session: Session
    tiles: int
    rank: int | None
    p: dict[str, int]


def outcome(opening: Opening, view: View) -> Outcome:
    """Build the row that a view gives at an opening, and find the target in it.

    Parameters
    ----------
    opening : Opening
    view : View

    Returns
    -------
    Outcome
    """
    session, state = opening.session, opening.state
    made = row(state, session.profile_id, session.device_id, view)
    rank = next((n for n, tile in enumerate(made.tiles) if tile.show_id == session.target), None)
    p = {made.placement.method: made.placement.p_continue}
    slot = find_device(state, session.device_id)
    if isinstance(view.scorer, Places) and made.tiles and slot is not None:
        p = view.scorer.placements(state, slot, candidates(state, view.policy, view.works, slot))
    return Outcome(session, len(made.tiles), rank, p)
