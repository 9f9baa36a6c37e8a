"""Workers and gateways under a supervisor: what ends is started again, as an orchestrator would."""

import shutil
import signal
import time
from collections.abc import Callable

from gateway_support import GatewayProcess
from msgspec import Struct
from worker_support import WorkerProcess

BACK_S = 1.0
"""How long the supervisor takes to notice."""
RECOVERED = " recovered: partitions "
"""What a worker logs when the states of its partitions are complete."""

IN_ORDER = {0, -signal.SIGKILL, -signal.SIGTERM}
"""Exit statuses of a process that was told to end; the last where it had hardly started."""

Process = WorkerProcess | GatewayProcess


class End(Struct, frozen=True):
    """A process that ended by itself: its name, exit status and last words."""

    name: str
    status: int
    words: str


class Slot:
    """A place for one process; the one that follows has the same name and folder."""

    def __init__(self, name: str, start: Callable[[str], Process]) -> None:
        self.name = name
        self._start = start
        self._expected = False
        self._ended_at: float | None = None
        self._said_before = 0
        self.starts = 0
        self.process = self._begin()

    def _begin(self) -> Process:
        if self.starts:
            self._said_before = len(self.process.log())
        self.starts += 1
        self._expected = False
        self._ended_at = None
        return self._start(self.name)

    def end(self, number: signal.Signals) -> None:
        """Send what ends the process; that it ends is then no news."""
        self._expected = True
        self.process.process.send_signal(number)

    def wipe(self) -> None:
        """Take away what the process kept on disk."""
        shutil.rmtree(self.process.folder / "data", ignore_errors=True)

    def is_recovering(self) -> bool:
        """Whether the worker has opened its stores and not yet said that they are complete."""
        data = self.process.folder / "data"
        return any(data.rglob("*.db")) and RECOVERED not in self.said()

    def said(self) -> str:
        """What the process has logged since it was started."""
        return self.process.log()[self._said_before :]

    def tend(self) -> End | None:
        """Start the process again if it has ended; tell if it ended by itself."""
        status = self.process.process.poll()
        if status is None:
            return None
        now = time.monotonic()
        if self._ended_at is None:
            self._ended_at = now
            self.process.close()
            if self._expected and status in IN_ORDER:
                return None
            return End(self.name, status, last_words(self.said()))
        if now - self._ended_at >= BACK_S:
            self.process = self._begin()
        return None


def last_words(said: str) -> str:
    """The last line of a log that says what went wrong, else the last one."""
    lines = said.splitlines()
    errors = [line for line in lines if " ERROR " in line]
    return (errors or lines or [""])[-1].split(": ", 1)[-1][:300]
