"""Parts of the sessions that are looked at one by one."""

from typing import Final

from stream_cw.model.labels import Session

_HOUR: Final = 3_600_000
_HOURS_SINCE: Final = (("under_2", 2), ("2_8", 8), ("8_24", 24), ("24_72", 72))
_HISTORY: Final = (("under_100", 100), ("100_300", 300), ("300_1000", 1_000))

HOURS_SINCE: Final = (*(name for name, _ in _HOURS_SINCE), "over_72")
HISTORY: Final = (*(name for name, _ in _HISTORY), "over_1000")


def hours_since(session: Session) -> str | None:
    """Name the time since the end of all earlier plays; None for a profile's first session."""
    gap = session.gap_ms
    if gap is None:
        return None
    return next((name for name, hours in _HOURS_SINCE if gap < hours * _HOUR), HOURS_SINCE[-1])


def history(session: Session) -> str:
    """Name the count of the profile's earlier plays."""
    return next((name for name, plays in _HISTORY if session.history < plays), HISTORY[-1])


def device(session: Session) -> str:
    """Name the class of the device."""
    return session.device_type
