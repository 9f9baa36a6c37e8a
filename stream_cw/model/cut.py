"""The earlier part of a data set: what may be learned from where the later part is judged."""

import numpy as np

from stream_cw.model.dataset import DataSet


def until(data: DataSet, share: float) -> DataSet:
    """Leave out what became known later than in the first part of each account's time.

    It runs from its first to its last scored session, as that of `evaluate --by time` does: in the
    first 0.8 nothing is known of the last fifth.

    Parameters
    ----------
    data : DataSet
    share : float
        Of the time, 0 to 1.

    Returns
    -------
    DataSet
        With the same accounts and profiles; its `before_ts` says where each account ends.
    """
    before = data.before_ts.copy()
    for account in np.unique(data.account):
        ts = data.ts[data.account == account]
        first, last = int(ts.min()), int(ts.max())
        before[account] = last - round((1 - share) * (last - first))
    kept = data.known_ts < before[data.account]
    sizes = np.diff(data.bounds)
    of_kept = np.repeat(kept, sizes)
    return data._replace(
        show=data.show[of_kept],
        shows=data.shows[of_kept],
        bounds=np.cumsum([0, *sizes[kept]], dtype=np.int64),
        before_ts=before,
        **{name: getattr(data, name)[kept] for name in _OF_SESSIONS},
    )


_OF_SESSIONS = (
    "session",
    "target",
    "sessions",
    "kind",
    "ts",
    "known_ts",
    "gap_ms",
    "switched",
    "history",
    "profile",
    "account",
)
