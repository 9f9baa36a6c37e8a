"""What was measured in words and tables, for the terminal and the report alike."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from stream_cw.model.bootstrap import Estimate
from stream_cw.model.compare import Contrast, Side
from stream_cw.model.comparison import Comparison, Diff
from stream_cw.model.daily import Spread
from stream_cw.model.evaluate import Evaluation
from stream_cw.model.metrics import RankMetrics

_METRICS = (("P@1", "p_at_1"), ("MRR", "mrr"), ("NDCG@5", "ndcg_at_5"))
_ROWS = ("", "rows", "share, %")
_PART = ("", "sessions", "model P@1", "recency P@1", "P@1, points", "MRR, points")


class Table(NamedTuple):
    """A table: the first column names the row, the others hold figures."""

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def tables(found: Evaluation) -> list[Table]:
    """Set the figures of an evaluation in tables."""
    return [
        _ranking(found.model, found.recency, found.diff, ("model", "recency")),
        _placement(found),
        Table("Slices", _PART, [_part(name, part) for name, part in slices(found)]),
        Table("Accounts", _PART, [_part(name, part) for name, part in found.accounts.items()]),
    ]


def contrast_tables(found: Contrast) -> list[Table]:
    """Set the figures of a counterfactual replay in tables."""
    amounts = (
        ("other shows or order", found.differ),
        ("another first tile", found.first_differ),
        ("another slot", found.slot_differ),
        ("published by A", found.a.publishes),
        ("published by B", found.b.publishes),
    )
    rows = [(name, f"{amount.n:,}", percent(amount.share)) for name, amount in amounts]
    rows.append(("A less B", "", points(found.publishes)))
    a, b = found.a, found.b
    tiles = found.tiles
    counts = (
        ("in rows of A", tiles.a),
        ("in rows of B", tiles.b),
        ("in those of A alone", tiles.only_a),
        ("in those of B alone", tiles.only_b),
        ("in both, another title or position", tiles.other),
    )
    return [
        Table(f"{found.rows:,} rows of {_count(found.profiles, 'profile')}", _ROWS, rows),
        Table("Tiles", ("", "tiles"), [(name, f"{count:,}") for name, count in counts]),
        _ranking(a.ranking, b.ranking, found.diff, _sides(a, b)),
    ]


def _sides(a: Side, b: Side) -> tuple[str, str]:
    """Name two sides by their models, and by their policies where these differ."""
    if a.policy == b.policy:
        return f"A: {a.scorer.id}", f"B: {b.scorer.id}"
    return f"A: {a.scorer.id}, {a.policy}", f"B: {b.scorer.id}, {b.policy}"


def slices(found: Evaluation) -> Iterator[tuple[str, Comparison]]:
    """Name all slices that have a session, in the order of the tables."""
    parts = found.slices
    named = [("device switched", parts.device_switched), ("same device", parts.device_same)]
    named += [(f"hours since: {_words(name)}", part) for name, part in parts.hours_since.items()]
    named += [(f"earlier plays: {_words(name)}", part) for name, part in parts.history.items()]
    named += [(f"on: {name}", part) for name, part in parts.device.items()]
    return ((name, part) for name, part in named if part.n_sessions)


def findings(found: Evaluation) -> list[str]:
    """Say in words what was measured and what came of it."""
    kinds = found.sessions
    return [
        f"{sum(kinds.values()):,} scored sessions: {kinds['continuation']:,} continuations (of "
        f"{_count(found.profiles, 'profile')} in {_count(len(found.accounts), 'account')}), "
        f"{kinds['discovery']:,} discoveries, {kinds['older']:,} older.",
        *_in_sample(found.in_sample),
        _lift(found.diff.p_at_1),
        *_variation(found),
    ]


def text(table: Table) -> str:
    """Set a table for a terminal: names to the left, figures to the right."""
    lines = [table.header, *table.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    set_lines = (
        "  ".join(
            [line[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        ).rstrip()
        for line in lines
    )
    return "\n".join((table.title, *set_lines))


def points(estimate: Estimate) -> str:
    """Write a difference in points, with its interval."""
    if estimate.value is None:
        return "-"
    value = f"{100 * estimate.value:+.1f}"
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} [{100 * estimate.low:+.1f}, {100 * estimate.high:+.1f}]"


def percent(estimate: Estimate) -> str:
    """Write a share in per cent, with its interval."""
    return points(estimate).replace("+", "")


def figure(value: float | None, digits: int = 3) -> str:
    """Write a figure, or that there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def _ranking(one: RankMetrics, other: RankMetrics, diff: Diff, names: tuple[str, str]) -> Table:
    rows = [
        (
            name,
            figure(getattr(one, field)),
            figure(getattr(other, field)),
            points(getattr(diff, field)),
        )
        for name, field in _METRICS
    ]
    rows.append(("coverage", figure(one.coverage), figure(other.coverage), ""))
    rows.append(("mean rank", figure(one.mean_rank, 2), figure(other.mean_rank, 2), ""))
    title = f"Ranking, {one.n_sessions:,} continuation sessions"
    return Table(title, ("", *names, "difference, points"), rows)


