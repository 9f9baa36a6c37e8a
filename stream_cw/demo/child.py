"""A child process of the demo: a module of this package that ends when the demo does."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from stream_cw.errors import DeploymentError

STOP_SECONDS: Final = 15.0
_TOLD_LINES: Final = 20


class Child:
    """A child process that runs.

    Attributes
    ----------
    pid : int
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
        self.pid = process.pid
        self._name = name
        self._process = process
        self._log_path = log_path

    def check(self) -> None:
        """Raise DeploymentError, with the tail of its log, if it has ended by itself."""
        status = self._process.poll()
        if status is not None:
            raise DeploymentError(
                f"the {self._name} ended with status {status}:\n{self.log_tail()}"
            )

    def log_tail(self) -> str:
        """Return the last lines of its log."""
        text = self._log_path.read_text(errors="replace")
        return "\n".join(text.splitlines()[-_TOLD_LINES:])


@contextmanager
def child(
    name: str,
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Child]:
    """Run `python -m stream_cw.demo.NAME`; SIGTERM ends it with the context, force if need be.

    Parameters
    ----------
    name : str
        A module that calls `end_with_demo`.
    arguments : sequence of str
    folder : Path
        Takes its log.
    environment : mapping of str to str, optional
        All of it; this process's own if left out.
    """
    command = [sys.executable, "-m", f"stream_cw.demo.{name}", *arguments]
    log_path = folder / f"{name}.log"
    with log_path.open("wb") as log:
        # Its own session: Ctrl-C in a terminal is for the demo, which ends things in order.
        process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.PIPE,  # closed when the demo is killed, which tells the child
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )
    try:
        yield Child(name, process, log_path)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin:
            process.stdin.close()


def end_with_demo() -> None:
    """Let this process, a child, end when the demo does."""
    threading.Thread(target=_wait_for_demo, daemon=True).start()


def _wait_for_demo() -> None:
    sys.stdin.buffer.read()  # returns when the demo has gone, however it ended
    os._exit(1)  # a stop in order would wait for the broker, which has gone too
