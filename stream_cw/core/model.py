"""The learned row as it is served: tables of whole numbers, no floating point anywhere.

Ranking is an additive model with pairs (a generalised additive model after Lou, Caruana, Gehrke and
Hooker, *Accurate intelligible models with pairwise interactions*, KDD 2013), fitted elsewhere by a
softmax over the candidates of each session. Its scores are micro-units of utility. Placement has
both ways of the original: the chances of the single shows combined, and a small ensemble of trees
on member, context and the first tile.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct, field

from stream_cw.core.features import CODES, FEATURE_NAMES, SESSION_FEATURES, SHOW_FEATURES
from stream_cw.core.priors import Priors, priors_faults

MICRO: Final = 1_000_000

Weight = Annotated[int, Meta(ge=-(2**40), le=2**40)]
"""Small enough that no sum of them leaves 64 bits."""

Table = tuple[Weight, ...]


class Pair(Struct, frozen=True):
    """Two features that are judged together.

    Attributes
    ----------
    first, second : str
    first_bins, second_bins : tuple of int
        Bin of each code, CODES of them.
    weights : tuple of int
        Of each pair of bins, the second one's running faster; micro-units.
    """

    first: str
    second: str
    first_bins: Table
    second_bins: Table
    weights: Table


class Additive(Struct, frozen=True):
    """A sum of tables.

    Attributes
    ----------
    tables : dict of str to tuple of int
        For each feature the weight of each of its codes, micro-units.
    pairs : tuple of Pair
    """

    tables: dict[str, Table]
    pairs: tuple[Pair, ...]


class Curve(Struct, frozen=True):
    """A step function of whole numbers.

    Attributes
    ----------
    low, width : int
        Where the first step begins, and how wide each is.
    values : tuple of int
    """

    low: Weight
    width: Weight
    values: Table


class Trees(Struct, frozen=True):
    """An ensemble of regression trees of depth three, each complete: seven questions, eight leaves.

    Attributes
    ----------
    features : tuple of str
        What the columns mean.
    columns, limits : tuple of int
        Of the questions, breadth first, tree by tree: which column; greater goes to the right.
    leaves : tuple of int
        Tree by tree, micro-units of log-odds.
    base : int
        Log-odds before any tree.
    """

    features: tuple[str, ...]
    columns: Table
    limits: Table
    leaves: Table
    base: Weight


class Model(Struct, frozen=True, kw_only=True):
    """All that the serving of a learned row needs.

    Attributes
    ----------
    feature_names : tuple of str
        Those of the code that it was fitted with.
    ranking : Additive
        Utility of a candidate.
    interest : Additive
        Log-odds that a candidate is what the session goes on with.
    hazard : Curve
        From log-odds to -ln(1 - p), micro-units.
    combined : Curve
        From the sum of the candidates' hazards to the likelihood of continuation.
    placement : Trees
        Log-odds of a continuation.
    dedicated : Curve
        From those to the likelihood of continuation.
    priors : Priors
        What is known of titles.
    """

    feature_names: tuple[str, ...]
    ranking: Additive
    interest: Additive
    hazard: Curve
    combined: Curve
    placement: Trees
    dedicated: Curve
    priors: Priors = field(default_factory=Priors)


TOP_FEATURES: Final = ("recency_rank", "device_rank", "run", "position", "sessions")
"""What `Trees` look at of the first tile."""

PLACEMENT_FEATURES: Final = (
    *(feature.name for feature in SESSION_FEATURES),
    *(f"top_{name}" for name in TOP_FEATURES),
    "margin",
)
"""Columns of `Trees`; `margin`: utility of the first tile over the second's, thousandths."""

QUESTIONS, LEAVES = 7, 8
"""Of a tree of depth three."""


def faults(model: Model) -> list[str]:
    """Say what makes a model unfit for this code: names, sizes of tables, bins out of range.

    Returns
    -------
    list of str
        Empty for a model that can be served.
    """
    found = []
    if model.feature_names != FEATURE_NAMES:
        found.append("its features are not those of this version")
    for name in ("ranking", "interest"):
        found += [f"{name}: {fault}" for fault in _additive_faults(getattr(model, name))]
    if not any(feature.name in model.ranking.tables for feature in SHOW_FEATURES):
        found.append("ranking: a table of a show's feature is wanted, tiles take reasons from it")
    for name in ("hazard", "combined", "dedicated"):
        curve: Curve = getattr(model, name)
        if not curve.values or curve.width < 1:
            found.append(f"{name}: a curve needs values and a width")
    for name in ("combined", "dedicated"):
        if any(not 0 <= value <= MICRO for value in getattr(model, name).values):
            found.append(f"{name}: a likelihood outside 0 to 1")
    trees = model.placement
    if trees.features != PLACEMENT_FEATURES:
        found.append("placement: its columns are not those of this version")
    count, over = divmod(len(trees.leaves), LEAVES)
    if over or not len(trees.columns) == len(trees.limits) == count * QUESTIONS:
        found.append("placement: seven questions and eight leaves a tree are wanted")
    if any(not 0 <= column < len(PLACEMENT_FEATURES) for column in trees.columns):
        found.append("placement: a question about a column that is not there")
    found += [f"priors: {fault}" for fault in priors_faults(model.priors)]
    return found


def _additive_faults(additive: Additive) -> list[str]:
    found = []
    for name, table in additive.tables.items():
        if name not in FEATURE_NAMES:
            found.append(f"there is no feature {name}")
        if len(table) != CODES:
            found.append(f"the table of {name} has {len(table)} weights, {CODES} are wanted")
    for pair in additive.pairs:
        label = f"{pair.first} with {pair.second}"
        if not {pair.first, pair.second} <= set(FEATURE_NAMES):
            found.append(f"there is no pair {label}")
        if len(pair.first_bins) != CODES or len(pair.second_bins) != CODES:
            found.append(f"{label}: {CODES} bins are wanted for each")
        elif min(pair.first_bins + pair.second_bins) < 0:
            found.append(f"{label}: a bin below zero")
        elif len(pair.weights) != (1 + max(pair.first_bins)) * (1 + max(pair.second_bins)):
            found.append(f"{label}: its weights do not fit its bins")
    return found
