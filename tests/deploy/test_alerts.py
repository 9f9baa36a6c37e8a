"""deploy/prometheus: the alerts ask for what there is, are explained, and fire when they should."""

import re
import shutil
from typing import Any, Final

import pytest
from queries import DEPLOY, ROOT, load, problems_of, run

from stream_cw.gateway.follow import FAR_BEHIND

PROMETHEUS: Final = DEPLOY / "prometheus"
DOCS: Final = ROOT / "docs" / "operations.md"
CONFIGURATIONS: Final = ("prometheus.yml", "kubernetes.yml")
JOBS: Final = ["stream-cw-worker", "stream-cw-gateway"]
RULES: Final[list[dict[str, Any]]] = [
    rule for group in load(PROMETHEUS / "alerts.yml")["groups"] for rule in group["rules"]
]


def names(rule: dict[str, Any]) -> str:
    name: str = rule["alert"]
    return name


def promtool(*arguments: str) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    done = run("promtool", *arguments, cwd=PROMETHEUS)
    told = done.stdout + done.stderr
    if "field kubernetes_sd_configs not found" in told:
        pytest.skip("promtool was built without Kubernetes, as Debian's is")
    assert done.returncode == 0, told


def test_promtool_takes_the_rules() -> None:
    promtool("check", "rules", "alerts.yml")


def test_alerts_fire_when_they_should() -> None:
    promtool("test", "rules", "alerts.test.yml")


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_promtool_takes_the_configuration(name: str) -> None:
    promtool("check", "config", name)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_both_jobs_are_scraped_and_the_rules_read(name: str) -> None:
    configuration = load(PROMETHEUS / name)
    assert [job["job_name"] for job in configuration["scrape_configs"]] == JOBS
    assert [(PROMETHEUS / rules).is_file() for rules in configuration["rule_files"]] == [True]


@pytest.mark.parametrize("rule", RULES, ids=names)
def test_an_alert_asks_for_what_there_is(rule: dict[str, Any]) -> None:
    assert problems_of(rule["expr"]) == []
    for job in re.findall(r'job=~?"([^"]+)"', rule["expr"]):
        assert [name for name in JOBS if re.fullmatch(job, name)]


@pytest.mark.parametrize("rule", RULES, ids=names)
def test_an_alert_says_what_it_means(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    # A page wakes somebody: it waits until the system had time to mend itself.
    assert rule["labels"]["severity"] == "ticket" or minutes(rule) >= 2
    texts = rule["annotations"]
    assert set(texts) == {"summary", "description", "runbook"}
    assert texts["runbook"] == f"docs/operations.md#{names(rule).lower()}"
    assert texts["description"].endswith(f" See {texts['runbook']}")


def minutes(rule: dict[str, Any]) -> int:
    return int(str(rule.get("for", "0m")).removesuffix("m"))


def test_the_runbook_has_a_section_for_each_alert() -> None:
    told = re.findall(r"^### (StreamCw\w+)$", DOCS.read_text(), re.MULTILINE)
    assert told == [names(rule) for rule in RULES]
    assert len(set(told)) == len(told)


@pytest.mark.parametrize("rule", RULES, ids=names)
def test_an_alert_is_tested_firing_and_silent(rule: dict[str, Any]) -> None:
    seen = {
        bool(each["exp_samples"])
        for scene in load(PROMETHEUS / "alerts.test.yml")["tests"]
        for each in scene["promql_expr_test"]
        if f'alertname="{names(rule)}"' in each["expr"]
    }
    assert seen == {True, False}


def test_the_made_up_series_are_real_ones() -> None:
    """A test of a rule proves nothing where its series has another name than the worker's."""
    scenes = load(PROMETHEUS / "alerts.test.yml")["tests"]
    series = {each["series"] for scene in scenes for each in scene["input_series"]}
    assert [lost for each in sorted(series) for lost in problems_of(each)] == []


def test_a_gateway_is_told_behind_before_it_is_not_ready() -> None:
    [rule] = [rule for rule in RULES if names(rule) == "StreamCwGatewayBehind"]
    assert 0 < int(rule["expr"].split(">")[1]) < FAR_BEHIND
