"""The slope of a worker's memory: of what comes after its caches are full, and of that alone."""

import pytest
from memory import EVERY_S, MIB, SETTLED_AFTER_S, Memory, slope_of


def samples(seconds: int, growth: float) -> list[tuple[float, int]]:
    """Fills 100 MiB in the first minutes, then grows by so many bytes a second."""
    return [
        (t, int(100 * MIB * min(1.0, t / SETTLED_AFTER_S) + growth * t))
        for t in range(0, seconds, 5)
    ]


@pytest.mark.parametrize("growth", [0.0, 1_000.0, -500.0])
def test_the_slope_is_of_the_settled_part(growth: float) -> None:
    assert slope_of(samples(3_600, growth)) == pytest.approx(growth, abs=1.0)


def test_too_short_a_life_has_no_slope() -> None:
    assert slope_of(samples(1_150, 1.0)) is None


def test_the_course_has_a_sample_of_each_minute() -> None:
    memory = Memory([])
    memory.samples["one", 7] = [(n * EVERY_S, n * MIB) for n in range(30)]
    assert memory.course == {"one (7)": [0.0, 12.0, 24.0]}
