"""The demo: broker, topics, a worker, a gateway and a replay on this machine, and what comes of it.

On a terminal a link opens the page, where one can play something oneself.
"""

import math
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final, NoReturn

from rich.console import Console

from stream_cw.clients.catalog import import_catalog
from stream_cw.clients.replay import ReplayToKafkaReport, replay
from stream_cw.clients.tail import Rows, tail
from stream_cw.demo.play import Play, play_of
from stream_cw.demo.screen import LiveScreen, PlainScreen, Screen
from stream_cw.demo.system import System, running_system
from stream_cw.errors import DeploymentError
from stream_cw.gateway.page import TITLES

PLAY_SECONDS: Final = 60.0
CATCH_UP_SECONDS: Final = 60.0
"""How long the worker may take for what is left when the replay is over."""
TERMINATED: Final = 128 + signal.SIGTERM


def run_demo(*, once: bool = False, export: Path | None = None, speed: float | None = None) -> None:
    """Run the demo on this machine; when it returns or raises, nothing of it is left.

    On a terminal the rows move, and a link opens the page, until Ctrl-C. Without one, or with
    `once`, each update is a plain line, and the demo ends by itself when the last row has come,
    also through the gateway.

    Parameters
    ----------
    once : bool, default False
    export : Path, optional
        A ViewingActivity.csv whose last weeks are played, instead of simulated members.
    speed : float, optional
        Seconds of event time in one second, infinity for no pace at all; by default such that the
        replay takes a minute.

    Raises
    ------
    BrokerError
        If the broker does not start, or ends by itself.
    DeploymentError
        If the worker or the gateway ends by itself, or does not catch up with the replay.
    ExportFormatError, InputError
        If the export cannot be used.
    """
    console = Console()
    live = console.is_terminal and not once
    began = time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(_ended_by_signals())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stream-cw-demo-")))
        play = play_of(export, folder)
        pace = speed or max(1.0, play.seconds / PLAY_SECONDS)
        screen = stack.enter_context(LiveScreen(console, play)) if live else PlainScreen(play)
        screen.say("starting a broker, the topics, a worker and a gateway")
        system = stack.enter_context(running_system(folder))
        if live:
            stack.callback(screen.say, "ending the gateway, the worker and the broker")
        screen.say(
            f"broker at {system.address} (process {system.broker.pid}), "
            f"worker (process {system.worker.pid}), "
            f"gateway at {system.door.url} (process {system.gateway.pid})"
        )
        for catalog in filter(None, (play.catalog, TITLES)):
            import_catalog(catalog, system.address, topic=system.topics.catalog)
        system.wait_joined()
        system.door.wait_ready(system.check)
        screen.offer(system.door.link())
        screen.say("replaying as fast as can be" if math.isinf(pace) else f"replaying {pace:,.0f}x")
        _show(system, play, screen, folder, speed=None if math.isinf(pace) else pace, stay=live)
        screen.say(
            f"{play.events:,} events replayed, {screen.updates:,} row updates, lag 0, "
            f"{time.monotonic() - began:.0f} s"
        )


def _show(
    system: System, play: Play, screen: Screen, folder: Path, *, speed: float | None, stay: bool
) -> None:
    rows: Rows = {}
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        replaying = pool.submit(
            replay,
            play.log,
            system.address,
            topic=system.topics.events,
            speed=speed,
            progress=folder / "replay.progress",
            watch=lambda record, _: screen.sent(record),
            is_interrupted=stop.is_set,
        )
        try:
            _follow(system, screen, rows, replaying, stay=stay)
        finally:
            stop.set()
    # The offsets of all events are committed, so all rows are on the topic: up to its end, then.
    topic = system.topics.rows
    for updates in tail(system.address, topic=topic, rows=rows, from_beginning=True, to_end=True):
        screen.show(updates, rows)
    if rows:
        newest = next(reversed(rows.values()))
        system.door.wait_row(newest, system.check)
        screen.say(f"the gateway gives {newest.profile_id}/{newest.device_id} the same row")


def _follow(
    system: System,
    screen: Screen,
    rows: Rows,
    replaying: Future[ReplayToKafkaReport],
    *,
    stay: bool,
) -> None:
    over_at: float | None = None
    batches = tail(system.address, topic=system.topics.rows, rows=rows, from_beginning=True)
    with closing(batches):
        for updates in batches:
            system.check()
            screen.show(updates, rows)
            if not replaying.done():
                continue
            ends = replaying.result().ends
            if over_at is None:
                over_at = time.monotonic()
                screen.say("the replay is over" + ("; Ctrl-C ends the demo" if stay else ""))
            if stay:
                continue
            if (lag := system.lag(ends)) == 0:
                return
            if time.monotonic() - over_at > CATCH_UP_SECONDS:
                raise DeploymentError(
                    f"the worker is still {lag:,} events behind, {CATCH_UP_SECONDS:.0f} s after "
                    f"the replay:\n{system.worker.log_tail()}"
                )


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end the demo in order, as Ctrl-C does."""

    def end(*_: object) -> NoReturn:
        raise SystemExit(TERMINATED)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
