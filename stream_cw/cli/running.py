"""Commands that run something until it is told to end."""

# ruff: noqa: PLC0415 (commands import what they need, so that `--help` is quick)

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from stream_cw.cli.options import explain, parse_speed


class WorkerCommand(TyperCommand):
    """A command whose help explains the settings that it reads from the environment."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the options, and then the settings."""
        from stream_cw.config import Settings
        from stream_cw.security import SecuritySettings

        super().format_help(ctx, formatter)
        explain(Settings, SecuritySettings)


def worker(
    brokers: Annotated[str | None, typer.Option(help="Sets STREAM_CW_BROKERS.")] = None,
    prefix: Annotated[str | None, typer.Option(help="Sets STREAM_CW_TOPIC_PREFIX.")] = None,
    app_id: Annotated[str | None, typer.Option(help="Sets STREAM_CW_APP_ID.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Sets STREAM_CW_DATA_DIR.")] = None,
) -> None:
    """Run a worker until SIGTERM or Ctrl-C."""
    from stream_cw.config import load_settings

    settings = load_settings(brokers=brokers, topic_prefix=prefix, app_id=app_id, data_dir=data_dir)
    from stream_cw.worker.run import run_worker

    raise typer.Exit(run_worker(settings))


class BrokerKind(StrEnum):
    """Brokers for one machine."""

    kafka = "kafka"
    embedded = "embedded"


def broker(
    kind: BrokerKind,
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="A free one if left out.")
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="A temporary folder, removed at the end, if left out."),
    ] = None,
) -> None:
    """Run a broker on this machine until Ctrl-C, and print its address."""
    from stream_cw.broker.run import run_broker

    run_broker(kind.value, port, data_dir)


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Plain lines; end by itself after the replay.")
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Play the last weeks of your own ViewingActivity.csv.",
        ),
    ] = None,
    speed: Annotated[
        str | None, typer.Option(help="Such as 600x, or `max`; a minute in all if left out.")
    ] = None,
) -> None:
    """Show it all on this machine: broker, topics, a worker, and rows that move."""
    from stream_cw.demo import run_demo

    pace = None if speed is None else parse_speed(speed) or math.inf
    run_demo(once=once, export=export, speed=pace)
