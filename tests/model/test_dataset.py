"""The data set: what is in it, that its bytes depend on the logs alone, and what is refused."""

import io
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from small_logs import HOUR, T0, Story, write_events
from typer.testing import CliRunner

from stream_cw.cli import build_app
from stream_cw.cli.options import written
from stream_cw.core.candidates import candidates
from stream_cw.core.features import CODES, features_hash
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.state import hash64
from stream_cw.errors import DataSetError
from stream_cw.history.log import EventLog
from stream_cw.history.simulator import simulate
from stream_cw.model.dataset import (
    ABSENT,
    FORMAT,
    KINDS,
    DataSet,
    account_names,
    extract,
    make_dataset,
    read_dataset,
    write_dataset,
)
from stream_cw.model.openings import openings


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> EventLog:
    path = tmp_path_factory.mktemp("dataset") / "sim.jsonl"
    with path.open("wb") as out:
        simulate(6, 40, 5, out)
    return EventLog(path)


@pytest.fixture(scope="module")
def data(simulated: EventLog) -> DataSet:
    return make_dataset([simulated])


def equal(one: DataSet, other: DataSet) -> bool:
    return all(
        mine.dtype == theirs.dtype and np.array_equal(mine, theirs)
        for mine, theirs in zip(one, other, strict=True)
    )


def test_each_opening_is_there_with_its_features_and_its_target(
    simulated: EventLog, data: DataSet
) -> None:
    places = {int(session): place for place, session in enumerate(data.sessions)}
    count = 0
    for opening in openings(simulated):
        session, state = opening.session, opening.state
        found = candidates(state, WATCH_NEXT)
        show, codes = extract(state, session.device_id, found)
        at = places[hash64(f"{session.profile_id}/{session.first_play}")]
        mine = slice(data.bounds[at], data.bounds[at + 1])
        assert np.array_equal(data.show[mine], show.T)
        assert np.array_equal(data.session[at], codes)
        assert list(data.shows[mine]) == [hash64(show_id) for show_id in found.ids]
        offered = dict(enumerate(found.ids))
        assert offered.get(int(data.target[at])) == (
            session.target if session.target in found.ids else None
        )
        assert KINDS[data.kind[at]] == session.kind
        assert (data.ts[at], data.known_ts[at]) == (session.ts, session.known_ts)
        assert data.gap_ms[at] == (ABSENT if session.gap_ms is None else session.gap_ms)
        assert (data.switched[at], data.history[at]) == (session.switched, session.history)
        assert data.profiles[data.profile[at]] == hash64(session.profile_id)
        count += 1
    assert count == len(data.sessions) == len(data.bounds) - 1 > 150
    assert data.bounds[-1] == len(data.show)


def test_sessions_stand_in_the_order_in_which_their_labels_become_known(data: DataSet) -> None:
    assert (np.diff(data.known_ts) >= 0).all()


def test_most_continuations_are_among_the_candidates_and_no_discovery_is(data: DataSet) -> None:
    continued = data.kind == KINDS.index("continuation")
    assert (data.target[continued] >= 0).mean() > 0.95
    assert (data.target[data.kind == KINDS.index("discovery")] == ABSENT).all()


def test_codes_fit_the_bytes_that_keep_them(simulated: EventLog, data: DataSet) -> None:
    """What does not fit would be cut without a word."""
    for opening in openings(simulated):
        found = candidates(opening.state, WATCH_NEXT)
        for codes in extract(opening.state, opening.session.device_id, found):
            assert codes.min(initial=0) >= 0
            assert codes.max(initial=0) < CODES
    assert np.iinfo(data.show.dtype).max + 1 >= CODES


def test_it_names_its_features_and_its_logs(simulated: EventLog, data: DataSet) -> None:
    assert str(data.features_hash) == features_hash()
    assert data.show.shape[1] == len(data.show_names) == len(set(data.show_names))
    assert data.session.shape[1] == len(data.session_names) == len(set(data.session_names))
    assert list(data.accounts) == ["sim"]
    assert list(data.log_hashes) == [sha256(simulated.path.read_bytes()).hexdigest()]


def test_logs_and_catalogs_are_named_by_what_is_in_them(
    simulated: EventLog, tmp_path: Path
) -> None:
    """However they are packed."""
    catalog = tmp_path / "catalog.jsonl"
    catalog.write_bytes(b'{"kind":"movie","id":"a"}\n')
    for path in (simulated.path, catalog):
        with written(tmp_path / f"{path.name}.gz") as packed:
            packed.write(path.read_bytes())
    found = make_dataset(
        [simulated, EventLog(tmp_path / "sim.jsonl.gz")],
        catalogs=[catalog, tmp_path / "catalog.jsonl.gz"],
    )
    for hashes, path in ((found.log_hashes, simulated.path), (found.catalog_hashes, catalog)):
        assert list(hashes) == [sha256(path.read_bytes()).hexdigest()] * 2


