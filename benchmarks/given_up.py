"""What is given up: how much leaves the row, how much of that comes back, and what it costs."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np
from msgspec.structs import replace

from benchmarks.simulated import Simulated
from stream_cw.core.candidates import candidates
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.presence import given_up
from stream_cw.core.row import View, row
from stream_cw.core.scoring import Scorer
from stream_cw.history.log import EventLog
from stream_cw.history.simulator.truth import AbandonedTruth, SessionTruth
from stream_cw.model.chosen import choose
from stream_cw.model.openings import openings

KEEPING: Final = replace(WATCH_NEXT, given_up_per_mille=0)
DAY_MS: Final = 86_400_000
FADED_MS: Final = 49 * DAY_MS
"""After this time no simulated member weighs an abandoned show any more."""


class Seen(NamedTuple):
    """A scored session: what it went on with, what its row could hold, what has left that.

    Attributes
    ----------
    event_id : str
        Of the session_start.
    profile_id, target, kind : str
    now : int
        In ms.
    ids : list of str
    left : set of str
        Those of `ids` that are given up.
    tile, kept_tile : bool
        Whether the target is a tile, with given up shows gone and without.
    """

    event_id: str
    profile_id: str
    target: str
    kind: str
    now: int
    ids: list[str]
    left: set[str]
    tile: bool
    kept_tile: bool


def sessions(
    log: EventLog, per_mille: int, works: dict[str, bytes], scorer: Scorer | None = None
) -> Iterator[Seen]:
    """Look at each scored session of a log with a share of returns that may be given up."""
    scorer = scorer or choose("shipped")
    policy = replace(WATCH_NEXT, given_up_per_mille=per_mille)
    views = [View(scorer=scorer, policy=each, works=works) for each in (policy, KEEPING)]
    for opening in openings(log):
        session, state = opening.session, opening.state
        found = candidates(state, KEEPING, works)
        gone = given_up(found.shows, state, per_mille)
        left = {found.ids[n] for n in np.flatnonzero(gone).tolist()}
        there = [
            session.target
            in {t.show_id for t in row(state, session.profile_id, session.device_id, view).tiles}
            for view in views
        ]
        yield Seen(
            session.opening or "", session.profile_id, session.target, session.kind, state.now,
            found.ids, left, *there,
        )  # fmt: skip


class Cost(NamedTuple):
    """What giving up does to a log.

    Attributes
    ----------
    resumes, lost : int
        Sessions that went on with a show that could be in the row; of these, with one that had
        left.
    left, never_again : int
        Shows that left, and of these the ones that no later session went on with.
    coverage, kept_coverage : float
        Share of continuations whose target is a tile, and was if nothing ever left.
    kept, row : float
        Mean number of shows that belong in a row, if nothing ever left, and as it is.
    """

    resumes: int
    lost: int
    left: int
    never_again: int
    coverage: float
    kept_coverage: float
    kept: float
    row: float


def cost(seen: list[Seen]) -> Cost:
    """Sum sessions up."""
    resumed = [each for each in seen if each.target in each.ids]
    continued = [each for each in seen if each.kind == "continuation"]
    left = {(each.profile_id, show) for each in seen for show in each.left}
    back = {(each.profile_id, each.target) for each in resumed if each.target in each.left}
    return Cost(
        len(resumed),
        sum(each.target in each.left for each in resumed),
        len(left),
        len(left - back),
        _mean(each.tile for each in continued),
        _mean(each.kept_tile for each in continued),
        _mean(len(each.ids) for each in seen),
        _mean(len(each.ids) - len(each.left) for each in seen),
    )


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


class Planted(NamedTuple):
    """Simulated abandonments held against what left.

    Attributes
    ----------
    left, planted : int
        Shows that left; those of them that their member had abandoned before.
    abandoned, found : dict of int to int
        By days: shows that were abandoned so long ago and would be in the last row; those of them
        that have left it.
    chance : float
        Of all true chances that a session goes on with a show that could be in the row, the part
        that lies on shows that have left.
    """

    left: int
    planted: int
    abandoned: dict[int, int]
    found: dict[int, int]
    chance: float


def planted(seen: list[Seen], members: Simulated) -> Planted:
    """Hold what left to what members abandoned, and to the chances that were drawn from."""
    faded = {
        (told.profile_id, told.show_id): told.ts
        for told in members.truth
        if isinstance(told, AbandonedTruth)
    }
    chances = {told.event_id: told for told in members.truth if isinstance(told, SessionTruth)}
    first: dict[tuple[str, str], int] = {}
    on_left = on_all = 0
    for each in seen:
        for show in each.left:
            first.setdefault((each.profile_id, show), each.now)
        told = chances.get(each.event_id)
        if told is not None:
            on_left += sum(told.shows.get(show, 0) for show in each.left)
            on_all += sum(told.shows.get(show, 0) for show in each.ids)
    abandoned, found = dict.fromkeys((0, 28, 49), 0), dict.fromkeys((0, 28, 49), 0)
    for each in {each.profile_id: each for each in seen}.values():
        for show in each.ids:
            since = each.now - faded.get((each.profile_id, show), each.now + 1)
            for days in abandoned:
                if since >= days * DAY_MS:
                    abandoned[days] += 1
                    found[days] += show in each.left
    hits = sum(faded.get(show, ts + 1) <= ts for show, ts in first.items())
    return Planted(len(first), hits, abandoned, found, on_left / max(1, on_all))
