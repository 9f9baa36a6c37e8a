"""How many events a second an offline replay takes: `python -m benchmarks.replaying`.

`stream-cw replay --offline` goes through simulated members' log, as a process of its own, with the
shipped model and the catalog: every event that is a reason to rescore gives a row for each live
device. Once in one process and once in one for each core; both must write the same bytes. The time
is that of the whole command, from the start of the interpreter on.
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer
from msgspec import Struct

from benchmarks.bars import Figure, Json, report, shown
from stream_cw.history.log import content_hash
from stream_cw.history.simulator import simulate

SEED: Final = 11


class Replayed(Struct, frozen=True):
    """What a replay took, seconds, and what it wrote."""

    seconds: float
    cpu: float
    rows: str


def replayed(folder: Path, processes: int) -> Replayed:
    """Replay the log of a folder by the command."""
    out = folder / f"rows-{processes}.jsonl"
    command = [sys.executable, "-m", "stream_cw.cli", "replay", str(folder / "log.jsonl")]
    command += ["--offline", "--catalog", str(folder / "catalog.jsonl")]
    command += ["--processes", str(processes), "-o", str(out)]
    before, began = _cpu_of_children(), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    seconds = time.monotonic() - began
    found = Replayed(seconds, _cpu_of_children() - before, content_hash(out))
    out.unlink()
    return found


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(
    profiles: Annotated[int, typer.Option(min=1)] = 100,
    days: Annotated[int, typer.Option(min=1, help="Of each profile.")] = 60,
    processes: Annotated[int, typer.Option(min=2)] = max(2, os.cpu_count() or 2),
    json: Json = None,
) -> None:
    """Print the speed of an offline replay."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        with (
            (folder / "log.jsonl").open("wb") as log,
            (folder / "catalog.jsonl").open("wb") as catalog,
        ):
            events = simulate(profiles, days, SEED, log, None, catalog).events
        one, several = (replayed(folder, count) for count in (1, processes))
    if one.rows != several.rows:
        raise SystemExit("several processes wrote other rows than one")
    report(
        f"offline replay of {events:,} events of {profiles:,} profiles",
        [
            *figures("one process", events, one),
            *figures(f"{processes} processes", events, several),
            shown(f"{processes} processes over one", one.seconds / several.seconds, "x"),
        ],
        json=json,
    )


def figures(name: str, events: int, found: Replayed) -> list[Figure]:
    """Tell how fast a replay was, by the clock and by the CPU time that it took."""
    return [
        shown(name, events / found.seconds, "events/s"),
        shown(f"{name}, by CPU time", events / found.cpu, "events/s"),
    ]


if __name__ == "__main__":
    typer.run(main)
