"""What became of the arms of an experiment: figures of a log, with intervals by profile."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from stream_cw.core.events import Event, Origin, Play
from stream_cw.core.experiments import arm_of
from stream_cw.core.row import View, row
from stream_cw.core.rows import ModelRef
from stream_cw.core.state import ProfileState, Source
from stream_cw.core.step import step
from stream_cw.history.log import EventLog
from stream_cw.model.bootstrap import SEED, Estimate, cluster_ratios
from stream_cw.model.labels import scored_sessions
from stream_cw.model.tables import Table, percent
from stream_cw.model.viewings import arrivals, collect

PASSES: Final = 2
"""How often the log is read: for playbacks and sessions, and for the rows."""
NO_EXPERIMENT: Final = "all"
"""Stands for all profiles where there is no experiment."""


class Tally(Struct):
    """Counts of a profile, or of several.

    Attributes
    ----------
    plays : int
        Deliberate plays that tell where they were started from.
    row, row_first : int
        Those from the row; those of them from its first tile.
    search, search_in_row : int
        Those from search; those of them whose show stood in the device's row.
    sessions, discoveries : int
        Scored sessions (`labels.Session`); those of them that began with a show never played.
    """

    plays: int = 0
    row: int = 0
    row_first: int = 0
    search: int = 0
    search_in_row: int = 0
    sessions: int = 0
    discoveries: int = 0


class ArmReport(Struct, frozen=True, kw_only=True):
    """Figures of an arm; shares have 95 % intervals by profile.

    Attributes
    ----------
    profiles : int
        Those of the log.
    counts : Tally
        Over all of them.
    first_of_row, first_of_plays : Estimate
        Plays from the first tile, as a share of plays from the row and of all deliberate plays.
    searched_of_plays, searched_of_search : Estimate
        Plays from search of shows that stood in the row, as a share of all deliberate plays and of
        those from search.
    discovery : Estimate
        Sessions that began with something new, as a share of all.
    """

    profiles: int
    counts: Tally
    first_of_row: Estimate
    first_of_plays: Estimate
    searched_of_plays: Estimate
    searched_of_search: Estimate
    discovery: Estimate


class ExperimentReport(Struct, frozen=True, kw_only=True):
    """Figures of all arms.

    Attributes
    ----------
    experiment : str or None
    scorer : ModelRef
        Of the arms that name none.
    seed : int
        Of the bootstrap.
    arms : dict of str to ArmReport
        In the experiment's order.
    """

    experiment: str | None
    scorer: ModelRef
    seed: int
    arms: dict[str, ArmReport]


def report_experiment(
    log: EventLog, view: View, progress: Callable[[int], None] | None = None
) -> ExperimentReport:
    """Measure the arms of a view's experiment on a log.

    Parameters
    ----------
    log : EventLog
    view : View
        What its rows were made with; without an experiment all profiles are one arm.
    progress : callable, optional
        Called with the number of records read so far, over all `PASSES` together.

    Returns
    -------
    ExperimentReport

    Raises
    ------
    LogFormatError
        If a line of a recording is damaged.
    """
    tallies = tally(log, view, progress)
    dealt: dict[str, list[Tally]] = {NO_EXPERIMENT: []}
    if view.experiment:
        dealt = {arm.id: [] for arm in view.experiment.arms}
    for profile_id in sorted(tallies):
        arm = arm_of(view.experiment, profile_id).id if view.experiment else NO_EXPERIMENT
        dealt[arm].append(tallies[profile_id])
    return ExperimentReport(
        experiment=view.experiment.id if view.experiment else None,
        scorer=view.scorer.ref,
        seed=SEED,
        arms={arm: _report(members) for arm, members in dealt.items()},
    )


def tally(
    log: EventLog, view: View, progress: Callable[[int], None] | None = None
) -> Mapping[str, Tally]:
    """Count by profile what `report_experiment` tells.

    The row that a play from search passed by is the last one that its device was due.
    """
    count = 0

    def tell() -> None:
        nonlocal count
        count += 1
        if progress:
            progress(count)

    found: dict[str, Tally] = defaultdict(Tally)
    viewings = collect(arrivals((log,), tell))
    for scored in scored_sessions(viewings):
        counts = found[scored.session.profile_id]
        counts.sessions += 1
        counts.discoveries += scored.session.kind == "discovery"
    meant = {p.at: p.show for each in viewings.values() for p in each.played if not p.autoplay}
    rows = _Rows(view)
    for at, _, event, source in arrivals((log,), tell):
        if at in meant and isinstance(event, Play) and event.origin:
            in_row = event.origin.surface == "search" and rows.hold(event, meant[at])
            _count(found[event.profile_id], event.origin, in_row=in_row)
        rows.take(event, source)
    return found


def _count(counts: Tally, origin: Origin, *, in_row: bool) -> None:
    counts.plays += 1
    if origin.surface == "row":
        counts.row += 1
        counts.row_first += origin.rank == 0
    elif origin.surface == "search":
        counts.search += 1
        counts.search_in_row += in_row


class _Rows:
    """The state that each device's last row was made from; a row is made when somebody asks."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._states: dict[str, ProfileState] = {}
        self._shown: dict[tuple[str, str], ProfileState] = {}

    def take(self, event: Event, source: Source) -> None:
        """Take an event into its profile's state."""
        profile_id = event.profile_id
        taken = step(self._states.get(profile_id), event, source)
        for device_id in taken.erased:
            self._shown.pop((profile_id, device_id), None)
        if taken.state is None:
            self._states.pop(profile_id, None)
            return
        self._states[profile_id] = taken.state
        if taken.applied:
            self._shown |= dict.fromkeys(((profile_id, d) for d in taken.due), taken.state)

    def hold(self, play: Play, show_id: str) -> bool:
        """Whether a show stands in the row of a play's device."""
        state = self._shown.get((play.profile_id, play.device_id))
        if state is None:
            return False
        tiles = row(state, play.profile_id, play.device_id, self._view).tiles
        return any(tile.show_id == show_id for tile in tiles)


