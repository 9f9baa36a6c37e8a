"""One row of a member's viewing export: its text, and the playback that it tells.

Nine of the ten columns are read. `Latest Bookmark` tells whether the title is played again later:
it has no place in `RowText`, so nothing behind it can see it.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

_LONGEST_MS: Final = 604_800_000
_FIRST_MS: Final = 946_684_800_000
_LAST_MS: Final = 4_102_444_800_000


class RowText(NamedTuple):
    """What is read of a row: all columns but `Latest Bookmark`."""

    profile_name: str
    start_time: str
    duration: str
    attributes: str
    title: str
    supplemental_video_type: str
    device_type: str
    bookmark: str
    country: str


class Playback(NamedTuple):
    """What one row tells; times are in ms, `position` is where it stopped.

    The fields stand in the order in which playbacks are put in order: by start; then, on one
    device, the one that lasts longer comes last, and so outlives the others.
    """

    start: int
    profile: str
    device: str
    duration: int
    position: int
    title: str
    supplemental: bool
    autoplay: bool
    country: str


class UnusableRowError(Exception):
    """Ends the reading of one row; the file's reader turns it into a `BadRow`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def parse_row(text: RowText) -> Playback:
    """Read one row.

    Raises
    ------
    UnusableRowError
        If the row tells no playback that an event can carry.
    """
    if not text.profile_name.strip():
        raise UnusableRowError("no profile", "Profile Name is empty")
    if not text.title.strip():
        raise UnusableRowError("no title", "Title is empty")
    start = _time(text.start_time)
    duration = _length("Duration", text.duration)
    if start + duration > _LAST_MS:
        raise UnusableRowError("bad Start Time", "Start Time: wanted one that ends before 2100")
    supplemental = bool(text.supplemental_video_type.strip())
    return Playback(
        start=start,
        profile=text.profile_name.strip(),
        device=text.device_type.strip(),
        duration=duration,
        position=_length("Bookmark", text.bookmark),
        title=text.title,
        supplemental=supplemental,
        autoplay=not supplemental and is_autoplay(text.attributes),
        country=text.country[:2] if _COUNTRY.match(text.country) else "",
    )


@lru_cache(maxsize=256)
def is_autoplay(attributes: str) -> bool:
    """Tell whether no member asked for the playback.

    Attributes are a list `key: value; `, as in `Autoplayed: user action: None; `.
    `User_Interaction` and `Visibility_Timeout` count as asked for.
    """
    for attribute in attributes.casefold().split(";"):
        words = [word.strip() for word in attribute.split(":")]
        if words[-2:-1] == ["user action"] and words[-1] in ("none", "unspecified"):
            return True
    return False


_LENGTH: Final = re.compile(r"\s*(\d{1,4}):([0-5]\d):([0-5]\d)\s*\Z", re.ASCII)
_COUNTRY: Final = re.compile(r"[A-Z]{2}(?![A-Za-z])")


def _length(column: str, text: str) -> int:
    found = _LENGTH.match(text)
    if not found:
        raise UnusableRowError(f"bad {column}", f"{column}: wanted H:MM:SS, found {text[:40]!r}")
    milliseconds = (int(found[1]) * 3_600 + int(found[2]) * 60 + int(found[3])) * 1_000
    if milliseconds > _LONGEST_MS:
        raise UnusableRowError(
            f"bad {column}", f"{column}: wanted at most seven days, found {text[:40]!r}"
        )
    return milliseconds


def _time(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = None
    if moment is None or len(text.strip()) < len("2020-01-01 00:00"):
        raise UnusableRowError(
            "bad Start Time", f"Start Time: wanted YYYY-MM-DD HH:MM:SS, found {text[:40]!r}"
        )
    began = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 1_000
    if not _FIRST_MS <= began <= _LAST_MS:
        raise UnusableRowError(
            "bad Start Time", f"Start Time: wanted a year from 2000 to 2099, found {text[:40]!r}"
        )
    return began
