"""Who slept and what was given up, on simulated members and a real export: `python -m benchmarks.belongs [LOG]`.

The weights by which somebody slept are fitted to simulated members and held to others; the shipped
ones come from `--profiles 60`, rounded. What is given up is held to what simulated members abandoned. On a LOG, an
imported export, the same rules are counted, beside what its members did next.
"""  # noqa: E501 - the command is one line

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.given_up import Cost, Planted, cost, planted, sessions
from benchmarks.simulated import Simulated, simulated
from benchmarks.slept import WEIGHTS, Ended, Judged, endings, fit, gone_on, judge
from stream_cw.core.policies import WATCH_NEXT
from stream_cw.core.rules import Asleep
from stream_cw.history.log import EventLog

WORLDS = 3
SHARES = (10, 15, 20)
SHIPPED = WATCH_NEXT.asleep or Asleep()


def main(
    log: Annotated[Path | None, typer.Argument(metavar="[LOG]", exists=True)] = None,
    profiles: Annotated[int, typer.Option(min=2, help="Of each simulated world.")] = 40,
    days: Annotated[int, typer.Option(min=30, help="Of each profile.")] = 120,
    seed: Annotated[int, typer.Option(help="Of the first world to learn from.")] = 201,
) -> None:
    """Print how well sleepers and abandoned shows are told."""
    console = Console(width=140)
    with TemporaryDirectory() as name, Console(stderr=True).status("") as status:

        def worlds(first: int) -> Iterable[Simulated]:
            for number in range(first, first + WORLDS):
                status.update(f"simulated members, seed {number}")
                yield simulated(Path(name), profiles, days, number)

        fitted = fit(_joined(map(endings, worlds(seed))))
        others = list(worlds(seed + 100))
        ended = _joined(map(endings, others))
        tell_weights(fitted, console)
        for called, asleep in (("shipped", SHIPPED), ("fitted", fitted)):
            tell_slept(called, judge(asleep, ended), console)
        tell_bookmarks(ended, console)
        status.update("what was given up")
        tell_given_up(others[0], console)
        if log is not None:
            status.update(f"{log.name}")
            tell_log(EventLog(log), console)


def _joined(ended: Iterable[Ended]) -> Ended:
    return Ended(*(np.concatenate(parts) for parts in zip(*ended, strict=True)))


def tell_weights(fitted: Asleep, console: Console) -> None:
    """Print the weights that were fitted beside the shipped ones."""
    table = Table("weight", "fitted", "shipped", box=None, title="asleep: milli-log-odds")
    for name in WEIGHTS:
        table.add_row(name, str(getattr(fitted, name)), str(getattr(SHIPPED, name)))
    console.print(table)


def tell_slept(called: str, found: Judged, console: Console) -> None:
    """Print precision, recall and the reliability curve."""
    console.print(
        f"\n{called} weights, other members: {found.endings:,} endings, {found.sleepers} slept "
        f"through, {found.ruled_out} of these taken for surely seen; {found.told} told at the "
        f"default threshold: precision {found.precision:.3f}, recall {found.recall:.3f}"
    )
    table = Table("P(unattended)", "n", "mean", "slept", box=None)
    for low, high, n, mean, slept in found.curve:
        table.add_row(f"{low:.2f}-{high:.2f}", f"{n:,}", f"{mean:.3f}", f"{slept:.3f}")
    console.print(table)


def tell_bookmarks(ended: Ended, console: Console) -> None:
    """Print how near the bookmark is to where sleepers fell asleep."""
    off = ended.minutes_off[ended.slept]
    low, middle, high = np.nanpercentile(off, (10, 50, 90))
    console.print(
        f"\nbookmark in the title in which the member fell asleep: {np.isfinite(off).mean():.3f}; "
        f"minutes from there, 10th, 50th, 90th percentile: {low:.0f}, {middle:.0f}, {high:.0f}"
    )


def tell_given_up(members: Simulated, console: Console) -> None:
    """Print what the rule costs and finds among simulated members, by the share given up."""
    table = _costs("given up, simulated members")
    for name in ("precision", "found: 28 days", "49 days", "chance lost"):
        table.add_column(name)
    for per_mille in SHARES:
        seen = list(sessions(members.log, per_mille, members.works))
        found: Planted = planted(seen, members)
        _add(
            table, per_mille, cost(seen), f"{found.planted / max(1, found.left):.3f}",
            *(f"{found.found[n]}/{found.abandoned[n]}" for n in (28, 49)), f"{found.chance:.4f}",
        )  # fmt: skip
    console.print()
    console.print(table)


def tell_log(log: EventLog, console: Console) -> None:
    """Print what the rules do to a real log."""
    table = _costs("given up, this log")
    for per_mille in SHARES:
        _add(table, per_mille, cost(list(sessions(log, per_mille, {}))))
    console.print()
    console.print(table)
    found = gone_on(log)
    console.print(
        f"\nasleep: {found.tiles} tiles at an attended position; {found.plays} of their shows were "
        f"gone on with on purpose: {found.went}"
    )


def _costs(title: str) -> Table:
    columns = ("per mille", "resumes", "had left", "shows left", "never again")
    return Table(*columns, "coverage", "if none left", "shows a row", box=None, title=title)


def _add(table: Table, per_mille: int, found: Cost, *more: str) -> None:
    table.add_row(
        f"{per_mille}{' (shipped)' if per_mille == WATCH_NEXT.given_up_per_mille else ''}",
        f"{found.resumes:,}",
        f"{found.lost} ({100 * found.lost / found.resumes:.2f} %)",
        f"{found.left:,}",
        f"{found.never_again / max(1, found.left):.3f}",
        f"{found.coverage:.4f}",
        f"{found.kept_coverage:.4f}",
        f"{found.kept:.1f} -> {found.row:.1f}",
        *more,
    )


if __name__ == "__main__":
    typer.run(main)
