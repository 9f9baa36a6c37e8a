"""Settings of the ranking, one changed at a time, judged on profiles left out in turn."""

from collections.abc import Iterator
from typing import NamedTuple

from stream_cw.model.additive import Shape
from stream_cw.model.dataset import DataSet
from stream_cw.model.heldout import HeldOut, held_out
from stream_cw.model.training import RANKING, added_to, examples_of


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
        yield Setting(f"without {name}", _without(name), 0.0)
    for pair in RANKING.pairs:
        pairs = tuple(other for other in RANKING.pairs if other != pair)
        yield Setting(f"without {pair[0]} x {pair[1]}", RANKING._replace(pairs=pairs), 0.0)


def _without(name: str) -> Shape:
    return RANKING._replace(
        features=tuple(other for other in RANKING.features if other != name),
        pairs=tuple(pair for pair in RANKING.pairs if name not in pair),
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
