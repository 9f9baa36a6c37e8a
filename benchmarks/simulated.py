"""Simulated members: their log, their catalog, and the truth about them."""

from pathlib import Path
from typing import NamedTuple

from stream_cw.history.catalog_file import read_works
from stream_cw.history.log import EventLog
from stream_cw.history.simulator import read_truth, simulate
from stream_cw.history.simulator.truth import Truth


class Simulated(NamedTuple):
    """What is known of some simulated members."""

    log: EventLog
    works: dict[str, bytes]
    truth: list[Truth]


def simulated(directory: Path, profiles: int, days: int, seed: int) -> Simulated:
    """Simulate members into a directory, in which files are named after the seed."""
    log, truth, catalog = (directory / f"{seed}.{name}" for name in ("jsonl", "truth", "catalog"))
    with log.open("wb") as events, truth.open("wb") as told, catalog.open("wb") as entries:
        simulate(profiles, days, seed, events, told, entries)
    with truth.open("rb") as lines:
        return Simulated(EventLog(log), read_works(catalog), list(read_truth(lines)))
