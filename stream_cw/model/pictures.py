"""The pictures of an evaluation, each with its caption, as HTML figures."""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import date
from math import ceil, floor
from typing import Final

from stream_cw.model import svg
from stream_cw.model.bootstrap import Estimate
from stream_cw.model.daily import Day
from stream_cw.model.placing import Placing

_WIDTH: Final = 960
_SMOOTH_DAYS: Final = (1, 7, 28)
_ENOUGH: Final = 100
"""Sessions in a window that make its mean worth a look."""
_APART: Final = ((18, 1), (60, 6))
"""Up to so many months, ticks are so many months apart; beyond, a year."""
_HEADROOM, _NO_COST, _COARSE = 1.3, 0.01, 0.1
"""Top of the cost curve: above where the two dashed lines meet; and from where on ticks are few."""
_FOREST: Final = (200, 24, 8, 32)
_LINE: Final = 22

_Mean = tuple[int, float, float]
"""A day's ordinal, and P@1 of model and recency."""


def over_time(days: Sequence[Day]) -> str:
    """Draw P@1 of model and recency by day; with few sessions a day also their moving mean."""
    if not days:
        return ""
    span = days[-1].day.toordinal() - days[0].day.toordinal() + 1
    a_day = sum(day.n_sessions for day in days) / span
    window = next((w for w in _SMOOTH_DAYS if w * a_day >= _ENOUGH), _SMOOTH_DAYS[-1])
    caption = f"P@1 of each day; {a_day:.1f} continuation sessions a day."
    if window == 1:
        return _two(list(_means(days, 1)), caption, joined=True)
    smooth = f"P@1 over the sessions of the last {window} days."
    return "\n".join(
        (
            _two(list(_means(days, 1)), caption, joined=False),
            _two(list(_means(days, window)), smooth, joined=True),
        )
    )


def calibration(placement: dict[str, Placing]) -> str:
    """Draw what came of the forecasts, method by method."""
    frame = svg.Frame(0, 1, 0, 1, 420, 420)
    colours = dict(zip(placement, svg.COLOURS, strict=False))
    marks = [svg.line(frame, ((0, 0), (1, 1)), svg.GREY, dashed=True)]
    for method, colour in colours.items():
        points = [(part.predicted, part.observed) for part in placement[method].bins]
        marks += [svg.line(frame, points, colour), svg.dots(frame, points, colour)]
    ticks = svg.even_ticks(0, 1, 0.2)
    return _figure(
        svg.picture(frame, "Reliability of the placement", marks, ticks, ticks),
        f"{svg.legend(colours.items())}. Across: the estimated chance of a continuation; upwards: "
        "the share that went on. Bins of equal counts.",
    )


def cost_curve(placement: dict[str, Placing]) -> str:
    """Draw what errors of the placement cost, over the ratio of their costs; each has a session."""
    last = next(reversed(placement.values()))
    share = last.positive / last.n
    told = {name: [(c.ratio, c.cost) for c in each.costs] for name, each in placement.items()}
    highest = max(cost for points in told.values() for _, cost in points)
    top = max(_HEADROOM * share * (1 - share), highest, _NO_COST)
    frame = svg.Frame(0, 1, 0, top, 560, 360)
    always = [_up_to(top, 1 - share), [(1 - at, cost) for at, cost in _up_to(top, share)]]
    marks = [svg.line(frame, points, svg.GREY, dashed=True) for points in always]
    colours = dict(zip(told, svg.COLOURS, strict=False))
    marks += [svg.line(frame, told[name], colour) for name, colour in colours.items()]
    return _figure(
        svg.picture(
            frame,
            "Expected cost of the placement",
            marks,
            svg.even_ticks(0, 1, 0.2),
            svg.even_ticks(0, top, 0.05 if top > _COARSE else 0.01),
        ),
        f"{svg.legend(colours.items())}. Across: what a row costs that stands high and is not "
        "wanted, as a part of both costs, which is the threshold, too; upwards: what errors cost a "
        "session. Dashed: always high, which rises, and always low.",
    )