def test_each_log_is_an_account(tmp_path: Path) -> None:
    paths = []
    for number, profile in enumerate("pq"):
        story = Story(profile)
        story.watch(number * 100, "a")
        story.watch(number * 100 + 10, "a")
        paths.append(tmp_path / f"{profile}.jsonl")
        write_events(paths[-1], story.events)
    data = make_dataset([EventLog(path) for path in paths])
    assert list(data.accounts) == ["p", "q"]
    assert list(data.account) == list(data.profile) == [0, 0, 1, 1]


def test_a_session_without_a_candidate_is_there_too(tmp_path: Path) -> None:
    story = Story()
    story.watch(0, "a")
    data = make_dataset([write_events(tmp_path / "log.jsonl", story.events)])
    assert (list(data.bounds), list(data.target)) == ([0, 0], [ABSENT])
    assert data.show.shape == (0, len(data.show_names))
    assert (data.session == CODES - 1).all()


def test_a_log_without_a_scored_session_makes_an_empty_data_set(tmp_path: Path) -> None:
    story = Story()
    story.open(0)
    path = tmp_path / "data.npz"
    data = make_dataset([write_events(tmp_path / "log.jsonl", story.events)])
    with path.open("wb") as out:
        write_dataset(data, out)
    assert equal(read_dataset(path), data)
    assert len(data.sessions) == 0


def test_the_same_logs_give_the_same_bytes_and_read_back_the_same(
    simulated: EventLog, data: DataSet, tmp_path: Path
) -> None:
    outs = []
    for made in (data, make_dataset([simulated])):
        out = io.BytesIO()
        write_dataset(made, out)
        outs.append(out.getvalue())
    assert outs[0] == outs[1]
    path = tmp_path / "data.npz"
    path.write_bytes(outs[0])
    assert equal(read_dataset(path), data)


def test_no_id_of_a_profile_or_show_is_in_the_file(
    simulated: EventLog, data: DataSet, tmp_path: Path
) -> None:
    out = tmp_path / "data.npz"
    with out.open("wb") as file:
        np.savez(file, **data._asdict())  # uncompressed, so that a search finds what is there
    told = out.read_bytes()
    for opening in openings(simulated):
        for name in (opening.session.profile_id, opening.session.target):
            assert name.encode() not in told
            assert name.encode("utf-32-le") not in told


def damage(data: DataSet, path: Path, **changed: object) -> Path:
    np.savez_compressed(path, format=np.array(FORMAT), **(data._asdict() | changed))
    return path


@pytest.mark.parametrize(
    "content", [b"", b"no archive", b"PK\x03\x04 cut", b'{"type":"play"}\n'], ids=repr
)
def test_what_is_no_data_set_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    path.write_bytes(content)
    with pytest.raises(DataSetError, match=r"data\.npz: no data set"):
        read_dataset(path)


def test_a_single_array_is_no_data_set(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    with path.open("wb") as out:
        np.save(out, np.arange(3))
    with pytest.raises(DataSetError, match="no data set"):
        read_dataset(path)


def test_a_pickle_is_refused(data: DataSet, tmp_path: Path) -> None:
    path = damage(data, tmp_path / "data.npz", kind=np.array([object()]))
    with pytest.raises(DataSetError, match="no data set"):
        read_dataset(path)


def test_a_newer_format_and_a_missing_array_are_refused(data: DataSet, tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez_compressed(path, **(data._asdict() | {"format": np.array(FORMAT + 1)}))
    with pytest.raises(DataSetError, match=f"of format {FORMAT + 1}, wanted {FORMAT}"):
        read_dataset(path)
    arrays = data._asdict()
    del arrays["bounds"]
    np.savez_compressed(path, format=np.array(FORMAT), **arrays)
    with pytest.raises(DataSetError, match="bounds"):
        read_dataset(path)


@pytest.mark.parametrize(
    ("names", "given"),
    [
        (["a/x.jsonl", "b/y.jsonl.gz"], ["x", "y"]),
        (["a/x.jsonl", "b/x.jsonl", "c/x.log", "d/x.jsonl.gz"], ["x", "x~2", "x.log", "x~3"]),
        (["a/x~2.jsonl", "b/x.jsonl", "c/x.jsonl"], ["x~2", "x", "x~3"]),
    ],
)
def test_accounts_are_named_after_their_files(names: list[str], given: list[str]) -> None:
    assert account_names([Path(name) for name in names]) == given


def test_the_command_writes_the_file_and_tells_what_is_in_it(tmp_path: Path) -> None:
    story = Story()
    story.watch(0, "a")
    story.watch(10, "a")
    log, out = tmp_path / "log.jsonl", tmp_path / "data.npz"
    write_events(log, story.events)
    result = CliRunner().invoke(build_app(), ["dataset", str(log), str(log), "-o", str(out)])
    assert result.exit_code == 0, result.output
    assert result.output.startswith(
        "2 scored sessions of 1 profiles (1 continuation, 1 discovery, 0 older), 1 candidates of "
    )
    data = read_dataset(out)
    assert list(data.ts) == [T0, T0 + 10 * HOUR]
    assert list(data.accounts) == ["log", "log~2"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.npz", "log.jsonl"]
