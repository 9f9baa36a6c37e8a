"""A model beside recency, over the same sessions: all figures of `stream-cw evaluate`."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from msgspec import Struct, structs

from stream_cw.core.row import View
from stream_cw.core.rows import ModelRef
from stream_cw.core.scoring import Recency
from stream_cw.errors import InputError
from stream_cw.history.log import EventLog
from stream_cw.model.bootstrap import SEED
from stream_cw.model.by import By
from stream_cw.model.comparison import (
    Cluster,
    Comparison,
    Judged,
    by_account,
    by_profile,
    comparison,
)
from stream_cw.model.daily import Daily, daily
from stream_cw.model.in_sample import Seen, in_sample, seen_accounts
from stream_cw.model.labels import Session
from stream_cw.model.manifest import LogUse
from stream_cw.model.openings import Opening, openings
from stream_cw.model.outcomes import outcome
from stream_cw.model.placing import Placing, placing
from stream_cw.model.slices import HISTORY, HOURS_SINCE, device, history, hours_since

_LAST_PART: Final = 5


class Slices(Struct, frozen=True, kw_only=True):
    """Parts of the continuation sessions; see `stream_cw.model.slices`."""

    device_switched: Comparison
    device_same: Comparison
    hours_since: dict[str, Comparison]
    history: dict[str, Comparison]
    device: dict[str, Comparison]


class Evaluation(Comparison, frozen=True, kw_only=True):
    """All figures, under stable names.

    Attributes
    ----------
    scorer : ModelRef
        The model.
    by : By
    seed : int
        Of the bootstrap.
    sessions : dict of str to int
        Scored sessions by kind.
    profiles : int
        Those that have a continuation session.
    accounts : dict of str to Comparison
        By account; intervals by profile.
    slices : Slices
    placement : dict of str to Placing
        By method: the model's, and that of recency's row.
    daily : Daily
    in_sample : list of str or None
        Accounts of which a session is judged that the model was fitted to; None where the model
        does not tell what it was fitted to.
    """

    scorer: ModelRef
    by: By
    seed: int
    sessions: dict[str, int]
    profiles: int
    accounts: dict[str, Comparison]
    slices: Slices
    placement: dict[str, Placing]
    daily: Daily
    in_sample: list[str] | None


PASSES: Final = 2
"""How often each log is read."""


def evaluate_logs(
    paths: Sequence[Path],
    view: View,
    by: By = By.profile,
    progress: Callable[[int], None] | None = None,
    fitted: Collection[LogUse] | None = (),
) -> Evaluation:
    """Evaluate a view on logs, each of them an account.

    Parameters
    ----------
    paths : sequence of Path
    view : View
        With the model as its scorer.
    by : By
    progress : callable, optional
        Called with the number of records read so far, over all logs and `PASSES` together.
    fitted : collection of LogUse or None
        What the model was fitted to; None: that is not known.

    Returns
    -------
    Evaluation
        An account has the name of its log, without `.jsonl`.

    Raises
    ------
    InputError
        If a log is given twice.
    LogFormatError
        If a line of a recording is damaged.
    """
    judged: list[Judged] = []
    before = done = 0

    def tell(records: int) -> None:
        nonlocal done
        done = before + records
        if progress:
            progress(done)

    names = account_names(paths)
    for account, path in names.items():
        judged += judge(account, openings(EventLog(path), progress=tell), view)
        before = done
    return evaluate(
        judged, view.scorer.ref, by, None if fitted is None else seen_accounts(names, fitted)
    )


def account_names(paths: Sequence[Path]) -> dict[str, Path]:
    """Name the logs: without `.jsonl`, or as they were given where that is not enough."""
    short = {path.name.removesuffix(".gz").removesuffix(".jsonl"): path for path in paths}
    named = short if len(short) == len(paths) else {str(path): path for path in paths}
    if len(named) < len(paths):
        raise InputError(f"logs: wanted each once, found {len(paths) - len(named)} again")
    return named


def judge(account: str, openings: Iterable[Opening], view: View) -> Iterator[Judged]:
    """Build the rows of a view and of recency at each opening of an account.

    Parameters
    ----------
    account : str
        Name of the account.
    openings : iterable of Opening
    view : View
        With the model as its scorer.

    Yields
    ------
    Judged
        In the order of the openings.
    """
    recency = structs.replace(view, scorer=Recency(), model=0)
    for opening in openings:
        yield Judged(account, outcome(opening, view), outcome(opening, recency))


def evaluate(
    judged: Sequence[Judged],
    scorer: ModelRef,
    by: By = By.profile,
    seen: Seen | None = MappingProxyType({}),
) -> Evaluation:
    """Sum sessions up.

    Parameters
    ----------
    judged : sequence of Judged
        All scored sessions, in any order: the result is the same.
    scorer : ModelRef
        The model.
    by : By
    seen : Seen or None
        Accounts that the model was fitted to; None: that is not known.

    Returns
    -------
    Evaluation
    """
    if by is By.time:
        judged = list(_latest(judged))
    continued = [each for each in judged if each.session.kind == "continuation"]
    cluster = by_account if by is By.account else by_profile
    whole = comparison(continued, cluster)
    kinds = Counter(each.session.kind for each in judged)
    return Evaluation(
        **structs.asdict(whole),
        scorer=scorer,
        by=by,
        seed=SEED,
        sessions={kind: kinds[kind] for kind in ("continuation", "discovery", "older")},
        profiles=len({by_profile(each) for each in continued}),
        accounts=_parts(
            continued, by_account, sorted({each.account for each in judged}), by_profile
        ),
        slices=_slices(continued, cluster),
        placement=placing(judged),
        daily=daily(continued),
        in_sample=None if seen is None else in_sample(judged, seen),
    )


def _latest(judged: Iterable[Judged]) -> Iterator[Judged]:
    by_name: dict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        by_name[each.account].append(each)
    for members in by_name.values():
        times = [each.session.ts for each in members]
        begin = max(times) - (max(times) - min(times)) // _LAST_PART
        yield from (each for each in members if each.session.ts >= begin)


def _parts(
    judged: Iterable[Judged],
    part: Callable[[Judged], str | None],
    names: Iterable[str],
    cluster: Cluster,
) -> dict[str, Comparison]:
    """Compare part by part; a part without a session has its place, too."""
    found: dict[str | None, list[Judged]] = defaultdict(list)
    for each in judged:
        found[part(each)].append(each)
    return {name: comparison(found[name], cluster) for name in names}


def _slices(judged: Sequence[Judged], cluster: Cluster) -> Slices:
    def parts(part: Callable[[Session], str | None], names: Iterable[str]) -> dict[str, Comparison]:
        return _parts(judged, lambda each: part(each.session), names, cluster)

    def where(*, switched: bool) -> Comparison:
        return comparison([e for e in judged if e.session.switched == switched], cluster)

    return Slices(
        device_switched=where(switched=True),
        device_same=where(switched=False),
        hours_since=parts(hours_since, HOURS_SINCE),
        history=parts(history, HISTORY),
        device=parts(device, sorted({device(each.session) for each in judged})),
    )
