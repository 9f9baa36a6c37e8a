"""The thread that fetches: Faust's, with a short fetch, a lease and an own rewind."""

from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from stream_cw.worker.manners import Manners


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's consumer thread, with a short fetch, a lease and an own rewind."""

    manners: Manners

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        kafka = super()._create_worker_consumer(transport)
        # Faust fixes 1,500 ms. While a fetch waits at the broker, partitions whose records were
        # taken meanwhile are not asked for: at low rates that was the delay's tail.
        kafka._fetch_max_wait_ms = int(self.manners.fetch_wait * 1000)
        return kafka

    @property
    def refusal(self) -> Exception | None:
        """Why the group's coordinator goes no further, if it does not."""
        coordinator = getattr(self._consumer, "_coordinator", None)
        return getattr(coordinator, "_pending_exception", None)

    async def on_start(self) -> None:
        """Start the consumer and watch its heartbeats."""
        await super().on_start()
        coordinator = self._consumer._coordinator
        heartbeat = coordinator._do_heartbeat
        lease = self.manners.keeper.lease

        async def watched() -> bool:
            started = lease.now()
            alive: bool = await heartbeat()
            if alive:
                lease.renew(started)
            return alive

        coordinator._do_heartbeat = watched

    async def rewind(self, tps: Iterable[TP]) -> Mapping[TP, int | None]:
        """Go back to the committed offsets, to the beginning where there is none.

        aiokafka's own way back leaves a partition without a commit where it is, past records that
        were fetched and dropped.
        """
        kafka = self._ensure_consumer()
        committed = {}
        for tp in tps:
            offset = committed[tp] = await kafka.committed(driver.ensure_aiokafka_TP(tp))
            if offset is None:
                await kafka.seek_to_beginning(driver.ensure_aiokafka_TP(tp))
            else:
                kafka.seek(driver.ensure_aiokafka_TP(tp), offset)
        return committed
