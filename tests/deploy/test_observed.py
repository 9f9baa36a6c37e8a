"""Prometheus and Grafana in docker-compose.yml: each finds the other, and what is in deploy/."""

from pathlib import Path
from typing import Any, Final

import pytest
from queries import DEPLOY, ROOT, load

SERVICES: Final[dict[str, Any]] = load(ROOT / "docker-compose.yml")["services"]
FOLDERS: Final = {
    "prometheus": {"/etc/prometheus": "deploy/prometheus"},
    "grafana": {
        "/etc/grafana/provisioning": "deploy/grafana/provisioning",
        "/etc/grafana/dashboards": "deploy/grafana/dashboards",
    },
}


@pytest.mark.parametrize("name", FOLDERS)
def test_each_sees_its_folder_and_cannot_change_it(name: str) -> None:
    mounts = [volume.split(":") for volume in SERVICES[name]["volumes"] if volume[0] == "."]
    assert {target: source.removeprefix("./") for source, target, _ in mounts} == FOLDERS[name]
    for source, _, mode in mounts:
        assert (ROOT / source).is_dir()
        assert mode == "ro"


@pytest.mark.parametrize("name", FOLDERS)
def test_images_are_pinned(name: str) -> None:
    version = SERVICES[name]["image"].rpartition(":")[2]
    assert version.removeprefix("v").count(".") == 2


def test_prometheus_asks_where_they_answer() -> None:
    jobs = load(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]
    found = {
        target for job in jobs for static in job["static_configs"] for target in static["targets"]
    }
    workers = {
        f"{name}:{SERVICES[name]['environment']['STREAM_CW_PROBES'].rpartition(':')[2]}"
        for name in SERVICES
        if SERVICES[name].get("command") == ["worker"]
    }
    assert found == workers | {f"gateway:{SERVICES['gateway']['ports'][0].rpartition(':')[2]}"}


def test_grafana_asks_prometheus() -> None:
    [source] = load(DEPLOY / "grafana/provisioning/datasources/prometheus.yml")["datasources"]
    port = SERVICES["prometheus"]["ports"][0].rpartition(":")[2]
    assert source["url"] == f"http://prometheus:{port}"


def test_grafana_finds_the_dashboard() -> None:
    [provider] = load(DEPLOY / "grafana/provisioning/dashboards/stream-cw.yml")["providers"]
    folder = Path(provider["options"]["path"])
    assert FOLDERS["grafana"][str(folder)] == "deploy/grafana/dashboards"
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert home.parent == folder
    assert (DEPLOY / "grafana" / "dashboards" / home.name).is_file()


def test_who_looks_at_grafana_changes_nothing() -> None:
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert environment["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
