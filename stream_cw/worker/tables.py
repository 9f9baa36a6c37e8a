"""Faust's table manager, which begins at once and tells what overtook a recovery."""

from faust.tables.manager import TableManager


class Tables(TableManager):  # type: ignore[misc]
    """Begins when it is started: Faust waits a second for tables that are declared later."""

    async def on_start(self) -> None:
        """Open the tables, and begin to recover."""
        await self._update_channels()
        await self.recovery.start()

    def is_overtaken(self) -> bool:
        """Whether a rebalance overtook the recovery that Faust is in: another one follows.

        Where it waits for the end of a recovery Faust drops the exception that tells it of the
        rebalance, and goes on as if the end was reached.
        """
        recovery, app = self.recovery, self.app
        return (
            recovery.signal_recovery_start.is_set()
            or recovery._generation_id != app.consumer_generation_id
            or not app.consumer.flow_active
        )
