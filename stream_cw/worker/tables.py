"""Faust's table manager, which begins at once."""

from faust.tables.manager import TableManager


class Tables(TableManager):  # type: ignore[misc]
    """Begins when it is started: Faust waits a second for tables that are declared later."""

    async def on_start(self) -> None:
        """Open the tables, and begin to recover."""
        await self._update_channels()
        await self.recovery.start()
