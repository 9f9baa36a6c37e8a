"""The command that makes a data set of logs."""

# ruff: noqa: PLC0415 (commands import what they need, so that `--help` is quick)

from pathlib import Path
from typing import Annotated

import typer

from stream_cw.cli.options import Catalogs, bar, count_lines, works_of, written


def dataset(
    logs: Annotated[
        list[Path],
        typer.Argument(
            metavar="LOG...", exists=True, dir_okay=False, help="Event logs, an account each."
        ),
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="FILE", help="The data set to write, npz.")
    ],
    catalogs: Catalogs = None,
) -> None:
    """Replay logs and gather the features and the label of every scored session."""
    from stream_cw.history.log import EventLog
    from stream_cw.model.dataset import KINDS, make_dataset, write_dataset

    works = works_of(catalogs)
    total = 2 * sum(map(count_lines, logs))
    with written(out) as file, bar("replaying") as progress:
        data = make_dataset(
            [EventLog(log) for log in logs],
            works=works,
            catalogs=catalogs or (),
            progress=lambda done: progress(done, total),
        )
        write_dataset(data, file)
    counts = ", ".join(
        f"{int((data.kind == number).sum()):,} {kind}" for number, kind in enumerate(KINDS)
    )
    typer.echo(
        f"{len(data.kind):,} scored sessions of {len(data.profiles):,} profiles ({counts}), "
        f"{len(data.show):,} candidates of {data.show.shape[1]} features; written to {out}"
    )
