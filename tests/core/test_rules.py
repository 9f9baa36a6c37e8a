"""When a title is started and finished: tables with the value below, at and above each limit."""

import pytest

from stream_cw.core.rules import NO_CREDITS, WATCH_NEXT, is_finished, is_started

HOUR = 3_600_000


@pytest.mark.parametrize(
    ("series", "position", "duration", "started"),
    [
        (False, 119_999, None, False),
        (False, 120_000, None, True),
        (False, 107_999, HOUR, False),  # 3 % of an hour comes before two minutes
        (False, 108_000, HOUR, True),
        (False, 119_999, 2 * HOUR, False),  # two minutes come before 3 % of two hours
        (False, 120_000, 2 * HOUR, True),
        (True, 119_999, HOUR, False),  # an episode has no share of its length
        (True, 120_000, HOUR, True),
        (True, 119_999, None, False),
        (True, 120_000, None, True),
        (False, 0, 1, False),
    ],
)
def test_started(series, position, duration, started):
    policy = WATCH_NEXT
    limits = policy.started_ms, policy.started_per_mille
    assert is_started(*limits, series, position, duration or 0) == started


@pytest.mark.parametrize(
    ("position", "duration", "credit", "finished"),
    [
        (10 * HOUR, None, None, False),  # an unknown duration is never finished
        (3_419_999, HOUR, None, False),  # 95 % of an hour ...
        (3_420_000, HOUR, None, True),
        (3_419_999 + 1, HOUR, None, True),
        (1_620_000, 1_800_000, None, False),  # exactly three minutes left of half an hour
        (1_620_001, 1_800_000, None, True),
        (3_299_999, HOUR, 3_300_000, False),
        (3_300_000, HOUR, 3_300_000, True),
        (3_500_000, HOUR, 3_550_000, False),  # credits are known: the length does not matter
        (3_300_000, None, 3_300_000, True),
    ],
)
def test_finished(position, duration, credit, finished):
    policy = WATCH_NEXT
    limits = policy.finished_per_mille, policy.left_ms
    mark = NO_CREDITS if credit is None else credit
    assert is_finished(*limits, position, duration or 0, mark) == finished
