"""What a benchmark found: figures, some with a bar; as a table and as JSON."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

WIDTH: Final = 110
ROUNDED: Final = 100
"""From here on no digit behind the point is worth a column."""


class Bar(Struct, kw_only=True):
    """A figure.

    Attributes
    ----------
    name, unit : str
    value : float
    bar : str or None
        The limit that it is held to, such as `>= 3` or `< 25`; None: the figure is only told.
    holds : bool or None
    """

    name: str
    value: float
    unit: str
    bar: str | None = None
    holds: bool | None = None


def at_least(name: str, value: float, limit: float, unit: str = "times") -> Bar:
    """Hold a figure to a lower limit."""
    return Bar(name=name, value=value, unit=unit, bar=f">= {limit:g}", holds=value >= limit)


def below(name: str, value: float, limit: float, unit: str) -> Bar:
    """Hold a figure to an upper limit."""
    return Bar(name=name, value=value, unit=unit, bar=f"< {limit:g}", holds=value < limit)


def load_before() -> Bar:
    """Tell how much else runs: figures of a machine that is shared are preliminary."""
    return Bar(name="load of the machine before", value=os.getloadavg()[0], unit="processes")


def tell(bars: Iterable[Bar], json: Path | None) -> None:
    """Print figures with their limits, and write them where a file is named."""
    bars = list(bars)
    table = Table("figure", "value", "unit", "bar", "holds", box=None)
    for bar in bars:
        holds = "" if bar.holds is None else "yes" if bar.holds else "NO"
        table.add_row(bar.name, _short(bar.value), bar.unit, bar.bar or "", holds)
    Console(width=WIDTH).print(table)
    if json is not None:
        json.parent.mkdir(parents=True, exist_ok=True)
        json.write_bytes(msgspec.json.format(msgspec.json.encode(bars), indent=1) + b"\n")


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= ROUNDED else f"{value:.3g}"
