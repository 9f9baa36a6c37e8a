"""Four minutes of load while workers, the broker and the gateway are killed and halted."""

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
from outcome import Outcome
from performance import perform
from schedule import Kind
from stage import Setting

pytestmark = [pytest.mark.kafka, pytest.mark.faults, pytest.mark.timeout(900)]

COUNTS: dict[Kind, int] = {
    "kill": 4,
    "kill_wiped": 1,
    "kill_in_recovery": 1,
    "stop": 2,
    "halt": 1,
    "broker_kill": 1,
    "gateway_kill": 1,
}


@pytest.fixture
def outcome(request: pytest.FixtureRequest, needs_kafka: None, tmp_path: Path) -> Outcome:
    seed = request.config.getoption("--faults-seed", None)
    if seed is None:
        seed = random.SystemRandom().randrange(1_000_000)
    # With write buffers so small RocksDB's log of writes rests under this load.
    setting = Setting(seed=seed, seconds=240, counts=COUNTS, store_mib=1)
    found = perform(setting, tmp_path, print)
    shutil.rmtree(tmp_path / "kafka")  # logs of the others stay where the test fails
    if (path := request.config.getoption("--faults-json", None)) is not None:
        found.write(path)
    return found


def test_nothing_is_lost_doubled_or_wrong(outcome: Outcome, show_figure) -> None:
    show_figure(outcome.figures())
    told = f"{outcome.figures()}\n{outcome.complaints()}"
    assert outcome.holds, told
    assert Counter(outcome.struck) == COUNTS
    assert outcome.kills >= 6
    assert any(found.what == "kill in recovery" for found in outcome.recoveries)
    assert outcome.came_back >= outcome.clients, "the gateway was killed: each had to come back"
    assert outcome.acknowledged > 240 * 500 / 2, "the load ran"
