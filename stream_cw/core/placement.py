"""How high on the page the row belongs: from the likelihood of continuation and what errors cost.

A row that stands high and is not wanted is a *false positive*, one that stands low while the member
wanted to go on a *false negative*. With two positions the costs alone give the threshold (Elkan,
*The foundations of cost-sensitive learning*, IJCAI 2001). With more, both costs grow with the
square of the distance from the place that would have been right, the top or the last; for two
positions that is the same threshold.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

from stream_cw.core.decay import DAY_MS
from stream_cw.core.events import DEVICE_TYPES, DeviceType
from stream_cw.core.rows import MicroShare, Placement
from stream_cw.core.state import ProfileState

_PRIOR_RESUMED: Final = 77
_PRIOR_STARTS: Final = 100
"""In tenths of a start: ten starts at .77, the share of returns measured on real accounts."""

_ONE: Final = 1_000_000
_TWO_SLOTS: Final = 2

Cost = Annotated[int, Meta(ge=1, le=1_000_000)]
Page = Annotated[tuple[MicroShare, ...], Meta(min_length=1, max_length=99)]
Slots = Annotated[int, Meta(ge=2, le=100)]
Days = Annotated[int, Meta(ge=1, le=36_525)]


class Case(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Costs, and perhaps a page, for some members; what is left out holds for all.

    Attributes
    ----------
    device_types : tuple of str or None
        Classes of device.
    tenure_below_days : int or None
        Members whose first event is not so many whole days old.
    false_positive, false_negative : int
    page : tuple of int or None
        None: that of the map.
    """

    false_positive: Cost
    false_negative: Cost
    device_types: Annotated[tuple[DeviceType, ...], Meta(min_length=1)] | None = None
    tenure_below_days: Days | None = None
    page: Page | None = None


class PlacementMap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From the likelihood of continuation to a slot of the page.

    Attributes
    ----------
    false_positive, false_negative : int
        Costs; only their ratio matters. The default is a threshold at an even chance.
    slots : int or None
        How many positions there are to choose from, from the top; None is two.
    page : tuple of int or None
        Likelihood of each other row of the page, micro-units, from the top. The row goes before the
        first that is less likely, each weighed by what missing it costs.
    cases : tuple of Case
        The first that fits a member and device goes before the costs above.
    """

    false_positive: Cost = 1
    false_negative: Cost = 1
    slots: Slots | None = None
    page: Page | None = None
    cases: tuple[Case, ...] = ()

    def __post_init__(self) -> None:
        if self.slots is not None and (self.page or any(case.page for case in self.cases)):
            raise ValueError("wanted `slots` or `page`, found both: a page has its own slots")


EVEN_CHANCE: Final = PlacementMap()


def resume_share(state: ProfileState) -> int:
    """Estimate the likelihood of continuation, in micro-units, from the share of resumed starts."""
    starts = 10 * (state.resumed + state.started) + _PRIOR_STARTS
    return (10 * state.resumed + _PRIOR_RESUMED) * 1_000_000 // starts


def place(
    state: ProfileState, slot: int, p_continue: int, method: str, placed: PlacementMap = EVEN_CHANCE
) -> Placement:
    """Place the row of a device on the page.

    Parameters
    ----------
    state : ProfileState
    slot : int
        The device's place in the state.
    p_continue : int
        In micro-units; 0 for an empty row, which has nothing to go on with.
    method : str
        How it was estimated.
    placed : PlacementMap

    Returns
    -------
    Placement
    """
    costs = _costs(placed, state, slot)
    page = costs.page or placed.page
    if page:
        at = before_less_likely(p_continue, page, costs.false_positive, costs.false_negative)
    else:
        slots = placed.slots or _TWO_SLOTS
        at = cheapest_slot(p_continue, slots, costs.false_positive, costs.false_negative)
    return Placement(p_continue=p_continue, slot=at, method=method)


def cheapest_slot(p_continue: int, slots: int, false_positive: int, false_negative: int) -> int:
    """Find the slot with the least expected cost; of two the higher.

    At slot s of 0 to n it is p * false_negative * (s/n)^2 + (1-p) * false_positive * (1-s/n)^2.
    The whole number nearest to the parabola's lowest point is its lowest whole number.

    Parameters
    ----------
    p_continue : int
        Micro-units.
    slots : int
        At least two.
    false_positive, false_negative : int
        At least one.
    """
    miss, waste = p_continue * false_negative, (_ONE - p_continue) * false_positive
    both = miss + waste
    return -((both - 2 * (slots - 1) * waste) // (2 * both))


def before_less_likely(
    p_continue: int, page: tuple[int, ...], false_positive: int, false_negative: int
) -> int:
    """Find the slot before the first other row that is less likely; behind all if none is.

    To stand before another row costs `false_positive` where that one was wanted, to stand behind it
    `false_negative` where this one was.
    """
    weight = p_continue * false_negative
    return next((at for at, p in enumerate(page) if p * false_positive < weight), len(page))


def _costs(placed: PlacementMap, state: ProfileState, slot: int) -> Case | PlacementMap:
    if not placed.cases:
        return placed
    device_type = DEVICE_TYPES[state.devices[slot].device_type]
    tenure = (state.now - state.first_ts) // DAY_MS
    for case in placed.cases:
        if (case.device_types is None or device_type in case.device_types) and (
            case.tenure_below_days is None or tenure < case.tenure_below_days
        ):
            return case
    return placed
