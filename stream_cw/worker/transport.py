"""Faust's Kafka transport, handing over whole record batches.

Faust's cost is per message: tasks, an event, a queue. Here one message holds what a fetch brought
of one partition, so the cost is per batch. Changelog records travel the same way. Assignment,
generations and recovery stay Faust's.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from faust.transport import consumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service

from stream_cw.broker.event_loop import new_event_loop
from stream_cw.errors import DeploymentError
from stream_cw.worker.batches import Batch, Stretch, size_of
from stream_cw.worker.consumer_thread import ConsumerThread
from stream_cw.worker.watch import WatchedConsumer

POLL_SECONDS: Final = 0.5


class Consumer(WatchedConsumer):
    """Yields one message for each partition of a fetch; its value is a `Batch`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._dropped = False
        self._dropped_changelogs: set[TP] = set()
        self._sought: dict[TP, int] = {}
        self._read_to: dict[TP, int] = {}

    def _new_consumer_thread(self) -> ConsumerThread:
        thread = ConsumerThread(
            self, loop=self.loop, thread_loop=new_event_loop(), beacon=self.beacon
        )
        thread.manners = self.manners
        return thread

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109
        """Fetch, and yield a message for each partition that brought records.

        What was fetched under another generation, or while the flow was stopped, is dropped, and
        the next call goes back to what is committed: aiokafka's position is past it by then.
        """
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        await self._fetch_again()
        generation = self.app.consumer_generation_id
        records, active = await self._wait_next_records(timeout)
        if records is None or self.should_stop:
            return
        for tp, batch in records.items():
            is_changelog = self._is_changelog_tp(tp)
            if not (
                self.flow_active
                and self.app.consumer_generation_id == generation
                and (active is None or tp in active)
            ):
                if is_changelog:
                    self._dropped_changelogs.add(tp)
                else:
                    self._dropped = True
            elif batch:
                message = self._to_message(tp, batch[-1])
                message.key = None
                message.value = (
                    self._stretch(tp, batch)
                    if is_changelog
                    else Batch(generation, tp.partition, batch, size_of(batch))
                )
                yield tp, message

    def _stretch(self, tp: TP, records: list[Any]) -> Stretch:
        sought = self._sought.pop(tp, None)
        start = self._read_to.get(tp, records[0].offset) if sought is None else sought
        self._read_to[tp] = records[-1].offset + 1
        return Stretch(start, sought is not None, records)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Go on elsewhere, and remember where."""
        self._sought.update(partitions)
        await super().seek_wait(partitions)

    def read_again(self, tp: TP) -> None:
        """Go back, with the next fetch, to what the store has of a partition of the changelog."""
        self._dropped_changelogs.add(tp)
        recovery = self.app.tables.recovery
        if tp in recovery.active_tps:  # else recovery could end before it is read
            recovery.active_offsets[tp] = recovery.tp_to_table[tp].persisted_offset(tp)

    async def _fetch_again(self) -> None:
        """Go back to what was fetched and dropped."""
        if self._dropped:
            self._dropped = False
            await self.perform_seek()
        dropped, self._dropped_changelogs = self._dropped_changelogs, set()
        recovery = self.app.tables.recovery
        if dropped and recovery.in_recovery:
            # It would wait for ever.
            await self._go_back(dropped & recovery.active_tps, recovery.active_offsets)
        await self._go_back(dropped & recovery.standby_tps, recovery.standby_offsets)

    async def _go_back(self, tps: set[TP], seen: dict[TP, int]) -> None:
        """Go on with a changelog where the store stands, and let Faust's recovery know."""
        for tp in tps & self.assignment():
            seen[tp] = self.app.tables.recovery.tp_to_table[tp].persisted_offset(tp)
            await self.seek_wait({tp: max(0, seen[tp])})

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self.should_stop or fetcher.should_stop):
                await asyncio.sleep(0)
                async for tp, message in self.getmany(timeout=POLL_SECONDS):
                    await self._deliver(tp, message)
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise

    async def _deliver(self, tp: TP, message: Any) -> None:
        if self._is_changelog_tp(tp):
            await self.wait_first(self.callback(message), self.suspend_flow.wait())
            return
        await self.manners.keeper.wait_for_room()
        if self.flow_active:
            await self.wait_first(self.callback(message), self.suspend_flow.wait())
        self._dropped = self._dropped or not self.flow_active

    def on_buffer_full(self, tp: TP) -> None:
        """Fetch on: a partition left out of a fetch stalls aiokafka, which holds its records."""

    def on_buffer_drop(self, tp: TP) -> None:
        """Do nothing, as for a full buffer."""

    def done(self, tp: TP, next_offset: int) -> None:
        """Note that everything below an offset is done with and may be committed."""
        self._done[tp] = next_offset

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterable[TP]:
        del topics
        return tuple(self._done)

    def _new_offset(self, tp: TP) -> int | None:
        return self._done.get(tp)

    async def _commit_done(self) -> None:
        """Commit all that is done, also where another commit is under way."""
        assigned = self.assignment()
        while any(
            tp in assigned and self._should_commit(tp, offset) for tp, offset in self._done.items()
        ):
            await self.commit()

    async def perform_seek(self) -> None:
        """Go back to what is committed, before the flow of records is resumed."""
        tps = {tp for tp in self.assignment() if not self._is_changelog_tp(tp)}
        committed = await self._thread.call_thread(self._thread.rewind, tps)
        self._committed_offset.update(committed)

    async def hand_over(self) -> None:
        """See the rounds in flight through and commit them, or end the process."""
        try:
            async with asyncio.timeout(self.manners.settle_timeout):
                await self.manners.keeper.settle()
                await self._commit_done()
        except TimeoutError:
            self.manners.fail(
                DeploymentError(
                    f"the rounds in flight took more than {self.manners.settle_timeout:.1f} s to "
                    "end; their offsets are not committed"
                )
            )

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """See the rounds in flight through, then let go: Faust drops what is not committed yet."""
        self.stop_flow()
        await self.hand_over()
        self._done.clear()
        await super().on_partitions_revoked(revoked)


class Fetcher(consumer.Fetcher):  # type: ignore[misc]
    """Runs the consumer's loop; Faust's own crashes when it is stopped during a rebalance."""

    @Service.task  # type: ignore[untyped-decorator]
    async def _fetcher(self) -> None:
        try:
            await self.app.consumer._drain_messages(self)
        finally:
            self.set_shutdown()


class Producer(driver.Producer):  # type: ignore[misc]
    """Faust's producer, made idempotent; Faust does so for exactly-once alone."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    @property
    def batches(self) -> AIOKafkaProducer:
        """The producer of aiokafka, which takes whole batches."""
        return self._ensure_producer()


class Transport(driver.Transport):  # type: ignore[misc]
    """Makes the consumer and the producer above."""

    Consumer = Consumer
    Fetcher = Fetcher
    Producer = Producer
