"""Whether a model is judged on what it was fitted to."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from stream_cw.history.log import content_hash
from stream_cw.model.comparison import Judged
from stream_cw.model.manifest import LogUse

Seen = Mapping[str, int | None]
"""Accounts that a model was fitted to: before which time a label had to be known for that, ms."""


def seen_accounts(names: Mapping[str, Path], fitted: Collection[LogUse]) -> Seen:
    """Find the accounts whose log is one of those that a model was fitted to.

    Parameters
    ----------
    names : mapping of str to Path
        Logs by the name of their account.
    fitted : collection of LogUse

    Returns
    -------
    Seen
        By the bytes of the logs: one that has grown since is another one.
    """
    if not fitted:
        return {}
    ends = {use.sha256: use.before_ts for use in fitted}
    hashes = {name: content_hash(path) for name, path in names.items()}
    return {name: ends[of_log] for name, of_log in hashes.items() if of_log in ends}


def in_sample(judged: Iterable[Judged], seen: Seen) -> list[str]:
    """Name the accounts of which a session is judged that the model was fitted to."""
    found = set()
    for each in judged:
        before = seen.get(each.account, 0)
        if before is None or each.session.known_ts < before:
            found.add(each.account)
    return sorted(found)
