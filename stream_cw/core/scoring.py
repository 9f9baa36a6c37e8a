"""What orders the row."""

from typing import Final, NamedTuple, Protocol

from stream_cw.core.rows import ModelRef
from stream_cw.core.show import Glimpse
from stream_cw.core.state import Device, ProfileState


class Candidate(NamedTuple):
    """A show that belongs in the row: its id, its head, and all of it, packed."""

    show_id: str
    head: Glimpse
    packed: bytes


class Scorer(Protocol):
    """Gives each candidate of a row an integer score; the greatest stands first."""

    @property
    def ref(self) -> ModelRef:
        """What the row names as its model."""
        ...

    def score(
        self, state: ProfileState, device: Device, candidates: list[Candidate]
    ) -> list[tuple[int, str]]:
        """Score candidates for a device at the state's now.

        Parameters
        ----------
        state : ProfileState
        device : Device
        candidates : list of Candidate

        Returns
        -------
        list of (score, reason)
            In the candidates' order.
        """
        ...


class Recency:
    """The strong baseline: last played, first shown. A score is the last play's time, ms."""

    ref: Final = ModelRef("recency", None)

    def score(
        self,
        state: ProfileState,  # noqa: ARG002 - recency looks at the show alone
        device: Device,  # noqa: ARG002
        candidates: list[Candidate],
    ) -> list[tuple[int, str]]:
        """Score by last play; see `Scorer`."""
        return [(candidate.head.last_ts, "recently_watched") for candidate in candidates]
