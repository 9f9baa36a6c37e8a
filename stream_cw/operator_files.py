"""What an operator decides about rows, from TOML or JSON files: placement and experiments."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from stream_cw.core.experiments import Experiment
from stream_cw.core.placement import PlacementMap
from stream_cw.core.row import View
from stream_cw.core.scoring import Scorer
from stream_cw.errors import InputError

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
    data = path.read_bytes()
    try:
        if path.suffix == ".json":
            return msgspec.json.decode(data, type=kind)
        return msgspec.toml.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from None
