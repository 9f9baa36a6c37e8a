"""Whether what was begun may go on: the partitions are still this worker's."""

import asyncio
from typing import Final

from stream_cw.worker.setup import Setup

LEASE_POLL_SECONDS: Final = 0.02


class Overtaken(Exception):  # noqa: N818 - not an error, and never leaves the rounds
    """The generation of what was begun is over."""


class Tenure:
    """Tells by the group's generation, and by when this worker was last heard of."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._cut_off = False

    def end(self) -> None:
        """Let nothing go on any more if this worker was not heard of in time."""
        if not self._setup.lease.is_held():
            self._cut_off = True

    def resume(self) -> None:
        """Let things go on again."""
        self._cut_off = False

    async def hold(self, generation: int) -> None:
        """Make sure that the partitions of a generation are this worker's; wait for a heartbeat.

        Raises
        ------
        Overtaken
            If they are not.
        """
        while True:
            if self._cut_off or generation != self._setup.generation():
                raise Overtaken
            if self._setup.lease.is_held():
                return
            await asyncio.sleep(LEASE_POLL_SECONDS)
