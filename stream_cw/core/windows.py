"""When something can be played, in whole seconds since 1970."""

from typing import Final

from stream_cw.core.catalog import EpisodeEntry, MovieEntry, SeriesEntry
from stream_cw.core.limits import U32

NO_END: Final = U32


def window(entry: MovieEntry | EpisodeEntry, series: SeriesEntry | None = None) -> tuple[int, int]:
    """Tell from when until just before when an entry is there, rounded inwards.

    Parameters
    ----------
    entry : MovieEntry or EpisodeEntry
    series : SeriesEntry, optional
        What the entry leaves out is what its series says.

    Returns
    -------
    from_s, until_s : int
        0 and `NO_END` for no limit.
    """
    times = _times(entry)
    if series is not None:
        whole = _times(series)
        times = [other if own is None else own for own, other in zip(times, whole, strict=True)]
    released, begins, ends = times
    start = max(released or 0, begins or 0)
    return seconds(-(-start // 1000)), NO_END if ends is None else seconds(ends // 1000)


def seconds(value: int) -> int:
    """Bring a time in s into 32 bits."""
    return min(max(value, 0), U32)


def _times(entry: MovieEntry | EpisodeEntry | SeriesEntry) -> list[int | None]:
    return [entry.released_ts, entry.available_from_ts, entry.available_until_ts]
