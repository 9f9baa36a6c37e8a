"""The page for operators explains each metric of a gateway, in its own words."""

import re
from pathlib import Path

from stream_cw.gateway.metrics import PREFIX, Metrics

DOCS = Path(__file__).parents[2] / "docs" / "operations.md"


def test_the_page_for_operators_explains_each_metric() -> None:
    told = re.findall(
        rf"^# HELP {PREFIX}(\S+)(?<!_created) (.*)$", Metrics().text().decode(), re.MULTILINE
    )
    section = DOCS.read_text().partition("\n## Metrics of a gateway\n")[2].partition("\n## ")[0]
    assert told == re.findall(r"^\| `([a-z_]+)` \| (.*) \|$", section, re.MULTILINE)
