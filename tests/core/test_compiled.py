"""Compiled loops: they are warmed up, plain Python gives the same, and stale ones are not used."""

import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest

import stream_cw

ROWS = """
import sys
sys.path.insert(0, sys.argv[1])
from event_strategies import EPOCH
from random_models import a_random_model
from state_strategies import full_state
from stream_cw.core.codec import encode_state
from stream_cw.core.events import Episode, MarkWatched, Rating, Remove, UndoRemove
from stream_cw.core.learned import Learned
from stream_cw.core.row import View, row
from stream_cw.core.rows import ModelRef, encode_row
from stream_cw.core.state import Source
from stream_cw.core.step import step
view = View(scorer=Learned(a_random_model(3), ModelRef("random", "ab" * 32)))
state = full_state()
for device in state.devices:
    print(encode_row(row(state, "p", device.device_id, view)).decode())
told = {"profile_id": "p", "device_id": "d1", "device_type": "tv", "ts": state.now + 1}
for number, show in enumerate(state.shows):
    title = Episode(id=f"new-{number}", series_id=show, season=2, episode=number)
    kind, fields = (
        (MarkWatched, {"title": title}),
        (Rating, {"show_id": show, "rating": 1}),
        (Remove, {"show_id": show}),
        (UndoRemove, {"show_id": show}),
    )[number % 4]
    event = kind(event_id=f"word-{number}", **told, **fields)
    state = step(state, event, Source(EPOCH, 0, 10_000 + number)).state
print(encode_state(state).hex())
"""


def run_python(code: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, check=False, timeout=240,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


WARMED = """
import sys
sys.path.insert(0, sys.argv[1])
from numba.core import sigutils, types
from random_models import a_random_model
from state_strategies import full_state
from stream_cw.core import (
    candidates, choice, columns, compiled, compiled_model, counting, decay, extraction, joined,
    learned, marks, open_show, presence, retention, show_bytes, show_numbers, standing, sums,
    watching,
)
from stream_cw.core.catalog import EpisodeEntry, Season, SeriesEntry
from stream_cw.core.learned import Learned
from stream_cw.core.row import View, row
from stream_cw.core.rows import ModelRef
from stream_cw.core.warm_up import warm_up
from stream_cw.core.works import pack_work

def taken(arguments):
    # Whether it may be written to is no matter of the signature.
    return tuple(
        a.copy(readonly=False) if isinstance(a, types.Array)
        else taken(a) if isinstance(a, types.BaseTuple)
        else a
        for a in arguments
    )

def called():
    return {
        name: list(map(taken, value.signatures))
        for module in (
            candidates, choice, columns, compiled_model, counting, decay, extraction, joined,
            learned, marks, open_show, presence, retention, show_bytes, show_numbers, standing,
            sums, watching,
        )
        for name, value in vars(module).items()
        if hasattr(value, "signatures") and value.__module__ == module.__name__
    }

view = View(scorer=Learned(a_random_model(1), ModelRef("random", "ab" * 32)))
assert not any(called().values()) and len(called()) > 15
warm_up(view)
warmed = called()
state = full_state()
works = {
    show: pack_work(SeriesEntry(id=show, seasons=[Season(episodes=[EpisodeEntry(id="e")])]))
    for show in state.shows
}
for known in ({}, works):
    for device in state.devices:
        row(state, "p", device.device_id, View(scorer=view.scorer, works=known))
assert called() == warmed, {name for name in warmed if called()[name] != warmed[name]}
view.scorer.placements(state, 0, candidates.candidates(state, view.policy))
# Rows run its loop within another one, which may have been kept.
columns.columns(joined.joined_shows(state.shows))
for name, loop in compiled.LOOPS.items():
    found = list(map(taken, loop.function.signatures))
    declared, _ = sigutils.normalize_signature(loop.signature)
    assert found == [taken(declared)], (name, found, declared)
"""
HERE = str(Path(__file__).parent)
PLAIN = {"NUMBA_DISABLE_JIT": "1"}


@pytest.fixture
def called(tmp_path: Path) -> dict[str, str]:
    """Settings by which loops are compiled when they are called, and kept for the next run."""
    return {
        "XDG_CACHE_HOME": str(tmp_path),
        "NUMBA_CACHE_DIR": str(stream_cw.LOOP_FOLDERS.portable),
    }


def test_warming_up_compiles_every_loop_that_a_row_runs(called: dict[str, str]) -> None:
    """And each for what its signature says: one made before would take all else for that."""
    run_python(WARMED, HERE, **called)


def test_plain_python_gives_the_same_rows_and_states(called: dict[str, str]) -> None:
    compiled, plain = run_python(ROWS, HERE, **called), run_python(ROWS, HERE, **PLAIN)
    assert compiled == plain
    assert len(compiled.splitlines()) == 8 + 1


def test_bounds_are_kept() -> None:
    assert run_python(ROWS, HERE, NUMBA_BOUNDSCHECK="1")


COMMAND = "import sys; from stream_cw.cli import main; main()"
WITHOUT_NUMBA = "import sys; sys.modules['numba'] = None\n" + ROWS


def test_loops_compiled_ahead_of_time_need_no_numba_and_give_the_same_rows(tmp_path: Path) -> None:
    here = {"XDG_CACHE_HOME": str(tmp_path)}
    try:
        made = run_python(COMMAND, "compile", "--portable", **here)
    except AssertionError as error:
        if "ahead of time: there is no" in str(error):
            pytest.skip(str(error))
        raise
    assert Path(made.strip()).is_relative_to(tmp_path)
    assert run_python(COMMAND, "compile", **here) == made  # it is there
    assert run_python(WITHOUT_NUMBA, HERE, **here) == run_python(ROWS, HERE, **PLAIN)


def test_no_compiler_is_told(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="there is no compiler"):
        run_python(COMMAND, "compile", XDG_CACHE_HOME=str(tmp_path), PATH="/nowhere")
    assert not list(tmp_path.iterdir())


NAMED = "import sys; sys.path.insert(0, sys.argv[1]); import os, stream_cw; print(os.environ['{}'])"


def test_what_was_compiled_from_other_code_is_not_used(tmp_path: Path) -> None:
    """A loop takes constants from other files; any change of the core names another directory."""
    package = Path(stream_cw.__file__).parent
    copy = tmp_path / "stream_cw"
    copytree(package, copy)
    named = NAMED.format("NUMBA_CACHE_DIR")
    unset = {"NUMBA_CACHE_DIR": ""}
    first = run_python(named, str(tmp_path), **unset)
    assert run_python(named, str(tmp_path), **unset) == first
    with (copy / "core" / "limits.py").open("a") as limits:
        limits.write("# changed\n")
    assert run_python(named, str(tmp_path), **unset) != first


def test_a_directory_of_ones_own_is_respected() -> None:
    named = NAMED.format("NUMBA_CACHE_DIR")
    assert run_python(named, "/nowhere", NUMBA_CACHE_DIR="/own").strip() == "/own"


def test_without_a_directory_loops_are_compiled_all_the_same() -> None:
    assert run_python(ROWS, HERE, NUMBA_CACHE_DIR="/proc/nowhere", XDG_CACHE_HOME="/proc/nowhere")
