"""deploy/grafana: the dashboard asks for what there is, and Grafana finds it and its source."""

import json
import re
from itertools import combinations
from typing import Any, Final

import pytest
from queries import DEPLOY, labels_of, load, problems_of

GRAFANA: Final = DEPLOY / "grafana"
DASHBOARD: Final[dict[str, Any]] = json.loads(
    (GRAFANA / "dashboards" / "stream-cw.json").read_text()
)
PANELS: Final[list[dict[str, Any]]] = DASHBOARD["panels"]
GRAPHS: Final = [panel for panel in PANELS if panel["type"] != "row"]
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
WANTED: Final = {
    "lag_records",
    "event_to_row_seconds_bucket",
    "round_records_bucket",
    "conflated_total",
    "refusals_total",
    "state_bytes_bucket",
    "recovery_records_left",
    "model",
    "ready",
}
"""What operators must see of workers."""


def queries_of(panel: dict[str, Any]) -> list[str]:
    return [target["expr"].replace("$__rate_interval", "1m") for target in panel["targets"]]


def title(panel: dict[str, Any]) -> str:
    return f"{panel['id']} {panel['title']}"


def test_each_panel_has_a_number_of_its_own() -> None:
    numbers = [panel["id"] for panel in PANELS]
    assert len(set(numbers)) == len(numbers) > len(GRAPHS) > 0


def test_no_panel_lies_on_another() -> None:
    for one, other in combinations([panel["gridPos"] for panel in PANELS], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or apart, (one, other)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)


@pytest.mark.parametrize("panel", GRAPHS, ids=title)
def test_a_panel_asks_for_what_there_is(panel: dict[str, Any]) -> None:
    assert queries_of(panel)
    assert [problem for query in queries_of(panel) for problem in problems_of(query)] == []
    assert panel["description"]
    assert panel["datasource"] == SOURCE
    assert all(target["datasource"] == SOURCE for target in panel["targets"])
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


@pytest.mark.parametrize("panel", GRAPHS, ids=title)
def test_a_legend_names_labels_that_a_result_has(panel: dict[str, Any]) -> None:
    for target, query in zip(panel["targets"], queries_of(panel), strict=True):
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= labels_of(query)


def test_what_operators_must_see_is_shown() -> None:
    asked = " ".join(query for panel in GRAPHS for query in queries_of(panel))
    assert set(re.findall(r"stream_cw_worker_(\w+)", asked)) >= WANTED


def test_the_source_is_chosen_by_the_one_who_looks() -> None:
    [variable] = DASHBOARD["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    assert SOURCE["uid"] == f"${{{variable['name']}}}"
    text = json.dumps(PANELS)
    assert set(re.findall(r"\$\{?(\w+)", text)) == {variable["name"], "__rate_interval"}


def test_grafana_scrapes_no_faster_than_prometheus() -> None:
    """`$__rate_interval` follows from it: a rate over less than two scrapes shows nothing."""
    [source] = load(GRAFANA / "provisioning" / "datasources" / "prometheus.yml")["datasources"]
    interval = load(DEPLOY / "prometheus" / "prometheus.yml")["global"]["scrape_interval"]
    assert source["type"] == "prometheus"
    assert source["jsonData"]["timeInterval"] == interval
