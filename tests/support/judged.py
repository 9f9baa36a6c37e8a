"""Sessions made by hand, and scorers that know more than they should."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from stream_cw.core.candidates import Candidates
from stream_cw.core.rows import ModelRef
from stream_cw.core.scoring import Ranking, Recency
from stream_cw.core.state import ProfileState
from stream_cw.model.comparison import Judged
from stream_cw.model.labels import Session
from stream_cw.model.openings import Opening
from stream_cw.model.outcomes import Outcome

HOUR = 3_600_000
BEGIN = 1_700_000_000_000


def a_session(**fields: Any) -> Session:
    """A continuation on a phone, one hour after the last play, unless it is said otherwise."""
    known: dict[str, Any] = {
        "profile_id": "p",
        "opening": "opening",
        "first_play": "play",
        "device_id": "phone-1",
        "device_type": "phone",
        "tz_offset_min": None,
        "ts": BEGIN,
        "target": "show",
        "kind": "continuation",
        "gap_ms": HOUR,
        "switched": False,
        "history": 10,
        "known_ts": BEGIN + 60_000,
    }
    return Session(**known | fields)


def an_outcome(
    session: Session, rank: int | None, p: Mapping[str, int] | None = None, tiles: int = 20
) -> Outcome:
    return Outcome(session, tiles, rank, dict(p or {}))


def judged(
    model: int | None,
    recency: int | None,
    *,
    account: str = "a",
    p: Mapping[str, int] | None = None,
    tiles: int = 20,
    **fields: Any,
) -> Judged:
    """A session in which the target stood at `model` and at `recency` in the two rows."""
    session = a_session(**fields)
    return Judged(
        account, an_outcome(session, model, p, tiles), an_outcome(session, recency, None, tiles)
    )


class Knowing:
    """Puts the target of each session first, or last."""

    def __init__(self, openings: Iterable[Opening], *, last: bool = False) -> None:
        self.ref = ModelRef("worst" if last else "oracle", None)
        self._score = -1 if last else 1
        self._targets = {
            (opening.state.source, opening.session.device_id): opening.session.target
            for opening in openings
        }

    def rank(self, state: ProfileState, slot: int, found: Candidates) -> Ranking:
        target = self._targets.get((state.source, state.devices[slot].device_id))
        scores = self._score * np.array([show_id == target for show_id in found.ids], np.int64)
        return Ranking(scores, ["known"] * len(scores), 500_000, "known")


class Placed(Recency):
    """Recency, with estimates of its own."""

    ref = ModelRef("placed", None)

    def placements(self, state: ProfileState, slot: int, found: Candidates) -> dict[str, int]:
        assert found.ids
        return {"combined": 10 * len(found.ids), "dedicated": len(state.devices) - slot}
