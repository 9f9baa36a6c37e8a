"""Commands on the dead letters."""

# ruff: noqa: PLC0415 (commands import what they need, so that `--help` is quick)

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream_cw.cli.options import LOCAL, Brokers, Prefix, written

if TYPE_CHECKING:
    from stream_cw.clients.letter_filter import Filter
    from stream_cw.clients.letter_replay import Mended, Origin, Plan
    from stream_cw.core.records import Record

Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="NAME=VALUE",
        help="Only some: reason=bad_json, partition=3, key=p1 (`key=`: none), "
        "after=2026-01-31T12:00:00Z, before=…; of one name any, of several names all must hold.",
    ),
]


def commands() -> typer.Typer:
    """Put the commands on dead letters together."""
    app = typer.Typer(no_args_is_help=True, help="What was refused: look at it, send it again.")
    app.command("list")(list_)
    app.command("show")(show)
    app.command("replay")(replay)
    return app


def list_(
    filters: Filters = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON each.")] = False,
    brokers: Brokers = LOCAL,
    prefix: Prefix = "",
) -> None:
    """List the dead letters, each once: where the record stands, why and when it was refused."""
    from stream_cw.broker.contract import topic_names
    from stream_cw.clients.letter_text import json_line, line, table
    from stream_cw.clients.letters import letters
    from stream_cw.security import secured

    wanted, strange = _filter(filters), 0

    def note(_record: "Record") -> None:
        nonlocal strange
        strange += 1

    found = letters(secured(brokers), topic_names(prefix).dead_letters, wanted, strange=note)
    if as_json or not sys.stdout.isatty():
        for one in found:
            typer.echo(json_line(one) if as_json else line(one))
    else:
        from rich.console import Console

        Console().print(table(found))
    if strange:
        typer.echo(f"records of the topic that are no dead letters: {strange}", err=True)


def show(
    origin: Annotated[
        str, typer.Argument(metavar="PARTITION:OFFSET", help="Of the refused record.")
    ],
    raw: Annotated[
        Path | None,
        typer.Option("--raw", metavar="FILE", help="Write the value's bytes to a file as well."),
    ] = None,
    brokers: Brokers = LOCAL,
    prefix: Prefix = "",
) -> None:
    """Show a dead letter, its bytes escaped, and what today's decoder says of them."""
    import time

    from stream_cw.broker.contract import topic_names
    from stream_cw.clients.letter_filter import parse_origin
    from stream_cw.clients.letter_replay import judge
    from stream_cw.clients.letter_text import details
    from stream_cw.clients.letters import find
    from stream_cw.clients.topic import describe
    from stream_cw.security import secured

    topics, at = topic_names(prefix), secured(brokers)
    try:
        partition, offset = parse_origin(origin)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    found = find(at, topics.dead_letters, partition, offset)
    partitions = describe(at, topics.events).partitions
    for line in details(judge(found, partitions, time.time_ns() // 1_000_000)):
        typer.echo(line)
    if raw is not None:
        with written(raw) as file:
            file.write(found.letter.value or b"")


def replay(
    filters: Filters = None,
    mend: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='Send these instead: JSON lines {"origin": "3:1041", "value": {…}}, and "key" '
            "where it is not the event's profile_id; - for the standard input.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would go where.")
    ] = False,
    brokers: Brokers = LOCAL,
    prefix: Prefix = "",
) -> None:
    """Send dead letters to the event topic again, and take them off the list.

    What is still refused is told and stays where it is.
    """
    from stream_cw.broker.contract import topic_names
    from stream_cw.clients.letter_replay import plan, replay_letters
    from stream_cw.clients.letter_text import verdict
    from stream_cw.security import secured

    if mend is not None and filters:
        raise typer.BadParameter("--mend names its letters; it goes without --filter")
    topics, at = topic_names(prefix), secured(brokers)
    plans = plan(at, topics, _filter(filters), None if mend is None else _mended(mend))

    def tell(judged: "Plan") -> None:
        typer.echo(f"{judged.found.origin}  {verdict(judged)}")

    if dry_run:
        taken = left = 0
        for judged in plans:
            tell(judged)
            taken, left = taken + (judged.refusal is None), left + (judged.refusal is not None)
        typer.echo(f"{taken:,} would be sent, {left:,} still refused; nothing was sent")
        return
    report = replay_letters(at, topics, plans, leave=tell)
    typer.echo(f"{report.sent:,} sent, {report.left:,} still refused")


def _filter(conditions: list[str] | None) -> "Filter":
    from stream_cw.clients.letter_filter import parse_filter

    try:
        return parse_filter(conditions or ())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _mended(path: Path) -> "dict[Origin, Mended]":
    from stream_cw.clients.letter_replay import read_mended

    if str(path) == "-":
        return read_mended(sys.stdin.buffer, "standard input")
    with path.open("rb") as file:
        return read_mended(file, str(path))
