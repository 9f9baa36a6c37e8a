"""What the demo plays: simulated members, or the last weeks of one's own history."""

from pathlib import Path
from typing import Final

from msgspec import Struct

from stream_cw.core.records import admit
from stream_cw.errors import InputError
from stream_cw.history.log import EventLog
from stream_cw.history.netflix import import_netflix
from stream_cw.history.simulator.demo import demo_log

WEEKS: Final = 4
"""So much of an export is played: at a minute in all, a day takes two seconds."""
_WEEK_MS: Final = 7 * 24 * 3_600_000


class Play(Struct, frozen=True):
    """A log to play.

    Attributes
    ----------
    title : str
    log : Path
    events : int
    seconds : float
        Event time from the first to the newest event.
    catalog : Path or None
        What the service says of its shows; an export has none.
    """

    title: str
    log: Path
    events: int
    seconds: float
    catalog: Path | None


def play_of(export: Path | None, folder: Path) -> Play:
    """Make the log to play.

    Parameters
    ----------
    export : Path or None
        A ViewingActivity.csv; None for members simulated anew, to the same bytes each time.
    folder : Path
        Takes the log.

    Raises
    ------
    ExportFormatError
        If the file is of another kind.
    InputError
        If nothing in it can be played.
    """
    log, catalog = folder / "play.jsonl", folder / "catalog.jsonl"
    if export is None:
        report = demo_log(log, catalog)
        title = f"{report.profiles} simulated members, {report.days} days"
    else:
        whole = folder / "export.jsonl"
        with whole.open("wb") as file:
            import_netflix(export, file)
        _last_weeks(whole, log)
        title = f"the last {WEEKS} weeks of {export.name}"
    times = _times(log)
    if not times:
        raise InputError(f"{export}: no event in it")
    return Play(title, log, len(times), (max(times) - times[0]) / 1000, None if export else catalog)


def _last_weeks(whole: Path, log: Path) -> None:
    newest = max(_times(whole), default=0)
    with log.open("wb") as file:
        for record in EventLog(whole):
            if admit(record, partitions=None).ts > newest - WEEKS * _WEEK_MS:
                file.write((record.value or b"") + b"\n")


def _times(log: Path) -> list[int]:
    return [admit(record, partitions=None).ts for record in EventLog(log)]
