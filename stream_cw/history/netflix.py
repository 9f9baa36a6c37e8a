"""Import of a member's ViewingActivity.csv: a viewing export becomes a plain event log.

The flow: lines to playbacks (`viewing_file`, `viewing_rows`), put in order outside of memory
(`external_sort`), names to ids (`titles`, `device_classes`), playbacks to events (`timeline`). What
each column means is told in docs/import.md.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from msgspec import Struct

from stream_cw.core.events import encode_event
from stream_cw.history.external_sort import ExternalSort
from stream_cw.history.time_zones import open_zone
from stream_cw.history.timeline import Identity, Timeline
from stream_cw.history.titles import (
    SeriesNames,
    named_supplemental,
    named_title,
    short_hash,
    take_apart,
)
from stream_cw.history.viewing_file import BadRow, ExportReader
from stream_cw.history.viewing_rows import Playback

Progress = Callable[[int, int], None]
_SHOWN_BAD_ROWS: Final = 5
_TELL_EVERY: Final = 1_000
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Playback).decode


class BadRows(Struct, frozen=True):
    """Rows that could not be used, of one reason.

    Attributes
    ----------
    count : int
    first : tuple of (int, str)
        Line number and message of the first few.
    """

    count: int
    first: tuple[tuple[int, str], ...]


class ImportReport(Struct, frozen=True, kw_only=True):
    """What became of an export.

    Attributes
    ----------
    rows : int
        Lines behind the header.
    events, sessions : int
        Events written; session_start events among them.
    plays, autoplayed : int
        Plays of films and episodes; those among them that no member asked for.
    supplemental : int
        Plays of trailers, hooks and recaps.
    moved_stops : int
        Playbacks that were still running at the next start on their device, and stop there.
    repeated : int
        Rows left out because an equal one was kept.
    without_offset : int
        Rows whose local time is not known.
    bad_rows : dict
        By reason.
    profiles : dict
        Rows by profile_id.
    """

    rows: int
    events: int
    sessions: int
    plays: int
    autoplayed: int
    supplemental: int
    moved_stops: int
    repeated: int
    without_offset: int
    bad_rows: dict[str, BadRows]
    profiles: dict[str, int]


def profile_id(account: str, profile: str) -> str:
    """Hash a profile's name, so that no name leaves the file and no two accounts meet."""
    return short_hash("profile", f"{account}\0{profile}")


def import_netflix(
    path: Path,
    out: BinaryIO,
    *,
    account: str | None = None,
    tz: str | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Write a viewing export as a plain event log, in event-time order and in constant memory.

    Parameters
    ----------
    path : Path
        ViewingActivity.csv, in any of the service's languages.
    out : BinaryIO
        Gets one event a line. Nothing is written before the whole file was read.
    account : str, optional
        Keeps the profiles of several exports apart, or together; without it the file's content.
    tz : str, optional
        IANA time zone for rows of a country with several.
    progress : Callable, optional
        Called with what is done and what there is to do, in no unit.

    Returns
    -------
    ImportReport

    Raises
    ------
    ExportFormatError
        If the file is of another kind.
    InputError
        If it cannot be read.
    SettingsError
        If `tz` names no time zone.
    """
    zone = open_zone(tz) if tz is not None else None
    bad_rows = _BadRowsBook()
    reader = ExportReader(path, bad_rows.note)
    series = SeriesNames()
    tell = progress or _tell_nobody
    with ExternalSort(_encode, _decode) as playbacks:
        usable = _read(reader, playbacks, series, tell)
        secret = account if account is not None else reader.fingerprint()
        counts = _Counts(secret, series)
        timeline = Timeline(counts.identify, zone)
        events = 0
        in_order = _telling(playbacks.merged(), usable, reader.bytes, tell)
        for event in timeline.events(in_order):
            out.write(encode_event(event) + b"\n")
            events += 1
    return ImportReport(
        rows=reader.rows,
        events=events,
        sessions=timeline.sessions,
        plays=counts.plays,
        autoplayed=counts.autoplayed,
        supplemental=counts.supplemental,
        moved_stops=timeline.moved_stops,
        repeated=timeline.repeated,
        without_offset=timeline.without_offset,
        bad_rows=bad_rows.by_reason(),
        profiles=dict(counts.profiles),
    )


def report_lines(report: ImportReport) -> Iterator[str]:
    """Tell a report to a person, line by line."""
    yield (
        f"{report.rows:,} rows of {len(report.profiles)} profiles became {report.events:,} events"
    )
    yield (
        f"{report.plays:,} plays ({report.autoplayed:,} started by themselves), "
        f"{report.supplemental:,} trailers and the like, {report.sessions:,} sessions"
    )
    if report.moved_stops:
        yield f"{report.moved_stops:,} stops moved to the next start on their device"
    if report.repeated:
        yield f"{report.repeated:,} rows stood there twice and were kept once"
    if report.without_offset:
        yield (
            f"{report.without_offset:,} rows come from a country with several time zones, or from "
            "none: give --tz (such as America/Sao_Paulo), so that their local hour is known"
        )
    for reason, bad in sorted(report.bad_rows.items()):
        yield f"{bad.count:,} rows left out: {reason}"
        yield from (f"  line {line}: {message}" for line, message in bad.first)


def _read(
    reader: ExportReader, playbacks: ExternalSort[Playback], series: SeriesNames, tell: Progress
) -> int:
    usable = 0
    for usable, playback in enumerate(reader, start=1):
        playbacks.add(playback)
        if not playback.supplemental:
            series.learn(take_apart(playback.title))
        if usable % _TELL_EVERY == 0:
            tell(reader.bytes_read, 2 * reader.bytes)
    return usable


def _tell_nobody(_done: int, _total: int) -> None: ...


def _telling(
    playbacks: Iterator[Playback], count: int, size: int, tell: Progress
) -> Iterator[Playback]:
    for done, playback in enumerate(playbacks, start=1):
        yield playback
        if done % _TELL_EVERY == 0 or done == count:
            tell(size + size * done // count, 2 * size)


class _Counts:
    def __init__(self, account: str, series: SeriesNames) -> None:
        self.plays = 0
        self.autoplayed = 0
        self.supplemental = 0
        self.profiles: Counter[str] = Counter()
        self._account = account
        self._series = series

    def identify(self, row: Playback) -> Identity:
        profile = profile_id(self._account, row.profile)
        self.profiles[profile] += 1
        if row.supplemental:
            self.supplemental += 1
            return Identity(profile, named_supplemental(row.title, self._series))
        self.plays += 1
        self.autoplayed += row.autoplay
        return Identity(profile, named_title(take_apart(row.title), self._series))


class _BadRowsBook:
    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, list[tuple[int, str]]] = {}

    def note(self, row: BadRow) -> None:
        self._counts[row.reason] += 1
        first = self._first.setdefault(row.reason, [])
        if len(first) < _SHOWN_BAD_ROWS:
            first.append((row.line, row.message))

    def by_reason(self) -> dict[str, BadRows]:
        return {
            reason: BadRows(count, tuple(self._first[reason]))
            for reason, count in self._counts.items()
        }
