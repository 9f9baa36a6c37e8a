"""From data sets to a model: ranking, the chances of single shows, placement, calibration."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stream_cw.core.compiled_model import CompiledAdditive, CompiledCurve
from stream_cw.core.features import (
    FEATURE_NAMES,
    TITLE_FEATURES,
    UNKNOWN,
)
from stream_cw.core.learned import placement_row
from stream_cw.core.model import (
    PLACEMENT_FEATURES,
    Additive,
    Curve,
    Model,
)
from stream_cw.core.rows import MAX_TILES
from stream_cw.model.additive import Examples, Floats, Ints, fit_chance, fit_choice
from stream_cw.model.curves import CALIBRATORS, choose, curve, hazard_curve, log_odds_of
from stream_cw.model.dataset import KINDS, DataSet
from stream_cw.model.priors import fit_priors, with_priors
from stream_cw.model.settings import Settings
from stream_cw.model.trees import fit_trees, scored

PARTS: Final = 5
"""Into how many parts profiles are dealt, each left out in turn."""
CONTINUATION: Final = KINDS.index("continuation")


def examples_of(data: DataSet, *, weight: float = 1.0, first_group: int = 0) -> Examples:
    """Lay a data set out to learn from; sessions without a candidate are left out.

    Nothing is told of titles yet: what may be depends on which profiles are left out, see
    `priors.with_priors`.

    Parameters
    ----------
    data : DataSet
    weight : float
        Of each session.
    first_group : int
        Number of the first profile: data sets that are joined must not share numbers.
    """
    sizes = np.diff(data.bounds)
    session = np.repeat(data.session, sizes, axis=0)
    titles = np.full((len(data.show), len(TITLE_FEATURES)), UNKNOWN, np.uint8)
    examples = Examples(
        np.concatenate([data.show, session, titles], axis=1).T,
        data.bounds,
        data.target.astype(np.int64),
        data.kind == CONTINUATION,
        np.full(len(sizes), weight),
        data.profile.astype(np.int64) + first_group,
        households(data),
        data.shows,
    )
    return examples.where(sizes > 0)


def households(data: DataSet) -> Ints:
    """Tell the households apart, which title priors leave out one at a time.

    Returns
    -------
    ndarray of int64, shape (n,)
        The account; logs that share a profile are one. With one account alone, the profile.
    """
    account, profile = data.account.astype(np.int64), data.profile.astype(np.int64)
    lowest = np.arange(account.max(initial=-1) + 1)
    while True:
        of_profile = np.full(profile.max(initial=-1) + 1, len(lowest))
        np.minimum.at(of_profile, profile, lowest[account])
        joined = lowest.copy()
        np.minimum.at(joined, account, of_profile[profile])
        if np.array_equal(joined, lowest):
            break
        lowest = joined
    found: Ints = lowest[account]
    return found if len(np.unique(found)) > 1 else profile


def added_to(data: DataSet, added: DataSet, share: float) -> Examples:
    """Lay out sessions that help others, such as simulated ones; they tell nothing of titles.

    Parameters
    ----------
    data : DataSet
        What they are added to.
    added : DataSet
    share : float
        Their weight together, as a part of the weight of `data`.
    """
    weight = share * len(data.target) / max(1, len(added.target))
    examples = examples_of(added, weight=weight, first_group=len(data.profiles))
    return examples._replace(household=np.full_like(examples.household, -1))


def folds(group: Ints, count: int) -> Iterator[NDArray[np.bool_]]:
    """Leave out whole profiles in turn: which sessions are left out, `count` times at most.

    The profiles are dealt by size, so that the parts are about equal.
    """
    names, sizes = np.unique(group, return_counts=True)
    order = names[np.argsort(-sizes, kind="stable")]
    for n in range(min(count, len(order))):
        yield np.isin(group, order[n::count])


def in_row(additive: Additive, examples: Examples) -> NDArray[np.bool_]:
    """Whether each session's target is among the tiles that a ranking shows."""
    scores = CompiledAdditive(additive).score(examples.codes)
    found = np.zeros(len(examples.target), bool)
    for n, (start, end) in enumerate(zip(examples.bounds[:-1], examples.bounds[1:], strict=True)):
        target = examples.target[n]
        if target >= 0:
            of_session = scores[start:end]
            found[n] = (of_session > of_session[target]).sum() < MAX_TILES
    return found


def placement_rows(ranking: Additive, examples: Examples) -> Ints:
    """Lay out what the trees look at for each session, shape (n, columns)."""
    utility = CompiledAdditive(ranking).score(examples.codes)
    each = (slice(*ends) for ends in pairwise(examples.bounds))
    return np.array([placement_row(examples.codes[:, at], utility[at]) for at in each])


