"""Two scorers over the same sessions."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from msgspec import Struct

from stream_cw.model.bootstrap import Estimate, cluster_means
from stream_cw.model.labels import Session
from stream_cw.model.metrics import ABSENT, Ints, RankMetrics, gains, rank_metrics
from stream_cw.model.outcomes import Outcome


class Judged(Struct, frozen=True):
    """A session of an account, and what the row of each scorer made of it."""

    account: str
    model: Outcome
    recency: Outcome

    @property
    def session(self) -> Session:
        """The session that both rows opened."""
        return self.model.session


class Diff(Struct, frozen=True):
    """One scorer minus another, with 95 % intervals of the paired bootstrap."""

    p_at_1: Estimate
    mrr: Estimate
    ndcg_at_5: Estimate


class Comparison(Struct, frozen=True, kw_only=True):
    """Model and recency over the same continuation sessions."""

    n_sessions: int
    model: RankMetrics
    recency: RankMetrics
    diff: Diff


Cluster = Callable[[Judged], str]


def by_profile(judged: Judged) -> str:
    """Name the profile; a slash cannot be part of its id."""
    return f"{judged.session.profile_id}/{judged.account}"


def by_account(judged: Judged) -> str:
    """Name the account."""
    return judged.account


def comparison(judged: Sequence[Judged], cluster: Cluster = by_profile) -> Comparison:
    """Compare model and recency over continuation sessions.

    Parameters
    ----------
    judged : sequence of Judged
        Continuation sessions alone, in any order.
    cluster : callable
        Names what is drawn whole for the intervals.

    Returns
    -------
    Comparison
    """
    model = ranks(each.model for each in judged)
    recency = ranks(each.recency for each in judged)
    return Comparison(
        n_sessions=len(judged),
        model=rank_metrics(model),
        recency=rank_metrics(recency),
        diff=diff(model, recency, [cluster(each) for each in judged]),
    )


def ranks(outcomes: Iterable[Outcome]) -> Ints:
    """Collect the places of the targets, `ABSENT` where one is not among the tiles."""
    return np.array([ABSENT if o.rank is None else o.rank for o in outcomes], dtype=np.int64)


def diff(one: Ints, other: Ints, clusters: Sequence[str]) -> Diff:
    """Subtract the metrics of another scorer from those of one, session by session."""
    return Diff(*cluster_means(gains(one) - gains(other), clusters))
