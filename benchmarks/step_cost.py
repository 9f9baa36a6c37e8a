"""What a step costs beside what it cost at another commit: `python -m benchmarks.step_cost REF`.

A profile with 64 series on three devices, of which all belong in the row, is taken through what the
worker does for an event: decode the state, apply the event, make the row, encode. Once each series
was watched one time; once three times: that state is at its limit of bytes, and each play takes
details out; once to the end of an episode: with a catalog all tiles offer the next one. The row is
made without a catalog, and with one that knows 24 episodes of each series. Both commits run in
processes of their own that take turns, round by round; CPU time; medians of the rounds.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import IO, Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table

HERE: Final = Path(__file__).parents[1]
LIMIT: Final = 1.25
"""What the whole may cost, as a multiple of what it cost."""
SCENES: Final = ((1, 20), (3, 20), (1, 44))
"""How often each series was watched, and how many minutes of an episode of 45."""
STATE: Final = ("decode", "play", "encode")
ROWS: Final = ("row, learned", "row, learned, catalog")
WHOLES: Final = tuple((*STATE, row) for row in ROWS)

CHILD: Final = """
import json, sys, time
from stream_cw.core.catalog import EpisodeEntry, Season, SeriesEntry
from stream_cw.core.codec import decode_state, encode_state
from stream_cw.core.events import Episode, Play, SessionStart, Stop
from stream_cw.core.row import RECENCY, View, row
from stream_cw.core.state import Source
from stream_cw.core.step import step
from stream_cw.core.works import pack_work
from stream_cw.model.chosen import choose

MINUTE, START, CALLS = 60_000, 1_750_000_000_000, 60
DEVICES = ("tv", "phone", "tablet")

def told(kind, number, name, minutes=0, **fields):
    device = DEVICES[number % 3]
    return kind(event_id=f"{name}{number}", profile_id="profile", device_id=f"{device}-0123456789",
                device_type=device, ts=START + (number * 97 + minutes) * MINUTE, **fields)

def episode(number):
    show = number * 7 % 64
    return Episode(id=f"s{show:08d}e{1 + number // 64}", series_id=f"series-{show:09d}", season=1,
                   episode=1 + number // 64, duration_ms=45 * MINUTE)

def watched(number):
    yield told(SessionStart, number, "s")
    yield told(Play, number, "p", title=episode(number), position_ms=0)
    seen = {"title": episode(number), "position_ms": minutes * MINUTE}
    yield told(Stop, number, "e", minutes, **seen)

each, minutes = map(int, sys.argv[1:])
state = None
for offset, event in enumerate(event for n in range(each * 64) for event in watched(n)):
    state = step(state, event, Source(bytes(16), 0, offset)).state
data = encode_state(state)
next_play = told(Play, each * 64, "p", title=episode(each * 64), position_ms=0)
works = {}
for show in state.shows:
    name = show.replace("series-0", "s")
    listed = [
        EpisodeEntry(id=f"{name}e{n}", episode=n, duration_ms=45 * MINUTE) for n in range(1, 25)
    ]
    works[show] = pack_work(SeriesEntry(id=show, seasons=[Season(season=1, episodes=listed)]))
learned, known = View(scorer=choose("shipped")), View(scorer=choose("shipped"), works=works)
seat = (state, "profile", "tv-0123456789")
here = Source(bytes(16), 0, 10_000)
PARTS = {
    "decode": lambda: decode_state(data),
    "play": lambda: step(state, next_play, here),
    "encode": lambda: encode_state(state),
    "row, by recency": lambda: row(*seat, RECENCY),
    "row, learned": lambda: row(*seat, learned),
    "row, learned, catalog": lambda: row(*seat, known),
}
for call in PARTS.values():
    call()
print(json.dumps({"bytes": len(data), "tiles": len(row(*seat, learned).tiles)}), flush=True)
for _ in sys.stdin:
    found = {}
    for name, call in PARTS.items():
        began = time.process_time()
        for _ in range(CALLS):
            call()
        found[name] = (time.process_time() - began) / CALLS * 1e6
    print(json.dumps(found), flush=True)
"""


class Side:
    """A process that runs the code of a checkout."""

    def __init__(self, checkout: Path, times: int, minutes: int) -> None:
        command = [sys.executable, "-c", CHILD, str(times), str(minutes)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, cwd=checkout, text=True, **pipes)  # noqa: S603
        self.about: dict[str, int] = self._read()
        self.rounds: list[dict[str, float]] = []

    def run(self) -> None:
        """Run one round."""
        _opened(self.process.stdin).write("\n")
        _opened(self.process.stdin).flush()
        self.rounds.append(self._read())

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()

    def median(self, *parts: str) -> float:
        """Microseconds of some parts together."""
        return median(sum(found[part] for part in parts) for found in self.rounds)

    def _read(self) -> dict:
        line = _opened(self.process.stdout).readline()
        if not line:
            raise SystemExit("a process of the comparison ended")
        found: dict = msgspec.json.decode(line)
        return found


def _opened(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


@contextmanager
def checkout(ref: str) -> Iterator[Path]:
    """Check a commit out beside this one."""
    with TemporaryDirectory() as name:
        path = Path(name) / "before"
        git = ("git", "-C", str(HERE), "worktree")
        subprocess.run([*git, "add", "--detach", "--quiet", str(path), ref], check=True)  # noqa: S603
        try:
            yield path
        finally:
            subprocess.run([*git, "remove", "--force", str(path)], check=True)  # noqa: S603


def main(
    ref: Annotated[str, typer.Argument(metavar="REF", help="The commit before.")],
    rounds: Annotated[int, typer.Option(min=3)] = 60,
    check: Annotated[bool, typer.Option(help="Fail where the limit does not hold.")] = False,
) -> None:
    """Print what each part costs, before and now."""
    console = Console(width=110)
    with checkout(ref) as path:
        most = max(compared(path, *scene, rounds, console) for scene in SCENES)
    console.print(f"at most {most:.3f} of what it cost; wanted below {LIMIT}")
    if check and most >= LIMIT:
        raise SystemExit(1)


def compared(path: Path, times: int, minutes: int, rounds: int, console: Console) -> float:
    """Print what each part costs in a scene; tell by how much the worst whole grew."""
    sides: list[Side] = []
    try:
        sides += [Side(path, times, minutes)]
        sides += [Side(HERE, times, minutes)]
        for _ in range(rounds):
            for side in sides:
                side.run()
    finally:
        for side in sides:
            side.end()
    before, now = sides
    sizes = f"{before.about['bytes']:,} bytes, now {now.about['bytes']:,}"
    title = f"{minutes} minutes, {times}x: {sizes}"
    table = Table("microseconds of CPU", "before", "now", "ratio", box=None, title=title)
    for part in (*((name,) for name in before.rounds[0]), *WHOLES):
        was, is_ = before.median(*part), now.median(*part)
        table.add_row(" + ".join(part), f"{was:.1f}", f"{is_:.1f}", f"{is_ / was:.3f}")
    console.print(table, "")
    return max(now.median(*whole) / before.median(*whole) for whole in WHOLES)


if __name__ == "__main__":
    typer.run(main)
