"""The simulation as a whole: profiles one by one, their events merged as they arrive."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import Struct

from stream_cw.core.catalog import encode_catalog_entry
from stream_cw.errors import SettingsError
from stream_cw.history.simulator.catalog import catalog_entry, make_catalog
from stream_cw.history.simulator.life import Life
from stream_cw.history.simulator.member import make_member
from stream_cw.history.simulator.sort import LineSorter
from stream_cw.history.simulator.truth import encode_truth

START_TS: Final = 1_704_067_200_000
"""2024-01-01, 00:00 UTC, a Monday."""
MOST_PROFILES: Final = 1_000_000
MOST_DAYS: Final = 1_500

_PREFIX: Final = "{ts:013d}{profile:06d}{number:07d}"
_PREFIX_BYTES: Final = 26


class SimulationReport(Struct, frozen=True):
    """What was written: profiles, days, shows of the catalog, lines of log and truth."""

    profiles: int
    days: int
    shows: int
    events: int
    truths: int


def simulate(
    profiles: int,
    days: int,
    seed: int,
    out: BinaryIO,
    truth: BinaryIO | None = None,
    catalog: BinaryIO | None = None,
    *,
    start_ts: int = START_TS,
    device_habits: bool = True,
    progress: Callable[[int], None] | None = None,
) -> SimulationReport:
    """Write the event log of simulated members, and beside it the truth and the catalog.

    The same arguments give the same bytes on any machine. A profile's events do not depend on how
    many profiles there are, and those of a longer run begin with those of a shorter one.

    Parameters
    ----------
    profiles, days : int
        How many profiles, and for how many days.
    seed : int
    out : binary file
        The log: plain events in the order in which they arrive (late ones stand late).
    truth, catalog : binary file or None
        The truth, in order of time, and the entries of `cw.catalog.v1`; both as JSON lines.
    start_ts : int
        Midnight UTC at which the first day begins, ms.
    device_habits : bool
        False: a show is as likely on one device as on another (a negative control).
    progress : callable or None
        Called with the number of profiles that are done, after each.

    Returns
    -------
    SimulationReport

    Raises
    ------
    SettingsError
        If `profiles` or `days` is out of range.
    """
    _check("profiles", profiles, MOST_PROFILES)
    _check("days", days, MOST_DAYS)
    shows = make_catalog(seed, start_ts)
    if catalog is not None:
        for show in shows.shows:
            catalog.write(encode_catalog_entry(catalog_entry(show)) + b"\n")
    with tempfile.TemporaryDirectory(prefix="stream-cw-simulate-") as name:
        events = _sorter(Path(name) / "events")
        truths = _sorter(Path(name) / "truths")
        for number in range(profiles):
            life = Life(make_member(seed, number, device_habits=device_habits), shows, seed)
            life.live(start_ts, days)
            for place, (ts, line) in enumerate(life.recorder.lines()):
                events.add(_key(ts, number, place) + line + b"\n")
            if truth is not None:
                for place, (ts, told) in enumerate(life.truth):
                    truths.add(_key(ts, number, place) + encode_truth(told) + b"\n")
            if progress is not None:
                progress(number + 1)
        return SimulationReport(
            profiles=profiles,
            days=days,
            shows=len(shows.shows),
            events=_write(events, out),
            truths=0 if truth is None else _write(truths, truth),
        )


def _check(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise SettingsError(f"`{name}` is {value}, wanted 1 to {most}")


def _sorter(directory: Path) -> LineSorter:
    directory.mkdir()
    return LineSorter(directory, _PREFIX_BYTES)


def _key(ts: int, profile: int, number: int) -> bytes:
    return _PREFIX.format(ts=ts, profile=profile, number=number).encode()


def _write(lines: LineSorter, file: BinaryIO) -> int:
    count = 0
    for line in lines:
        file.write(line)
        count += 1
    return count
