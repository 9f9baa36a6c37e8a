"""P@1 over time, and whether the lift is greater than what one day differs from the next."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from itertools import groupby
from math import fsum, sqrt
from typing import Final

from msgspec import Struct

from stream_cw.model.comparison import Judged

STRETCH_DAYS: Final = 28
_MINUTE: Final = 60_000
_DAY: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1)


class Day(Struct, frozen=True):
    """Continuation sessions of a local day, and how many of each scorer's first tiles were hit."""

    day: date
    n_sessions: int
    model_hits: int
    recency_hits: int


class Spread(Struct, frozen=True, kw_only=True):
    """How P@1 varies over periods; each weighs by its sessions.

    Attributes
    ----------
    n : int
        Periods with a session.
    model_sd, recency_sd, lift_sd : float or None
        Standard deviation of P@1, and of the model's minus recency's.
    chance_sd : float or None
        That of recency's P@1 if all sessions had the same chance of a hit.
    better, worse, level : int
        Periods in which the model is above recency, below, as high.
    """

    n: int
    model_sd: float | None
    recency_sd: float | None
    lift_sd: float | None
    chance_sd: float | None
    better: int
    worse: int
    level: int


class Daily(Struct, frozen=True, kw_only=True):
    """P@1 of model and recency over time, and how it varies.

    Attributes
    ----------
    per_day, per_28_days : Spread
        The latter for logs with few sessions a day.
    days : list of Day
        In order of time; days without a session are left out.
    """

    per_day: Spread
    per_28_days: Spread
    days: list[Day]


def daily(judged: Iterable[Judged]) -> Daily:
    """Follow continuation sessions over the local days of their openings."""
    days = _merged((_day(each) for each in judged), key=lambda day: day.day)
    stretches = _merged(days, key=lambda day: (day.day - days[0].day).days // STRETCH_DAYS)
    return Daily(per_day=_spread(days), per_28_days=_spread(stretches), days=days)


def _day(judged: Judged) -> Day:
    session = judged.session
    local = session.ts + (session.tz_offset_min or 0) * _MINUTE
    return Day(
        _EPOCH + timedelta(days=local // _DAY), 1, judged.model.rank == 0, judged.recency.rank == 0
    )


def _merged(days: Iterable[Day], key: Callable[[Day], date | int]) -> list[Day]:
    merged = []
    for _, group in groupby(sorted(days, key=lambda day: day.day), key):
        members = list(group)
        merged.append(
            Day(
                members[0].day,
                sum(day.n_sessions for day in members),
                sum(day.model_hits for day in members),
                sum(day.recency_hits for day in members),
            )
        )
    return merged


def _spread(periods: Sequence[Day]) -> Spread:
    sessions = [period.n_sessions for period in periods]
    recency = [period.recency_hits for period in periods]
    leads = [period.model_hits - period.recency_hits for period in periods]
    return Spread(
        n=len(periods),
        model_sd=_deviation([period.model_hits for period in periods], sessions),
        recency_sd=_deviation(recency, sessions),
        lift_sd=_deviation(leads, sessions),
        chance_sd=_chance_deviation(recency, sessions),
        better=sum(lead > 0 for lead in leads),
        worse=sum(lead < 0 for lead in leads),
        level=sum(lead == 0 for lead in leads),
    )


def _deviation(hits: Sequence[int], sessions: Sequence[int]) -> float | None:
    """Return the standard deviation of the periods' shares, weighed by their sessions."""
    if not sessions:
        return None
    mean = sum(hits) / sum(sessions)
    squares = (n * (hit / n - mean) ** 2 for hit, n in zip(hits, sessions, strict=True))
    return sqrt(fsum(squares) / sum(sessions))


def _chance_deviation(hits: Sequence[int], sessions: Sequence[int]) -> float | None:
    """Return what `_deviation` is for draws of one chance (root of its expected square)."""
    if not sessions:
        return None
    mean = sum(hits) / sum(sessions)
    return sqrt(mean * (1 - mean) * (len(sessions) - 1) / sum(sessions))
