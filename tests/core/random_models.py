"""Models of any content, and what they say evaluated slowly: one number after the other."""

from collections import defaultdict
from fractions import Fraction
from functools import lru_cache
from random import Random
from typing import NamedTuple

from feature_oracle import UNKNOWN

from stream_cw.core.features import (
    CODES,
    FEATURE_NAMES,
    SESSION_FEATURES,
    SHOW_FEATURES,
    TITLE_FEATURES,
)
from stream_cw.core.model import (
    LEAVES,
    MICRO,
    PLACEMENT_FEATURES,
    QUESTIONS,
    TOP_FEATURES,
    Additive,
    Curve,
    Model,
    Pair,
    Trees,
)

SHOW_NAMES = [feature.name for feature in SHOW_FEATURES]
SESSION_NAMES = [feature.name for feature in SESSION_FEATURES]
TITLE_NAMES = [feature.name for feature in TITLE_FEATURES]
REASONS = {feature.name: feature.reason for feature in (*SHOW_FEATURES, *TITLE_FEATURES)}
ALONE = 100_000

Codes = list[dict[str, int]]


@lru_cache(maxsize=64)
def a_random_model(seed: int, *, largest: int = 3 * MICRO, pairs: int = 4, trees: int = 5) -> Model:
    """A model whose weights are all different, so that a wrong place shows."""
    random = Random(seed)

    def weights(count: int) -> tuple[int, ...]:
        return tuple(random.randint(-largest, largest) for _ in range(count))

    def additive() -> Additive:
        of_shows = random.sample(SHOW_NAMES, random.randint(1, len(SHOW_NAMES)))
        of_session = random.sample(SESSION_NAMES, random.randint(0, len(SESSION_NAMES)))
        of_titles = random.sample(TITLE_NAMES, random.randint(0, len(TITLE_NAMES)))
        names = [*of_shows, *of_session, *of_titles]
        random.shuffle(names)
        made = [_pair(random, weights) for _ in range(random.randint(0, pairs))]
        return Additive({name: weights(CODES) for name in names}, tuple(made))

    def curve(most: int) -> Curve:
        values = sorted(random.randint(0, most) for _ in range(random.randint(1, 60)))
        return Curve(random.randint(-largest, 0), random.randint(1, largest), tuple(values))

    count = random.randint(0, trees)
    return Model(
        feature_names=FEATURE_NAMES,
        ranking=additive(),
        interest=additive(),
        hazard=curve(5 * MICRO),
        combined=curve(MICRO),
        placement=Trees(
            PLACEMENT_FEATURES,
            tuple(random.randrange(len(PLACEMENT_FEATURES)) for _ in range(count * QUESTIONS)),
            tuple(random.randrange(UNKNOWN + 1) for _ in range(count * QUESTIONS)),
            weights(count * LEAVES),
            random.randint(-MICRO, MICRO),
        ),
        dedicated=curve(MICRO),
    )


def _pair(random: Random, weights: object) -> Pair:
    first, second = random.sample(FEATURE_NAMES, 2)
    sizes = random.randint(1, 6), random.randint(1, 6)
    bins = [tuple(random.randrange(size) for _ in range(CODES)) for size in sizes]
    count = (1 + max(bins[0])) * (1 + max(bins[1]))
    return Pair(first, second, *bins, weights(count))  # type: ignore[operator]


class Slow(NamedTuple):
    """What a model says of a row's candidates."""

    scores: list[int]
    reasons: list[str]
    combined: int
    dedicated: int


def evaluate(model: Model, codes: Codes) -> Slow:
    """Evaluate a model on the codes of each candidate, by name."""
    scores = [utility(model.ranking, mine) for mine in codes]
    hazards = [read(model.hazard, utility(model.interest, mine)) for mine in codes]
    ordered = sorted(scores, reverse=True)
    alone = len(ordered) == 1
    columns = {name: codes[0][name] for name in SESSION_NAMES}
    top = min(zip(codes, scores, strict=True), key=lambda one: (-one[1], one[0]["recency_rank"]))[0]
    columns |= {f"top_{name}": top[name] for name in TOP_FEATURES}
    columns["margin"] = ALONE if alone else (ordered[0] - ordered[1]) // 1000
    return Slow(
        scores,
        reasons(model.ranking, codes),
        read(model.combined, sum(hazards)),
        read(model.dedicated, log_odds(model.placement, columns)),
    )


def utility(additive: Additive, codes: dict[str, int]) -> int:
    total = sum(table[codes[name]] for name, table in additive.tables.items())
    for pair in additive.pairs:
        width = 1 + max(pair.second_bins)
        first, second = pair.first_bins[codes[pair.first]], pair.second_bins[codes[pair.second]]
        total += pair.weights[first * width + second]
    return total


def read(curve: Curve, at: int) -> int:
    step = (at - curve.low) // curve.width
    return curve.values[min(max(step, 0), len(curve.values) - 1)]


def log_odds(trees: Trees, columns: dict[str, int]) -> int:
    total = trees.base
    for tree in range(len(trees.leaves) // LEAVES):
        asked = 0  # breadth first: the questions below question n are 2n + 1 and 2n + 2
        while asked < QUESTIONS:
            at = tree * QUESTIONS + asked
            right = columns[trees.features[trees.columns[at]]] > trees.limits[at]
            asked = 2 * asked + (2 if right else 1)
        total += trees.leaves[tree * LEAVES + asked - QUESTIONS]
    return total


def reasons(additive: Additive, codes: Codes) -> list[str]:
    """The reason whose terms lift a candidate most above the row's mean; of equals the first by
    name, and recency where none lifts it.
    """
    spoken = [_spoken(additive, mine) for mine in codes]
    names = sorted({name for mine in spoken for name in mine})
    mean = {name: sum(mine[name] for mine in spoken) / len(codes) for name in names}
    found = []
    for mine in spoken:
        best = max(names, key=lambda name: mine[name] - mean[name])  # the first of equals
        found.append(best if mine[best] > mean[best] else "recently_watched")
    return found


def _spoken(additive: Additive, mine: dict[str, int]) -> dict[str, Fraction]:
    """What speaks for each reason: a pair in equal parts for those that its features have."""
    said: dict[str, Fraction] = defaultdict(Fraction)
    terms = [((name,), table[mine[name]]) for name, table in additive.tables.items()]
    for pair in additive.pairs:
        alone = Additive({}, (pair,))
        terms.append(((pair.first, pair.second), utility(alone, mine)))
    for names, value in terms:
        told = {REASONS[name] for name in names if name in REASONS}
        for reason in told:
            said[reason] += Fraction(value, len(told))
    return said
