"""Figures of a benchmark and the bars they are held to: told as a table, written as JSON.

A benchmark makes its figures with `below`, `at_most`, `at_least` or `shown`, and hands them to
`report`. In the JSON each is an object with name, value, unit, bar and holds; the last two are null
for a figure that stands beside the others and is held to nothing.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from msgspec import Struct
from rich.console import Console
from rich.table import Table

Json = Annotated[Path | None, typer.Option("--json", help="Write the figures there, too.")]
Check = Annotated[bool, typer.Option("--check", help="Fail where a bar does not hold.")]

_SAID: Final = {True: "holds", False: "DOES NOT HOLD", None: ""}


class Figure(Struct, frozen=True, kw_only=True):
    """What was measured.

    Attributes
    ----------
    name : str
        What of; unique within a benchmark.
    value : float
    unit : str
        `us`, `events/s`, or `x` for a ratio.
    bar : float or None
        What the value is held to, in its unit.
    holds : bool or None
    wanted : str
        How it is held to its bar, in words: `below`, `at most`, `at least`; empty without one.
    """

    name: str
    value: float
    unit: str
    bar: float | None = None
    holds: bool | None = None
    wanted: str = ""


def below(name: str, value: float, unit: str, bar: float) -> Figure:
    """Hold a value below a bar."""
    return Figure(name=name, value=value, unit=unit, bar=bar, holds=value < bar, wanted="below")


def at_most(name: str, value: float, unit: str, bar: float) -> Figure:
    """Hold a value to a bar that it may reach and not pass."""
    return Figure(name=name, value=value, unit=unit, bar=bar, holds=value <= bar, wanted="at most")


def at_least(name: str, value: float, unit: str, bar: float) -> Figure:
    """Hold a value to a bar that it must reach."""
    return Figure(name=name, value=value, unit=unit, bar=bar, holds=value >= bar, wanted="at least")


def shown(name: str, value: float, unit: str) -> Figure:
    """Tell a value that is held to nothing: a floor, a peer, a size."""
    return Figure(name=name, value=value, unit=unit)


def load_before() -> Figure:
    """Tell how much else runs: figures of a machine that is shared are preliminary."""
    return shown("load of the machine before", os.getloadavg()[0], "processes")


def report(
    title: str, figures: Sequence[Figure], *, json: Path | None = None, check: bool = False
) -> None:
    """Print figures as a table, and write them as JSON.

    Parameters
    ----------
    title : str
        What was measured, and on how much.
    figures : sequence of Figure
    json : Path, optional
        Where the JSON goes.
    check : bool, default False
        End the process with status 1 where a bar does not hold.
    """
    table = Table(title=title, title_justify="left", box=None)
    table.add_column("")
    for name in ("measured", "unit", "wanted", "of the bar", ""):
        table.add_column(name, justify="left" if name == "unit" else "right")
    for figure in figures:
        table.add_row(
            figure.name,
            _number(figure.value),
            figure.unit,
            "" if figure.bar is None else f"{figure.wanted} {_number(figure.bar)}",
            "" if figure.bar is None else f"{figure.value / figure.bar:.2f}",
            _SAID[figure.holds],
        )
    Console(width=120).print(table)
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
    if check and any(figure.holds is False for figure in figures):
        raise SystemExit(1)


def _number(value: float) -> str:
    """Write three digits of small numbers and all of the whole part of large ones."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits
