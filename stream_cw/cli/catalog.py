"""Commands on the catalog's topic."""

# ruff: noqa: PLC0415 (commands import what they need, so that `--help` is quick)

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream_cw.cli.kafka import record_topic
from stream_cw.cli.options import LOCAL, Brokers, Prefix

if TYPE_CHECKING:
    from stream_cw.history.catalog_file import RefusedLine


def commands() -> typer.Typer:
    """Put the commands on the catalog together."""
    app = typer.Typer(no_args_is_help=True, help="The catalog that rows are made with.")
    app.command("import")(import_)
    app.command("export")(export)
    app.command("announce")(announce)
    return app


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Entries as JSON lines; a .csv of titles; or what `catalog export` wrote.",
        ),
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Also take away what the file does not have.")
    ] = False,
    brokers: Brokers = LOCAL,
    prefix: Prefix = "",
) -> None:
    """Publish films and series: workers take them while they run."""
    from stream_cw.broker.contract import topic_names
    from stream_cw.clients.catalog import import_catalog
    from stream_cw.security import secured

    def refuse(line: "RefusedLine") -> None:
        typer.echo(f"line {line.number} left out: {line.error.reason}: {line.error}")

    topic = topic_names(prefix).catalog
    report = import_catalog(file, secured(brokers), topic=topic, replace=replace, refuse=refuse)
    typer.echo(
        f"{report.published:,} records published, {report.taken_away:,} entries taken away, "
        f"{report.refused:,} lines left out"
    )


def export(
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="FILE", help="The recording to write.")
    ],
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    brokers: Brokers = LOCAL,
    prefix: Prefix = "",
) -> None:
    """Record the catalog's topic: JSON lines with offsets, for replays of rows made with it."""
    from stream_cw.broker.contract import topic_names

    record_topic(brokers, topic_names(prefix).catalog, out, follow=follow)


def announce(brokers: Brokers = LOCAL, prefix: Prefix = "") -> None:
    """Tell live sessions of releases when their time comes, until Ctrl-C."""
    from stream_cw.broker.contract import topic_names
    from stream_cw.clients.releases import announce as follow
    from stream_cw.security import secured

    follow(
        secured(brokers),
        topic=topic_names(prefix).catalog,
        watch=lambda key: typer.echo(f"announced {key.decode()}"),
    )
