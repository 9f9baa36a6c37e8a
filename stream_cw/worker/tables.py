"""Faust's table manager, which begins at once and tells what overtook a recovery."""

from faust.tables.manager import TableManager


class Tables(TableManager):  # type: ignore[misc]
    """Begins when it is started: Faust waits a second for tables that are declared later."""

    async def on_start(self) -> None:
        """Open the tables, and begin to recover."""
        await self._update_channels()
        await self.recovery.start()

    def is_overtaken(self, generation: int) -> bool:
        """Whether a rebalance overtook a recovery: another one follows, or is under way.

        Where it waits for the end of a recovery Faust drops the exception that tells it of the
        rebalance, goes on as if the end was reached, and begins the next one beside that.

        Parameters
        ----------
        generation : int
            Of the group, when the recovery ended.
        """
        recovery, app = self.recovery, self.app
        return (
            recovery.signal_recovery_start.is_set()
            or not generation == recovery._generation_id == app.consumer_generation_id
            or not app.consumer.flow_active
        )
