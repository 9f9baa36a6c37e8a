"""No feature looks ahead, and one that did would be found."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from leak_check import (
    Catalog,
    Extract,
    Fit,
    Works,
    assert_later_positions_tell_nothing,
    cut_behind,
    leaks,
    sampled,
    served,
    state_at_end,
)
from numpy.typing import NDArray
from small_logs import HOUR

from stream_cw.core.candidates import candidates
from stream_cw.core.catalog import decode_catalog_entry
from stream_cw.core.events import Pause, Play, Progress, Stop, decode_event
from stream_cw.core.packed_show import glimpse, unpack_show
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.state import ProfileState
from stream_cw.core.works import unpack_work
from stream_cw.history.log import EventLog
from stream_cw.history.simulator import simulate
from stream_cw.model.openings import Opening, openings

Codes = NDArray[np.int64]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("leaks")
    with (path / "sim.jsonl").open("wb") as log, (path / "catalog.jsonl").open("wb") as catalog:
        simulate(5, 45, 11, log, None, catalog)
    return path


@pytest.fixture(scope="module")
def simulated(folder: Path) -> EventLog:
    return EventLog(folder / "sim.jsonl")


@pytest.fixture(scope="module")
def catalog(folder: Path) -> Catalog:
    lines = (folder / "catalog.jsonl").read_bytes().splitlines()
    return Catalog([decode_catalog_entry(line) for line in lines])


@pytest.fixture(scope="module")
def opened(simulated: EventLog) -> list[Opening]:
    return list(openings(simulated))


def packed(state: ProfileState) -> list[tuple[str, bytes]]:
    found = candidates(state, WATCH_NEXT)
    return list(zip(found.ids, found.packed, strict=True))


def running_times(log: EventLog, _works: Works) -> Extract:
    """Planted: how far a title was ever watched taken for its running time."""
    longest: Counter[str] = Counter()
    for record in log:
        event = decode_event(record.value)
        if isinstance(event, Play | Pause | Progress | Stop):
            longest[event.title.id] = max(longest[event.title.id], event.position_ms)

    def left(state: ProfileState, _device_id: str) -> Codes:
        shows = [unpack_show(*item) for item in packed(state)]
        return np.array([longest[show.title_id] - show.position_ms for show in shows], np.int64)

    return left


def popularity(log: EventLog, _works: Works) -> Extract:
    """Planted: how often a title is played, in all of the log."""
    plays = Counter(
        event.title.id for record in log if isinstance(event := decode_event(record.value), Play)
    )

    def popular(state: ProfileState, _device_id: str) -> Codes:
        titles = [glimpse(*item)[1] for item in packed(state)]
        return np.array([plays[title] for title in titles], np.int64)

    return popular


def next_play(log: EventLog, _works: Works) -> Extract:
    """Planted: whether a show is played within an hour from now."""
    plays = [
        (event.title.show_id, event.ts)
        for record in log
        if isinstance(event := decode_event(record.value), Play) and hasattr(event.title, "show_id")
    ]

    def soon(state: ProfileState, _device_id: str) -> Codes:
        shows = {show for show, ts in plays if state.now <= ts < state.now + HOUR}
        return np.array([show in shows for show, _ in packed(state)], np.int64)

    return soon


def all_episodes(_log: EventLog, works: Works) -> Extract:
    """Planted: how many episodes a series has, those that come later included."""

    def count(state: ProfileState, _device_id: str) -> Codes:
        known = [works.get(show) for show, _ in packed(state)]
        return np.array([len(unpack_work(work).episodes) if work else 0 for work in known])

    return count


def test_the_served_features_know_nothing_of_what_comes_later(
    simulated: EventLog, opened: list[Opening], tmp_path: Path
) -> None:
    assert leaks(simulated, served, tmp_path, sampled(opened, 40)) == []


def test_nor_with_a_catalog_that_knows_of_later_days(
    simulated: EventLog, catalog: Catalog, opened: list[Opening], tmp_path: Path
) -> None:
    checked = sampled(opened, 60)
    assert leaks(simulated, served, tmp_path, checked, catalog) == []
    known, plain = served(simulated, catalog.works), served(simulated)
    told = [(opening.state, opening.session.device_id) for opening in checked]
    assert sum(not np.array_equal(known(*at), plain(*at)) for at in told) > 30


@pytest.mark.parametrize("planted", [running_times, popularity, next_play, all_episodes])
def test_a_planted_feature_that_reads_ahead_is_caught(
    planted: Fit,
    simulated: EventLog,
    catalog: Catalog,
    opened: list[Opening],
    tmp_path: Path,
) -> None:
    assert len(leaks(simulated, planted, tmp_path, sampled(opened, 20), catalog)) >= 10


def test_a_planted_feature_that_reads_what_was_is_not(
    simulated: EventLog, opened: list[Opening], tmp_path: Path
) -> None:
    """The check holds nothing against an extractor for having looked at a log."""

    def revisions(log: EventLog, _works: Works) -> Extract:
        length = next(len(record.value or b"") for record in log)
        return lambda state, _device_id: np.array([length, state.revision], np.int64)

    assert leaks(simulated, revisions, tmp_path, sampled(opened, 10)) == []


def test_cutting_the_log_behind_a_session_start_changes_nothing_of_its_state(
    simulated: EventLog, opened: list[Opening], tmp_path: Path
) -> None:
    for opening in sampled(opened, 40):
        cut = cut_behind(simulated, opening, tmp_path / "cut.jsonl")
        assert state_at_end(cut, opening.session.profile_id) == opening.state


def test_running_times_are_never_inferred_from_later_bookmarks(
    simulated: EventLog, opened: list[Opening], tmp_path: Path
) -> None:
    checked = sampled(opened, 10)
    assert_later_positions_tell_nothing(simulated, checked, tmp_path / "raised.jsonl")
