"""Options that several commands share, and the files and bars that they use."""

# ruff: noqa: PLC0415 (commands import what they need, so that `--help` is quick)

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final, cast

import typer

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings

LOCAL: Final = "127.0.0.1:9092"
Brokers = Annotated[
    str,
    typer.Option(
        envvar="STREAM_CW_BROKERS", help="Addresses of the brokers, host:port, with commas."
    ),
]
Prefix = Annotated[
    str,
    typer.Option(
        envvar="STREAM_CW_TOPIC_PREFIX",
        help="Start of all names of topics, so that systems share a cluster.",
    ),
]
AppId = Annotated[
    str,
    typer.Option(envvar="STREAM_CW_APP_ID", help="What the workers of one system have in common."),
]
Model = Annotated[
    str,
    typer.Option(metavar="MODEL", help="`shipped`, `recency`, or a file that `train` wrote."),
]
PolicyName = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="POLICY",
        help="What belongs in rows: `watch-next` if left out, another named policy such as `plex`, "
        "or a file of one's own.",
    ),
]
PlacementFile = Annotated[
    Path | None,
    typer.Option(
        "--placement",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="How high rows stand: a placement map, TOML or JSON.",
    ),
]
ExperimentFile = Annotated[
    Path | None,
    typer.Option(
        "--experiment",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="An experiment, TOML or JSON; profiles are dealt to its arms.",
    ),
]
Catalogs = Annotated[
    list[Path] | None,
    typer.Option(
        "--catalog",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="What `catalog import` takes, or `catalog export` wrote; more than once for several.",
    ),
]
OutputLog = Annotated[
    Path, typer.Option("-o", "--out", metavar="LOG", help="The event log to write.")
]


def parse_speed(text: str) -> float | None:
    """Read a speed such as `60x` or `max`; None is as fast as can be."""
    if text == "max":
        return None
    try:
        speed = float(text.removesuffix("x"))
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise typer.BadParameter(f"speed: wanted `max` or a factor such as 60x, found {text!r}")
    return speed


def works_of(catalogs: list[Path] | None) -> dict[str, bytes]:
    """Read the works of the catalogs that were named, of real and of simulated shows alike."""
    from stream_cw.history.catalog_file import read_works

    return read_works(*catalogs or ())


def explain(*kinds: "type[BaseSettings]") -> None:
    """Print what can be set in the environment."""
    from stream_cw.config import variable

    typer.echo(" Settings, from the environment:\n")
    for kind in kinds:
        for name, field in kind.model_fields.items():
            default = "none" if field.default in (None, "") else field.default
            told = "must be set" if field.is_required() else f"default: {default}"
            typer.echo(f" {variable(kind, name)} ({told})")
            typer.echo(f"     {field.description}")


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes its name when it is whole; packed where the name ends in `.gz`."""
    part = path.with_name(path.name + ".part")
    try:
        with gzip.open(part, "wb") if path.suffix == ".gz" else part.open("wb") as file:
            yield cast(BinaryIO, file)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal; it is called with what is done and what there is to do."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def count_lines(path: Path) -> int:
    """Count the lines of a log, for a bar."""
    from stream_cw.history.log import open_log

    with open_log(path) as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
