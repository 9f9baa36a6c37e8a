"""The simulated sessions begin as real ones do, and as their truth says; and how that is measured.

300 profiles over 120 days, as the documentation shows them, would take too long here: these runs
are smaller, and the bounds the same.
"""

import io
from collections import defaultdict
from collections.abc import Iterator

import pytest
from msgspec import Struct

from stream_cw.core.events import Episode, Event, Movie, Play, Stop, Supplemental, encode_event
from stream_cw.history.simulator import (
    WANTED,
    Marginal,
    SessionTruth,
    marginals,
    read_truth,
    simulate,
    table,
)
from stream_cw.history.simulator.dice import MICRO

HOUR = 3_600_000
T0 = 1_704_067_200_000


class Measured(Struct, frozen=True):
    marginals: dict[str, Marginal]
    sessions: list[SessionTruth]


def measure(profiles: int, days: int, seed: int, *, device_habits: bool = True) -> Measured:
    log, truth = io.BytesIO(), io.BytesIO()
    simulate(profiles, days, seed, log, truth, device_habits=device_habits)
    told = read_truth(iter(truth.getvalue().splitlines()))
    return Measured(
        marginals=marginals(log.getvalue().splitlines()),
        sessions=[truth for truth in told if isinstance(truth, SessionTruth) and truth.scored],
    )


@pytest.fixture(scope="module")
def measured() -> Measured:
    return measure(160, 100, seed=3)


@pytest.mark.parametrize("name", WANTED)
def test_sessions_begin_as_real_ones_do(measured: Measured, name: str) -> None:
    found = measured.marginals[name]
    assert found.sessions > 150
    assert abs(found.share - WANTED[name]) <= 0.03, f"\n{table(measured.marginals)}"


def test_hardly_any_target_is_older_than_a_return(measured: Measured) -> None:
    assert measured.marginals["older"].share < 0.02


def test_the_truth_is_calibrated(measured: Measured) -> None:
    """In each range of probability as many were drawn as were to be: within four deviations."""
    drawn: dict[tuple[str, int], float] = defaultdict(float)
    told: dict[tuple[str, int], float] = defaultdict(float)
    variance: dict[tuple[str, int], float] = defaultdict(float)
    for kind, chance, hit in chances(measured.sessions):
        place = kind, min(chance * 10 // MICRO, 9)
        drawn[place] += hit
        told[place] += chance / MICRO
        variance[place] += chance / MICRO * (1 - chance / MICRO)
    deviations = {
        place: (drawn[place] - told[place]) / variance[place] ** 0.5
        for place in told
        if variance[place] > 5
    }
    assert len(deviations) > 15
    assert max(map(abs, deviations.values())) < 4
    error = sum(abs(drawn[place] - told[place]) for place in told) / len(measured.sessions)
    assert error < 0.02


def chances(sessions: list[SessionTruth]) -> Iterator[tuple[str, int, bool]]:
    for session in sessions:
        assert session.discovery is not None
        yield "new", session.discovery, session.returned is False
        for show, chance in session.shows.items():
            yield "show", chance, show == session.target


def test_the_truth_is_better_than_recency(measured: Measured) -> None:
    returns = [s for s in measured.sessions if s.returned and s.ts > T0 + 30 * 24 * HOUR]
    hits = sum(s.target == max(s.shows, key=s.shows.__getitem__) for s in returns)
    assert hits / len(returns) > measured.marginals["recency"].share + 0.04


def test_without_device_habits_a_switch_of_device_says_nothing() -> None:
    found = measure(60, 80, seed=2, device_habits=False).marginals
    switched, overall = found["recency, switched"], found["recency"]
    assert switched.sessions > 200
    assert abs(switched.share - overall.share) < 0.05


def episode(series: str, number: int = 1) -> Episode:
    return Episode(id=f"{series}.e{number}", series_id=series, episode=number)


class Log:
    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def watch(
        self,
        at: float,
        show: str,
        *,
        hours: float = 0.5,
        device: str = "tv-1",
        autoplay: bool = False,
        profile: str = "p1",
        title: Episode | Movie | Supplemental | None = None,
    ) -> None:
        ts = T0 + round(at * HOUR)
        common = {
            "profile_id": profile,
            "device_id": device,
            "device_type": "tv",
            "title": title or episode(show),
        }
        end = round(hours * HOUR)
        self.add(Play(event_id=self.id(), ts=ts, position_ms=0, autoplay=autoplay, **common))
        self.add(Stop(event_id=self.id(), ts=ts + end, position_ms=end, **common))

    def id(self) -> str:
        return f"e{len(self.lines)}"

    def add(self, event: Event) -> None:
        self.lines.append(encode_event(event))

    def measure(self) -> dict[str, Marginal]:
        return marginals(self.lines, warm_up_days=0)


def test_a_return_to_the_last_show_and_to_another() -> None:
    log = Log()
    for at, show in ((0, "a"), (10, "b"), (20, "b"), (30, "a")):
        log.watch(at, show)
    found = log.measure()
    assert found["returns"] == Marginal(2 / 3, 3)
    assert found["recency"] == Marginal(1 / 2, 2)
    assert found["recency, 8-24 h"] == Marginal(1 / 2, 2)


def test_plays_within_half_an_hour_are_one_session_over_all_devices() -> None:
    log = Log()
    log.watch(0, "a", hours=1)
    log.watch(1.4, "b", device="phone-1")
    log.watch(3, "a", device="tv-1")
    found = log.measure()
    assert found["returns"] == Marginal(1.0, 1)
    assert found["switched"] == Marginal(1.0, 1)
    assert found["recency, switched"] == Marginal(0.0, 1)
    assert found["recency, under 2 h"] == Marginal(0.0, 1)


def test_the_gap_counts_from_the_latest_end() -> None:
    log = Log()
    log.watch(0, "a", hours=5)
    log.watch(1, "b", device="phone-1")
    log.watch(6, "b", device="phone-1")
    found = log.measure()
    assert found["recency, under 2 h"] == Marginal(0.0, 1)
    assert found["switched"] == Marginal(0.0, 1)


def test_the_target_is_deliberate_and_lasts_a_minute() -> None:
    log = Log()
    log.watch(0, "a")
    log.watch(10, "b", autoplay=True)
    log.watch(10.6, "c", hours=0.01)
    log.watch(10.7, "a")
    log.watch(20, "c", hours=0.01)
    found = log.measure()
    assert found["returns"] == Marginal(1.0, 1)
    assert found["recency"] == Marginal(1.0, 1)


def test_older_than_sixty_days_is_no_return_and_nothing_new() -> None:
    log = Log()
    log.watch(0, "a")
    log.watch(61 * 24, "a")
    found = log.measure()
    assert (found["returns"].share, found["older"].share) == (0.0, 1.0)


def test_trailers_count_for_nothing_and_profiles_stand_alone() -> None:
    log = Log()
    log.watch(0, "a")
    log.watch(1, "b", profile="p2")
    log.watch(9, "b", title=Supplemental(id="t", series_id="b"))
    log.watch(10, "a", title=Movie(id="a"))
    assert log.measure()["recency"] == Marginal(1.0, 1)


def test_a_repeated_event_changes_nothing() -> None:
    log = Log()
    for at, show in ((0, "a"), (10, "b"), (20, "b")):
        log.watch(at, show)
    twice = [line for line in log.lines for _ in range(2)]
    assert marginals(twice, warm_up_days=0) == log.measure()


def test_the_warm_up_is_left_out() -> None:
    log = Log()
    for day in range(6):
        log.watch(day * 24, "a")
    assert marginals(log.lines, warm_up_days=3)["returns"].sessions == 3
