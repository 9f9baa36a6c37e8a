"""docs/policies.md is what the policies and the words beside their rules say."""

import re
from pathlib import Path

import numpy as np
import pytest

from stream_cw.cli.policy_page import chance, policy_page
from stream_cw.core.columns import DEPTH, IDLE, LAST, ROW, ROWS
from stream_cw.core.events import DEVICE_TYPES
from stream_cw.core.presence import places_of, slept_through
from stream_cw.core.rules import Asleep
from stream_cw.core.state import Device
from stream_cw.operator_files import choose_policy

PAGE = Path(__file__).parents[1] / "docs" / "policies.md"
NIGHT = 23 * 3_600_000


def test_the_committed_page_is_the_generated_one() -> None:
    assert PAGE.read_text() == policy_page(), "python -m stream_cw.cli.policy_page writes it anew"


def test_its_policy_of_ones_own_is_read(tmp_path: Path) -> None:
    (told,) = re.findall(r"```toml policy\n(.*?)```", PAGE.read_text(), re.DOTALL)
    path = tmp_path / "own.toml"
    path.write_text(told)
    found = choose_policy(str(path))
    assert (found.name, found.finished_per_mille, found.started_per_mille) == ("own", 930, None)
    assert found.asleep == Asleep(night=1000)


@pytest.mark.parametrize("autoplays", range(9))
@pytest.mark.parametrize("idle_min", [0, 14, 15, 60, 119, 120, 240])
def test_chances_are_those_that_rows_go_by(autoplays: int, idle_min: int) -> None:
    shows = np.zeros((ROWS, 1), np.int64)
    shows[DEPTH], shows[IDLE], shows[LAST] = autoplays, idle_min, NIGHT
    shows[ROW["position"]] = shows[ROW["duration"]] = 2_400_000
    unknown = {"tz_offset_min": None, "session_id": None, "session_start": 0}
    tv = Device(
        device_id="tv", device_type=DEVICE_TYPES.index("tv"), last_ts=0, sessions=1, **unknown
    )
    p = chance(Asleep(), autoplays, idle_min)
    for percent in (5, 15, 30, 50, 70, 90):
        threshold = round(1000 * float(np.log(percent / (100 - percent))))
        slept = np.empty(1, np.bool_)
        slept_through(shows, places_of((tv,)), Asleep(threshold=threshold).numbers, slept)
        assert slept.tolist() == [100 * p >= percent]
