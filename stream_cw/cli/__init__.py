"""The command line: a command reads its options, calls one function and tells what came of it."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from stream_cw import __version__
from stream_cw.cli import (
    baselines,
    catalog,
    dataset,
    dlq,
    evaluate,
    gateway,
    history,
    kafka,
    loops,
    model,
    report,
    running,
    token,
    train,
)
from stream_cw.errors import StreamCwError

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells count it."""


def main() -> None:
    """Run the command line."""
    build_app()()


def build_app() -> typer.Typer:
    """Put the commands together."""
    app = typer.Typer(
        cls=_Group,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="The Continue Watching row of a streaming service, kept on Kafka and Faust.",
    )
    app.callback(invoke_without_command=True)(_options)
    imports = typer.Typer(no_args_is_help=True, help="Make an event log of an export.")
    imports.callback()(_nothing)
    imports.command("netflix")(history.import_netflix)
    app.add_typer(imports, name="import")
    app.command()(history.simulate)
    app.command()(history.replay)
    app.command()(dataset.dataset)
    app.command()(train.train)
    app.command()(train.sweep)
    app.command()(baselines.baselines)
    app.command()(evaluate.evaluate)
    app.command()(evaluate.compare)
    app.command()(report.report)
    app.command()(kafka.record)
    app.command()(kafka.tail)
    topics = typer.Typer(no_args_is_help=True, help="The topics of a system.")
    topics.callback()(_nothing)
    topics.command("apply")(kafka.topics_apply)
    topics.command("acls")(kafka.topics_acls)
    app.add_typer(topics, name="topics")
    app.add_typer(catalog.commands(), name="catalog")
    app.add_typer(model.commands(), name="model")
    app.add_typer(dlq.commands(), name="dlq")
    app.command(cls=running.WorkerCommand)(running.worker)
    app.command()(token.token)
    app.command(cls=gateway.GatewayCommand)(gateway.gateway)
    app.command()(running.broker)
    app.command()(running.demo)
    app.command("compile")(loops.compile_)
    return app


class _Group(TyperGroup):
    """Tells the errors of stream-cw, and those of files, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except StreamCwError as error:
            message = str(error)
        except BrokenPipeError:
            raise  # the reader has gone; the framework ends without a word
        except OSError as error:
            message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        typer.echo(f"stream-cw: {message}", err=True)
        raise typer.Exit(1)


def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"stream-cw {__version__}")
        raise typer.Exit


def _nothing() -> None:
    """Keep a group a group, also while it has one command."""
