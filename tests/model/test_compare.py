"""Counterfactual replay, against its slow definition over the replay of each side alone."""

from pathlib import Path

import numpy as np
import pytest
from judged import Knowing
from small_logs import Story, write_events

from stream_cw.core import events as ev
from stream_cw.core.candidates import Candidates
from stream_cw.core.policies import STREMIO, WATCH_NEXT
from stream_cw.core.row import View
from stream_cw.core.rows import ModelRef, Row, row_content
from stream_cw.core.scoring import Ranking, Recency, Scorer
from stream_cw.core.state import ProfileState
from stream_cw.history.log import EventLog
from stream_cw.history.replay import replay
from stream_cw.history.simulator import simulate
from stream_cw.model.bootstrap import Estimate
from stream_cw.model.compare import PASSES, Amount, Tiles, compare
from stream_cw.model.evaluate import evaluate, judge
from stream_cw.model.openings import openings
from stream_cw.model.tables import contrast_tables, text

NOTHING = Amount(0, Estimate(0.0, 0.0, 0.0))


class Backwards(Recency):
    """The least recent first, and the row at the bottom."""

    ref = ModelRef("backwards", None)

    def rank(self, state: ProfileState, slot: int, found: Candidates) -> Ranking:
        ranking = super().rank(state, slot, found)
        return Ranking(-ranking.scores, ranking.reasons, 0, "never")


class FirstStays(Recency):
    """The most recent first, then the least recent."""

    ref = ModelRef("first-stays", None)

    def rank(self, state: ProfileState, slot: int, found: Candidates) -> Ranking:
        ranking = super().rank(state, slot, found)
        top = max(ranking.scores)
        scores = np.where(ranking.scores == top, ranking.scores, -ranking.scores)
        return ranking._replace(scores=scores)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> EventLog:
    path = tmp_path_factory.mktemp("compared") / "log.jsonl"
    with path.open("wb") as file:
        simulate(4, 25, 5, file)
    return EventLog(path)


def rows(log: EventLog, view: View) -> list[tuple[bytes, Row | None]]:
    return [made for played in replay(log, {}, view=view) for made in played.rows]


def published(made: list[tuple[bytes, Row | None]]) -> int:
    last: dict[bytes, bytes] = {}
    count = 0
    for key, row in made:
        if row is None:
            last.pop(key, None)
        elif last.get(key) != row_content(row):
            last[key] = row_content(row)
            count += 1
    return count


def test_a_view_beside_itself(log: EventLog) -> None:
    found = compare(log, View(), View())
    assert found.rows > 500
    assert found.differ == found.first_differ == found.slot_differ == NOTHING
    assert found.tiles == Tiles(found.tiles.a, found.tiles.a, 0, 0, 0)
    assert found.publishes == found.diff.p_at_1 == found.diff.mrr == Estimate(0.0, 0.0, 0.0)
    assert found.a == found.b


@pytest.mark.parametrize("scorer", [Backwards(), FirstStays()], ids=["backwards", "first stays"])
def test_rows_against_their_slow_definition(log: EventLog, scorer: Scorer) -> None:
    a, b = View(scorer=scorer), View()
    found = compare(log, a, b)
    by_a, by_b = rows(log, a), rows(log, b)
    assert [key for key, _ in by_a] == [key for key, _ in by_b]
    pairs = [(one, other) for (_, one), (_, other) in zip(by_a, by_b, strict=True) if one and other]
    shows = [([t.show_id for t in x.tiles], [t.show_id for t in y.tiles]) for x, y in pairs]
    assert found.rows == len(pairs)
    assert found.differ.n == sum(x != y for x, y in shows)
    assert found.first_differ.n == sum(x[:1] != y[:1] for x, y in shows)
    assert found.slot_differ.n == sum(x.placement.slot != y.placement.slot for x, y in pairs)
    assert 0 < found.differ.n < found.rows
    assert (found.first_differ.n > 0) == isinstance(scorer, Backwards)
    assert found.differ.share.value == pytest.approx(found.differ.n / found.rows, abs=1e-6)
    assert found.differ.share.low is not None
    assert found.differ.share.low < found.differ.n / found.rows
    assert (found.a.publishes.n, found.b.publishes.n) == (published(by_a), published(by_b))
    assert found.publishes.value == pytest.approx(
        (published(by_a) - published(by_b)) / len(pairs), abs=1e-6
    )


def test_tiles_of_two_policies_against_their_slow_definition(log: EventLog) -> None:
    a, b = View(policy=WATCH_NEXT), View(policy=STREMIO)
    found = compare(log, a, b)
    assert (found.a.policy, found.b.policy) == ("watch-next", "stremio")
    wanted = [0] * 5
    for (_, one), (_, other) in zip(rows(log, a), rows(log, b), strict=True):
        assert one is not None
        assert other is not None
        mine = {tile.show_id: tile for tile in one.tiles}
        theirs = {tile.show_id: tile for tile in other.tiles}
        wanted[0] += len(mine)
        wanted[1] += len(theirs)
        wanted[2] += len([show for show in mine if show not in theirs])
        wanted[3] += len([show for show in theirs if show not in mine])
        for show, tile in mine.items():
            beside = theirs.get(show, tile)
            wanted[4] += tile.title_id != beside.title_id or tile.position_ms != beside.position_ms
    assert found.tiles == Tiles(*wanted)
    assert min(found.tiles.only_b, found.tiles.other, found.differ.n) > 0


def test_metrics_are_those_of_the_evaluation(log: EventLog) -> None:
    knowing = View(scorer=Knowing(openings(log)))
    found = compare(log, knowing, View())
    alone = evaluate(list(judge("a", openings(log), knowing)), knowing.scorer.ref)
    assert found.a.ranking == alone.model
    assert found.b.ranking == alone.recency
    assert found.diff == alone.diff
    turned = compare(log, View(), knowing)
    assert (turned.a, turned.b) == (found.b, found.a)
    assert found.diff.p_at_1.value == -(turned.diff.p_at_1.value or 0.0)


def test_a_story_by_hand(tmp_path: Path) -> None:
    story = Story()
    story.open(0)
    story.watch(0.1, "one", hours=1)  # after the stop a row of one show: nothing differs
    story.watch(1.2, "two", hours=1)  # `play` at 0 ms is no start; after the stop two shows
    story.open(1.2 + 1.1)
    log = write_events(tmp_path / "log.jsonl", story.events)
    found = compare(log, View(scorer=Backwards()), View())
    assert found.rows == 6
    assert (found.differ.n, found.first_differ.n) == (2, 2)
    assert found.differ.share == Estimate(round(2 / 6, 6), None, None)


def test_a_forgotten_device_is_told_again(tmp_path: Path) -> None:
    before, after = Story(), Story(first_id=100)
    before.open(0)
    before.tell(ev.ForgetProfile, 0.1, "tv")
    after.open(0.2)
    log = write_events(tmp_path / "log.jsonl", before.events + after.events)
    found = compare(log, View(), View())
    assert (found.rows, found.a.publishes.n) == (2, 2)


def test_a_log_without_sessions_has_no_figures(tmp_path: Path) -> None:
    found = compare(write_events(tmp_path / "log.jsonl", []), View(), View())
    assert (found.rows, found.profiles) == (0, 0)
    assert found.differ == Amount(0, Estimate(None, None, None))
    assert found.a.ranking.p_at_1 is None
    assert all(text(table) for table in contrast_tables(found))


def test_progress_counts_every_pass(log: EventLog) -> None:
    told: list[int] = []
    compare(log, View(), View(), told.append)
    records = sum(1 for _ in log)
    assert told == list(range(1, PASSES * records + 1))
