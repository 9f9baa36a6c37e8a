"""The command that compares rankers."""

# ruff: noqa: PLC0415 (commands import what they need, so that `--help` is quick)

from typing import TYPE_CHECKING

import typer

from stream_cw.cli.options import Catalogs, bar, works_of
from stream_cw.cli.train import Logs, Simulated, dataset_of

if TYPE_CHECKING:
    from stream_cw.model.bootstrap import Estimate


def baselines(logs: Logs, simulated: Simulated = None, catalogs: Catalogs = None) -> None:
    """Compare rankers on profiles left out in turn: rules, regressions, trees, and ours."""
    from rich.console import Console
    from rich.table import Table

    from stream_cw.model.baselines import LAMBDARANK, rankers
    from stream_cw.model.ranker_table import standings
    from stream_cw.model.settings import SHARE

    wanted = rankers()
    works = works_of(catalogs)
    data = dataset_of(logs, works)
    added = None if simulated is None else dataset_of([simulated], works)
    with bar("fitting") as progress:
        found = standings(wanted, data, added, SHARE, progress)
    table = Table("ranker", "P@1", "MRR", "NDCG@5", "above recency", "above ours", box=None)
    for name, metrics, above_recency, above_ours in found:
        figures = (metrics.p_at_1, metrics.mrr, metrics.ndcg_at_5)
        cells = ["-" if figure is None else f"{figure:.4f}" for figure in figures]
        table.add_row(name, *cells, _points(above_recency), _points(above_ours))
    Console().print(table)
    if LAMBDARANK not in [ranker.name for ranker in wanted]:
        typer.echo(f"{LAMBDARANK} is left out: it needs `pip install 'stream-cw[bench]'`")


def _points(estimate: "Estimate") -> str:
    if estimate.value is None:
        return "-"
    told = f"{100 * estimate.value:+.2f}"
    if estimate.low is None or estimate.high is None:
        return told
    return f"{told} [{100 * estimate.low:+.2f}, {100 * estimate.high:+.2f}]"
