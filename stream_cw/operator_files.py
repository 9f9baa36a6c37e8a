"""What an operator decides about rows, from TOML or JSON files: policy, placement, experiments."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec.structs import replace

from stream_cw.core.experiments import Experiment
from stream_cw.core.placement import PlacementMap
from stream_cw.core.policies import POLICIES, own_policy
from stream_cw.core.row import View
from stream_cw.core.rules import Policy
from stream_cw.core.scoring import Scorer
from stream_cw.errors import InputError
from stream_cw.files import read_at_most

MAX_FILE_BYTES: Final = 262_144
"""Of a policy, a placement map or an experiment; those in use have a few hundred."""

_T = TypeVar("_T")


def read_placement(path: Path) -> PlacementMap:
    """Read a placement map.

    Raises
    ------
    InputError
        If the file is not one; the message names the field.
    OSError
        If it cannot be read.
    """
    return _read(path, PlacementMap)


def read_experiment(path: Path) -> Experiment:
    """Read an experiment; raises as `read_placement` does."""
    return _read(path, Experiment)


def choose_policy(policy: str) -> Policy:
    """Find a policy by its name, or read it from a file.

    Parameters
    ----------
    policy : str
        One of the named ones (`core.policies`), or the path of one's own: `own_policy` there tells
        what stands in it.

    Raises
    ------
    InputError
        If there is neither such a policy nor such a file, or the file is no policy; the message
        names the file and the field.
    OSError
        If it cannot be read.
    """
    if policy in POLICIES:
        return POLICIES[policy]
    path = Path(policy)
    if not path.exists():
        names = ", ".join(POLICIES)
        raise InputError(f"policy {policy}: wanted {names} or a file, found no such file")
    told = _read(path, dict[str, Any])
    try:
        return own_policy(told, path.stem)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {error}") from None


def with_files(
    view: View,
    placement: Path | None,
    experiment: Path | None,
    choose: Callable[[str], Scorer],
) -> View:
    """Add to a view what files say.

    Parameters
    ----------
    view : View
    placement, experiment : Path or None
    choose : callable
        Loads a scorer that an arm names, once: what is published later does not change it.

    Returns
    -------
    View

    Raises
    ------
    InputError, OSError
        As `read_placement` does; and what `choose` raises.
    """
    if placement is not None:
        view = replace(view, placement=read_placement(placement))
    if experiment is not None:
        found = read_experiment(experiment)
        names = {arm.model for arm in found.arms if arm.model is not None}
        scorers = {name: choose(name) for name in sorted(names)}
        view = replace(view, experiment=found, scorers=scorers)
    return view


def _read(path: Path, kind: type[_T]) -> _T:
    data = read_at_most(path, MAX_FILE_BYTES)
    try:
        if path.suffix == ".json":
            return msgspec.json.decode(data, type=kind)
        return msgspec.toml.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from None
    except RecursionError:
        raise InputError(f"{path}: nested too deep") from None
