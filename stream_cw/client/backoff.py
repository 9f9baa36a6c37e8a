"""How long to wait before the next try: longer each time, and not at the others' moment."""

from collections.abc import Callable
from typing import Final

from stream_cw.errors import GatewayUnavailableError

Random = Callable[[], float]
"""A number from 0 to 1, such as `random.random`."""

FIRST_S: Final = 0.5
MOST_S: Final = 30.0
TRIES: Final = 4
PATIENCE_S: Final = 5.0
_DOUBLINGS: Final = 6
"""As many as it takes from the first to the most."""


class Backoff:
    """Pauses with full jitter: a random part of a bound that doubles with each failure.

    A thousand clients that lose one gateway at once come back spread over the bound, not together.

    Parameters
    ----------
    random : Random
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self.failures = 0

    def pause(self, at_least_s: float = 0.0) -> float:
        """Count a failure, and tell how many seconds to wait.

        Parameters
        ----------
        at_least_s : float
            What the gateway asked for; the jitter comes on top.
        """
        bound = min(MOST_S, FIRST_S * (1 << min(self.failures, _DOUBLINGS)))
        self.failures += 1
        return at_least_s + bound * self._random()

    def reset(self) -> None:
        """Begin anew: it works again."""
        self.failures = 0


class Tries:
    """Pauses of a call that a user waits for: a few, then the failure is told.

    Every call may be repeated: events count once by their ids, and the others only ask.

    Parameters
    ----------
    random : Random
    """

    def __init__(self, random: Random) -> None:
        self._backoff = Backoff(random)

    def pause(self, failure: GatewayUnavailableError) -> float:
        """Tell how many seconds to wait before the next try.

        Raises
        ------
        GatewayUnavailableError
            The failure itself, when there is no other try, or not within a user's patience.
        """
        pause = self._backoff.pause(failure.retry_after_s)
        if self._backoff.failures >= TRIES or failure.retry_after_s > PATIENCE_S:
            raise failure
        return pause
