"""The learned scorer: a model's tables as arrays, read and added in compiled loops."""

from typing import Final

import numpy as np

from stream_cw.core.candidates import Candidates
from stream_cw.core.columns import Ints
from stream_cw.core.compiled import loop
from stream_cw.core.compiled_model import (
    FOREST,
    TABLES,
    Codes,
    CompiledAdditive,
    CompiledCurve,
    CompiledTrees,
    Forest,
    Tables,
    explain,
    walk,
)
from stream_cw.core.extraction import FACTS, Facts, extract, facts, feature_codes
from stream_cw.core.features import FEATURE_NAMES, FEATURES, SESSION_FEATURES, SHOW_FEATURES
from stream_cw.core.model import TOP_FEATURES, Model
from stream_cw.core.priors import CompiledPriors
from stream_cw.core.rows import ModelRef
from stream_cw.core.scoring import RECENTLY_WATCHED, Ranking
from stream_cw.core.state import ProfileState

_MILLI: Final = 1000
_ALONE: Final = 100_000
"""Margin of a tile that has no second, thousandths: beyond any other."""
_SHOW: Final = len(SHOW_FEATURES)
_FEATURES: Final = len(FEATURES)
_SESSION_END: Final = _SHOW + len(SESSION_FEATURES)
_TOP: Final = np.array([FEATURE_NAMES.index(name) for name in TOP_FEATURES])
_PLACEMENT: Final = _SESSION_END - _SHOW + len(_TOP) + 1
_RECENCY: Final = FEATURE_NAMES.index("recency_rank")


class Learned:
    """A scorer that ranks and places by a model.

    Parameters
    ----------
    model : Model
        Without `faults`.
    ref : ModelRef
    """

    def __init__(self, model: Model, ref: ModelRef) -> None:
        self.ref = ref
        self._ranking = CompiledAdditive(model.ranking)
        self._interest = CompiledAdditive(model.interest)
        self._spoken = (*self._ranking.reasons, RECENTLY_WATCHED)
        """By the number of what lifts a tile; of nothing, -1, the last one."""
        self._priors = CompiledPriors(model.priors)
        self._hazard, self._combined = CompiledCurve(model.hazard), CompiledCurve(model.combined)
        self._trees, self._dedicated = (
            CompiledTrees(model.placement),
            CompiledCurve(model.dedicated),
        )

    def rank(self, state: ProfileState, slot: int, found: Candidates) -> Ranking:
        """Rank by utility, place by the trees; see `scoring.Scorer`."""
        utility, lifts = np.empty((2, len(found.ids)), np.int64)
        log_odds = self._trees.base + _rank(
            facts(state, slot, found, self._priors),
            self._ranking.arrays,
            self._trees.arrays,
            utility,
            lifts,
        )
        reasons = list(map(self._spoken.__getitem__, lifts.tolist()))
        return Ranking(utility, reasons, self._dedicated.read(log_odds), "dedicated")

    def placements(self, state: ProfileState, slot: int, found: Candidates) -> dict[str, int]:
        """Estimate the likelihood of continuation both ways, micro-units."""
        codes = feature_codes(state, slot, found, self._priors)
        row = placement_row(codes, self._ranking.score(codes))
        hazards = self._hazard.read_all(self._interest.score(codes))
        return {
            "combined": self._combined.read(int(hazards.sum())),
            "dedicated": self._dedicated.read(self._trees.score(row)),
        }


def placement_row(codes: Codes, utility: Ints) -> Ints:
    """Lay out what `Trees` look at: the columns of `model.PLACEMENT_FEATURES`.

    Parameters
    ----------
    codes : ndarray of integers, shape (len(FEATURE_NAMES), n)
        Features of the candidates.
    utility : ndarray of int64, shape (n,)
        Of the candidates, micro-units; of equal ones the later played is the first tile.
    """
    row = np.empty(_PLACEMENT, np.int64)
    _lay_out(np.ascontiguousarray(codes, np.int64), utility, row)
    return row


@loop("void(i8[:, ::1], i8[::1], i8[::1])")
def _lay_out(codes: Ints, utility: Ints, row: Ints) -> None:
    first, second = 0, -1
    for n in range(1, len(utility)):
        if utility[n] > utility[first] or (
            utility[n] == utility[first] and codes[_RECENCY, n] < codes[_RECENCY, first]
        ):
            first, second = n, first
        elif second < 0 or utility[n] > utility[second]:
            second = n
    for place in range(_SESSION_END - _SHOW):
        row[place] = codes[_SHOW + place, first]
    for number, feature in enumerate(_TOP):
        row[_SESSION_END - _SHOW + number] = codes[feature, first]
    row[-1] = _ALONE if second < 0 else (utility[first] - utility[second]) // _MILLI


@loop(f"i8({FACTS}, {TABLES}, {FOREST}, i8[::1], i8[::1])")
def _rank(told: Facts, additive: Tables, trees: Forest, utility: Ints, lifts: Ints) -> int:
    """Compute features, score, and walk the trees in one go; give what the trees add."""
    codes = np.empty((_FEATURES, len(utility)), np.int64)
    extract(told, codes)
    explain(codes, additive, utility, lifts)
    row = np.empty(_PLACEMENT, np.int64)
    _lay_out(codes, utility, row)
    return walk(row, trees)
