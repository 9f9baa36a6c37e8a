"""Turns for other tasks in the middle of a round: heartbeats must not wait for its end."""

import asyncio
import time
from typing import Final

BREATH_SECONDS: Final = 0.05
"""Longest stretch without a turn for other tasks."""


class Breath:
    """Tells when a turn is due, and how long was worked in between."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._worked = 0.0

    def is_due(self) -> bool:
        """Whether the last turn was long enough ago."""
        return time.monotonic() - self._since > BREATH_SECONDS

    async def take(self) -> None:
        """Let other tasks have a turn."""
        self._worked += time.monotonic() - self._since
        await asyncio.sleep(0)
        self._since = time.monotonic()

    def worked_ms(self) -> int:
        """Return the time worked so far, turns of others left out, ms."""
        return int((self._worked + time.monotonic() - self._since) * 1000)
