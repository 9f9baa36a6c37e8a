"""Commands that make event logs, and replay them."""

# ruff: noqa: PLC0415 (commands import what they need, so that `--help` is quick)

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream_cw.cli.options import (
    ExperimentFile,
    Model,
    OutputLog,
    PlacementFile,
    PolicyName,
    Prefix,
    bar,
    count_lines,
    parse_speed,
    written,
)

if TYPE_CHECKING:
    from stream_cw.core.row import View


def import_netflix(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, help="ViewingActivity.csv, any language."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", metavar="LOG", help="The event log; FILE's name with .jsonl if left out."
        ),
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(help="Name of the account: exports of one account keep their profiles."),
    ] = None,
    tz: Annotated[
        str | None,
        typer.Option(help="Time zone, such as America/Sao_Paulo, where a country has several."),
    ] = None,
) -> None:
    """Import a member's viewing history."""
    from stream_cw.history import netflix

    target = out or Path(f"{file.stem}.jsonl")
    with written(target) as log, bar("importing") as progress:
        report = netflix.import_netflix(file, log, account=account, tz=tz, progress=progress)
    for line in netflix.report_lines(report):
        typer.echo(line)
    typer.echo(f"written to {target}")


def simulate(
    out: OutputLog,
    profiles: Annotated[int, typer.Option(min=1, help="Members to simulate.")] = 100,
    days: Annotated[int, typer.Option(min=1, help="Days to simulate.")] = 28,
    seed: Annotated[int, typer.Option(help="The same seed, the same log.")] = 1,
    truth: Annotated[
        Path | None, typer.Option(help="Gets what the generator knew at each session start.")
    ] = None,
    catalog: Annotated[Path | None, typer.Option(help="Gets the catalog's entries.")] = None,
    device_habits: Annotated[
        bool,
        typer.Option(
            "--device-habits/--no-device-habits", help="Whether members keep shows to devices."
        ),
    ] = True,
) -> None:
    """Simulate members: an event log, its catalog and the truth behind it."""
    from stream_cw.history import simulator

    with ExitStack() as stack:
        log = stack.enter_context(written(out))
        truth_file = stack.enter_context(written(truth)) if truth else None
        catalog_file = stack.enter_context(written(catalog)) if catalog else None
        progress = stack.enter_context(bar("simulating"))
        report = simulator.simulate(
            profiles,
            days,
            seed,
            log,
            truth_file,
            catalog_file,
            device_habits=device_habits,
            progress=lambda done: progress(done, profiles),
        )
    typer.echo(
        f"{report.events:,} events of {report.profiles:,} profiles in {report.days} days, "
        f"{report.shows:,} shows; written to {out}"
    )


