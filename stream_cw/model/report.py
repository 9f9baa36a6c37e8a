"""An evaluation as one HTML file that needs nothing else: same figures, same bytes."""

from collections.abc import Sequence
from html import escape
from typing import Final

from stream_cw.model.bootstrap import RESAMPLES
from stream_cw.model.evaluate import Evaluation
from stream_cw.model.metrics import BINS
from stream_cw.model.pictures import calibration, cost_curve, differences, over_time
from stream_cw.model.tables import Table, findings, slices, tables

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child, td:first-child { text-align: left; }
svg { max-width: 100%; height: auto; }
figure { margin: .5rem 0 1.5rem; }
figcaption { color: #555; font-size: 13px; }
"""


def report(found: Evaluation) -> str:
    """Write the report of an evaluation.

    Parameters
    ----------
    found : Evaluation

    Returns
    -------
    str
        A whole HTML document, pictures inside.
    """
    title = f"{found.scorer.id} beside recency"
    ranking, placement, parts, accounts = map(_table, tables(found))
    compared = [*slices(found), *found.accounts.items()]
    body = (
        f"<h1>{escape(title)}</h1>",
        *(f"<p>{escape(sentence)}</p>" for sentence in findings(found)),
        ranking,
        "<h2>P@1 over time</h2>",
        over_time(found.daily.days),
        placement,
        calibration(found.placement),
        cost_curve(found.placement) if found.placement else "",
        parts,
        accounts,
        differences([(name, part.diff.p_at_1) for name, part in compared if part.n_sessions]),
        "<h2>How it was measured</h2>",
        f"<p>{escape(_method(found))}</p>",
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _table(table: Table) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    rows = [line(table.header, "th"), *(line(row, "td") for row in table.rows)]
    return f"<h2>{escape(table.title)}</h2>\n<table>\n" + "\n".join(rows) + "\n</table>"


def _method(found: Evaluation) -> str:
    drawn = "accounts" if found.by == "account" else "profiles"
    part = " of the last fifth of each account's time" if found.by == "time" else ""
    return (
        f"Model {found.scorer.id}, SHA-256 {found.scorer.sha256 or 'none: a built-in rule'}. "
        f"All scored sessions{part}, each with the row that its opening would have got. A target "
        f"that is not among the tiles counts 0; mean rank is over the others. Intervals: 95 %, "
        f"percentile bootstrap of whole {drawn} (for a single account of its profiles), "
        f"{RESAMPLES:,} draws, seed {found.seed}. Placement: right when the target is among the "
        f"tiles, over sessions whose row has a tile; ECE over {BINS} bins of equal counts."
    )