def _up_to(top: float, slope: float) -> list[svg.Point]:
    """Draw a line from the origin, as far as the picture reaches."""
    end = min(1.0, top / slope) if slope else 1.0
    return [(0.0, 0.0), (end, end * slope)]


def differences(parts: Sequence[tuple[str, Estimate]]) -> str:
    """Draw differences in P@1 with their intervals, one below the other; they have a value."""
    told = [(name, _in_points(estimate)) for name, estimate in parts]
    left = floor(min([0.0, *(low for _, (_, low, _) in told)]))
    right = ceil(max([1.0, *(high for _, (_, _, high) in told)]))
    height = _FOREST[2] + _FOREST[3] + _LINE * len(told)
    frame = svg.Frame(left, right, len(told) - 0.5, -0.5, _WIDTH, height, _FOREST)
    marks = [svg.line(frame, ((0, -0.5), (0, len(told) - 0.5)), svg.GREY, dashed=True)]
    for place, (_, (value, low, high)) in enumerate(told):
        marks.append(svg.line(frame, ((low, place), (high, place)), svg.MODEL))
        marks.append(svg.dots(frame, [(value, place)], svg.MODEL))
    names = [(float(place), name) for place, (name, _) in enumerate(told)]
    step = max(1, (right - left) // 10)
    return _figure(
        svg.picture(frame, "Differences", marks, svg.even_ticks(left, right, step), names),
        "Model minus recency in P@1, points, with 95 % intervals where there are two clusters.",
    )


def _in_points(estimate: Estimate) -> tuple[float, float, float]:
    value = estimate.value or 0.0
    low = value if estimate.low is None else estimate.low
    high = value if estimate.high is None else estimate.high
    return 100 * value, 100 * low, 100 * high


def _figure(picture: str, caption: str) -> str:
    return f"<figure>\n{picture}\n<figcaption>{caption}</figcaption>\n</figure>"


def _two(means: Sequence[_Mean], caption: str, *, joined: bool) -> str:
    """Draw model and recency over time, as lines or as dots."""
    low = floor(10 * min(min(model, recency) for _, model, recency in means)) / 10
    frame = svg.Frame(means[0][0], means[-1][0], low, 1, _WIDTH, 300)
    drawn = (
        ([(day, recency) for day, _, recency in means], svg.RECENCY),
        ([(day, model) for day, model, _ in means], svg.MODEL),
    )
    marks = [
        svg.line(frame, points, colour)
        if joined and len(points) > 1
        else svg.dots(frame, points, colour, radius=2, opacity=0.25)
        for points, colour in drawn
    ]
    days = date.fromordinal(means[0][0]), date.fromordinal(means[-1][0])
    picture = svg.picture(
        frame, "P@1 over time", marks, _months(*days), svg.even_ticks(low, 1, 0.1)
    )
    names = svg.legend((("model", svg.MODEL), ("recency", svg.RECENCY)))
    return _figure(picture, f"{names}. {caption}")


def _means(days: Sequence[Day], window: int) -> Iterator[_Mean]:
    """Yield P@1 over the sessions of each day and those before it within the window."""
    kept: deque[Day] = deque()
    for day in days:
        kept.append(day)
        while (day.day - kept[0].day).days >= window:
            kept.popleft()
        n = sum(each.n_sessions for each in kept)
        model = sum(each.model_hits for each in kept) / n
        yield day.day.toordinal(), model, sum(each.recency_hits for each in kept) / n


def _months(first: date, last: date) -> Iterator[svg.Tick]:
    begin, end = first.year * 12 + first.month, last.year * 12 + last.month - 1
    apart = next((apart for most, apart in _APART if end - begin < most), 12)
    for month in range(begin + -begin % apart, end + 1, apart):
        day = date(month // 12, month % 12 + 1, 1)
        yield float(day.toordinal()), f"{day:%Y-%m}"
