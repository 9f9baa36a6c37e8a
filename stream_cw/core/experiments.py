"""Experiments: which arm a profile is in, and what its rows are made with there."""

from bisect import bisect_right
from itertools import accumulate
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import asdict, replace

from stream_cw.core.events import Id
from stream_cw.core.placement import PlacementMap
from stream_cw.core.rules import Asleep, Credits, PerMille, Policy, Time
from stream_cw.core.state import hash64


class PolicyChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an arm changes of the policy (`rules.Policy`); None leaves a limit as it is."""

    started_ms: Time | None = None
    started_per_mille: PerMille | None = None
    episode_per_mille: PerMille | None = None
    finished_per_mille: PerMille | None = None
    beyond: bool | None = None
    credits: Credits | None = None
    left_ms: Time | None = None
    short_ms: Time | None = None
    in_a_row_ms: Annotated[int, Meta(ge=1)] | None = None
    asleep: Asleep | None = None
    given_up_per_mille: PerMille | None = None


class Arm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An arm of an experiment; what it leaves out is as outside of the experiment.

    Attributes
    ----------
    id : str
        As rows name it.
    weight : int
        Its share of the profiles, as a part of all weights.
    model : str or None
        Name of the scorer, as the view's `scorers` have it: a rule, or a file beside the worker.
        Rows name its hash; the model's part of their version is that of the published model.
    policy : PolicyChange or None
    placement : PlacementMap or None
    """

    id: Id
    weight: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    model: Annotated[str, Meta(min_length=1)] | None = None
    policy: PolicyChange | None = None
    placement: PlacementMap | None = None


class Experiment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An experiment.

    Attributes
    ----------
    id : str
    salt : str
        Another salt deals the profiles anew.
    arms : tuple of Arm
        In this order: a profile's arm depends on it.
    """

    id: Id
    salt: str = ""
    arms: Annotated[tuple[Arm, ...], Meta(min_length=1)]

    def __post_init__(self) -> None:
        ids = [arm.id for arm in self.arms]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"wanted each arm's `id` once, found {', '.join(twice)} again")


def arm_of(experiment: Experiment, profile_id: str) -> Arm:
    """Find the arm of a profile: always the same, and each as often as its weight says.

    Parameters
    ----------
    experiment : Experiment
    profile_id : str

    Returns
    -------
    Arm
    """
    ends = list(accumulate(arm.weight for arm in experiment.arms))
    place = hash64(f"{experiment.id}/{experiment.salt}/{profile_id}")
    return experiment.arms[bisect_right(ends, place * ends[-1] >> 64)]


def changed(policy: Policy, change: PolicyChange) -> Policy:
    """Change a policy as an arm says."""
    told = {name: value for name, value in asdict(change).items() if value is not None}
    return replace(policy, **told)
