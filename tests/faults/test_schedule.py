"""The schedule of faults: the same seed gives the same, and no two strike at once."""

import itertools
from collections import Counter

import pytest
from schedule import KINDS, LEAD_S, OF_BROKERS, SPACING_S, TAIL_S, draw

COUNTS = {
    "kill": 4,
    "kill_wiped": 1,
    "kill_in_recovery": 1,
    "stop": 2,
    "halt": 1,
    "broker_kill": 1,
    "gateway_kill": 1,
}


@pytest.mark.parametrize("seed", range(50))
def test_faults_are_as_many_as_wanted_and_apart(seed: int) -> None:
    faults = draw(seed, 240, COUNTS, workers=2)
    assert Counter(fault.kind for fault in faults) == COUNTS
    times = [fault.at for fault in faults]
    assert all(b - a >= SPACING_S for a, b in itertools.pairwise(times))
    assert times[0] >= LEAD_S
    assert times[-1] <= 240 - TAIL_S


def test_the_seed_alone_says_what_strikes_when() -> None:
    assert draw(7, 240, COUNTS, workers=2) == draw(7, 240, COUNTS, workers=2)
    different = {draw(seed, 240, COUNTS, workers=2) for seed in range(20)}
    assert len(different) == 20


def test_each_target_has_its_turn() -> None:
    counts = dict.fromkeys(KINDS, 20)
    faults = draw(1, 6_000, counts, workers=2, brokers=3)
    of_brokers = {fault.target for fault in faults if fault.kind in OF_BROKERS}
    of_workers = {fault.target for fault in faults if fault.kind not in OF_BROKERS}
    assert (of_brokers, of_workers) == ({0, 1, 2}, {0, 1})


def test_too_many_faults_are_refused() -> None:
    with pytest.raises(ValueError, match=r"11 faults, 15\.0 s apart, do not fit in 170 s"):
        draw(1, 170, COUNTS, workers=2)
