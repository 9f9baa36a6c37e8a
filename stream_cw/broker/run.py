"""A broker that runs alone until it is told to end."""

import signal
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from stream_cw.broker.embedded import embedded_broker
from stream_cw.broker.kafka import kafka_broker

BrokerKind = Literal["kafka", "embedded"]


def run_broker(kind: BrokerKind, port: int | None = None, data_dir: Path | None = None) -> None:
    """Start a broker, print its address on a line, and block until SIGINT or SIGTERM.

    Call it from the main thread: only there signals can be handled.

    Parameters
    ----------
    kind : {'kafka', 'embedded'}
    port : int, optional
        Where it serves on 127.0.0.1; a free port if left out.
    data_dir : Path, optional
        Where it keeps its data; a temporary folder, removed at the end, if left out.

    Raises
    ------
    BrokerError
        If it does not start, or ends by itself.
    """
    start = kafka_broker if kind == "kafka" else embedded_broker
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with ExitStack() as stack:
        if data_dir is None:
            folder = tempfile.TemporaryDirectory(prefix="stream-cw-broker-")
            data_dir = Path(stack.enter_context(folder))
        broker = stack.enter_context(start(data_dir, port=port))
        sys.stdout.write(f"{broker.address}\n")
        sys.stdout.flush()
        while not ended.wait(0.5):
            broker.check()
