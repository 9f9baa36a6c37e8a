"""What orders the row."""

from typing import Final, Protocol

from stream_cw.core.rows import ModelRef
from stream_cw.core.show import Show
from stream_cw.core.state import Device, ProfileState


class Scorer(Protocol):
    """Gives each candidate of a row an integer score; the greatest stands first."""

    @property
    def ref(self) -> ModelRef:
        """What the row names as its model."""
        ...

    def score(
        self, state: ProfileState, device: Device, candidates: list[tuple[str, Show]]
    ) -> list[tuple[int, str]]:
        """Score candidates for a device at the state's now.

        Parameters
        ----------
        state : ProfileState
        device : Device
        candidates : list of (show_id, Show)

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
        self, state: ProfileState, device: Device, candidates: list[tuple[str, Show]]
    ) -> list[tuple[int, str]]:
        """Score by last play; see `Scorer`."""
        return [(show.last_ts, "recently_watched") for _, show in candidates]
