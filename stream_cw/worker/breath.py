"""Turns for others in the middle of a round: neither heartbeats nor sending wait for its end."""

import asyncio
import time
from typing import Final

BREATH_SECONDS: Final = 0.01
"""Longest stretch without turns for other tasks."""
TURNS: Final = 3
"""From a broker's answer to the request that waits for it there are some tasks, each of which needs
a turn of its own; with one turn now and then rounds under way would stand still meanwhile."""


class Breath:
    """Tells when a turn is due, and how long was worked in between."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._worked = 0.0

    def is_due(self) -> bool:
        """Whether the last turn was long enough ago."""
        return time.monotonic() - self._since > BREATH_SECONDS

    async def take(self) -> None:
        """Let other tasks have their turns."""
        self._worked += time.monotonic() - self._since
        for _ in range(TURNS):
            await asyncio.sleep(0)
        self._since = time.monotonic()

    def worked_ms(self) -> int:
        """Return the time worked so far, turns of others left out, ms."""
        return int((self._worked + time.monotonic() - self._since) * 1000)
