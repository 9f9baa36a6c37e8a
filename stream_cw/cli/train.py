"""Commands that fit a model, and that try its settings."""

# ruff: noqa: PLC0415 (commands import what they need, so that `--help` is quick)

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream_cw.cli.options import Catalogs, bar, count_lines, works_of, written

if TYPE_CHECKING:
    from rich.table import Table

    from stream_cw.model.dataset import DataSet

Logs = Annotated[
    list[Path],
    typer.Argument(
        metavar="LOG...", exists=True, dir_okay=False, help="Event logs, an account each."
    ),
]
Simulated = Annotated[
    Path | None,
    typer.Option(
        metavar="LOG", exists=True, dir_okay=False, help="A log of `stream-cw simulate` to add."
    ),
]


def train(
    logs: Logs,
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="MODEL", help="The model to write, not signed.")
    ],
    simulated: Simulated = None,
    catalogs: Catalogs = None,
    share: Annotated[
        float,
        typer.Option(min=0, help="Weight of the simulated sessions, as a part of the others'."),
    ] = 0.1,
    until: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Learn from the first part of each account's time alone: with 0.8, what `evaluate "
            "--by time` judges is not seen. Simulated sessions are taken whole.",
        ),
    ] = 1.0,
    name: Annotated[str, typer.Option(help="Name of the model, as rows name it.")] = "learned",
) -> None:
    """Fit ranking, placement and calibration, and write the model; time and memory are printed."""
    import resource
    import time

    from rich.console import Console

    _check_learning()
    from stream_cw.model.cut import until as cut
    from stream_cw.model.produce import produce

    began = time.monotonic()
    works = works_of(catalogs)
    data = dataset_of(logs, works, catalogs)
    if until < 1:
        data = cut(data, until)
    added = None if simulated is None or not share else dataset_of([simulated], works, catalogs)
    with Console(stderr=True).status("fitting") as status:
        payload, told = produce(data, added, share, name, status.update)
    with written(out) as file:
        file.write(payload)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    typer.echo(told)
    typer.echo(
        f"{out}: {len(payload):,} bytes, {time.monotonic() - began:.0f} s, {peak:,} MiB at most"
    )


def sweep(logs: Logs, simulated: Simulated = None, catalogs: Catalogs = None) -> None:
    """Try settings on profiles left out in turn, and print what each came to."""
    from rich.console import Console

    _check_learning()
    works = works_of(catalogs)
    data = dataset_of(logs, works)
    added = None if simulated is None else dataset_of([simulated], works)
    console = Console()
    console.print(_rankings(data, added))
    console.print(_placements(data))


def _rankings(data: "DataSet", added: "DataSet | None") -> "Table":
    from rich.table import Table

    from stream_cw.model.sweep import settings, tried

    wanted = list(settings(simulated=added is not None))
    table = Table("ranking", "P@1", "recency", "points", "surprise", box=None)
    with bar("fitting rankings") as progress:
        for number, setting in enumerate(wanted, start=1):
            found = tried(setting, data, added)
            points = 100 * (found.p_at_1 - found.recency)
            table.add_row(
                str(setting),
                f"{found.p_at_1:.4f}",
                f"{found.recency:.4f}",
                f"{points:+.2f}",
                f"{found.surprise:.4f}",
            )
            progress(number, len(wanted))
    return table


def _placements(data: "DataSet") -> "Table":
    from rich.table import Table

    from stream_cw.model.sweep import placement_settings, tried_placement
    from stream_cw.model.training import examples_of

    examples, wanted = examples_of(data), dict(placement_settings())
    table = Table("placement", "combined: AUC", "Brier", "dedicated: AUC", "Brier", box=None)
    with bar("fitting placements") as progress:
        for number, (name, setting) in enumerate(wanted.items(), start=1):
            found = tried_placement(setting, examples)
            table.add_row(name, *(f"{x:.4f}" for x in (*found.combined, *found.dedicated)))
            progress(number, len(wanted))
    return table


def _check_learning() -> None:
    from importlib.util import find_spec

    from stream_cw.errors import InputError

    if find_spec("sklearn") is None:
        raise InputError("training needs scikit-learn: pip install 'stream-cw[learn]'")


def dataset_of(
    logs: list[Path], works: Mapping[str, bytes], catalogs: list[Path] | None = None
) -> "DataSet":
    """Make the data set of logs, with a bar."""
    from stream_cw.history.log import EventLog
    from stream_cw.model.dataset import make_dataset

    total = 2 * sum(map(count_lines, logs))
    with bar("replaying") as progress:
        opened: list[Any] = [EventLog(log) for log in logs]
        return make_dataset(
            opened,
            works=works,
            catalogs=catalogs or (),
            progress=lambda done: progress(done, total),
        )
