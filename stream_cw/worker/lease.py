"""How long this worker may believe that its partitions are its own."""

from collections.abc import Callable


class Lease:
    """Held while heartbeats succeed; a process that was stopped for longer must not go on.

    Parameters
    ----------
    seconds : float
        The session timeout: after it the group gives the partitions away.
    now : callable
        A monotonic clock, in seconds.
    """

    def __init__(self, seconds: float, now: Callable[[], float]) -> None:
        self._seconds = seconds
        self.now = now
        self._until = now() + seconds

    def renew(self, asked_at: float) -> None:
        """Note that the group answered a heartbeat that was sent at this time."""
        self._until = max(self._until, asked_at + self._seconds)

    def is_held(self) -> bool:
        """Whether the group cannot have given the partitions away yet."""
        return self.now() < self._until
