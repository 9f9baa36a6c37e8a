"""The command that compiles loops ahead of time."""

from typing import Annotated

import typer

from stream_cw.loops import compile_loops


def compile_(
    *,
    portable: Annotated[
        bool, typer.Option("--portable", help="For every processor, not for those like this one.")
    ] = False,
) -> None:
    """Compile the loops of the core ahead of time; needs a C++ compiler and setuptools.

    Without it each process compiles them when they are first called, for half a minute at the
    first start on a machine, and holds 130 MB more.
    """
    typer.echo(compile_loops(portable=portable))
