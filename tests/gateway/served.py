"""A gateway in this process: the real server on a free port, without Kafka behind it.

Rows are put into it as the push topic would bring them; what is produced is kept in a list.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import uvloop
from gateway_support import AUDIENCE, ISSUER, SECRET

from stream_cw.core.partition import partition_for
from stream_cw.core.rows import (
    SOURCE_OFFSET,
    Cause,
    ModelRef,
    Placement,
    Row,
    Tile,
    Version,
    encode_row,
    row_key,
)
from stream_cw.errors import BrokerError
from stream_cw.gateway.app import Parts, build_app
from stream_cw.gateway.latest import Latest
from stream_cw.gateway.metrics import Metrics
from stream_cw.gateway.producing import Place
from stream_cw.gateway.server import Server, listen
from stream_cw.gateway.settings import GatewaySettings
from stream_cw.gateway.subscribers import Subscribers
from stream_cw.gateway.tickets import Tickets
from stream_cw.gateway.tokens import tokens_of

T = TypeVar("T")
START = 1_700_000_000_000
PARTITIONS = 4


def a_row(
    revision: int,
    profile: str = "ann",
    device: str = "tv",
    tiles: int | list[Tile] = 3,
    **fields: Any,
) -> Row:
    """A row whose version and time tell its revision."""
    known: dict[str, Any] = {
        "profile_id": profile,
        "device_id": device,
        "session_id": None,
        "version": Version(revision, 0, 0),
        "ts": START + revision * 1_000,
        "cause": Cause(f"e{revision}", "stop"),
        "model": ModelRef("recency", None),
        "placement": Placement(500_000, 1, "even_chance"),
        "arm": None,
        "tiles": tiles
        if isinstance(tiles, list)
        else [a_tile(rank, revision) for rank in range(tiles)],
    }
    return Row(**known | fields)


def a_tile(rank: int, revision: int) -> Tile:
    return Tile(
        show_id=f"show-{rank}",
        kind="series",
        title_id=f"title-{revision}",
        season=1,
        episode=2,
        position_ms=600_000,
        duration_ms=2_700_000,
        up_next=False,
        score=1_000 - rank,
        reason="recently_watched",
    )


class Record(NamedTuple):
    """A record of the push topic, as the consumer hands it over."""

    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    partition: int
    offset: int


class FakeSink:
    """Stands in for Kafka: keeps what is produced, or refuses as a broker does that is away."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, bytes]] = []
        self.traces: list[bytes | None] = []
        self.away = False
        self.then: Callable[[bytes, Place], None] = lambda _key, _place: None

    async def send(
        self, events: Sequence[tuple[bytes, bytes]], trace: bytes | None = None
    ) -> list[Place]:
        self.traces.append(trace)
        if self.away:
            raise BrokerError("not acknowledged: KafkaTimeoutError")
        places = []
        for key, value in events:
            places.append(Place(partition_for(key, PARTITIONS), len(self.sent)))
            self.sent.append((key, value))
            self.then(key, places[-1])
        return places


class FakeProgress:
    """Says what the test says."""

    def __init__(self) -> None:
        self.caught_up = True

    async def is_ready(self) -> bool:
        return self.caught_up

    async def behind(self) -> int:
        return 0


class Served:
    """A gateway that answers at `url`."""

    def __init__(
        self, parts: Parts, sink: FakeSink, progress: FakeProgress, server: Server, url: str
    ) -> None:
        self.parts = parts
        self.server = server
        self.sink = sink
        self.progress = progress
        self.url = url
        self.loop = uvloop.new_event_loop()
        self._offset = 0

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call in the gateway's loop."""
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(function(*arguments))
            except BaseException as error:  # noqa: BLE001 - handed over to the one who waits
                done.set_exception(error)

        self.loop.call_soon_threadsafe(run)
        return done.result(20)

    def put(self, row: Row, source: int = -1) -> None:
        """Bring a row, as the push topic would."""
        self.call(self.take, row_key(row.profile_id, row.device_id), encode_row(row), source)

    def erase(self, profile: str = "ann", device: str = "tv") -> None:
        self.call(self.take, row_key(profile, device), None)

    def take(self, key: bytes, value: bytes | None, source: int = -1) -> None:
        """Take a record; in the gateway's loop."""
        self._offset += 1
        headers = [(SOURCE_OFFSET, b"%d" % source)]
        change = self.parts.latest.accept(Record(key, value, headers, 0, self._offset))
        if change is not None:
            self.parts.subscribers.publish(change)

    def catch_up(self) -> None:
        """Let the gateway know all that the topic holds."""

        def caught_up() -> None:
            self.progress.caught_up = True
            self.parts.subscribers.wake()

        self.call(caught_up)

    def connections(self) -> Iterable[Any]:
        """The server's connections; in the gateway's loop."""
        return self.server.server_state.connections

    def metric(self, name: str, **labels: str) -> float:
        told = ",".join(f'{key}="{value}"' for key, value in labels.items())
        wanted = f"stream_cw_gateway_{name}" + (f"{{{told}}}" if told else "")
        for line in self.parts.metrics.text().decode().splitlines():
            found, _, value = line.rpartition(" ")
            if found == wanted:
                return float(value)
        return 0.0


def given_settings(**given: Any) -> GatewaySettings:
    known = {"issuer": ISSUER, "audience": AUDIENCE, "secret": SECRET}
    return GatewaySettings(**known | given)


@contextmanager
def parts_of(settings: GatewaySettings, **given: Any) -> Iterator[Parts]:
    with Latest(settings.cache_bytes, keep_s=3_600) as latest:
        known: dict[str, Any] = {
            "settings": settings,
            "tokens": tokens_of(settings),
            "tickets": Tickets(),
            "sink": FakeSink(),
            "latest": latest,
            "subscribers": Subscribers(),
            "progress": FakeProgress(),
            "metrics": Metrics(),
        }
        yield Parts(**known | given)


@contextmanager
def served(**given: Any) -> Iterator[Served]:
    """Serve in a thread, with these settings."""
    sink, progress = FakeSink(), FakeProgress()
    with (
        parts_of(given_settings(**given), sink=sink, progress=progress) as parts,
        listen("127.0.0.1", 0) as listening,
    ):
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = Server(build_app(parts))
        gateway = Served(parts, sink, progress, server, url)
        thread = threading.Thread(target=_run, args=(gateway.loop, server, listening))
        thread.start()
        try:
            yield gateway
        finally:
            gateway.loop.call_soon_threadsafe(parts.subscribers.close)
            gateway.loop.call_soon_threadsafe(server.end)
            thread.join(30)
            assert not thread.is_alive()


def _run(loop: asyncio.AbstractEventLoop, server: Server, listening: socket.socket) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(server.serve(sockets=[listening]))