def total_hazards(interest: Additive, hazard: Curve, examples: Examples) -> Ints:
    """Add up the hazards of each session's candidates, shape (n,)."""
    hazards = CompiledCurve(hazard).read_all(CompiledAdditive(interest).score(examples.codes))
    totals: Ints = np.add.reduceat(hazards, examples.bounds[:-1])
    return totals


def fits(examples: Examples, parts: int = PARTS) -> int:
    """Count what `train` fits: without each part twice, first rankings and then trees, and all."""
    return 2 * min(parts, len(np.unique(examples.group))) + 1


def train(
    examples: Examples,
    settings: Settings = Settings(),  # noqa: B008 - immutable
    *,
    parts: int = PARTS,
    progress: Callable[[], None] = lambda: None,
) -> tuple[Model, dict[str, str]]:
    """Fit a model.

    The trees learn from rankings and chances of models that had not seen the profile, and the
    calibration from trees that had not, or they would trust what they were fitted to.

    Parameters
    ----------
    examples : Examples
        Of two profiles or more.
    settings : Settings
    parts : int
        Into how many parts the profiles are dealt, each left out in turn.
    progress : callable, optional
        Called when a part was fitted, `fits` times.

    Returns
    -------
    model : Model
    calibration : dict of str to str
        Which calibrator was chosen for each way of placement.

    Raises
    ------
    InputError
        If too little is left to learn from where profiles are left out.
    """
    hazard = hazard_curve()
    rows, hazards, happened = _unseen(examples, settings, hazard, parts, progress)
    log_odds = _unseen_log_odds(rows, happened, examples, settings, parts, progress)
    combined, combined_by = _calibrated(hazards, log_odds_of, happened, examples)
    dedicated, dedicated_by = _calibrated(log_odds, _as_they_are, happened, examples)
    told = with_priors(examples, examples)
    model = Model(
        feature_names=FEATURE_NAMES,
        ranking=fit_choice(settings.ranking, told),
        interest=fit_chance(settings.interest, told),
        hazard=hazard,
        combined=combined,
        placement=fit_trees(rows, happened, examples.weight, settings),
        dedicated=dedicated,
        priors=fit_priors(examples),
    )
    progress()
    return model, {"combined": combined_by, "dedicated": dedicated_by}


def placed(examples: Examples, settings: Settings) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Place each session by models that had not seen its profile.

    Returns
    -------
    hazards, log_odds : ndarray of int64, shape (n,)
        Sums of the candidates' hazards; what the trees say. Micro-units, before calibration.
    happened : ndarray of bool, shape (n,)
        The target was among the tiles.
    """
    parts = len(np.unique(examples.group))
    rows, hazards, happened = _unseen(examples, settings, hazard_curve(), parts)
    return hazards, _unseen_log_odds(rows, happened, examples, settings, parts), happened


def _unseen(
    examples: Examples,
    settings: Settings,
    hazard: Curve,
    parts: int,
    progress: Callable[[], None] = lambda: None,
) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Ask models that had not seen the profile: rows for the trees, hazards, and the truth."""
    rows = np.empty((len(examples.target), len(PLACEMENT_FEATURES)), np.int64)
    hazards = np.empty(len(rows), np.int64)
    happened = np.empty(len(rows), bool)
    for left_out in folds(examples.group, parts):
        others = examples.where(~left_out)
        seen = with_priors(others, others)
        unseen = with_priors(examples.where(left_out), others)
        ranking, interest = fit_choice(settings.ranking, seen), fit_chance(settings.interest, seen)
        rows[left_out] = placement_rows(ranking, unseen)
        hazards[left_out] = total_hazards(interest, hazard, unseen)
        happened[left_out] = in_row(ranking, unseen)
        progress()
    return rows, hazards, happened


def _unseen_log_odds(
    rows: Ints,
    happened: NDArray[np.bool_],
    examples: Examples,
    settings: Settings,
    parts: int,
    progress: Callable[[], None] = lambda: None,
) -> Ints:
    log_odds = np.empty(len(rows), np.int64)
    for left_out in folds(examples.group, parts):
        kept = ~left_out
        trees = fit_trees(rows[kept], happened[kept], examples.weight[kept], settings)
        log_odds[left_out] = scored(trees, rows[left_out])
        progress()
    return log_odds


def _as_they_are(log_odds: Ints) -> Floats:
    return log_odds.astype(np.float64)


def _calibrated(
    raw: Ints,
    to_log_odds: Callable[[Ints], Floats],
    happened: NDArray[np.bool_],
    examples: Examples,
) -> tuple[Curve, str]:
    log_odds = to_log_odds(raw)
    name = choose(log_odds, happened, examples.weight, examples.group)
    read = CALIBRATORS[name](log_odds, happened, examples.weight)
    return curve(lambda at: read(to_log_odds(at)), raw), name
