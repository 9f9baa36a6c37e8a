"""The file of a member's viewing export: is it one, and its lines, row by row.

The header is asked for all ten columns, so that another file is refused; of each line, nine are
picked. `Latest Bookmark`, which comes from the future, is dropped here and reaches no parser.
"""

import csv
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from operator import itemgetter
from pathlib import Path
from typing import IO, Final, NamedTuple

from stream_cw.errors import ExportFormatError, InputError
from stream_cw.history.viewing_rows import Playback, RowText, UnusableRowError, parse_row

COLUMNS: Final = tuple(name.replace("_", " ").title() for name in RowText._fields)
NEVER_READ: Final = "Latest Bookmark"
MAX_LINE_BYTES: Final = 65_536
"""A real line stays under 1 KiB."""
_WHERE: Final = (
    "request it at netflix.com/account/getmyinfo; in the archive that comes it is "
    "CONTENT_INTERACTION/ViewingActivity.csv"
)


class BadRow(NamedTuple):
    """Why a row cannot be used.

    Attributes
    ----------
    line : int
    reason : str
        The same for all rows of its kind.
    message : str
    """

    line: int
    reason: str
    message: str


class ExportReader:
    """Reads an export line by line.

    Parameters
    ----------
    path : Path
    on_bad_row : Callable
        Told each row that cannot be used.

    Attributes
    ----------
    rows : int
        Lines read behind the header, empty ones not counted.
    bytes, bytes_read : int
        Of the whole file, and so far.

    Raises
    ------
    ExportFormatError
        If the file is of another kind: at once, or, for its encoding, at the end.
    InputError
        If it cannot be opened.
    """

    def __init__(self, path: Path, on_bad_row: Callable[[BadRow], None]) -> None:
        self.path = path
        self.rows = 0
        self.bytes = 0
        self.bytes_read = 0
        self._on_bad_row = on_bad_row
        self._digest = sha256()

    def fingerprint(self) -> str:
        """SHA-256 of all that was read; `Latest Bookmark` has no part in it."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[Playback]:
        """Yield the usable rows in the file's order."""
        encodings = _Encodings()
        with _open(self.path) as file:
            self.bytes = self.path.stat().st_size
            header = _read_header(file.readline(MAX_LINE_BYTES), self.path)
            self.bytes_read = file.tell()
            pick = itemgetter(*map(header.index, map(_column_key, COLUMNS)))
            for number, line in enumerate(_lines(file), start=2):
                self.bytes_read += len(line)
                if not line.strip():
                    continue
                self.rows += 1
                try:
                    text = RowText(*pick(_fields(line, len(header), encodings)))
                    self._digest.update("\0".join(text).encode())
                    playback = parse_row(text)
                except UnusableRowError as error:
                    self._on_bad_row(BadRow(number, error.reason, error.message))
                else:
                    yield playback
        if encodings.speak_against_utf8(self.rows):
            raise ExportFormatError(
                f"{self.path}: wanted text in UTF-8, found {encodings.bad} of {self.rows} rows "
                "in another encoding; use the file as it came, not as a spreadsheet saved it"
            )


class _Encodings:
    def __init__(self) -> None:
        self.good = 0
        self.bad = 0

    def speak_against_utf8(self, rows: int) -> bool:
        return self.bad > self.good and 2 * self.bad >= rows > 1


def _open(path: Path) -> IO[bytes]:
    if path.is_dir():
        raise ExportFormatError(f"{path}: wanted a viewing export, found a folder; {_WHERE}")
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield lines; of one that is too long, its beginning alone, longer than the limit."""
    while line := file.readline(MAX_LINE_BYTES + 1):
        rest = line
        while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
            rest = file.readline(MAX_LINE_BYTES + 1)
        yield line


def _fields(line: bytes, count: int, encodings: _Encodings) -> list[str]:
    if len(line) > MAX_LINE_BYTES:
        raise UnusableRowError("line too long", f"wanted at most {MAX_LINE_BYTES} bytes in a line")
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        encodings.bad += 1
        raise UnusableRowError(
            "not UTF-8", f"wanted UTF-8, found another byte at {error.start}"
        ) from None
    encodings.good += not line.isascii()
    try:
        fields = next(csv.reader((text,), strict=True))
    except csv.Error as error:
        raise UnusableRowError(
            "bad quotes", f"wanted fields with commas between: {error}"
        ) from None
    if len(fields) != count:
        raise UnusableRowError("wrong columns", f"wanted {count} columns, found {len(fields)}")
    return fields


def _column_key(name: str) -> str:
    """Fold a column's name; an explanation in brackets makes no difference."""
    return re.sub(r"\s*\(.*\)\s*$", "", name).strip().casefold()


def _read_header(line: bytes, path: Path) -> list[str]:
    wanted = f"wanted a header with the columns {', '.join((*COLUMNS, NEVER_READ))}"
    if not line.strip():
        raise ExportFormatError(f"{path}: {wanted}, found nothing; {_WHERE}")
    if kind := next((kind for start, kind in _OTHER_KINDS if line.startswith(start)), None):
        raise ExportFormatError(f"{path}: {wanted}, found {kind}; {_WHERE}")
    try:
        names = next(csv.reader((line.decode("utf-8-sig"),), strict=True))
    except (UnicodeDecodeError, csv.Error, StopIteration):
        raise ExportFormatError(
            f"{path}: {wanted}, found a file that is no table in UTF-8; {_WHERE}"
        ) from None
    header = [_column_key(name) for name in names]
    if len(header) == _COLUMNS_OF_SHORT_HISTORY:
        raise ExportFormatError(
            f"{path}: {wanted}, found {', '.join(names)[:80]!r}. This looks like "
            "NetflixViewingHistory.csv, the short list of the page 'Viewing activity': it tells "
            f"neither times nor devices. The whole history: {_WHERE}"
        )
    if missing := [name for name in (*COLUMNS, NEVER_READ) if _column_key(name) not in header]:
        raise ExportFormatError(
            f"{path}: {wanted}, found {', '.join(names)[:200]!r}, without "
            f"{', '.join(missing)}; {_WHERE}"
        )
    return header


_COLUMNS_OF_SHORT_HISTORY: Final = 2
_OTHER_KINDS: Final = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "an archive (unpack it first)"),
    (b"\x1f\x8b", "an archive (unpack it first)"),
    (b"\xff\xfe", "text in UTF-16, not in UTF-8"),
    (b"\xfe\xff", "text in UTF-16, not in UTF-8"),
)
