"""What is in deploy/: its files, its queries, and what workers and gateways let one ask."""

import subprocess
from functools import cache
from pathlib import Path
from typing import Any, Final

import promql_parser as promql
import yaml
from prometheus_client.parser import text_string_to_metric_families

from stream_cw.core.rows import ModelRef
from stream_cw.gateway.metrics import COUNTS
from stream_cw.gateway.metrics import Metrics as GatewayMetrics
from stream_cw.worker.metrics import Metrics as WorkerMetrics
from stream_cw.worker.stats import Stats

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
TARGET: Final = frozenset({"job", "instance"})
"""Labels that Prometheus gives whatever it scrapes."""


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def run(*command: str, **arguments: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True, **arguments)


@cache
def labels_of_series() -> dict[str, frozenset[str]]:
    """Tell which series there are, as worker and gateway write them, and by which labels."""
    worker, gateway = WorkerMetrics(Stats()), GatewayMetrics()
    worker.lag({0: 0})
    worker.refused("bad_json")
    worker.refused_share(0, 0.0)
    worker.model(ModelRef(id="m", sha256=None))
    for name, (_, labels) in COUNTS.items():
        gateway.count(name, **dict.fromkeys(labels, "x"))
    known = {"up": TARGET}
    for text in (worker.text(), gateway.text()):
        for family in text_string_to_metric_families(text.decode()):
            for sample in family.samples:
                known[sample.name] = TARGET | known.get(sample.name, TARGET) | set(sample.labels)
    return known


def problems_of(query: str) -> list[str]:
    """Tell what a query asks for that nobody tells: series, and labels of theirs."""
    try:
        expression = promql.parse(query)
    except ValueError as error:
        return [f"{query}: {error}"]
    found: list[str] = []
    _labels(expression, found)
    return found


def labels_of(query: str) -> frozenset[str]:
    """Tell which labels the result of a query may have."""
    return _labels(promql.parse(query), [])


def _labels(part: promql.Expr, found: list[str]) -> frozenset[str]:
    """Give the labels that the result of an expression may have; note what does not exist."""
    labels: frozenset[str] = frozenset()
    match part:
        case promql.VectorSelector():
            labels = _of_selector(part, found)
        case promql.MatrixSelector():
            labels = _of_selector(part.vector_selector, found)
        case promql.AggregateExpr():
            labels = _of_aggregate(part, found)
        case promql.BinaryExpr():
            labels = _of_two(part, found)
        case promql.Call():
            labels = labels.union(*(_labels(each, found) for each in part.args))
        case promql.ParenExpr() | promql.SubqueryExpr() | promql.UnaryExpr():
            labels = _labels(part.expr, found)
    return labels


def _of_selector(selector: promql.VectorSelector, found: list[str]) -> frozenset[str]:
    known = labels_of_series().get(selector.name)
    if known is None:
        found.append(f"{selector.name}: nobody tells it")
        return frozenset()
    asked = {matcher.name for matcher in selector.matchers.matchers}
    found += [f"{selector.name}: has no {label}" for label in sorted(asked - known)]
    return known


def _of_aggregate(aggregate: promql.AggregateExpr, found: list[str]) -> frozenset[str]:
    inner, by = _labels(aggregate.expr, found), aggregate.modifier
    if by is None:
        return frozenset()
    found += [f"{aggregate.expr}: has no {label}" for label in by.labels if label not in inner]
    is_by = by.type == promql.AggModifierType.By
    return inner & set(by.labels) if is_by else inner - set(by.labels)


def _of_two(pair: promql.BinaryExpr, found: list[str]) -> frozenset[str]:
    left, right = _labels(pair.lhs, found), _labels(pair.rhs, found)
    matching = pair.modifier and pair.modifier.matching
    named = matching.labels if matching else []
    found += [f"{pair}: has no {label}" for label in named if label not in left & right]
    return left | right
