"""The Faust app, built from settings."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import faust
from faust.types import TP

from stream_cw.broker.connection import Brokers
from stream_cw.broker.contract import Topics, topic_ms
from stream_cw.broker.identities import Identity
from stream_cw.broker.producer_id import offer_version_3
from stream_cw.config import Settings
from stream_cw.core.row import View
from stream_cw.worker.checks import check_marks, check_recovered
from stream_cw.worker.eraser import Eraser
from stream_cw.worker.faust_settings import batch_records, faust_settings
from stream_cw.worker.held import Held
from stream_cw.worker.lease import Lease
from stream_cw.worker.manners import Manners
from stream_cw.worker.metrics import Metrics
from stream_cw.worker.refusals import Limit
from stream_cw.worker.rounds import Rounds
from stream_cw.worker.setup import Setup
from stream_cw.worker.stats import Stats
from stream_cw.worker.tables import add_table
from stream_cw.worker.transport import Transport

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
    app = App(topics.app_id, **faust_settings(settings, brokers, events.partitions))
    table = add_table(app, settings, topics, events.partitions, stats, fail)

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
            held=Held(topic_ms("rows", "retention.ms") // 2),
            view=view,
            changed=changed,
            ordered=eraser.look,
            stats=stats,
            metrics=metrics,
            most_records=settings.round_records,
            most_bytes=settings.round_bytes,
            batch_records=batch_records(settings),
            batch_bytes=settings.fetch_bytes,
            pending_bytes=settings.pending_bytes,
            pending_seconds=settings.pending_seconds,
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
        rounds.waiting.attach(stream.channel.queue)
        async for event in stream.events():
            await rounds.run(event.value)

    app.timer(settings.commit_interval)(table.data.end_interval)
    app.task(rounds.push_changes)
    app.task(eraser.run)
    app.finalize()
    return app


def _limit(settings: Settings) -> Limit | None:
    share = settings.refused_limit
    return None if share is None else Limit(share, settings.refused_window)
