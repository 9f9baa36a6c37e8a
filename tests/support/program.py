"""The command line as a process, at a terminal or at a pipe, and what it prints."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

DEADLINE = 120.0


class Program:
    """A program that runs, and what it has printed so far."""

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
def running(*arguments: str, terminal: bool = False, **environment: str) -> Iterator[Program]:
    """Run `stream-cw` with these arguments; it ends with the block."""
    output, inner = pty.openpty() if terminal else os.pipe()
    size = {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
    process = subprocess.Popen(
        [sys.executable, "-m", "stream_cw.cli", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=inner,
        stderr=inner,
        env={**os.environ, **size, **environment},
        start_new_session=True,
    )
    os.close(inner)
    try:
        yield Program(process, output)
    finally:
        process.kill()
        process.wait()
        os.close(output)
