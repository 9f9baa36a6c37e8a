"""Faust's tables: the one of states, and a manager that begins at once and tells of overtaking."""

from collections.abc import Callable
from typing import Any

import faust
from faust.tables.manager import TableManager

from stream_cw.broker.contract import Topics, topic_ms
from stream_cw.config import Settings
from stream_cw.worker.stats import Stats
from stream_cw.worker.store import Config, StateStore


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


def add_table(
    app: faust.App,
    settings: Settings,
    topics: Topics,
    partitions: int,
    stats: Stats,
    fail: Callable[[BaseException], None],
) -> StateTable:
    """Add the table of states to an app."""
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
        rebuild_after_ms=topic_ms("changelog", "delete.retention.ms"),
        stats=stats,
        fail=fail,
    )
    app.tables.add(table)
    return table
