"""Offset of local time: from the country where the tz database tells one, else a given zone."""

from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stream_cw.errors import SettingsError


def open_zone(name: str) -> ZoneInfo:
    """Open a time zone by its IANA name.

    Raises
    ------
    SettingsError
        If there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError(
            "tz: wanted a name of the IANA time zone database such as America/Sao_Paulo, "
            f"found {name!r}"
        ) from None


def offset_minutes(country: str | None, ts: int, fallback: ZoneInfo | None) -> int | None:
    """Tell how far local time is ahead of UTC.

    Parameters
    ----------
    country : str or None
        Two letters (ISO 3166).
    ts : int
        The time in ms since 1970; daylight saving follows from it.
    fallback : ZoneInfo or None
        Decides where the country's zones differ at that time, or none is known.

    Returns
    -------
    int or None
        Minutes, None where neither tells.
    """
    moment = datetime.fromtimestamp(ts // 1_000, UTC)
    zones = _zones_of(country) if country else ()
    if zones:
        first = _minutes(zones[0], moment)
        if all(_minutes(zone, moment) == first for zone in zones[1:]):
            return first
    return _minutes(fallback, moment) if fallback else None


def _minutes(zone: ZoneInfo, moment: datetime) -> int | None:
    offset = moment.astimezone(zone).utcoffset()
    return None if offset is None else int(offset.total_seconds()) // 60


@cache
def _zones_of(country: str) -> tuple[ZoneInfo, ...]:
    return tuple(map(ZoneInfo, _names_of_zones().get(country, ())))


@cache
def _names_of_zones() -> dict[str, tuple[str, ...]]:
    """Read the table of countries and their zones that comes with the tz database."""
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    names: dict[str, tuple[str, ...]] = {}
    for line in table.splitlines():
        if not line.startswith("#"):
            country, _, name = line.split("\t")[:3]
            names[country] = (*names.get(country, ()), name)
    return names
