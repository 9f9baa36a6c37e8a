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
    own = (entry.released_ts, entry.available_from_ts, entry.available_until_ts)
    if series is not None:
        whole = (series.released_ts, series.available_from_ts, series.available_until_ts)
        own = tuple(w if o is None else o for o, w in zip(own, whole, strict=True))
    released, begins, ends = own
    start = max(released or 0, begins or 0)
    return seconds(-(-start // 1000)), NO_END if ends is None else seconds(ends // 1000)


def seconds(value: int) -> int:
    """Bring a time in s into 32 bits."""
    return min(max(value, 0), U32)
