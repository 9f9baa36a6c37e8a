"""Memory and speed of an import: `python -m benchmarks.importing [--rows 1000000]`.

An export is made up, as the service writes it: the newest row first, five profiles on six devices,
trailers among them, titles drawn from so many series and films that most come again. It is imported
by the command as a process of its own; memory is the most that this process ever held, told by the
kernel when it ends. A tenth of the rows goes first.
"""

import csv
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer
from msgspec import Struct

from benchmarks.bars import Check, Figure, Json, at_most, report, shown

GROWTH: Final = 1.2
"""Memory of all rows, as a multiple of that of a tenth of them."""
SERIES, FILMS, PROFILES = 4_000, 6_000, 5
HEADER: Final = (
    "Profile Name", "Start Time", "Duration", "Attributes", "Title", "Supplemental Video Type",
    "Device Type", "Bookmark", "Latest Bookmark", "Country",
)  # fmt: skip
DEVICES: Final = (
    "Samsung 2019 UHD TV Smart TV", "Apple iPhone 12", "Apple iPad 9th Gen", "Chrome PC (Cadmium)",
    "Sony PS5", "Google Chromecast V3 Streaming Stick",
)  # fmt: skip
NEWEST: Final = 1_735_000_000
APART_S: Final = 120
A_FEW: Final = 0.1
"""Share of trailers, of plays that started by themselves, and half of that of films."""


class Imported(Struct, frozen=True):
    """What an import took; bytes, seconds."""

    memory: int
    cpu: float
    seconds: float
    events: int


def rows_of(count: int) -> Iterator[tuple[str, ...]]:
    """Make up rows, the newest first."""
    rng = random.Random(7)  # noqa: S311
    for number in range(count):
        start = time.gmtime(NEWEST - number * APART_S - rng.randrange(APART_S))
        trailer, length = rng.random() < A_FEW, _clock(rng.randrange(5, 7_200))
        yield (
            f"Profile {rng.randrange(PROFILES)}",
            time.strftime("%Y-%m-%d %H:%M:%S", start),
            length,
            "Autoplayed: user action: None; " if rng.random() < A_FEW else "",
            _title(rng),
            "TRAILER" if trailer else "",
            rng.choice(DEVICES),
            length,
            "Not latest view",
            "BR (Brazil)",
        )


def _title(rng: random.Random) -> str:
    if rng.random() < 2 * A_FEW:
        return f"Film {rng.randrange(FILMS)}"
    episode = rng.randrange(1, 25)
    show, season = rng.randrange(SERIES), rng.randrange(1, 5)
    return f"Show {show}: Season {season}: Part of it (Episode {episode})"


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def imported(folder: Path, rows: int) -> Imported:
    """Import so many rows by the command."""
    export, log = folder / f"{rows}.csv", folder / f"{rows}.jsonl"
    with export.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows_of(rows))
    command = [sys.executable, "-m", "stream_cw.cli", "import", "netflix", str(export)]
    began = time.monotonic()
    with subprocess.Popen([*command, "-o", str(log)], stdout=subprocess.DEVNULL) as process:  # noqa: S603
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    if status:
        raise SystemExit(f"the import ended with {process.returncode}")
    with log.open("rb") as lines:
        events = sum(1 for _ in lines)
    export.unlink()
    log.unlink()
    return Imported(used.ru_maxrss * 1024, used.ru_utime + used.ru_stime, seconds, events)


def main(
    rows: Annotated[int, typer.Option(min=10)] = 1_000_000,
    json: Json = None,
    check: Check = False,
) -> None:
    """Print what an import of many rows takes, beside one of a tenth of them."""
    with TemporaryDirectory() as name:
        few, all_ = (imported(Path(name), count) for count in (rows // 10, rows))
    report(
        f"import of {rows:,} rows: {all_.events:,} events",
        [
            at_most("memory, over that of a tenth", all_.memory / few.memory, "x", GROWTH),
            *figures(f"{rows:,} rows", rows, all_),
            *figures(f"{rows // 10:,} rows", rows // 10, few),
        ],
        json=json,
        check=check,
    )


def figures(name: str, rows: int, found: Imported) -> list[Figure]:
    """Tell what an import took."""
    return [
        shown(f"{name}: most memory", found.memory / 2**20, "MiB"),
        shown(f"{name}: speed", rows / found.seconds, "rows/s"),
        shown(f"{name}: speed by CPU time", rows / found.cpu, "rows/s"),
    ]


if __name__ == "__main__":
    typer.run(main)
