"""The demo's worker, as a child process."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from stream_cw.errors import DeploymentError

STOP_SECONDS: Final = 15.0
_TOLD_LINES: Final = 20


class WorkerProcess:
    """A worker that runs.

    Attributes
    ----------
    pid : int
    """

    def __init__(self, process: subprocess.Popen[bytes], log_path: Path) -> None:
        self.pid = process.pid
        self._process = process
        self._log_path = log_path

    def check(self) -> None:
        """Raise DeploymentError, with the tail of its log, if it has ended by itself."""
        status = self._process.poll()
        if status is not None:
            raise DeploymentError(f"the worker ended with status {status}:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """Return the last lines of its log."""
        text = self._log_path.read_text(errors="replace")
        return "\n".join(text.splitlines()[-_TOLD_LINES:])


@contextmanager
def worker_process(brokers: str, folder: Path) -> Iterator[WorkerProcess]:
    """Run a worker; SIGTERM ends it with the context, force where that takes too long.

    Parameters
    ----------
    brokers : str
    folder : Path
        Takes its states and its log.
    """
    command = [sys.executable, "-m", "stream_cw.demo.worker", brokers, str(folder / "states")]
    log_path = folder / "worker.log"
    with log_path.open("wb") as log:
        # Its own session: Ctrl-C in a terminal is for the demo, which ends things in order.
        process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.PIPE,  # closed when the demo is killed, which tells the worker
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield WorkerProcess(process, log_path)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin:
            process.stdin.close()
