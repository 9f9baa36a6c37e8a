"""How near the learned row comes to what simulated members do: `python -m benchmarks.learned_on_simulator`.

A model is fitted to some simulated profiles and judged on others, through the row that the worker
would publish, beside recency and beside the truth: the very chances that the simulator drew from.
Then the same is done for members without device habits, to whom device features can be of no use.
"""  # noqa: E501 - the command is one line

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from stream_cw.core.candidates import candidates
from stream_cw.core.compiled_model import CompiledAdditive
from stream_cw.core.features import SHOW_FEATURES
from stream_cw.core.learned import Learned
from stream_cw.core.model import MICRO
from stream_cw.core.row import RECENCY, View, row
from stream_cw.core.rows import ModelRef
from stream_cw.core.state import find_device
from stream_cw.history.catalog_file import read_works
from stream_cw.history.log import EventLog
from stream_cw.history.simulator import SessionTruth, read_truth, simulate
from stream_cw.model.additive import Examples, Shape, fit_choice
from stream_cw.model.bootstrap import Estimate, cluster_means, cluster_ratios
from stream_cw.model.dataset import make_dataset
from stream_cw.model.heldout import target_places
from stream_cw.model.metrics import ece, reliability
from stream_cw.model.openings import Opening, openings
from stream_cw.model.settings import RANKING
from stream_cw.model.training import examples_of, train

METHODS: Final = ("dedicated", "combined")
DEVICE_FEATURES: Final = frozenset(f.name for f in SHOW_FEATURES if f.reason == "on_this_device")
WITHOUT_DEVICE: Final = RANKING._replace(
    features=tuple(name for name in RANKING.features if name not in DEVICE_FEATURES),
    pairs=tuple(pair for pair in RANKING.pairs if not DEVICE_FEATURES & set(pair)),
)
CLOSED_WANTED: Final = 0.6
ECE_WANTED: Final = 0.02

Floats = NDArray[np.float64]


class World(NamedTuple):
    """Simulated members: log, catalog, and the truth at each session_start by its event id."""

    log: EventLog
    works: dict[str, bytes]
    truths: dict[str, SessionTruth]


class Judged(NamedTuple):
    """A scored session and what each knew of it.

    Attributes
    ----------
    profile : str
    continued : bool
        A continuation by the log.
    model, recency, truth : bool
        Its target is the first tile; is the show that was most likely.
    chance : float
        The true probability that the session goes on with one of the model's tiles.
    told : tuple of float
        The model's estimates of it, by `METHODS`.
    """

    profile: str
    continued: bool
    model: bool
    recency: bool
    truth: bool
    chance: float
    told: tuple[float, ...]


class Findings(NamedTuple):
    """Figures on profiles that the model had not seen.

    Attributes
    ----------
    sessions, continuations : int
        Scored sessions whose truth is told; the second are what P@1 runs over.
    p_at_1 : tuple of float
        Of recency, the model, the truth.
    closed : Estimate
        Which part of the way from recency's P@1 to the truth's the model goes; profiles drawn.
    ece : tuple of float
        By `METHODS`: mean distance between estimate and true probability, over 15 bins of equal
        counts, ordered by the estimate, of the means in each.
    """

    sessions: int
    continuations: int
    p_at_1: tuple[float, float, float]
    closed: Estimate
    ece: tuple[float, ...]


def world(
    directory: Path, profiles: int, days: int, seed: int, *, device_habits: bool = True
) -> World:
    """Simulate members into a directory, of which files are named after the seed."""
    log, truth, catalog = (directory / f"{seed}.{name}" for name in ("jsonl", "truth", "catalog"))
    with log.open("wb") as events, truth.open("wb") as told, catalog.open("wb") as entries:
        simulate(profiles, days, seed, events, told, entries, device_habits=device_habits)
    with truth.open("rb") as lines:
        sessions = (each for each in read_truth(lines) if isinstance(each, SessionTruth))
        truths = {each.event_id: each for each in sessions if each.scored}
    return World(EventLog(log), read_works(catalog), truths)


def examples(members: World) -> Examples:
    """Lay out the scored sessions of a world.

    Nothing is learnt of single titles: those of another world have the same ids.
    """
    found = examples_of(make_dataset([members.log], works=members.works))
    return found._replace(household=np.full_like(found.household, -1))


def fitted(seen: Examples) -> Learned:
    """Fit ranking, placement and calibration."""
    model, _ = train(seen)
    return Learned(model, ModelRef("simulated", None))


def judge(scorer: Learned, members: World) -> Iterator[Judged]:
    """Hold the rows of a model to the truth, at each scored session that the truth tells of."""
    for opening in openings(members.log):
        truth = members.truths.get(opening.session.opening or "")
        if truth is not None and truth.shows:
            yield _judged(View(scorer=scorer, works=members.works), scorer, opening, truth)


