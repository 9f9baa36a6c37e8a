"""The log that the demo shows: small, and made in a moment."""

from pathlib import Path
from typing import Final

from stream_cw.history.simulator.run import SimulationReport, simulate

PROFILES: Final = 6
DAYS: Final = 10
SEED: Final = 894
"""Chosen so that the members differ and every one of them uses two or three devices."""


def demo_log(path: Path, catalog: Path | None = None) -> SimulationReport:
    """Write the demo's event log, and its catalog where a path is given.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    with path.open("wb") as log:
        if catalog is None:
            return simulate(PROFILES, DAYS, SEED, log)
        with catalog.open("wb") as entries:
            return simulate(PROFILES, DAYS, SEED, log, catalog=entries)
