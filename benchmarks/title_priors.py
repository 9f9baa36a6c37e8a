"""What title priors add, on simulated members: `python -m benchmarks.title_priors`.

Members of one world, so that all choose from the same titles. A ranking is fitted to some of them
with what the others of them tell of titles, and without, and both are judged on the rest.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from stream_cw.core.compiled_model import CompiledAdditive
from stream_cw.core.features import TITLE_FEATURES
from stream_cw.history.log import EventLog
from stream_cw.history.simulator import simulate
from stream_cw.model.additive import Examples, Shape, fit_choice
from stream_cw.model.bootstrap import Estimate, cluster_means
from stream_cw.model.dataset import make_dataset
from stream_cw.model.heldout import target_places
from stream_cw.model.priors import fit_priors, with_priors
from stream_cw.model.settings import RANKING
from stream_cw.model.training import examples_of

_NAMES: Final = frozenset(feature.name for feature in TITLE_FEATURES)
WITHOUT: Final = RANKING._replace(
    features=tuple(name for name in RANKING.features if name not in _NAMES)
)


class Lift(NamedTuple):
    """What priors add on profiles that were left out.

    Attributes
    ----------
    titles : int
        Of how many the priors tell.
    told : float
        Share of the judged candidates whose title is one of them.
    continuations : int
    with_them, without : float
        P@1 over all continuations.
    lift : Estimate
        The difference, profiles drawn.
    """

    titles: int
    told: float
    continuations: int
    with_them: float
    without: float
    lift: Estimate


def measure(members: Examples, learn_from: int) -> Lift:
    """Fit to the first profiles, and judge the rest."""
    seen = members.where(members.group < learn_from)
    unseen = members.where((members.group >= learn_from) & members.continued)
    learnt, judged = with_priors(seen, seen), with_priors(unseen, seen)
    with_them, without = (_hits(shape, learnt, judged) for shape in (RANKING, WITHOUT))
    priors = fit_priors(seen).titles
    known = np.isin(judged.shows, np.array([int(name, 16) for name in priors], np.uint64))
    return Lift(
        len(priors),
        float(known.mean()),
        len(judged.target),
        float(with_them.mean()),
        float(without.mean()),
        cluster_means((with_them - without)[:, None], list(map(str, judged.group)))[0],
    )


def _hits(shape: Shape, seen: Examples, unseen: Examples) -> NDArray[np.float64]:
    scores = CompiledAdditive(fit_choice(shape, seen)).score(unseen.codes)
    return (target_places(scores, unseen) == 0).astype(np.float64)


def main(
    seen: Annotated[int, typer.Option(min=2, help="Profiles to learn from.")] = 300,
    unseen: Annotated[int, typer.Option(min=2, help="Profiles to judge on.")] = 300,
    days: Annotated[int, typer.Option(min=2, help="Of each profile.")] = 90,
    seed: Annotated[int, typer.Option(help="Of the world.")] = 1,
) -> None:
    """Print P@1 with and without title priors, and the difference with its interval."""
    with TemporaryDirectory() as name:
        path = Path(name) / "members.jsonl"
        with path.open("wb") as log:
            simulate(seen + unseen, days, seed, log)
        found = measure(examples_of(make_dataset([EventLog(path)])), seen)
    low, value, high = (
        100 * (x or 0.0) for x in (found.lift.low, found.lift.value, found.lift.high)
    )
    Console().print(
        f"{found.titles} titles, {found.told:.0%} of the judged candidates; "
        f"{found.continuations:,} continuations\n"
        f"P@1 with title priors {found.with_them:.4f}, without {found.without:.4f}: "
        f"{value:+.2f} points [{low:+.2f}, {high:+.2f}]"
    )


if __name__ == "__main__":
    typer.run(main)