def replay(
    log: Annotated[
        Path, typer.Argument(metavar="LOG", exists=True, dir_okay=False, help="An event log.")
    ],
    to: Annotated[
        str | None,
        typer.Option(metavar="BROKERS", help="Produce to Kafka: host:port, with commas."),
    ] = None,
    speed: Annotated[
        str, typer.Option(help="Pace by event time, such as 60x; `max` for as fast as can be.")
    ] = "max",
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keeps how far an interrupted replay came; LOG.progress if left out.",
        ),
    ] = None,
    model: Model = "shipped",
    model_version: Annotated[
        int | None,
        typer.Option(min=0, help="The model's part of the version that rows name; 0 if left out."),
    ] = None,
    policy: PolicyName = None,
    placement: PlacementFile = None,
    experiment: ExperimentFile = None,
    catalog: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="The catalog, offline: what `catalog import` takes, or `catalog export` wrote.",
        ),
    ] = None,
    catalog_version: Annotated[
        int | None,
        typer.Option(min=0, help="The catalog as it was at a version, as rows name it."),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="No broker: run the pure step alone.")
    ] = False,
    pushed: Annotated[
        bool,
        typer.Option(
            "--pushed",
            help="Offline, also rows that a change of the catalog may have pushed between others.",
        ),
    ] = False,
    processes: Annotated[
        int | None,
        typer.Option(min=1, help="Offline, in so many processes; the rows are the same."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="ROWS", help="Gets the rows, offline.")
    ] = None,
    prefix: Prefix = "",
) -> None:
    """Replay an event log: to Kafka, or offline to rows."""
    if offline == (to is not None):
        raise typer.BadParameter("wanted one of --offline and --to BROKERS")
    if offline != (out is not None):
        raise typer.BadParameter("wanted -o ROWS together with --offline")
    given = placement or experiment or catalog or policy or pushed or processes
    if to is not None and (given or model_version is not None):
        raise typer.BadParameter(
            "wanted --model-version, --policy, --placement, --experiment, --catalog, --pushed and "
            "--processes with --offline alone"
        )
    if catalog_version is not None and catalog is None:
        raise typer.BadParameter("wanted --catalog-version together with --catalog")
    if to is not None:
        _replay_to(log, to, parse_speed(speed), resume, prefix)
    elif out is not None:
        view = partial(
            _view,
            model=model,
            model_version=model_version or 0,
            policy=policy or "watch-next",
            catalog=catalog,
            catalog_version=catalog_version,
            placement=placement,
            experiment=experiment,
        )
        _replay_offline(log, out, view, pushed, processes or 1)


def _replay_to(
    log: Path, brokers: str, speed: float | None, resume: Path | None, prefix: str
) -> None:
    from stream_cw.broker.contract import topic_names
    from stream_cw.clients.replay import replay as produce
    from stream_cw.security import secured

    total = count_lines(log)
    with bar("producing") as progress:
        report = produce(
            log,
            secured(brokers),
            topic=topic_names(prefix).events,
            speed=speed,
            progress=resume,
            watch=lambda _record, acknowledged: progress(acknowledged, total),
        )
    if report.resumed:
        typer.echo(f"went on behind {report.resumed:,} records of an interrupted run")
    typer.echo(
        f"{report.acknowledged:,} of {report.records:,} records acknowledged "
        f"in {report.seconds:.1f} s, {report.rate:,.0f} a second"
    )


def _view(
    *,
    model: str,
    model_version: int,
    policy: str,
    catalog: Path | None,
    catalog_version: int | None,
    placement: Path | None,
    experiment: Path | None,
) -> "View":
    from stream_cw.core.row import View
    from stream_cw.history.catalog_file import KnownWorks, read_catalog
    from stream_cw.model.chosen import choose
    from stream_cw.operator_files import choose_policy, with_files

    known = KnownWorks({}, 0) if catalog is None else read_catalog(catalog, catalog_version)
    view = View(
        scorer=choose(model),
        policy=choose_policy(policy),
        model=model_version,
        works=known.works,
        catalog=known.version,
        catalog_ts=known.ts,
    )
    return with_files(view, placement, experiment, choose)


def _replay_offline(
    log: Path, out: Path, view: Callable[[], "View"], pushed: bool, processes: int
) -> None:
    from stream_cw.history.log import EventLog
    from stream_cw.history.replay import replay_offline
    from stream_cw.history.replay_processes import replay_in_processes

    total, events = count_lines(log), EventLog(log)
    first = view()  # what is wrong with its settings is told here, once
    with written(out) as rows, bar("replaying") as progress:

        def tell(done: int) -> None:
            progress(done, total)

        if processes == 1:
            report = replay_offline(events, rows, view=first, pushed=pushed, progress=tell)
        else:
            report = replay_in_processes(
                events, rows, processes, view=view, pushed=pushed, progress=tell
            )
    typer.echo(
        f"{report.records:,} records of {report.profiles:,} profiles: {report.applied:,} applied, "
        f"{report.repeated:,} repeated, {report.refused:,} refused; {report.rows:,} rows and "
        f"{report.tombstones:,} tombstones written to {out}"
    )
