"""A gateway within the test's process, with the core in the place of Kafka and the worker."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace

from starlette.applications import Starlette

from stream_cw.core.events import BaseEvent, decode_event, encode_event
from stream_cw.core.partition import partition_for
from stream_cw.core.row import row
from stream_cw.core.rows import SOURCE_OFFSET, encode_row, row_key
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import step
from stream_cw.gateway.app import Parts, build_app
from stream_cw.gateway.latest import Latest
from stream_cw.gateway.metrics import Metrics
from stream_cw.gateway.producing import Place
from stream_cw.gateway.settings import GatewaySettings
from stream_cw.gateway.subscribers import Subscribers
from stream_cw.gateway.tickets import Tickets
from stream_cw.gateway.tokens import tokens_of

EPOCH = bytes(16)
PARTITIONS = 2


class KnowsAll:
    """A push topic that is read to its end."""

    caught_up = True

    async def is_ready(self) -> bool:
        return True

    async def behind(self) -> int:
        return 0


class Core:
    """Takes events as Kafka does, and answers each with its rows as the worker does."""

    def __init__(self, latest: Latest, subscribers: Subscribers) -> None:
        self._latest = latest
        self._subscribers = subscribers
        self._states: dict[bytes, ProfileState | None] = {}
        self._offset = -1

    async def send(
        self, events: Sequence[tuple[bytes, bytes]], trace: bytes | None = None
    ) -> list[Place]:
        del trace
        return [self.take(key, value) for key, value in events]

    def take(self, key: bytes, value: bytes) -> Place:
        self._offset += 1
        event = decode_event(value)
        place = Place(partition_for(key, PARTITIONS), self._offset)
        source = Source(EPOCH, place.partition, place.offset)
        found = step(self._states.get(key), event, source)
        self._states[key] = found.state
        for device in found.erased:
            self._publish(row_key(event.profile_id, device), None)
        for device in found.due if found.state else ():
            made = row(found.state, event.profile_id, device)
            self._publish(row_key(event.profile_id, device), encode_row(made))
        return place

    def _publish(self, key: bytes, value: bytes | None) -> None:
        headers = [(SOURCE_OFFSET, b"%d" % self._offset)]
        record = SimpleNamespace(key=key, value=value, headers=headers, offset=self._offset)
        change = self._latest.accept(record)
        if change is not None:
            self._subscribers.publish(change)


@contextmanager
def gateway_app(settings: GatewaySettings, events: Sequence[BaseEvent] = ()) -> Iterator[Starlette]:
    """Make the application of a gateway whose system is the core alone, after some events."""
    subscribers = Subscribers()
    with Latest(settings.cache_bytes, keep_s=3_600) as latest:
        core = Core(latest, subscribers)
        for event in events:
            core.take(event.profile_id.encode(), encode_event(event))
        yield build_app(
            Parts(
                settings=settings,
                tokens=tokens_of(settings),
                tickets=Tickets(settings.ticket_secret),
                sink=core,
                latest=latest,
                subscribers=subscribers,
                progress=KnowsAll(),
                metrics=Metrics(),
            )
        )
