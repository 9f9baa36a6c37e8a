"""Commands on models: keys, and the model topic."""

# ruff: noqa: PLC0415 (commands import what they need, so that `--help` is quick)

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream_cw.cli.options import LOCAL, Brokers, Prefix, written

if TYPE_CHECKING:
    from stream_cw.clients.models import Published

Which = Annotated[
    str | None, typer.Argument(metavar="[HASH]", help="The start of the model's SHA-256.")
]


def commands() -> typer.Typer:
    """Put the commands on models together."""
    app = typer.Typer(no_args_is_help=True, help="Learned models: sign, publish, roll back.")
    app.command("keygen")(keygen)
    app.command("publish")(publish)
    app.command("list")(list_)
    app.command("show")(show)
    app.command("export")(export)
    app.command("rollback")(rollback)
    return app


def keygen(
    key: Annotated[Path, typer.Argument(metavar="KEY", dir_okay=False, help="The file to write.")],
) -> None:
    """Make a key that signs models, and beside it KEY.pub, which workers are given."""
    from stream_cw.model.keys import generate_key, public_path

    made = generate_key(key)
    typer.echo(f"key {made}: sign with {key}, give {public_path(key)} to the workers")


def publish(
    model: Annotated[
        Path,
        typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="What training wrote."),
    ],
    key: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="The private key to sign with.")
    ],
    brokers: Brokers = LOCAL,
    prefix: Prefix = "",
) -> None:
    """Sign a model and put it in force: workers take it while they run."""
    from stream_cw.broker.contract import topic_names
    from stream_cw.clients import models
    from stream_cw.files import read_at_most
    from stream_cw.model.artefact import MAX_ARTEFACT_BYTES, open_envelope, sign
    from stream_cw.model.keys import load_private
    from stream_cw.security import secured

    artefact = sign(read_at_most(model, MAX_ARTEFACT_BYTES), load_private(key))
    offset = models.publish(secured(brokers), topic_names(prefix).models, artefact)
    typer.echo(f"published at offset {offset}: sha256 {open_envelope(artefact).sha256}")


def list_(brokers: Brokers = LOCAL, prefix: Prefix = "") -> None:
    """List the models as they were first published: * is in force, of - the publication broke off.

    `rollback` without a hash goes from the one in force to the one above it.
    """
    from stream_cw.broker.contract import topic_names
    from stream_cw.clients.models import published
    from stream_cw.security import secured

    for model in published(secured(brokers), topic_names(prefix).models):
        typer.echo(_line(model))


def show(which: Which = None, brokers: Brokers = LOCAL, prefix: Prefix = "") -> None:
    """Print the manifest of a published model: the one in force, or by its hash."""
    import msgspec

    from stream_cw.broker.contract import topic_names
    from stream_cw.clients.models import choose, published
    from stream_cw.security import secured

    model = choose(published(secured(brokers), topic_names(prefix).models), which)
    typer.echo(_line(model))
    typer.echo(msgspec.json.format(msgspec.json.encode(model.manifest), indent=2))


def export(
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="FILE", help="The signed artefact to write.")
    ],
    which: Which = None,
    brokers: Brokers = LOCAL,
    prefix: Prefix = "",
) -> None:
    """Write a published model to a file, for replays of the rows that name it."""
    from stream_cw.broker.contract import topic_names
    from stream_cw.clients.models import choose, published
    from stream_cw.security import secured

    model = choose(published(secured(brokers), topic_names(prefix).models), which)
    with written(out) as file:
        file.write(model.data)
    typer.echo(_line(model))


def rollback(which: Which = None, brokers: Brokers = LOCAL, prefix: Prefix = "") -> None:
    """Put the model before, or one by its hash, in force again."""
    from stream_cw.broker.contract import topic_names
    from stream_cw.clients.models import rollback as put_back
    from stream_cw.security import secured

    model, offset = put_back(secured(brokers), topic_names(prefix).models, which)
    typer.echo(f"published at offset {offset}: {model.manifest.id}, sha256 {model.sha256}")


def _line(model: "Published") -> str:
    mark = "*" if model.in_force else " " if model.was_in_force else "-"
    when = _when(model.published_ts)
    size = f"{len(model.data):,} bytes"
    return (
        f"{mark} {model.sha256}  offset {model.offset}  {when}  {model.manifest.id}  "
        f"{size}  key {model.key}"
    )


def _when(ts: int | None) -> str:
    return "-" if ts is None else datetime.fromtimestamp(ts / 1000, UTC).isoformat("T", "seconds")