def _placement(found: Evaluation) -> Table:
    header = ("", "sessions", "positive", "AUC", "AUC, discovery", "Brier", "ECE")
    rows = [
        (
            method,
            f"{placing.n:,}",
            f"{placing.positive:,}",
            figure(placing.auc),
            figure(placing.auc_discovery),
            figure(placing.brier),
            figure(placing.ece),
        )
        for method, placing in found.placement.items()
    ]
    return Table("Placement", header, rows)


def _part(name: str, part: Comparison) -> tuple[str, ...]:
    return (
        name,
        f"{part.n_sessions:,}",
        figure(part.model.p_at_1),
        figure(part.recency.p_at_1),
        points(part.diff.p_at_1),
        points(part.diff.mrr),
    )


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _words(name: str) -> str:
    return name.replace("_", " ") if name[0].isalpha() else name.replace("_", "-")


def _in_sample(accounts: list[str] | None) -> list[str]:
    if accounts is None:
        return ["The model does not tell which logs it was fitted to; these may be among them."]
    if not accounts:
        return []
    return [
        f"In sample: the model was fitted to {', '.join(accounts)}. "
        "Members whom it has not seen are served less well than these figures say."
    ]


def _lift(lift: Estimate) -> str:
    if lift.value is None:
        return "There is no continuation session, so there is nothing to compare."
    told = f"Over recency, P@1 differs by {points(lift)} points"
    if lift.low is None or lift.high is None:
        return f"{told}; one cluster alone gives no interval."
    beyond = lift.low > 0 or lift.high < 0
    return f"{told}; the 95 % interval {'leaves 0 out' if beyond else 'has 0 in it'}."


def _variation(found: Evaluation) -> list[str]:
    lift = found.diff.p_at_1.value
    if lift is None:
        return []
    return [
        _against("From day to day", "days", lift, found.daily.per_day),
        _against("From 28 days to 28", "stretches of 28 days", lift, found.daily.per_28_days),
    ]


def _against(how: str, periods: str, lift: float, spread: Spread) -> str:
    recency, chance, own = (
        100 * (sd or 0.0) for sd in (spread.recency_sd, spread.chance_sd, spread.lift_sd)
    )
    return (
        f"{how} recency's P@1 varies by {recency:.1f} points (standard deviation over "
        f"{spread.n:,} {periods}; {chance:.1f} would come of their few sessions alone): the lift "
        f"of {100 * lift:+.1f} is {'greater' if 100 * lift > recency else 'not greater'} than "
        f"that. The lift itself varies by {own:.1f}. The model is above recency in "
        f"{spread.better:,} of them, below in {spread.worse:,}, as high in {spread.level:,}."
    )
