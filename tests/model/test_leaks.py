"""No feature looks ahead, and one that did would be found."""

from collections import Counter
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import pytest
from leak_check import Extract, Fit, cut_behind, leaks, lines_until, sampled, state_at_end
from numpy.typing import NDArray
from small_logs import HOUR

from stream_cw.core.candidates import candidates
from stream_cw.core.events import Pause, Play, Progress, Stop, decode_event, encode_event
from stream_cw.core.rules import WATCH_NEXT
from stream_cw.core.show import last_title, unpack_show
from stream_cw.core.state import ProfileState
from stream_cw.history.log import EventLog
from stream_cw.history.netflix import import_netflix
from stream_cw.history.simulator import simulate
from stream_cw.model.dataset import extract
from stream_cw.model.openings import openings

Codes = NDArray[np.int64]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> EventLog:
    path = tmp_path_factory.mktemp("leaks") / "sim.jsonl"
    with path.open("wb") as out:
        simulate(5, 45, 11, out)
    return EventLog(path)


@pytest.fixture(scope="module")
def exported(export_path: Path, tmp_path_factory: pytest.TempPathFactory) -> EventLog:
    path = tmp_path_factory.mktemp("leaks") / "export.jsonl"
    with path.open("wb") as out:
        import_netflix(export_path, out, account="x", tz="America/Sao_Paulo")
    return EventLog(path)


def served(log: EventLog) -> Extract:
    """The features that the row is made from."""

    def codes(state: ProfileState, device_id: str) -> Codes:
        show, session = extract(state, device_id, candidates(state, WATCH_NEXT))
        return np.concatenate([show.ravel(), session])

    return codes


def packed(state: ProfileState) -> list[tuple[str, bytes]]:
    found = candidates(state, WATCH_NEXT)
    return list(zip(found.ids, found.packed, strict=True))


def running_times(log: EventLog) -> Extract:
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


def popularity(log: EventLog) -> Extract:
    """Planted: how often a title is played, in all of the log."""
    plays = Counter(
        event.title.id for record in log if isinstance(event := decode_event(record.value), Play)
    )

    def popular(state: ProfileState, _device_id: str) -> Codes:
        titles = [last_title(*item)[0] for item in packed(state)]
        return np.array([plays[title] for title in titles], np.int64)

    return popular


def next_play(log: EventLog) -> Extract:
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


def test_the_served_features_know_nothing_of_what_comes_later(
    simulated: EventLog, tmp_path: Path
) -> None:
    assert leaks(simulated, served, tmp_path, checked=40) == []


@pytest.mark.data
def test_the_same_on_the_export(exported: EventLog, tmp_path: Path) -> None:
    assert leaks(exported, served, tmp_path, checked=4) == []


@pytest.mark.parametrize("planted", [running_times, popularity, next_play])
def test_a_planted_feature_that_reads_ahead_is_caught(
    planted: Fit, simulated: EventLog, tmp_path: Path
) -> None:
    assert len(leaks(simulated, planted, tmp_path, checked=20)) >= 10


def test_a_planted_feature_that_reads_what_was_is_not(simulated: EventLog, tmp_path: Path) -> None:
    """The check holds nothing against an extractor for having looked at a log."""

    def revisions(log: EventLog) -> Extract:
        length = next(len(record.value or b"") for record in log)
        return lambda state, _device_id: np.array([length, state.revision], np.int64)

    assert leaks(simulated, revisions, tmp_path, checked=10) == []


def test_cutting_the_log_behind_a_session_start_changes_nothing_of_its_state(
    simulated: EventLog, tmp_path: Path
) -> None:
    for opening in sampled(simulated, 40):
        cut = cut_behind(simulated, opening, tmp_path / "cut.jsonl")
        assert state_at_end(cut, opening.session.profile_id) == opening.state


@pytest.mark.data
def test_cutting_the_export_changes_nothing_either(exported: EventLog, tmp_path: Path) -> None:
    for opening in sampled(exported, 4):
        cut = cut_behind(exported, opening, tmp_path / "cut.jsonl")
        assert state_at_end(cut, opening.session.profile_id) == opening.state


def raise_later_positions(log: EventLog, first: int, path: Path) -> EventLog:
    """Let everything from a line on be watched an hour farther."""
    with log.path.open("rb") as lines, path.open("wb") as out:
        out.writelines(islice(lines, first))
        for line in lines:
            event = decode_event(line.rstrip(b"\n"))
            if isinstance(event, Play | Pause | Progress | Stop):
                event = msgspec.structs.replace(event, position_ms=event.position_ms + HOUR)
            out.write(encode_event(event) + b"\n")
    return EventLog(path)


def assert_later_positions_tell_nothing(log: EventLog, path: Path, checked: int) -> None:
    for opening in sampled(log, checked):
        first = sum(1 for _ in lines_until(log, opening))
        found = openings(raise_later_positions(log, first, path))
        assert opening == next(o for o in found if o.session == opening.session)


def test_running_times_are_never_inferred_from_later_bookmarks(
    simulated: EventLog, tmp_path: Path
) -> None:
    assert_later_positions_tell_nothing(simulated, tmp_path / "raised.jsonl", 10)


@pytest.mark.data
def test_nor_on_the_export(exported: EventLog, tmp_path: Path) -> None:
    assert_later_positions_tell_nothing(exported, tmp_path / "raised.jsonl", 2)
