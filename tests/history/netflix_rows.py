"""Rows of viewing exports for tests, written by hand."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from stream_cw.core.events import Event, decode_event
from stream_cw.history.netflix import ImportReport, import_netflix

HEADER = [
    "Profile Name",
    "Start Time",
    "Duration",
    "Attributes",
    "Title",
    "Supplemental Video Type",
    "Device Type",
    "Bookmark",
    "Latest Bookmark",
    "Country",
]
TV = "Samsung 2019 UHD TV Smart TV"
PHONE = "Apple iPhone 12"


def row(
    start: str = "2024-03-01 20:00:00",
    duration: str = "00:30:00",
    title: str = "A Film",
    *,
    profile: str = "Ana",
    attributes: str = "",
    supplemental: str = "",
    device: str = TV,
    bookmark: str | None = None,
    latest: str = "Not latest view",
    country: str = "DE (Germany)",
) -> list[str]:
    bookmark = duration if bookmark is None else bookmark
    return [
        profile, start, duration, attributes, title, supplemental, device, bookmark, latest, country
    ]  # fmt: skip


def write_export(path: Path, rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER) -> Path:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    path.write_text(text.getvalue(), "utf-8")
    return path


def imported(
    path: Path, *, account: str | None = "an account", tz: str | None = None
) -> tuple[list[Event], ImportReport]:
    out = io.BytesIO()
    report = import_netflix(path, out, account=account, tz=tz)
    return [decode_event(line) for line in out.getvalue().splitlines()], report
