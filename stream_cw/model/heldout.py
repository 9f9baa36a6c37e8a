"""How a ranking does on profiles that it was not fitted to."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream_cw.core.compiled_model import CompiledAdditive
from stream_cw.core.features import FEATURE_NAMES
from stream_cw.core.model import MICRO, Additive
from stream_cw.core.rows import MAX_TILES
from stream_cw.errors import InputError
from stream_cw.model.additive import Examples, Floats, Ints, Shape, fit_choice
from stream_cw.model.metrics import ABSENT
from stream_cw.model.priors import with_priors


class HeldOut(NamedTuple):
    """Figures over all continuations, each ranked by a model that had not seen its profile.

    Attributes
    ----------
    sessions : int
    p_at_1, recency : float
        Share of sessions whose target stands first, by the model and by recency.
    surprise : float
        Mean of -ln of the target's probability, where it is a candidate: finer than P@1.
    """

    sessions: int
    p_at_1: float
    recency: float
    surprise: float


class Turn(NamedTuple):
    """One profile left out.

    Attributes
    ----------
    left_out : ndarray of bool
        Which of the judged sessions are the profile's continuations.
    unseen : Examples
        These.
    seen : Examples
        What may be fitted on.
    """

    left_out: NDArray[np.bool_]
    unseen: Examples
    seen: Examples


def turns(judged: Examples, added: Examples | None = None) -> Iterator[Turn]:
    """Leave out each profile in turn; what is told of titles comes from the others alone.

    Parameters
    ----------
    judged : Examples
        Of two profiles or more.
    added : Examples, optional
        More to fit on, never judged, such as simulated sessions.

    Yields
    ------
    Turn
    """
    for group in np.unique(judged.group):
        of_group = judged.group == group
        left_out = of_group & judged.continued
        others = join(judged.where(~of_group), added)
        unseen = with_priors(judged.where(left_out), others)
        yield Turn(left_out, unseen, with_priors(others, others))


def held_out(
    shape: Shape,
    judged: Examples,
    added: Examples | None = None,
    progress: Callable[[], None] = lambda: None,
) -> HeldOut:
    """Leave out each profile in turn, fit on the others, and judge; parameters as in `turns`.

    Parameters
    ----------
    shape : Shape
    judged : Examples
    added : Examples, optional
    progress : callable, optional
        Called when a profile was judged.

    Returns
    -------
    HeldOut

    Raises
    ------
    InputError
        If there is nothing to learn from, or nothing to judge.
    """
    hits = recent = count = placed = 0
    surprise = 0.0
    for _, unseen, seen in turns(judged, added):
        first, chances = _judge(fit_choice(shape, seen), unseen)
        hits += int(first.sum())
        recent += int(_most_recent(unseen).sum())
        count += len(unseen.target)
        placed += len(chances)
        surprise -= float(np.log(chances).sum())
        progress()
    if not placed:
        raise InputError("wanted continuations whose target is in the row to judge, found none")
    return HeldOut(count, hits / count, recent / count, surprise / placed)


def join(*parts: Examples | None) -> Examples:
    """Put sessions together; their groups must differ."""
    present = [part for part in parts if part is not None]
    sizes = np.concatenate([np.diff(part.bounds) for part in present])
    return Examples(
        np.concatenate([part.codes for part in present], axis=1),
        np.concatenate([[0], np.cumsum(sizes)]),
        np.concatenate([part.target for part in present]),
        np.concatenate([part.continued for part in present]),
        np.concatenate([part.weight for part in present]),
        np.concatenate([part.group for part in present]),
        np.concatenate([part.household for part in present]),
        np.concatenate([part.shows for part in present]),
    )


def target_places(scores: Ints | Floats, examples: Examples) -> Ints:
    """Find where each session's target stands; of equal scores the later played comes first.

    Parameters
    ----------
    scores : ndarray, shape (m,)
        Of the candidates; the greatest of a session stands first.
    examples : Examples

    Returns
    -------
    ndarray of int64, shape (n,)
        0 is the first; `ABSENT` for a target that is no candidate, or behind the last tile.
    """
    placed = examples.target >= 0
    targets = (examples.bounds[:-1] + np.maximum(examples.target, 0))[examples.session_of]
    recency = examples.codes[FEATURE_NAMES.index("recency_rank")]
    ahead = (scores > scores[targets]) | (
        (scores == scores[targets]) & (recency < recency[targets])
    )
    places = np.add.reduceat(ahead, examples.bounds[:-1], dtype=np.int64)
    return np.where(placed & (places < MAX_TILES), places, ABSENT)


def _judge(ranking: Additive, examples: Examples) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Whether each target stands first, and its probability where it is a candidate."""
    scores: Ints = CompiledAdditive(ranking).score(examples.codes)
    utility = scores / MICRO
    starts = examples.bounds[:-1]
    top = np.maximum.reduceat(utility, starts)
    total = np.add.reduceat(np.exp(utility - top[examples.session_of]), starts)
    placed = examples.target >= 0
    of_target = utility[(starts + examples.target)[placed]]
    first = np.zeros(len(placed), bool)
    first[placed] = of_target >= top[placed]
    return first, np.exp(of_target - top[placed]) / total[placed]


def _most_recent(examples: Examples) -> NDArray[np.bool_]:
    placed = examples.target >= 0
    ranks = examples.codes[FEATURE_NAMES.index("recency_rank")]
    first: NDArray[np.bool_] = ranks[(examples.bounds[:-1] + examples.target)[placed]] == 0
    return first
