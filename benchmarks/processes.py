"""Processes of a system under measurement: what they take, and when they answer."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

TICKS: Final = os.sysconf("SC_CLK_TCK")
OK: Final = 200


class Process:
    """A process of the system under measurement."""

    def __init__(self, command: list[str], settings: dict[str, object], folder: Path) -> None:
        self.log = folder / "log.txt"
        environment = {**os.environ, **{name: str(value) for name, value in settings.items()}}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603
        self.pid = self._process.pid

    def cpu_seconds(self) -> float:
        """Return the CPU time that it took so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident(self) -> int:
        """Return the bytes that it holds in memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")

    def end(self, *, kill: bool = False) -> None:
        """End it, in order if it will and is not to be killed."""
        (self._process.kill if kill else self._process.terminate)()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def check(self) -> None:
        """Give up, with the end of its log, if it has ended by itself."""
        if self._process.poll() is not None:
            raise SystemExit(self.log.read_text()[-2_000:])


@contextmanager
def running(command: list[str], settings: dict[str, object], folder: Path) -> Iterator[Process]:
    """Run a process for as long as the context lasts."""
    folder.mkdir(parents=True)
    process = Process(command, settings, folder)
    try:
        yield process
    finally:
        process.end()


def until(process: Process, url: str) -> None:
    """Wait until it answers."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        process.check()
        try:
            if httpx.get(url, timeout=5).status_code == OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"{url} did not answer")
