"""How well the estimated chance of a continuation tells sessions apart."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from stream_cw.model.comparison import Judged
from stream_cw.model.metrics import Bin, auc, brier, ece, reliability
from stream_cw.model.outcomes import Outcome

_MICRO: Final = 1_000_000


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
    """

    n: int
    positive: int
    auc: float | None
    auc_discovery: float | None
    brier: float | None
    ece: float | None
    bins: list[Bin]


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
    p = np.array([micro for micro, _ in forecasts]) / _MICRO
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
    )
