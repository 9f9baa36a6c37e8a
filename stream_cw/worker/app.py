"""The Faust app, built from settings."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import faust
from faust.types import TP
from faust.types.auth import CredentialsT

from stream_cw.broker.connection import Brokers, addresses_of, connection_of, ssl_context
from stream_cw.broker.contract import Topics, topics_contract
from stream_cw.broker.identities import Identity
from stream_cw.broker.producer_id import offer_version_3
from stream_cw.config import Settings
from stream_cw.core.row import View
from stream_cw.worker.checks import check_marks, check_recovered
from stream_cw.worker.eraser import Eraser
from stream_cw.worker.held import Held
from stream_cw.worker.lease import Lease
from stream_cw.worker.manners import Manners
from stream_cw.worker.metrics import Metrics
from stream_cw.worker.refusals import Limit
from stream_cw.worker.rounds import Rounds
from stream_cw.worker.setup import Setup
from stream_cw.worker.stats import Stats
from stream_cw.worker.store import Config, StateStore
from stream_cw.worker.tables import Tables
from stream_cw.worker.topic import Topic
from stream_cw.worker.transport import Transport

BATCHES_IN_ROUND = 4
"""A fetch brings at most a quarter of a round, so that rounds keep to their limit."""
PRODUCER_BATCH_BYTES = 1_000_000
PRODUCER_TIMEOUT_SECONDS = 30.0

log: Final = logging.getLogger("stream_cw.worker")


class App(faust.App):  # type: ignore[misc]
    """A Faust app on the record-batch transport."""

    manners: Manners

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Transport:
        return Transport(self.conf.broker_producer, self)

    def is_ready(self) -> bool:
        """Whether this worker has its partitions and works on them."""
        return self.manners.keeper.is_open() and not self.rebalancing

    async def _consumer_wait_empty(self, consumer: Any, logger: Any) -> None:
        del logger
        await consumer.hand_over()


class StateTable(faust.Table):  # type: ignore[misc]
    """The table of states; only its changelog, recovery and store are used."""

    store_config: Config

    async def on_changelog_event(self, event: Any) -> None:
        """Take what recovery or a standby reads at once."""
        self.data.take(event.message)

    def _new_store(self) -> StateStore:
        return StateStore(
            "rocksdb://", self.app, self, self.store_config, table_name=self.name, loop=self.loop
        )


def build_app(
    settings: Settings,
    brokers: Brokers,
    topics: Topics,
    events: Identity,
    view: Callable[[], View],
    changed: Callable[[], Awaitable[frozenset[str]]],
    stats: Stats,
    metrics: Metrics,
    fail: Callable[[BaseException], None],
) -> App:
    """Build the worker's app.

    Parameters
    ----------
    settings : Settings
    brokers : str or Connection
    topics : Topics
    events : Identity
        Of the event topic.
    view : callable
        What rows are made with from now on.
    changed : callable
        Waits for a change of the catalog, and tells which ids it named.
    stats : Stats
    metrics : Metrics
    fail : callable
        Ends the process with nothing committed: Faust acknowledges what an agent fails on.
    """
    offer_version_3()
    app = App(topics.app_id, **_faust_settings(settings, brokers, events.partitions))
    table = _add_table(app, settings, topics, events.partitions, stats, fail)

    async def log_start(partition: int) -> int:
        place = TP(topics.events, partition)
        starts: Mapping[TP, int] = await app.consumer.earliest_offsets(place)
        return starts[place]

    eraser = Eraser(brokers, topics.dead_letters, lambda: app.producer.batches, stats, fail)
    rounds = Rounds(
        Setup(
            topics=topics,
            epoch=events.epoch,
            partitions=events.partitions,
            store=table.data,
            producer=lambda: app.producer.batches,
            generation=lambda: app.consumer_generation_id,
            done=lambda partition, offset: app.consumer.done(TP(topics.events, partition), offset),
            log_start=log_start,
            fail=fail,
            lease=Lease(settings.session_timeout, time.monotonic),
            held=Held(_topic_ms("rows", "retention.ms") // 2),
            view=view,
            changed=changed,
            ordered=eraser.look,
            stats=stats,
            metrics=metrics,
            most_records=settings.round_records,
            most_bytes=settings.round_bytes,
            batch_records=_batch_records(settings),
            batch_bytes=settings.fetch_bytes,
            guarded=not settings.unsafe_no_guard,
            limit=_limit(settings),
        )
    )
    app.manners = Manners(
        keeper=rounds,
        fetch_wait=settings.fetch_wait,
        settle_timeout=settings.settle_timeout,
        stall_timeout=settings.stall_timeout,
        metrics=metrics,
        fail=fail,
    )

    async def recovered() -> None:
        generation = app.consumer_generation_id
        if app.tables.is_overtaken(generation):
            return
        try:
            assigned = [tp for tp in app.consumer.assignment() if tp.topic == topics.events]
            starts = await app.consumer.earliest_offsets(*assigned)
            ends = await app.consumer.highwaters(*assigned)
            logs = [TP(topics.changelog, tp.partition) for tp in assigned]
            log_ends = await app.consumer.highwaters(*logs)
            if app.tables.is_overtaken(generation):
                return
            check_marks(
                topics.events,
                events.epoch,
                [(tp[1], table.data.mark(tp[1]), starts[tp], ends[tp]) for tp in assigned],
            )
            check_recovered(
                topics.changelog,
                [(tp.partition, table.data.place(tp.partition), log_ends[tp]) for tp in logs],
            )
            await rounds.write_again(tp.partition for tp in assigned)
            if app.tables.is_overtaken(generation):
                return
            rounds.resume()
            numbers = sorted(tp.partition for tp in assigned)
            log.info(
                "recovered: partitions %s, %d changelog records read", numbers, stats.changelog_read
            )
            eraser.look()
        except Exception as error:  # noqa: BLE001 - Faust would go on without a word
            if not (
                app.should_stop or app.tables.is_overtaken(generation)
            ):  # stores may be closed by now
                fail(error)

    table.on_recover(recovered)

    @app.agent(app.topic(topics.events, key_type=bytes, value_type=bytes))  # type: ignore[untyped-decorator]
    async def profiles(stream: Any) -> None:
        stream = stream.noack()
        rounds.attach(stream.channel.queue)
        async for event in stream.events():
            await rounds.run(event.value)

    async def end_interval() -> None:
        table.data.end_interval()

    app.timer(settings.commit_interval)(end_interval)
    app.task(rounds.push_changes)
    app.task(eraser.run)
    app.finalize()
    return app


def _limit(settings: Settings) -> Limit | None:
    share = settings.refused_limit
    return None if share is None else Limit(share, settings.refused_window)


def _batch_records(settings: Settings) -> int:
    return max(1, settings.round_records // BATCHES_IN_ROUND)


def _topic_ms(role: str, setting: str) -> int:
    return int(topics_contract().topics[role].config[setting])


def _faust_settings(settings: Settings, brokers: Brokers, partitions: int) -> dict[str, Any]:
    return {
        "broker": [f"kafka://{address}" for address in addresses_of(brokers)],
        "broker_credentials": _credentials(brokers),
        "datadir": settings.data_dir,
        "store": "rocksdb://",
        "Topic": Topic,
        "TableManager": Tables,
        "key_serializer": "raw",
        "value_serializer": "raw",
        "topic_partitions": partitions,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "table_standby_replicas": settings.standbys,
        "consumer_auto_offset_reset": "earliest",
        "consumer_group_instance_id": settings.instance,
        "consumer_max_fetch_size": settings.fetch_bytes,
        "broker_max_poll_records": _batch_records(settings),
        "broker_session_timeout": settings.session_timeout,
        "broker_heartbeat_interval": settings.heartbeat_interval,
        "broker_rebalance_timeout": settings.rebalance_timeout,
        "broker_commit_interval": settings.commit_interval,
        "producer_max_batch_size": PRODUCER_BATCH_BYTES,
        "producer_request_timeout": PRODUCER_TIMEOUT_SECONDS,
        # An own wait takes its place: `Consumer.hand_over`, which ends at a deadline.
        "stream_wait_empty": False,
        "web_enabled": False,
    }


def _credentials(brokers: Brokers) -> CredentialsT | None:
    it = connection_of(brokers)
    if it.protocol == "PLAINTEXT":
        return None
    if it.protocol == "SSL":
        return faust.SSLCredentials(ssl_context(it))
    return faust.SASLCredentials(
        mechanism=it.mechanism,
        username=it.username,
        password=it.password.get_secret_value(),
        ssl_context=ssl_context(it),
    )


def _add_table(
    app: App,
    settings: Settings,
    topics: Topics,
    partitions: int,
    stats: Stats,
    fail: Callable[[BaseException], None],
) -> StateTable:
    table = StateTable(
        app,
        name="profiles",
        key_type=bytes,
        value_type=bytes,
        partitions=partitions,
        recovery_buffer_size=2,  # batches; 1 would make Faust go on reading after a recovery
        changelog_topic=app.topic(
            topics.changelog,
            key_type=bytes,
            value_type=bytes,
            partitions=partitions,
            acks=False,
            internal=True,
            allow_empty=True,
        ),
        beacon=app.tables.beacon,
    )
    table.store_config = Config(
        cache_bytes=settings.store_cache_bytes,
        buffer_bytes=settings.store_buffer_bytes,
        rebuild_after_ms=_topic_ms("changelog", "delete.retention.ms"),
        stats=stats,
        fail=fail,
    )
    app.tables.add(table)
    return table
