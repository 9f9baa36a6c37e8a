"""Settings of ranking and placement, one changed at a time, judged on profiles left out in turn."""

from collections.abc import Iterator
from typing import NamedTuple

from stream_cw.core.features import SESSION_FEATURES
from stream_cw.core.model import PLACEMENT_FEATURES
from stream_cw.model.additive import Examples, Shape
from stream_cw.model.curves import as_fitted, log_odds_of
from stream_cw.model.dataset import DataSet
from stream_cw.model.heldout import HeldOut, held_out
from stream_cw.model.metrics import Floats, auc, brier
from stream_cw.model.settings import INTEREST, RANKING, Settings
from stream_cw.model.training import added_to, examples_of, placed


class Setting(NamedTuple):
    """One point of a sweep.

    Attributes
    ----------
    name : str
    shape : Shape
    share : float
        Weight of added sessions, as a part of the others'.
    """

    name: str
    shape: Shape
    share: float

    def __str__(self) -> str:
        return self.name


def settings(*, simulated: bool) -> Iterator[Setting]:
    """Give the settings in use, and each that differs from them in one thing."""
    yield Setting("as shipped", RANKING, 0.0)
    for penalty in (3.0, 30.0):
        yield Setting(f"penalty {penalty:g}", RANKING._replace(penalty=penalty), 0.0)
    for bins, pair_bins in ((6, 4), (12, 6)):
        shape = RANKING._replace(bins=bins, pair_bins=pair_bins)
        yield Setting(f"{bins} bins, {pair_bins} in pairs", shape, 0.0)
    if simulated:
        for other in (0.02, 0.1, 0.3):
            yield Setting(f"simulated sessions at {other:g}", RANKING, other)
    yield Setting("without pairs", RANKING._replace(pairs=()), 0.0)
    for name in RANKING.features:
        yield Setting(f"without {name}", _without(RANKING, name), 0.0)
    for pair in RANKING.pairs:
        pairs = tuple(other for other in RANKING.pairs if other != pair)
        yield Setting(f"without {pair[0]} x {pair[1]}", RANKING._replace(pairs=pairs), 0.0)


def _without(shape: Shape, name: str) -> Shape:
    return shape._replace(
        features=tuple(other for other in shape.features if other != name),
        pairs=tuple(pair for pair in shape.pairs if name not in pair),
    )


def tried(setting: Setting, data: DataSet, added: DataSet | None) -> HeldOut:
    """Judge a setting.

    Parameters
    ----------
    setting : Setting
    data : DataSet
        Of two profiles or more.
    added : DataSet or None
    """
    more = None
    if added is not None and setting.share > 0:
        more = added_to(data, added, setting.share)
    return held_out(setting.shape, examples_of(data), more)


def placement_settings() -> Iterator[tuple[str, Settings]]:
    """Name the settings of placement in use, and each that differs from them in one thing."""
    yield "as shipped", Settings()
    for penalty in (10.0, 100.0):
        yield f"penalty {penalty:g}", Settings(interest=INTEREST._replace(penalty=penalty))
    yield "8 bins", Settings(interest=INTEREST._replace(bins=8))
    for trees in (60, 240):
        yield f"{trees} trees", Settings(trees=trees)
    for leaf in (30, 150):
        yield f"{leaf} sessions a leaf", Settings(leaf=leaf)
    for feature in SESSION_FEATURES:
        yield (
            f"without {feature.name}",
            Settings(
                interest=_without(INTEREST, feature.name), columns=_columns_without(feature.name)
            ),
        )
    for name in PLACEMENT_FEATURES[len(SESSION_FEATURES) :]:
        yield f"without {name}", Settings(columns=_columns_without(name))


def _columns_without(name: str) -> tuple[str, ...]:
    return tuple(other for other in PLACEMENT_FEATURES if other != name)


class Placed(NamedTuple):
    """How well both ways of placement tell sessions apart, before they are calibrated.

    Attributes
    ----------
    combined, dedicated : tuple of float
        AUC and Brier score.
    """

    combined: tuple[float, float]
    dedicated: tuple[float, float]


def tried_placement(settings: Settings, examples: Examples) -> Placed:
    """Judge a setting of placement.

    Parameters
    ----------
    settings : Settings
    examples : Examples
        Of two profiles or more.
    """
    hazards, log_odds, happened = placed(examples, settings)

    def judged(raw: Floats) -> tuple[float, float]:
        likelihood = as_fitted(raw, happened, examples.weight)(raw)
        return auc(likelihood, happened) or 0.0, brier(likelihood, happened) or 0.0

    return Placed(judged(log_odds_of(hazards)), judged(log_odds.astype(float)))
