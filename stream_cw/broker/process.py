"""A broker that runs as a child process on loopback."""

import atexit
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from stream_cw.errors import BrokerError

HOST: Final = "127.0.0.1"
START_TIMEOUT_S: Final = 120.0
STOP_TIMEOUT_S: Final = 15.0

# Linux ends the child when the thread that started it ends, however that happens. The launcher
# takes the place of Popen's preexec_fn, which is not safe beside the threads of librdkafka.
_DIE_WITH_PARENT: Final = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


class Broker:
    """A broker of this machine: a child process, the port it serves and its log.

    The process ends with its parent; on Linux also when the parent is killed. Start it from a
    thread that lives as long as the broker should.

    Parameters
    ----------
    name : str
        What messages call it.
    command : sequence of str
        The program, as a full path, and its arguments; the same for every start, so that a restart
        serves the same port from the same data.
    port : int
        Where it serves, on 127.0.0.1.
    log_path : Path
        Takes standard output and error of all its runs.
    """

    def __init__(self, name: str, command: Sequence[str], port: int, log_path: Path) -> None:
        self.name = name
        self.port = port
        self.log_path = log_path
        self._command = list(command)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """What clients take as bootstrap server."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """Process id of the current run.

        Raises
        ------
        BrokerError
            If the broker does not run.
        """
        return self._running().pid

    def start(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Start the process and wait until it answers a request for metadata.

        Raises
        ------
        BrokerError
            If its port is taken, it exits before it answers, or the time runs out.
        """
        self.launch()
        try:
            wait_ready(self.address, timeout_s, self.check)
        except BaseException:
            self.kill()
            raise

    def launch(self) -> None:
        """Start the process and do not wait: one node of a cluster answers only beside others.

        Raises
        ------
        BrokerError
            If its port is taken.
        """
        if not _is_free(self.port):
            # Whoever serves there would answer in its place.
            raise BrokerError(f"{self.name}: port {self.port} wanted on {HOST}, found in use")
        command = self._command
        if sys.platform == "linux":
            launcher = [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid())]
            command = launcher + command
        with self.log_path.open("ab") as log:
            # Its own session: Ctrl-C in a terminal is for the parent, which ends things in order.
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        atexit.register(self.kill)

    def check(self) -> None:
        """Raise BrokerError, with the tail of the log, if the process has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise BrokerError(
                f"{self.name} ended with status {self._process.returncode}:\n{self.log_tail()}"
            )

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """End the process in order (SIGTERM), by force when the time runs out; twice is fine."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        self.kill()

    def kill(self) -> None:
        """End the process at once (SIGKILL), as a crash would; twice is fine."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None
        atexit.unregister(self.kill)

    def pause(self) -> None:
        """Halt the process (SIGSTOP): connections stay open, nothing answers."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a halted process go on."""
        self._running().send_signal(signal.SIGCONT)

    def log_tail(self, lines: int = 20) -> str:
        """Last lines of the log."""
        text = self.log_path.read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise BrokerError(f"{self.name} does not run")
        return self._process


def wait_ready(address: str, timeout_s: float, check: Callable[[], None], nodes: int = 1) -> None:
    """Wait until a broker at an address answers a request for metadata.

    Parameters
    ----------
    address : str
    timeout_s : float
    check : callable
        Called between tries; raises when waiting is pointless.
    nodes : int, default 1
        How many brokers it must know of, itself among them.

    Raises
    ------
    BrokerError
        If the time runs out.
    """
    deadline = time.monotonic() + timeout_s
    client = AdminClient(
        {"bootstrap.servers": address, "reconnect.backoff.max.ms": 250, "log_level": 0}
    )
    while time.monotonic() < deadline:
        check()
        with contextlib.suppress(KafkaException):
            # A node that is up but not yet part of its cluster answers with an empty list.
            if len(client.list_topics(timeout=0.5).brokers) >= nodes:
                return
    raise BrokerError(f"no broker answered at {address} within {timeout_s:.0f} s")


def free_port() -> int:
    """Pick a port of 127.0.0.1 that nobody uses.

    It lies below the range that systems take for outgoing connections: a client that knocks at a
    port of that range while its broker is down can be connected to itself, and so take the port.
    """
    for port in random.sample(range(20_000, 32_000), 100):
        if _is_free(port):
            return port
    raise BrokerError(f"no free port on {HOST} among 100 tries from 20000 to 31999")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As brokers do: a port whose last connections are just being forgotten is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            return False
        return True
