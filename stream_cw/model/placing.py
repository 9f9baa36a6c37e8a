"""How well the estimated chance of a continuation tells sessions apart."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from stream_cw.model.comparison import Judged
from stream_cw.model.metrics import Bin, Bools, Ints, auc, brier, ece, reliability
from stream_cw.model.outcomes import Outcome

_MICRO: Final = 1_000_000
_STEPS: Final = 40


class ExpectedCost(Struct, frozen=True):
    """What the errors of a placement cost a session, where both costs add up to 1.

    Attributes
    ----------
    ratio : float
        Cost of a row that stands high and is not wanted. It is also the threshold: the row stands
        high from this probability on (`core.placement`).
    cost : float
    """

    ratio: float
    cost: float


class Placing(Struct, frozen=True, kw_only=True):
    """How well a method tells the sessions that go on with a tile from all others.

    Attributes
    ----------
    n, positive : int
        Scored sessions whose row has a tile; those of them whose target is among the tiles.
    auc, auc_discovery : float or None
        Against all the others; against discovery alone.
    brier, ece : float or None
    bins : list of Bin
        The reliability diagram.
    costs : list of ExpectedCost
        The cost curve; empty where there is no session.
    """

    n: int
    positive: int
    auc: float | None
    auc_discovery: float | None
    brier: float | None
    ece: float | None
    bins: list[Bin]
    costs: list[ExpectedCost]


def placing(judged: Iterable[Judged]) -> dict[str, Placing]:
    """Judge each method over the sessions whose row has a tile.

    Parameters
    ----------
    judged : iterable of Judged
        Scored sessions of all kinds, in any order.

    Returns
    -------
    dict of str to Placing
        By method: the model's, and that of recency's row.
    """
    found: dict[str, list[tuple[int, Outcome]]] = defaultdict(list)
    for each in judged:
        methods = dict.fromkeys(each.recency.p, each.recency) | dict.fromkeys(
            each.model.p, each.model
        )
        for method, made in methods.items():
            if made.tiles:
                found[method].append((made.p[method], made))
    return {method: _placing(found[method]) for method in sorted(found)}


def _placing(forecasts: Sequence[tuple[int, Outcome]]) -> Placing:
    micro = np.array([micro for micro, _ in forecasts], np.int64)
    p = micro / _MICRO
    positive = np.array([made.rank is not None for _, made in forecasts])
    discovery = np.array([made.session.kind == "discovery" for _, made in forecasts])
    bins = reliability(p, positive)
    told = positive | discovery
    return Placing(
        n=len(p),
        positive=int(positive.sum()),
        auc=auc(p, positive),
        auc_discovery=auc(p[told], positive[told]),
        brier=brier(p, positive),
        ece=ece(bins),
        bins=bins,
        costs=_costs(micro, positive) if len(micro) else [],
    )


def _costs(micro: Ints, positive: Bools) -> list[ExpectedCost]:
    """Price the errors of the threshold that belongs to each ratio of costs.

    Hernandez-Orallo, Flach and Ferri, *Brier curves: a new cost-based visualisation of classifier
    performance*, ICML 2011; twice the area under the curve is the Brier score.
    """
    found = []
    for step in range(1, _STEPS):
        high = micro * _STEPS >= step * _MICRO
        wrong = step * int((high & ~positive).sum()) + (_STEPS - step) * int(
            (~high & positive).sum()
        )
        found.append(ExpectedCost(step / _STEPS, wrong / (_STEPS * len(micro))))
    return found
