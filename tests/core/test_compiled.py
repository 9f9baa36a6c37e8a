"""Compiled loops: they are warmed up, plain Python gives the same, and stale ones are not used."""

import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import stream_cw

ROWS = """
import sys
sys.path.insert(0, sys.argv[1])
from random_models import a_random_model
from state_strategies import full_state
from stream_cw.core.learned import Learned
from stream_cw.core.row import View, row
from stream_cw.core.rows import ModelRef, encode_row
view = View(scorer=Learned(a_random_model(3), ModelRef("random", "ab" * 32)))
state = full_state()
for device in state.devices:
    print(encode_row(row(state, "p", device.device_id, view)).decode())
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
from random_models import a_random_model
from state_strategies import full_state
from stream_cw.core import (
    candidates, choice, columns, extraction, joined, learned, presence, show_numbers,
)
from stream_cw.core.catalog import EpisodeEntry, Season, SeriesEntry
from stream_cw.core.learned import Learned
from stream_cw.core.row import View, row
from stream_cw.core.rows import ModelRef
from stream_cw.core.warm_up import warm_up
from stream_cw.core.works import pack_work

def compiled():
    return {
        name: len(value.signatures)
        for module in (
            candidates, choice, columns, extraction, joined, learned, presence, show_numbers,
        )
        for name, value in vars(module).items()
        if hasattr(value, "signatures") and value.__module__ == module.__name__
    }

view = View(scorer=Learned(a_random_model(1), ModelRef("random", "ab" * 32)))
assert not any(compiled().values()) and len(compiled()) > 15
warm_up(view)
warmed = compiled()
state = full_state()
works = {
    show: pack_work(SeriesEntry(id=show, seasons=[Season(episodes=[EpisodeEntry(id="e")])]))
    for show in state.shows
}
for known in ({}, works):
    for device in state.devices:
        row(state, "p", device.device_id, View(scorer=view.scorer, works=known))
assert compiled() == warmed, set(compiled().items()) ^ set(warmed.items())
"""


def test_warming_up_compiles_every_loop_that_a_row_runs() -> None:
    run_python(WARMED, str(Path(__file__).parent))


def test_plain_python_gives_the_same_rows() -> None:
    here = str(Path(__file__).parent)
    compiled, plain = run_python(ROWS, here), run_python(ROWS, here, NUMBA_DISABLE_JIT="1")
    assert compiled == plain
    assert len(compiled.splitlines()) == 8


def test_bounds_are_kept() -> None:
    assert run_python(ROWS, str(Path(__file__).parent), NUMBA_BOUNDSCHECK="1")


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
    assert run_python(ROWS, str(Path(__file__).parent), NUMBA_CACHE_DIR="/proc/nowhere")
