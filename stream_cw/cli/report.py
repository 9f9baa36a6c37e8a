"""The command that measures the arms of an experiment."""

# ruff: noqa: PLC0415 (commands import what they need, so that `--help` is quick)

from pathlib import Path
from typing import Annotated

import typer

from stream_cw.cli.evaluate import Figures
from stream_cw.cli.options import (
    Catalogs,
    ExperimentFile,
    Model,
    bar,
    count_lines,
    works_of,
    written,
)


def report(
    log: Annotated[
        Path, typer.Argument(metavar="LOG", exists=True, dir_okay=False, help="An event log.")
    ],
    experiment: ExperimentFile = None,
    model: Model = "shipped",
    catalogs: Catalogs = None,
    json: Figures = None,
) -> None:
    """Say what members did in each arm: the first tile, searches past the row, discovery."""
    import msgspec

    from stream_cw.core.row import View
    from stream_cw.history.log import EventLog
    from stream_cw.model.chosen import choose
    from stream_cw.model.experiment_report import PASSES, report_experiment, report_table
    from stream_cw.model.tables import text
    from stream_cw.operator_files import with_files

    view = View(scorer=choose(model), works=works_of(catalogs))
    view = with_files(view, None, experiment, choose)
    total = PASSES * count_lines(log)
    with bar("replaying") as progress:
        found = report_experiment(EventLog(log), view, lambda done: progress(done, total))
    if json is not None:
        with written(json) as file:
            file.write(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    typer.echo(text(report_table(found)))
