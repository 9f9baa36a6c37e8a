"""What holds for every export: order, contract, independence of the rows' order, memory."""

import io
import random
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from netflix_rows import HEADER, PHONE, TV, imported, row, write_export

from stream_cw.core.events import Play, SessionStart, Stop
from stream_cw.history.external_sort import ExternalSort
from stream_cw.history.netflix import import_netflix


def clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


rows_of_exports = st.lists(
    st.builds(
        row,
        st.integers(0, 20_000).map(
            lambda s: str(datetime(2024, 3, 30) + timedelta(seconds=10 * s))
        ),
        st.integers(0, 9_000).map(clock),
        st.one_of(
            st.sampled_from(
                ["A Film", "Granite: Season 1: Rain (Episode 1)", "Granite: Y: Rain (Episode 2)"]
            ),
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n")),
        ),
        profile=st.sampled_from(["Ana", "Ben", "花"]),
        attributes=st.sampled_from(["", "Autoplayed: user action: None; "]),
        supplemental=st.sampled_from(["", "", "TRAILER"]),
        device=st.sampled_from([TV, PHONE, ""]),
        bookmark=st.integers(0, 9_000).map(clock),
        country=st.sampled_from(["DE (Germany)", "BR (Brazil)", ""]),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=150)
@given(rows=rows_of_exports, seed=st.integers(0, 1_000))
def test_any_export_becomes_a_log_in_order_whatever_the_order_of_its_rows(
    rows: list[list[str]], seed: int
) -> None:
    shuffled = random.Random(seed).sample(rows, len(rows))
    with TemporaryDirectory() as folder:
        events, report = imported(write_export(Path(folder) / "1.csv", rows))
        others, other_report = imported(write_export(Path(folder) / "2.csv", shuffled))
    assert events == others
    assert (report.repeated, report.plays) == (other_report.repeated, other_report.plays)
    assert [event.ts for event in events] == sorted(event.ts for event in events)
    assert len({event.event_id for event in events}) == len(events)
    unusable = sum(bad.count for bad in report.bad_rows.values())
    kept = report.rows - unusable - report.repeated
    assert report.plays + report.supplemental == kept
    assert report.events == len(events) == 2 * kept + report.sessions
    running: dict[tuple[str, str], str] = {}
    for event in events:
        seat = (event.profile_id, event.device_id)
        if isinstance(event, Play):
            assert seat not in running
            running[seat] = event.title.id
        elif isinstance(event, Stop):
            assert running.pop(seat) == event.title.id
        else:
            assert isinstance(event, SessionStart)
            assert seat not in running
    assert not running


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(), max_size=60))
def test_an_external_sort_is_a_sort(numbers: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stream_cw.history.external_sort.RUN_LENGTH", 3)
        patch.setattr("stream_cw.history.external_sort.FAN_IN", 2)
        with ExternalSort(lambda number: b"%d" % number, int) as items:
            for number in numbers:
                items.add(number)
            assert list(items.merged()) == sorted(numbers)


def test_the_log_does_not_depend_on_how_much_is_sorted_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_generated(tmp_path / "export.csv", 300)
    expected, _ = imported(path)
    monkeypatch.setattr("stream_cw.history.external_sort.RUN_LENGTH", 7)
    monkeypatch.setattr("stream_cw.history.external_sort.FAN_IN", 3)
    assert imported(path)[0] == expected


def test_the_log_does_not_depend_on_how_often_what_has_rested_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_generated(tmp_path / "export.csv", 300)
    expected, report = imported(path)
    assert 0 < report.sessions < report.rows
    assert report.moved_stops
    monkeypatch.setattr("stream_cw.history.timeline._FORGET_EVERY", 1)
    assert imported(path)[0] == expected


def generated_rows(count: int) -> Iterator[list[str]]:
    dice = random.Random(7)
    start = datetime(2025, 1, 1)
    for _ in range(count):
        start -= timedelta(seconds=dice.randrange(10, 1_200))
        yield row(
            str(start),
            clock(dice.randrange(5, 3_000)),
            f"Show {dice.randrange(20)}: Season 1: Rain (Episode {dice.randrange(9)})",
            profile=f"P{dice.randrange(5)}",
            device=dice.choice([TV, PHONE]),
        )


def write_generated(path: Path, count: int) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(HEADER) + "\n")
        file.writelines(",".join(fields) + "\n" for fields in generated_rows(count))
    return path


class Sink(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return len(data)  # type: ignore[arg-type]


def test_memory_does_not_grow_with_the_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_cw.history.external_sort.RUN_LENGTH", 250)
    monkeypatch.setattr("stream_cw.history.external_sort.FAN_IN", 4)

    def peak(count: int) -> int:
        path = write_generated(tmp_path / f"{count}.csv", count)
        tracemalloc.start()
        try:
            import_netflix(path, Sink(), account="home")  # type: ignore[arg-type]
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(500)  # fills the caches, which are bounded
    small, large = peak(1_500), peak(6_000)
    assert large < 1.5 * small
