"""When a title is started and finished: tables with the value below, at and above each limit."""

import pytest

from stream_cw.core.policies import JELLYFIN, KODI, PLEX, POLICIES, STREMIO, WATCH_NEXT
from stream_cw.core.rules import NO_CREDITS, Policy, is_finished, is_started

HOUR = 3_600_000
SHORT = 299_999

FILM_AND_EPISODE = {
    # policy: position, duration, started as a film, started as an episode
    "watch-next": [
        (119_999, None, False, False),
        (120_000, None, True, True),
        (107_999, HOUR, False, False),  # 3 % of an hour comes before two minutes, for a film
        (108_000, HOUR, True, False),
        (119_999, 2 * HOUR, False, False),  # two minutes come before 3 % of two hours
        (120_000, 2 * HOUR, True, True),
        (120_001, 2 * HOUR, True, True),
        (0, 1, False, False),
    ],
    "jellyfin": [
        (179_999, HOUR, False, False),
        (180_000, HOUR, True, True),
        (180_001, HOUR, True, True),
        (0, None, False, False),
        (1, None, True, True),  # no length, no share: whatever was played
    ],
    "plex": [
        (119_999, None, False, False),
        (120_000, None, True, True),
        (107_999, HOUR, False, False),
        (108_000, HOUR, True, False),
    ],
    "kodi": [
        (179_999, HOUR, False, False),
        (180_000, HOUR, True, True),
        (180_001, HOUR, True, True),
        (179_999, None, False, False),
        (180_000, None, True, True),
    ],
    "stremio": [
        (0, HOUR, False, False),
        (1, HOUR, True, True),
        (1, None, True, True),
    ],
}

FINISHED = {
    # policy: position, duration, credits, finished
    "watch-next": [
        (10 * HOUR, None, None, False),  # an unknown duration is never finished
        (3_419_999, HOUR, None, False),  # 95 % of an hour ...
        (3_420_000, HOUR, None, True),
        (3_420_001, HOUR, None, True),
        (1_620_000, 1_800_000, None, False),  # exactly three minutes left of half an hour
        (1_620_001, 1_800_000, None, True),
        (3_299_999, HOUR, 3_300_000, False),
        (3_300_000, HOUR, 3_300_000, True),
        (3_300_001, HOUR, 3_300_000, True),
        (3_500_000, HOUR, 3_550_000, False),  # credits are known: the length does not matter
        (3_300_000, None, 3_300_000, True),
    ],
    "jellyfin": [
        (10 * HOUR, None, None, False),
        (3_239_999, HOUR, None, False),
        (3_240_000, HOUR, None, False),  # over 90 %, not at it
        (3_240_001, HOUR, None, True),
        (3_000_000, HOUR, 2_900_000, False),  # credits are not looked at
        (1, SHORT, None, True),  # under five minutes
        (1, SHORT + 1, None, False),
        (1, SHORT + 2, None, False),
    ],
    "plex": [
        (10 * HOUR, None, None, False),
        (3_239_999, HOUR, None, False),
        (3_240_000, HOUR, None, True),
        (3_240_001, HOUR, None, True),
        (2_999_999, HOUR, 3_000_000, False),  # the credits come earlier
        (3_000_000, HOUR, 3_000_000, True),
        (3_000_001, HOUR, 3_000_000, True),
        (3_239_999, HOUR, 3_500_000, False),  # 90 % comes earlier
        (3_240_000, HOUR, 3_500_000, True),
        (3_000_000, None, 3_000_000, True),
    ],
    "kodi": [
        (10 * HOUR, None, None, False),
        (3_239_999, HOUR, None, False),
        (3_240_000, HOUR, None, True),
        (3_312_000, HOUR, None, True),  # the last 8 %
        (3_000_000, HOUR, 2_900_000, False),
    ],
    "stremio": [
        (10 * HOUR, None, None, False),
        (2_520_000, HOUR, None, False),  # 70 %: watched there, and still in the row
        (3_239_999, HOUR, None, False),
        (3_240_000, HOUR, None, True),
        (3_240_001, HOUR, None, True),
    ],
}


def test_every_policy_has_its_tables() -> None:
    assert FILM_AND_EPISODE.keys() == FINISHED.keys() == POLICIES.keys()
    assert set(POLICIES.values()) == {WATCH_NEXT, JELLYFIN, PLEX, KODI, STREMIO}
    assert all(policy.name == name for name, policy in POLICIES.items())


@pytest.mark.parametrize(
    ("name", "position", "duration", "film", "episode"),
    [(name, *case) for name, cases in FILM_AND_EPISODE.items() for case in cases],
)
def test_started(name: str, position: int, duration: int | None, film: bool, episode: bool) -> None:
    numbers = POLICIES[name].numbers()
    assert is_started(numbers, False, position, duration or 0) == film
    assert is_started(numbers, True, position, duration or 0) == episode


@pytest.mark.parametrize(
    ("name", "position", "duration", "credit", "finished"),
    [(name, *case) for name, cases in FINISHED.items() for case in cases],
)
def test_finished(
    name: str, position: int, duration: int | None, credit: int | None, finished: bool
) -> None:
    mark = NO_CREDITS if credit is None else credit
    assert is_finished(POLICIES[name].numbers(), position, duration or 0, mark) == finished


def test_of_a_film_that_is_short_three_minutes_left_are_the_whole() -> None:
    policy = Policy(name="own", finished_per_mille=1000, left_ms=180_000)
    assert is_finished(policy.numbers(), 1, 180_000, NO_CREDITS)
    assert not is_finished(policy.numbers(), 0, 180_000, NO_CREDITS)
