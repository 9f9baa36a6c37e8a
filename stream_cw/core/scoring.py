"""What orders the row and says how likely it is wanted."""

from typing import Final, NamedTuple, Protocol

from stream_cw.core.candidates import Candidates
from stream_cw.core.columns import LAST, Ints
from stream_cw.core.placement import resume_share
from stream_cw.core.rows import ModelRef
from stream_cw.core.state import ProfileState

RECENTLY_WATCHED: Final = "recently_watched"
"""Why a show is in the row at all: the reason where no other speaks for it."""


class Ranking(NamedTuple):
    """What a scorer says of a row's candidates.

    Attributes
    ----------
    scores : ndarray of int64, shape (n,)
        One for each candidate; the greatest stands first.
    reasons : list of str
        Why each stands where it stands.
    p_continue : int
        Likelihood, in micro-units, that the session goes on with one of them.
    method : str
        How that was estimated.
    """

    scores: Ints
    reasons: list[str]
    p_continue: int
    method: str


class Scorer(Protocol):
    """Ranks the candidates of a row for a device at the state's now."""

    @property
    def ref(self) -> ModelRef:
        """What the row names as its model."""
        ...

    def rank(self, state: ProfileState, slot: int, found: Candidates) -> Ranking:
        """Rank candidates for the device in a slot of the state.

        Parameters
        ----------
        state : ProfileState
        slot : int
        found : Candidates
            At least one.

        Returns
        -------
        Ranking
        """
        ...


class Recency:
    """The strong baseline: last played, first shown. A score is the last play's time, ms."""

    ref: Final = ModelRef("recency", None)

    def rank(self, state: ProfileState, slot: int, found: Candidates) -> Ranking:  # noqa: ARG002
        """Rank by last play; see `Scorer`."""
        scores = found.shows[LAST]
        reasons = [RECENTLY_WATCHED] * len(scores)
        return Ranking(scores, reasons, resume_share(state), "resume_share")
