"""What the row is scored by while it is served is what the data set kept to learn from."""

import numpy as np
import pytest
from random_models import a_random_model, evaluate

from stream_cw.core.candidates import candidates
from stream_cw.core.compiled_model import CompiledAdditive, CompiledCurve
from stream_cw.core.events import SessionStart, decode_event
from stream_cw.core.features import TITLE_FEATURES, UNKNOWN
from stream_cw.core.learned import Learned
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.row import ASLEEP, NEXT_EPISODE, View
from stream_cw.core.rows import MAX_TILES, ModelRef, Row
from stream_cw.core.state import find_device, hash64
from stream_cw.history.log import EventLog
from stream_cw.history.replay import replay
from stream_cw.history.simulator import simulate
from stream_cw.model.dataset import DataSet, make_dataset, read_dataset, write_dataset
from stream_cw.model.openings import openings
from stream_cw.model.training import examples_of, placement_rows, total_hazards
from stream_cw.model.trees import scored

REF = ModelRef("random", "ab" * 32)
MODEL = a_random_model(56)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> EventLog:
    path = tmp_path_factory.mktemp("online") / "sim.jsonl"
    with path.open("wb") as out:
        simulate(5, 25, 4, out)
    return EventLog(path)


@pytest.fixture(scope="module")
def data(log: EventLog, tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """As it comes back from the file."""
    path = tmp_path_factory.mktemp("data") / "data.npz"
    with path.open("wb") as out:
        write_dataset(make_dataset([log]), out)
    return read_dataset(path)


@pytest.fixture(scope="module")
def rows(log: EventLog) -> dict[str, Row]:
    """Rows that session_starts were answered with, by event id: what the worker would send."""
    found = {}
    for played in replay(log, {}, view=View(scorer=Learned(MODEL, REF), model=1)):
        assert played.record.value is not None
        event = decode_event(played.record.value)
        for _, row in played.rows:
            if isinstance(event, SessionStart) and row and row.device_id == event.device_id:
                found[event.event_id] = row
    return found


def test_served_scores_are_those_of_the_stored_features(
    log: EventLog, data: DataSet, rows: dict[str, Row]
) -> None:
    at = {int(name): place for place, name in enumerate(data.sessions)}
    names = [*data.show_names.tolist(), *data.session_names.tolist()]
    untold = {feature.name: UNKNOWN for feature in TITLE_FEATURES}
    compared = 0
    for opening in openings(log):
        session = opening.session
        row = rows.get(session.opening or "")
        if row is None:  # it was applied to a copy: nobody was sent that row
            continue
        place = at[hash64(f"{session.profile_id}/{session.first_play}")]
        mine = slice(data.bounds[place], data.bounds[place + 1])
        of_session = data.session[place].tolist()
        codes = [
            dict(zip(names, [*of_show, *of_session], strict=True)) | untold
            for of_show in data.show[mine].tolist()
        ]
        if not codes:
            assert row.tiles == []
            continue
        wanted = evaluate(MODEL, codes)
        stored = dict(zip(data.shows[mine].tolist(), wanted.scores, strict=True))
        reasons = dict(zip(data.shows[mine].tolist(), wanted.reasons, strict=True))
        assert len(row.tiles) == min(len(codes), MAX_TILES)
        for tile in row.tiles:
            name = hash64(tile.show_id)
            assert tile.score == stored[name]
            said = reasons[name]
            assert tile.reason in (said, ASLEEP, NEXT_EPISODE if said == "unfinished" else said)
        assert [t.score for t in row.tiles] == sorted(stored.values(), reverse=True)[:MAX_TILES]
        assert row.placement.p_continue == wanted.dedicated
        compared += len(codes)
    assert compared > 200


def test_most_sessions_have_a_row_that_was_sent(log: EventLog, rows: dict[str, Row]) -> None:
    """Else the test above would compare little."""
    wanted = [opening.session.opening for opening in openings(log)]
    assert sum(name in rows for name in wanted) > 0.8 * len(wanted) > 50


def test_training_scores_and_places_as_the_served_model_does(log: EventLog, data: DataSet) -> None:
    """Both ways of placement, so that curves are read at what they were fitted to."""
    examples = examples_of(data)
    scores = CompiledAdditive(MODEL.ranking).score(examples.codes)
    log_odds = scored(MODEL.placement, placement_rows(MODEL.ranking, examples))
    hazards = total_hazards(MODEL.interest, MODEL.hazard, examples)
    offered = [int(name) for name in data.sessions[np.diff(data.bounds) > 0]]
    served, told = Learned(MODEL, REF), []
    for opening in openings(log):
        session, state = opening.session, opening.state
        found = candidates(state, WATCH_NEXT)
        if not found.ids:
            continue
        n = offered.index(hash64(f"{session.profile_id}/{session.first_play}"))
        slot = find_device(state, session.device_id)
        assert slot is not None
        mine = scores[examples.bounds[n] : examples.bounds[n + 1]]
        assert served.rank(state, slot, found).scores.tolist() == mine.tolist()
        told.append(served.placements(state, slot, found))
        assert told[-1] == {
            "combined": CompiledCurve(MODEL.combined).read(hazards[n]),
            "dedicated": CompiledCurve(MODEL.dedicated).read(log_odds[n]),
        }
    assert len(told) == len(offered) > 50
    for method in ("combined", "dedicated"):
        assert len({placed[method] for placed in told}) > 2
