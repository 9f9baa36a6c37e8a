"""Run a worker until it is told to stop."""

import asyncio
import gc
import logging
import os
import signal
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, NoReturn

from msgspec.structs import replace

from stream_cw.broker.connection import Brokers
from stream_cw.broker.contract import Topics, topic_names
from stream_cw.broker.event_loop import new_event_loop
from stream_cw.broker.identities import Identity
from stream_cw.config import Settings
from stream_cw.core.row import View
from stream_cw.core.warm_up import warm_up
from stream_cw.errors import StreamCwError, TooManyRefusedError
from stream_cw.logs import set_up_logging
from stream_cw.security import secured
from stream_cw.worker.app import App, build_app
from stream_cw.worker.catalog import Catalog
from stream_cw.worker.checks import check_deployment
from stream_cw.worker.datadir import locked
from stream_cw.worker.heap import return_large_blocks
from stream_cw.worker.metrics import Metrics
from stream_cw.worker.models import Models, initial_view, trusted_keys
from stream_cw.worker.probes import Standing, answering
from stream_cw.worker.stats import Stats

STATS_SECONDS: Final = 30.0
COLLECT_AFTER: Final = (50_000, 20, 20)
"""Objects and generations until cycles are looked for. A round makes tens of thousands of objects,
which live until it is through, and few cycles: by Python's defaults a third of the time of a worker
that catches up went into looking for them."""
STOP_SECONDS: Final = 30.0
TOO_MANY_REFUSED: Final = 3
"""Exit code, so that an operator's tools tell it from a fault that a restart may mend."""

# Faust's services log under the names of the modules that subclass them.
_OWN: Final = tuple(
    f"stream_cw.worker.{module}" for module in ("app", "tables", "transport", "store")
)
FRAMEWORK: Final = ("faust", "mode", "aiokafka", "aiohttp", *_OWN)

log: Final = logging.getLogger("stream_cw.worker")


def run_worker(settings: Settings, brokers: Brokers | None = None) -> int:
    """Run a worker in this process until SIGTERM or SIGINT.

    Parameters
    ----------
    settings : Settings
    brokers : str or Connection, optional
        Their `brokers`, by the security settings of the environment, if left out.

    Returns
    -------
    int
        Exit code: 0 after a graceful stop, 1 if the worker may not start; the reason is logged in
        one line. A fault on the way ends the process at once with exit code 1, nothing committed;
        too many refused records end it in the same way with `TOO_MANY_REFUSED`.
    """
    quiet = "DEBUG" if settings.log_level == "DEBUG" else "ERROR"
    set_up_logging(settings.log_level, settings.log_format, FRAMEWORK, quiet)
    return_large_blocks()
    topics = topic_names(settings.topic_prefix, settings.app_id)
    try:
        with locked(settings.data_dir):
            brokers = brokers or secured(settings.brokers)
            events = check_deployment(brokers, topics)
            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(_serve(settings, brokers, topics, events))
    except StreamCwError as error:
        log.error("%s", error)
        return 1
    return 0


async def _serve(settings: Settings, brokers: Brokers, topics: Topics, events: Identity) -> None:
    stats = Stats()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    fail = _failure(settings, stats)
    async with _followed(settings, brokers, topics, stats, fail) as (view, catalog):
        metrics = Metrics(stats)
        app = build_app(
            settings, brokers, topics, events, view, catalog.changed, stats, metrics, fail
        )
        _settle_heap()
        standing = Standing(app.consumer.is_alive, app.is_ready, view)
        async with answering(settings.probes, standing, metrics):
            telling = asyncio.create_task(_tell(stats))
            try:
                await _run_until(app, stop)
            except Exception as error:  # noqa: BLE001 - whatever it is, nothing may be committed
                fail(error)
            telling.cancel()
    _report(settings, stats)


def _settle_heap() -> None:
    """Look for cycles seldom, and not in what is there by now: it lives as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


@asynccontextmanager
async def _followed(
    settings: Settings,
    brokers: Brokers,
    topics: Topics,
    stats: Stats,
    fail: Callable[[BaseException], NoReturn],
) -> AsyncIterator[tuple[Callable[[], View], Catalog]]:
    """Follow the catalog, and models where the settings name trusted keys; give the view, too."""
    initial, trusted = initial_view(settings), trusted_keys(settings)
    warm_up(initial)
    models: Models | None = None
    async with AsyncExitStack() as stack:
        if trusted is not None:
            models = Models(brokers, topics.models, trusted, initial, stats, fail)
            await models.start()
            stack.push_async_callback(models.stop)
        catalog = Catalog(brokers, topics.catalog, stats, fail)
        await catalog.start()
        stack.push_async_callback(catalog.stop)

        def view() -> View:
            base = initial if models is None else models.view
            works, version, ts = catalog.known
            return replace(base, works=works, catalog=version, catalog_ts=ts)

        yield view, catalog


async def _run_until(app: App, stop: asyncio.Event) -> None:
    """Run the app until it is told to stop or crashes; raise what it crashed on."""
    starting = asyncio.create_task(app.start())
    ends = {asyncio.create_task(stop.wait()), asyncio.create_task(app._crashed.wait())}
    await asyncio.wait({starting, *ends}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        starting.result()
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()
    if app.crashed:
        raise app.crash_reason or RuntimeError("Faust crashed and gave no reason")
    async with asyncio.timeout(STOP_SECONDS):
        await app.stop()
    starting.cancel()


def _failure(settings: Settings, stats: Stats) -> Callable[[BaseException], NoReturn]:
    def fail(error: BaseException) -> NoReturn:
        # Not an exception: Faust would acknowledge the events that it was raised on.
        log.error("%s", _told(error))
        _report(settings, stats, type(error).__name__)
        logging.shutdown()
        os._exit(TOO_MANY_REFUSED if isinstance(error, TooManyRefusedError) else 1)

    return fail


def _told(error: BaseException) -> str:
    if isinstance(error, StreamCwError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""  # noqa: PTH119
    return f"fault, nothing more is committed: {type(error).__name__}: {error}{where}"


async def _tell(stats: Stats) -> None:
    """Log counts now and then, and look for cycles: `COLLECT_AFTER` alone lets many lie."""
    while True:
        await asyncio.sleep(STATS_SECONDS)
        _log_counts(stats)
        gc.collect()


def _log_counts(stats: Stats) -> None:
    log.info("counts %s", stats.line(), extra={"facts": {"counts": stats}})


def _report(settings: Settings, stats: Stats, stopped_by: str | None = None) -> None:
    _log_counts(stats)
    if settings.stats_file is not None:
        stats.write(settings.stats_file, stopped_by)
