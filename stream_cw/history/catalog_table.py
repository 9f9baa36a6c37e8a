"""A catalog as a table: CSV with a line for each film, each series and each episode.

The columns are the fields of an entry under their own names, and beside them:

    kind       movie, series or episode
    series_id  of an episode: its series, which needs no line of its own
    season     of an episode: the number of its season

`kind` and `id` are wanted, all others may be left out. An empty cell is not known; genres and
countries stand one after the other with spaces between; times are ms since 1970. Episodes stand in
the order in which they are watched; lines of a series need not stand together.
"""

import csv
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, TextIO

import msgspec
from msgspec import Struct
from msgspec.structs import fields, replace

from stream_cw.core.catalog import (
    CatalogEntry,
    EpisodeEntry,
    MovieEntry,
    Season,
    SeriesEntry,
)
from stream_cw.core.decoding import refused_field
from stream_cw.core.events import Id, Ordinal
from stream_cw.errors import InputError, RefusedRecordError

LISTS: Final = ("genres", "countries")
MAX_LINE_LENGTH: Final = 65_536
"""Characters; a line is one title."""


class _Place(Struct):
    """Where an episode belongs."""

    series_id: Id
    season: Ordinal | None = None


class _Series(Struct):
    """A series while its lines come."""

    line: int
    entry: SeriesEntry
    told: bool = False
    seasons: dict[int | None, list[EpisodeEntry]] = {}
    refused: int | None = None


_COLUMNS: Final = {
    "movie": {field.name for field in fields(MovieEntry)},
    "series": {field.name for field in fields(SeriesEntry)} - {"seasons"},
    "episode": {field.name for field in fields(EpisodeEntry)} | {"series_id", "season"},
}
_SERIES_IN: Final = {"series": "id", "episode": "series_id"}
"""Column that names the series."""


def read_table(path: Path) -> Iterator[tuple[int, CatalogEntry | RefusedRecordError]]:
    """Read a table of titles.

    A series of which a line is refused is refused as a whole: with a hole in it, the next episode
    would be the wrong one.

    Parameters
    ----------
    path : Path

    Yields
    ------
    int, CatalogEntry or RefusedRecordError
        Number of the line, of a series that of its first. Series come behind all else.

    Raises
    ------
    InputError
        If the head has an unknown column or lacks a wanted one, or the text is no CSV in UTF-8.
    OSError
        If it cannot be read.
    """
    found: dict[str, _Series] = {}
    try:
        for number, cells in _rows(path):
            try:
                film = _take(number, cells, found)
            except msgspec.ValidationError as error:
                yield number, refused_field(error)
            except RefusedRecordError as error:
                yield number, error
            else:
                if film is not None:
                    yield number, film
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: wanted CSV in UTF-8: {error}") from None
    for series in found.values():
        if series.refused is not None:
            told = f"series left out: its line {series.refused} is refused"
            yield series.line, RefusedRecordError("bad_field", told)
            continue
        seasons = [Season(season=n, episodes=each) for n, each in series.seasons.items()]
        yield series.line, replace(series.entry, seasons=seasons)


def _lines(file: TextIO, path: Path) -> Iterator[str]:
    while line := file.readline(MAX_LINE_LENGTH + 1):
        if len(line) > MAX_LINE_LENGTH:
            raise InputError(f"{path}: wanted at most {MAX_LINE_LENGTH} characters in a line")
        yield line


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(_lines(file, path), strict=True)
        names = next(lines, [])
        if unknown := set(names) - {"kind"}.union(*_COLUMNS.values()):
            raise InputError(f"{path}: column `{min(unknown)}` is not one of a catalog")
        for name in {"kind", "id", *names}:
            if names.count(name) != 1:
                raise InputError(f"{path}: column `{name}` wanted once, found {names.count(name)}")
        for row in lines:
            cells = dict(zip_longest(names, row[: len(names) + 1], fillvalue=""))
            if any(row):
                yield lines.line_num, {name: text for name, text in cells.items() if text}


def _take(number: int, cells: dict[str, Any], found: dict[str, _Series]) -> MovieEntry | None:
    kind = cells.pop("kind", "")
    try:
        if kind not in _COLUMNS:
            raise RefusedRecordError("bad_field", "`kind` wanted movie, series or episode")
        if beside := cells.keys() - _COLUMNS[kind]:
            column = min(beside) or "a cell behind the last column"
            raise RefusedRecordError("bad_field", f"`{column}` is not of this kind of line")
        cells |= {name: cells[name].split() for name in LISTS if name in cells}
        if kind == "movie":
            return msgspec.convert(cells, MovieEntry, strict=False)
        if kind == "series":
            _tell(number, cells, found)
        else:
            _add(number, cells, found)
    except (msgspec.ValidationError, RefusedRecordError):
        if kind in _SERIES_IN and (series_id := cells.get(_SERIES_IN[kind])):
            _series(number, series_id, found).refused = number
        raise
    return None


def _tell(number: int, cells: dict[str, Any], found: dict[str, _Series]) -> None:
    entry = msgspec.convert(cells, SeriesEntry, strict=False)
    series = _series(number, entry.id, found)
    if series.told:
        raise RefusedRecordError("bad_field", "`id` is that of a series with a line before")
    series.entry, series.told = entry, True


def _add(number: int, cells: dict[str, Any], found: dict[str, _Series]) -> None:
    place = msgspec.convert(cells, _Place, strict=False)
    episode = msgspec.convert(cells, EpisodeEntry, strict=False)
    series = _series(number, place.series_id, found)
    series.seasons.setdefault(place.season, []).append(episode)


def _series(number: int, series_id: str, found: dict[str, _Series]) -> _Series:
    return found.setdefault(series_id, _Series(number, SeriesEntry(id=series_id)))