def _report(members: Sequence[Tally]) -> ArmReport:
    def share(part: str, whole: str) -> Estimate:
        """Estimate a ratio over the profiles that have something to divide by."""
        told = [each for each in members if getattr(each, whole)]
        sums = np.array([[getattr(each, part)] for each in told], np.float64).reshape(-1, 1)
        return cluster_ratios(sums, np.array([getattr(each, whole) for each in told], float))[0]

    return ArmReport(
        profiles=len(members),
        counts=_sum(members),
        first_of_row=share("row_first", "row"),
        first_of_plays=share("row_first", "plays"),
        searched_of_plays=share("search_in_row", "plays"),
        searched_of_search=share("search_in_row", "search"),
        discovery=share("discoveries", "sessions"),
    )


def _sum(members: Iterable[Tally]) -> Tally:
    total = Tally()
    for each in members:
        for name in Tally.__struct_fields__:
            setattr(total, name, getattr(total, name) + getattr(each, name))
    return total


_SHARES: Final = (
    ("first tile, of row plays", "first_of_row"),
    ("first tile, of all plays", "first_of_plays"),
    ("searched though in the row, of all plays", "searched_of_plays"),
    ("searched though in the row, of searches", "searched_of_search"),
    ("discovery, of sessions", "discovery"),
)


def report_table(found: ExperimentReport) -> Table:
    """Set the figures of the arms in a table: a column for each arm, shares in per cent."""
    arms = found.arms.values()
    rows = [
        ("profiles", *(f"{arm.profiles:,}" for arm in arms)),
        ("deliberate plays", *(f"{arm.counts.plays:,}" for arm in arms)),
        ("from the row", *(f"{arm.counts.row:,}" for arm in arms)),
        ("from search", *(f"{arm.counts.search:,}" for arm in arms)),
        ("scored sessions", *(f"{arm.counts.sessions:,}" for arm in arms)),
        *((name, *(percent(getattr(arm, field)) for arm in arms)) for name, field in _SHARES),
    ]
    title = f"Experiment {found.experiment}" if found.experiment else "No experiment"
    return Table(title, ("", *found.arms), rows)
