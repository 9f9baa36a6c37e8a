"""Commands on the topics."""

# ruff: noqa: PLC0415 (commands import what they need, so that `--help` is quick)

import sys
from pathlib import Path
from typing import Annotated

import typer

from stream_cw.cli.options import LOCAL, AppId, Brokers, OutputLog, Prefix, written


def record(
    out: OutputLog,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="BROKERS",
            envvar="STREAM_CW_BROKERS",
            help="Addresses of the brokers, host:port, with commas.",
        ),
    ] = LOCAL,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    prefix: Prefix = "",
) -> None:
    """Record the event topic: a log that replays to the same rows."""
    from stream_cw.broker.contract import topic_names

    record_topic(source, topic_names(prefix).events, out, follow=follow)


def record_topic(brokers: str, topic: str, out: Path, *, follow: bool) -> None:
    """Record a topic, with `follow` until Ctrl-C, and say how much it was."""
    from stream_cw.clients.record import record as dump
    from stream_cw.security import secured

    written_records = 0

    def note(records: int) -> None:
        nonlocal written_records
        written_records = records

    with written(out) as log:
        try:
            dump(secured(brokers), log, topic=topic, follow=follow, watch=note)
        except KeyboardInterrupt:
            if not follow:
                raise
    typer.echo(f"{written_records:,} records written to {out}")


def topics_apply(
    check: Annotated[
        bool, typer.Option("--check", help="Only report; exit with 1 on a mismatch.")
    ] = False,
    partitions: Annotated[
        int | None, typer.Option(min=1, help="Of events, rows and changelog, when they are made.")
    ] = None,
    replication: Annotated[
        int | None, typer.Option(min=1, help="Replicas of each partition.")
    ] = None,
    new_log: Annotated[
        bool, typer.Option("--new-log", help="Go on with other logs than those recorded.")
    ] = False,
    brokers: Brokers = LOCAL,
    prefix: Prefix = "",
    app_id: AppId = "stream-cw",
) -> None:
    """Create and check all topics, and record which logs the system works on."""
    from stream_cw.broker.contract import topic_names
    from stream_cw.broker.topics import apply_topics, check_topics
    from stream_cw.security import secured

    topics, at = topic_names(prefix, app_id), secured(brokers)
    if check:
        found = check_topics(at, topics, partitions=partitions, replication=replication)
    else:
        found = apply_topics(
            at, topics, partitions=partitions, replication=replication, new_log=new_log
        )
    for mismatch in found:
        typer.echo(mismatch if check else f"mended: {mismatch}")
    if not found:
        typer.echo("all topics are as wanted")
    raise typer.Exit(1 if check and found else 0)


def topics_acls(
    role: Annotated[
        str,
        typer.Argument(help="Such as `worker`, `gateway` or `client`; docs/security.md has all."),
    ],
    principal: Annotated[
        str | None,
        typer.Option("--grant", metavar="PRINCIPAL", help="Grant it, such as to User:gateway."),
    ] = None,
    brokers: Brokers = LOCAL,
    prefix: Prefix = "",
    app_id: AppId = "stream-cw",
) -> None:
    """Print what a role may do on the cluster, and with `--grant` allow it."""
    from stream_cw.broker.acls import grant, rights_of
    from stream_cw.broker.contract import topic_names
    from stream_cw.security import secured

    rights = rights_of(role, topic_names(prefix, app_id))
    if principal is not None:
        grant(secured(brokers), principal, rights)
    for right in rights:
        typer.echo(f"{right}" if principal is None else f"{principal} may {right}")


def tail(
    profile: Annotated[str | None, typer.Option(help="Only this profile's rows.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One line of JSON for each accepted row.")
    ] = False,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Begin with what the topic still has.")
    ] = False,
    brokers: Brokers = LOCAL,
    prefix: Prefix = "",
) -> None:
    """Show row updates as they come."""
    from stream_cw.broker.contract import topic_names
    from stream_cw.clients import show
    from stream_cw.clients.tail import Rows
    from stream_cw.clients.tail import tail as follow
    from stream_cw.security import secured

    rows: Rows = {}
    batches = follow(
        secured(brokers),
        topic=topic_names(prefix).rows,
        rows=rows,
        from_beginning=from_beginning,
        profile=profile,
    )
    if as_json:
        show.as_json(batches)
    elif sys.stdout.isatty():
        show.as_table(batches, rows)
    else:
        show.as_lines(batches)
