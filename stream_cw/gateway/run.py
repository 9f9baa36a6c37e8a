"""Run a gateway until it is told to stop."""

import asyncio
import logging
import resource
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final

from stream_cw.broker.connection import Brokers
from stream_cw.broker.contract import Topics, topic_ms, topic_names
from stream_cw.broker.event_loop import new_event_loop
from stream_cw.broker.identities import Identities
from stream_cw.broker.topics import verified_topics
from stream_cw.errors import SettingsError, StreamCwError
from stream_cw.gateway.app import Parts, build_app, told
from stream_cw.gateway.follow import Following
from stream_cw.gateway.latest import Latest
from stream_cw.gateway.metrics import Metrics
from stream_cw.gateway.producing import Producing
from stream_cw.gateway.server import Server, listen
from stream_cw.gateway.settings import GatewaySettings
from stream_cw.gateway.subscribers import Subscribers
from stream_cw.gateway.tickets import Tickets
from stream_cw.gateway.tokens import Tokens, tokens_of
from stream_cw.logs import set_up_logging
from stream_cw.security import secured

TALKATIVE: Final = ("aiokafka", "uvicorn", "asyncio")
"""Libraries that write keys and values at lower levels, and so who watches what."""

log: Final = logging.getLogger("stream_cw.gateway")


def run_gateway(settings: GatewaySettings) -> int:
    """Run a gateway in this process until SIGTERM or SIGINT.

    Parameters
    ----------
    settings : GatewaySettings

    Returns
    -------
    int
        Exit code: 0 after a graceful stop, 1 if the gateway may not start or cannot go on; the
        reason is logged in one line.
    """
    set_up_logging(settings.log_level, settings.log_format, TALKATIVE, "ERROR")
    _allow_many_connections()
    topics = topic_names(settings.topic_prefix, settings.app_id)
    try:
        tokens, tickets = tokens_of(settings), Tickets(settings.ticket_secret)
        brokers = secured(settings.brokers)
        found = verified_topics(brokers, topics)
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_serve(settings, brokers, topics, found, tokens, tickets))
    except StreamCwError as error:
        log.error("%s", error)
        return 1
    return 0


async def _serve(
    settings: GatewaySettings,
    brokers: Brokers,
    topics: Topics,
    found: Identities,
    tokens: Tokens,
    tickets: Tickets,
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    faults: list[BaseException] = []

    def fail(error: BaseException) -> None:
        faults.append(error)
        stop.set()

    try:
        listening = listen(settings.host, settings.port)
    except OSError as error:
        raise SettingsError(f"{settings.host}:{settings.port}: {error.strerror}") from None
    with listening:
        async with _running(settings, brokers, topics, found, tokens, tickets, fail) as parts:
            server = Server(build_app(parts))
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            host, port = listening.getsockname()[:2]
            log.info("listening at %s, port %d", host, port)
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            parts.subscribers.close()
            server.end()
            await serving
    if faults:
        raise _told(faults[0])


@asynccontextmanager
async def _running(
    settings: GatewaySettings,
    brokers: Brokers,
    topics: Topics,
    found: Identities,
    tokens: Tokens,
    tickets: Tickets,
    fail: Callable[[BaseException], None],
) -> AsyncIterator[Parts]:
    """Start what a gateway is made of; the push topic is read while it answers already."""
    metrics, subscribers = Metrics(), Subscribers()
    keep_s = topic_ms("rows", "retention.ms") // 1000
    async with AsyncExitStack() as stack:
        latest = stack.enter_context(Latest(settings.cache_bytes, keep_s))
        producing = Producing(
            brokers,
            topics.events,
            found[topics.events].partitions,
            settings.produce_timeout,
            metrics,
            fail,
        )
        await producing.start()
        stack.push_async_callback(producing.stop)
        following = Following(
            brokers,
            topics.rows,
            found[topics.rows].partitions,
            latest,
            subscribers,
            metrics,
            fail,
        )
        stack.push_async_callback(following.stop)
        following.start()
        yield Parts(
            settings=settings,
            tokens=tokens,
            tickets=tickets,
            sink=producing,
            latest=latest,
            subscribers=subscribers,
            progress=following,
            metrics=metrics,
        )


def _told(fault: BaseException) -> StreamCwError:
    if isinstance(fault, StreamCwError):
        return fault
    return StreamCwError(f"fault, the gateway ends: {told(fault)}")


def _allow_many_connections() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
