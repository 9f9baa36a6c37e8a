"""Counterfactual replay: the rows that another model or policy would have made of the same log."""

from collections import defaultdict
from collections.abc import Callable
from hashlib import blake2b
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from stream_cw.core.row import View
from stream_cw.core.rows import ModelRef, Row, row_content
from stream_cw.history.log import EventLog
from stream_cw.history.replay import PLAIN_EPOCH, replay
from stream_cw.model.bootstrap import SEED, Estimate, cluster_ratios
from stream_cw.model.comparison import Diff, diff, ranks
from stream_cw.model.metrics import Floats, Ints, RankMetrics, rank_metrics
from stream_cw.model.openings import openings
from stream_cw.model.outcomes import outcome

PASSES: Final = 3
"""How often the log is read: for the rows, for the labels, for the openings."""
_COUNTS: Final = 5
"""Counts of a profile's rows: differ, first, slot, publishes of a and of b."""
_TILES: Final = 5
"""Counts of their tiles, as `Tiles` has them."""


class Amount(Struct, frozen=True):
    """How many of the rows, and their share with its 95 % interval by profile."""

    n: int
    share: Estimate


class Tiles(Struct, frozen=True):
    """How many tiles the rows have.

    Attributes
    ----------
    a, b : int
    only_a, only_b : int
        Those of shows that the other's row does not have.
    other : int
        Of shows that both rows have, those that play another title or from another position.
    """

    a: int
    b: int
    only_a: int
    only_b: int
    other: int


class Side(Struct, frozen=True, kw_only=True):
    """One of the two.

    Attributes
    ----------
    scorer : ModelRef
    policy : str
        Its name.
    publishes : Amount
        Rows whose content differs from the device's row before. What a worker sends beside, after
        half of the topic's retention or a restart, and leaves out, when it is behind, is not in it.
    ranking : RankMetrics
        Over continuation sessions.
    """

    scorer: ModelRef
    policy: str
    publishes: Amount
    ranking: RankMetrics


class Contrast(Struct, frozen=True, kw_only=True):
    """Two views on the same log; differences are the first minus the second.

    Attributes
    ----------
    a, b : Side
    rows, profiles : int
        Rows that were due, and of how many profiles.
    differ, first_differ, slot_differ : Amount
        Rows that have other shows or another order; that have another first tile; that stand in
        another slot.
    tiles : Tiles
    publishes : Estimate
        Difference of the two shares.
    diff : Diff
        Over the continuation sessions, by profile.
    seed : int
    """

    a: Side
    b: Side
    rows: int
    profiles: int
    differ: Amount
    first_differ: Amount
    slot_differ: Amount
    tiles: Tiles
    publishes: Estimate
    diff: Diff
    seed: int


class Told:
    """What each device was told last."""

    def __init__(self) -> None:
        self._content: dict[bytes, bytes] = {}

    def is_new(self, key: bytes, made: Row) -> bool:
        """Tell whether a row says something new, and remember it."""
        content = blake2b(row_content(made), digest_size=16).digest()
        before = self._content.get(key)
        self._content[key] = content
        return content != before

    def forget(self, key: bytes) -> None:
        """Forget a device whose row was erased."""
        self._content.pop(key, None)


def compare(
    log: EventLog, a: View, b: View, progress: Callable[[int], None] | None = None
) -> Contrast:
    """Replay a log under two views.

    Parameters
    ----------
    log : EventLog
    a, b : View
    progress : callable, optional
        Called with the number of records read so far, over all `PASSES` together.

    Returns
    -------
    Contrast

    Raises
    ------
    LogFormatError
        If a line of a recording is damaged.
    """
    counts, tiles, rows, records = _count_rows(log, a, b, progress)
    further = progress and (lambda done: progress(records + done))
    judged = [
        (opening.session.profile_id, outcome(opening, a), outcome(opening, b))
        for opening in openings(log, progress=further)
        if opening.session.kind == "continuation"
    ]
    ranks_a, ranks_b = ranks(made for _, made, _ in judged), ranks(made for _, _, made in judged)
    totals = counts.sum(axis=0).astype(int).tolist()
    shares = cluster_ratios(np.column_stack((counts, counts[:, 3] - counts[:, 4])), rows)
    differ, first, slot, told_a, told_b = map(Amount, totals, shares)
    return Contrast(
        a=_side(a, told_a, ranks_a),
        b=_side(b, told_b, ranks_b),
        rows=int(rows.sum()),
        profiles=len(rows),
        differ=differ,
        first_differ=first,
        slot_differ=slot,
        tiles=tiles,
        publishes=shares[_COUNTS],
        diff=diff(ranks_a, ranks_b, [profile_id for profile_id, _, _ in judged]),
        seed=SEED,
    )


def _side(view: View, publishes: Amount, found: Ints) -> Side:
    return Side(
        scorer=view.scorer.ref,
        policy=view.policy.name,
        publishes=publishes,
        ranking=rank_metrics(found),
    )


def _count_rows(
    log: EventLog, a: View, b: View, progress: Callable[[int], None] | None
) -> tuple[Floats, Tiles, Floats, int]:
    """Count by profile what the rows of a replay are like; also tiles, rows, and all records."""
    found: dict[str, list[int]] = defaultdict(lambda: [0] * (_COUNTS + 1))
    told_a, told_b = Told(), Told()
    tiles = [0] * _TILES
    records = 0
    epoch = bytes.fromhex(log.header.epoch) if log.header else PLAIN_EPOCH
    partitions = log.header.partitions if log.header else None
    for records, played in enumerate(
        replay(log, {}, epoch=epoch, partitions=partitions, view=a), start=1
    ):
        of_b = replace(played, view=b).rows
        for (key, by_a), (_, by_b) in zip(played.rows, of_b, strict=True):
            if by_a is None or by_b is None:
                told_a.forget(key)
                told_b.forget(key)
                continue
            news = (told_a.is_new(key, by_a), told_b.is_new(key, by_b))
            for place, hit in enumerate((*_differ(by_a, by_b), *news, True)):
                found[by_a.profile_id][place] += hit
            for place, many in enumerate(_count_tiles(by_a, by_b)):
                tiles[place] += many
        if progress:
            progress(records)
    counts = np.array([found[name] for name in sorted(found)], dtype=np.float64)
    counts = counts.reshape(-1, _COUNTS + 1)
    return counts[:, :_COUNTS], Tiles(*tiles), counts[:, _COUNTS], records


def _differ(one: Row, other: Row) -> tuple[bool, bool, bool]:
    """Tell whether two rows differ in their shows, their first tile, their slot."""
    shows = [tile.show_id for tile in one.tiles]
    others = [tile.show_id for tile in other.tiles]
    return shows != others, shows[:1] != others[:1], one.placement.slot != other.placement.slot


def _count_tiles(one: Row, other: Row) -> tuple[int, int, int, int, int]:
    """Count the tiles of two rows as `Tiles` has them."""
    plays, others = (
        {tile.show_id: (tile.title_id, tile.position_ms, tile.up_next) for tile in made.tiles}
        for made in (one, other)
    )
    shared = plays.keys() & others.keys()
    only = len(plays) - len(shared), len(others) - len(shared)
    return len(plays), len(others), *only, sum(plays[show] != others[show] for show in shared)