def _judged(view: View, scorer: Learned, opening: Opening, truth: SessionTruth) -> Judged:
    session, state = opening.session, opening.state
    seat = (state, session.profile_id, session.device_id)
    tiles = [tile.show_id for tile in row(*seat, view).tiles]
    recent = [tile.show_id for tile in row(*seat, RECENCY).tiles]
    likeliest = max(truth.shows, key=lambda show: (truth.shows[show], show))
    told = dict.fromkeys(METHODS, 0)
    slot = find_device(state, session.device_id)
    if tiles and slot is not None:
        told = scorer.placements(state, slot, candidates(state, view.policy, view.works))
    return Judged(
        session.profile_id,
        session.kind == "continuation",
        tiles[:1] == [session.target],
        recent[:1] == [session.target],
        likeliest == session.target,
        sum(truth.shows.get(show, 0) for show in tiles) / MICRO,
        tuple(told[method] / MICRO for method in METHODS),
    )


def findings(judged: list[Judged]) -> Findings:
    """Sum sessions up."""
    continued = [each for each in judged if each.continued]
    hits = np.array([(each.recency, each.model, each.truth) for each in continued], np.float64)
    profiles = np.array([each.profile for each in continued])
    gaps = np.stack([hits[:, 1] - hits[:, 0], hits[:, 2] - hits[:, 0]], axis=1)
    of_profile = np.stack([gaps[profiles == one].sum(axis=0) for one in np.unique(profiles)])
    chance = np.array([each.chance for each in judged])
    told = np.array([each.told for each in judged])
    recency, model, truth = hits.mean(axis=0).tolist()
    return Findings(
        len(judged),
        len(continued),
        (recency, model, truth),
        cluster_ratios(of_profile[:, :1], of_profile[:, 1])[0],
        tuple(ece(reliability(estimates, chance)) or 0.0 for estimates in told.T),
    )


def device_lift(seen: Examples, unseen: Examples) -> Estimate:
    """P@1 with the device features minus without, each fitted anew; profiles drawn."""
    unseen = unseen.where(unseen.continued)
    with_them, without = (_hits(shape, seen, unseen) for shape in (RANKING, WITHOUT_DEVICE))
    names = [str(profile) for profile in unseen.group]
    return cluster_means((with_them - without)[:, None], names)[0]


def _hits(shape: Shape, seen: Examples, unseen: Examples) -> Floats:
    scores = CompiledAdditive(fit_choice(shape, seen)).score(unseen.codes)
    return (target_places(scores, unseen) == 0).astype(np.float64)


def main(
    profiles: Annotated[int, typer.Option(min=2, help="To learn from; as many to judge on.")] = 100,
    days: Annotated[int, typer.Option(min=2, help="Of each profile.")] = 120,
    seed: Annotated[int, typer.Option(help="Of the first world; the others have the next.")] = 1,
) -> None:
    """Print the gap that a model closes, its ECE against the truth, and the negative control."""
    with TemporaryDirectory() as name, Console(stderr=True).status("") as status:
        directory = Path(name)

        def simulated(number: int, *, device_habits: bool = True) -> World:
            status.update(f"simulating world {number + 1} of 4")
            return world(directory, profiles, days, seed + number, device_habits=device_habits)

        seen, unseen = simulated(0), simulated(1)
        status.update("fitting")
        learnt = examples(seen)
        scorer = fitted(learnt)
        status.update("judging")
        found = findings(list(judge(scorer, unseen)))
        status.update("leaving the device out")
        lift = device_lift(learnt, examples(unseen))
        control = [examples(simulated(number, device_habits=False)) for number in (2, 3)]
        no_lift = device_lift(*control)
    _tell(found, lift, no_lift, Console())


def _tell(found: Findings, lift: Estimate, no_lift: Estimate, console: Console) -> None:
    table = Table("figure", "found", "wanted", box=None)
    recency, model, truth = found.p_at_1
    table.add_row("scored sessions, continuations", f"{found.sessions:,}, {found.continuations:,}")
    table.add_row("P@1 of recency, model, truth", f"{recency:.4f}, {model:.4f}, {truth:.4f}")
    table.add_row("part of the gap closed", _interval(found.closed, 1), f"{CLOSED_WANTED} or more")
    for method, error in zip(METHODS, found.ece, strict=True):
        table.add_row(f"ECE against the truth, {method}", f"{error:.4f}", f"{ECE_WANTED} or less")
    table.add_row("points that device features give", _interval(lift, 100), "above 0")
    table.add_row("the same without device habits", _interval(no_lift, 100), "0 in the interval")
    console.print(table)


def _interval(estimate: Estimate, unit: int) -> str:
    low, value, high = (unit * (x or 0.0) for x in (estimate.low, estimate.value, estimate.high))
    return f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"


if __name__ == "__main__":
    typer.run(main)
