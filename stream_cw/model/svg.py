"""Small pictures as SVG text: the same figures, the same bytes."""

from collections.abc import Iterable, Sequence
from html import escape
from math import ceil, floor
from typing import Final, NamedTuple

MODEL, RECENCY, GREY = "#b3261e", "#1f5f99", "#767676"
COLOURS: Final = (MODEL, RECENCY, "#2e7d32", "#6a1b9a")
_NEAR: Final = 1e-9

Point = tuple[float, float]
Tick = tuple[float, str]


class Frame(NamedTuple):
    """Where the data of a picture lies: its bounds, and the area in pixels.

    Attributes
    ----------
    left, right, low, high : float
        Bounds of the data.
    width, height : int
        Of the picture.
    margin : tuple of int
        Pixels to the left, right, top and bottom of the area.
    """

    left: float
    right: float
    low: float
    high: float
    width: int
    height: int
    margin: tuple[int, int, int, int] = (52, 16, 12, 32)

    def x(self, value: float) -> float:
        """Place a value on the horizontal axis."""
        begin, end = self.margin[0], self.width - self.margin[1]
        return begin + (end - begin) * (value - self.left) / ((self.right - self.left) or 1)

    def y(self, value: float) -> float:
        """Place a value on the vertical axis."""
        begin, end = self.height - self.margin[3], self.margin[2]
        return begin + (end - begin) * (value - self.low) / ((self.high - self.low) or 1)


def picture(
    frame: Frame, title: str, marks: Iterable[str], xticks: Iterable[Tick], yticks: Iterable[Tick]
) -> str:
    """Put a picture together; `title` is for those who cannot see it."""
    begin, end = frame.margin[0], frame.width - frame.margin[1]
    top, bottom = frame.margin[2], frame.height - frame.margin[3]
    axes = []
    for value, name in xticks:
        at = f"{frame.x(value):.1f}"
        axes.append(f'<path d="M{at} {top}V{bottom}" stroke="#ddd"/>')
        axes.append(_words(at, f"{bottom + 18}", name, "middle"))
    for value, name in yticks:
        level = frame.y(value)
        axes.append(f'<path d="M{begin} {level:.1f}H{end}" stroke="#ddd"/>')
        axes.append(_words(f"{begin - 6}", f"{level + 4:.1f}", name, "end"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(title)}" '
        f'viewBox="0 0 {frame.width} {frame.height}" width="{frame.width}" '
        f'height="{frame.height}" font-size="12">\n' + "\n".join((*axes, *marks)) + "\n</svg>"
    )


def line(frame: Frame, points: Sequence[Point], colour: str, *, dashed: bool = False) -> str:
    """Draw a line through points."""
    path = "L".join(f"{frame.x(x):.1f} {frame.y(y):.1f}" for x, y in points)
    dashes = ' stroke-dasharray="4 4"' if dashed else ""
    return f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.6"{dashes}/>'


def dots(
    frame: Frame, points: Iterable[Point], colour: str, *, radius: float = 3, opacity: float = 1
) -> str:
    """Draw a dot at each point."""
    circles = "".join(
        f'<circle cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="{radius}"/>' for x, y in points
    )
    return f'<g fill="{colour}" fill-opacity="{opacity}">{circles}</g>'


def legend(names: Iterable[tuple[str, str]]) -> str:
    """Name colours, as HTML."""
    return " ".join(
        f'<span style="color:{colour}">&#9632;</span> {escape(name)}' for name, colour in names
    )


def even_ticks(low: float, high: float, step: float) -> list[Tick]:
    """Mark each multiple of a step from one bound to the other."""
    first, last = ceil(low / step - _NEAR), floor(high / step + _NEAR)
    return [(n * step, f"{n * step:g}") for n in range(first, last + 1)]


def _words(x: str, y: str, words: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="#444">{escape(words)}</text>'
