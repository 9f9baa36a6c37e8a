"""A consumer that looks after its partitions now and then, and ends the process where it is stuck.

What ends it another worker takes up: a group that does not let it in, records that wait while
nothing moves, a changelog that somebody else writes to.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service

from stream_cw.errors import DeploymentError
from stream_cw.worker.manners import Manners

WATCH_SECONDS: Final = 2.5


class WatchedConsumer(driver.Consumer):  # type: ignore[misc]
    """Faust's consumer, watched."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._done: dict[TP, int] = {}
        self._standby_places: dict[TP, int] = {}
        self._progress: object = None
        self._progress_at = self._looked_at = time.monotonic()

    @property
    def manners(self) -> Manners:
        """How to behave, as the app was told."""
        manners: Manners = self.app.manners
        return manners

    @Service.task  # type: ignore[untyped-decorator]
    async def _commit_livelock_detector(self) -> None:
        """Look after the partitions now and then, in place of Faust's check of single events."""
        async for _ in self.itertimer(WATCH_SECONDS, name="watch"):
            await self._look_after()

    async def _look_after(self) -> None:
        limit = self.manners.stall_timeout
        try:
            async with asyncio.timeout(limit):
                self._check_group()
                tps = self.assignment()
                ends = await self.highwaters(*tps) if tps else {}
                self._check_changelog(ends)
                self._check_standbys(ends)
                await self._check_progress(ends)
        except IllegalStateError:
            pass  # partitions went away in between
        except TimeoutError:
            self.manners.fail(DeploymentError(f"no broker answered for {limit:.0f} s"))
        self._looked_at = time.monotonic()

    def is_alive(self) -> bool:
        """Whether this consumer has looked after itself lately."""
        return time.monotonic() - self._looked_at < self.manners.stall_timeout + 2 * WATCH_SECONDS

    def _check_group(self) -> None:
        """End the process when the group will not have it: aiokafka logs that, and waits."""
        refusal = self._thread.refusal
        if refusal is not None:
            self.manners.fail(
                DeploymentError(
                    f"the brokers do not let this worker into its group: {type(refusal).__name__}"
                )
            )

    def _check_changelog(self, ends: Mapping[TP, int]) -> None:
        own = self.app.assignor.assigned_actives()  # a standby's changelog is written by another
        self.manners.keeper.check_changelog(
            {
                tp.partition: end
                for tp, end in ends.items()
                if self._is_changelog_tp(tp) and tp in own
            }
        )

    async def _check_progress(self, ends: Mapping[TP, int]) -> None:
        """End the process when something is to be done and nothing has moved for long."""
        waits, progress = await self._standing(ends)
        if not waits or progress != self._progress:
            self._progress, self._progress_at = progress, time.monotonic()
        elif time.monotonic() - self._progress_at > self.manners.stall_timeout:
            self.manners.fail(
                DeploymentError(
                    f"records wait, and no offset moved for {self.manners.stall_timeout:.0f} s"
                )
            )

    async def _standing(self, ends: Mapping[TP, int]) -> tuple[bool, object]:
        """Tell whether there is something to do, and how far it is."""
        metrics = self.manners.metrics
        if self.app.rebalancing:
            recovery = self.app.tables.recovery
            metrics.level("recovery_records_left", max(0, recovery.active_remaining_total()))
            return True, (self.app.consumer_generation_id, dict(recovery.active_offsets))
        metrics.level("recovery_records_left", 0)
        tps = [tp for tp in ends if not self._is_changelog_tp(tp)]
        places = {tp: await self.position(tp) for tp in tps}
        metrics.lag({tp.partition: self._behind(tp, ends[tp], places[tp]) for tp in tps})
        waits = self.manners.keeper.is_busy() or any(ends[tp] > (places[tp] or 0) for tp in tps)
        return waits, (places, dict(self._done))

    def _check_standbys(self, ends: Mapping[TP, int]) -> None:
        """Have read again what a standby's store waits for in vain since the last look.

        When recovery ends Faust empties its queues, what standbys have read with them.
        """
        recovery = self.app.tables.recovery
        standbys = recovery.standby_tps & ends.keys()
        places = {tp: recovery.tp_to_table[tp].persisted_offset(tp) for tp in standbys}
        behind = {tp: ends[tp] - 1 - at for tp, at in places.items() if at < ends[tp] - 1}
        for tp in behind:
            if self._standby_places.get(tp) == places[tp]:
                self.read_again(tp)
        self._standby_places = places
        self.manners.metrics.level("standby_records_behind", sum(behind.values()))

    def _behind(self, tp: TP, end: int, place: int | None) -> int:
        """Count what is not dealt with; before the first round what is not fetched."""
        return int(max(0, end - self._done.get(tp, place or 0)))
