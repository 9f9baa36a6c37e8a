"""The report of an experiment: by hand, against the offline replay, and on a planted difference."""

from collections import defaultdict
from pathlib import Path

import msgspec
import pytest
from small_logs import Story, write_events
from typer.testing import CliRunner

from stream_cw.cli import build_app
from stream_cw.core.events import (
    DisplayOff,
    ForgetProfile,
    Movie,
    Origin,
    Pause,
    Play,
    Supplemental,
    decode_event,
)
from stream_cw.core.experiments import Arm, Experiment, arm_of
from stream_cw.core.row import View
from stream_cw.core.rows import Row
from stream_cw.history.log import EventLog
from stream_cw.history.replay import replay
from stream_cw.history.simulator import simulate
from stream_cw.model.experiment_report import (
    NO_EXPERIMENT,
    PASSES,
    ExperimentReport,
    Tally,
    report_experiment,
    report_table,
    tally,
)
from stream_cw.model.labels import sessions
from stream_cw.model.tables import text

ROW, SECOND = Origin(surface="row", rank=0), Origin(surface="row", rank=1)
SEARCH, BROWSE = Origin(surface="search"), Origin(surface="browse")
TWO = Experiment(id="two", arms=(Arm(id="a"), Arm(id="b")))


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> EventLog:
    path = tmp_path_factory.mktemp("simulated") / "log.jsonl"
    with path.open("wb") as log:
        simulate(24, 30, 5, log)
    return EventLog(path)


@pytest.fixture(scope="module")
def counts(simulated: EventLog) -> dict[str, Tally]:
    return tally(simulated, View())


@pytest.fixture(scope="module")
def reported(simulated: EventLog) -> ExperimentReport:
    return report_experiment(simulated, View(experiment=TWO))


def test_counts_of_a_story(tmp_path: Path) -> None:
    story = Story()
    story.open(0)
    story.watch(0, "x", origin=BROWSE)
    story.watch(0.6, "y", origin=SEARCH)  # is in no row yet
    story.watch(1.2, "x", origin=SECOND)
    story.watch(1.8, "x", autoplay=True, origin=ROW)  # nobody asked for it
    story.watch(2.4, "y")  # does not say where it came from
    story.open(20)
    story.watch(20, "y", origin=ROW)
    story.watch(20.52, "z", origin=Origin(surface="row"))  # does not say from which tile
    story.play(20.6, "x", origin=SEARCH)  # stands in the row
    story.tell(Pause, 20.7, "tv", title=story.events[-1].title, position_ms=6 * 60_000)  # type: ignore[attr-defined]
    story.play(20.8, "x", origin=ROW)  # goes on with it
    story.stop(21, "x")
    story.play(21.1, "x", "phone", origin=SEARCH)  # this device has no row
    trailer = Supplemental(id="x.trailer", series_id="x")
    story.play(21.2, "x", title=trailer, origin=ROW)
    story.events.append(story.events[-1])
    log = write_events(tmp_path / "log.jsonl", story.events)
    assert tally(log, View()) == {
        "p": Tally(
            plays=7, row=3, row_first=1, search=3, search_in_row=1, sessions=2, discoveries=1
        )
    }


def test_the_row_is_the_last_that_the_device_was_due(tmp_path: Path) -> None:
    story = Story()
    story.open(0, "phone")
    story.tell(DisplayOff, 0.1, "phone")
    story.open(0.2)
    story.watch(0.2, "x", origin=BROWSE)
    story.play(0.8, "x", "phone", origin=SEARCH)  # the phone was told nothing since
    log = write_events(tmp_path / "log.jsonl", story.events)
    assert tally(log, View())["p"].search_in_row == 0
    story.events.pop()
    story.open(0.75, "phone")
    story.play(0.8, "x", "phone", origin=SEARCH)
    log = write_events(tmp_path / "log.jsonl", story.events)
    assert tally(log, View())["p"].search_in_row == 1


def test_what_was_forgotten_is_not_counted(tmp_path: Path) -> None:
    story = Story()
    story.watch(0, "x", origin=BROWSE)
    story.tell(ForgetProfile, 1, "tv")
    story.watch(2, "x", origin=SEARCH)
    log = write_events(tmp_path / "log.jsonl", story.events)
    assert tally(log, View()) == {"p": Tally(plays=1, search=1, sessions=1, discoveries=1)}


def by_hand(log: EventLog, view: View) -> dict[str, Tally]:
    """Count from the events alone, and from each row that the offline replay writes."""
    found: dict[str, Tally] = defaultdict(Tally)
    rows: dict[tuple[str, str], Row] = {}
    ids = set()
    for played in replay(log, {}, view=view):
        event = decode_event(played.record.value)
        if (
            isinstance(event, Play)
            and event.event_id not in ids
            and event.origin is not None
            and not event.autoplay
            and not isinstance(event.title, Supplemental)
        ):
            counts, surface = found[event.profile_id], event.origin.surface
            counts.plays += 1
            counts.row += surface == "row"
            counts.row_first += (surface, event.origin.rank) == ("row", 0)
            counts.search += surface == "search"
            last = rows.get((event.profile_id, event.device_id))
            shown = [tile.show_id for tile in last.tiles] if last else []
            counts.search_in_row += surface == "search" and event.title.show_id in shown
        ids.add(event.event_id)
        for _, made in played.rows:
            assert made is not None
            rows[made.profile_id, made.device_id] = made
    for session in sessions(log):
        found[session.profile_id].sessions += 1
        found[session.profile_id].discoveries += session.kind == "discovery"
    return found


@pytest.mark.parametrize("view", [View(), View(experiment=TWO)], ids=["plain", "arms"])
def test_counts_are_those_of_the_replayed_rows(simulated: EventLog, view: View) -> None:
    found = tally(simulated, view)
    assert found == by_hand(simulated, view)
    total = Tally(*(sum(getattr(t, n) for t in found.values()) for n in Tally.__struct_fields__))
    assert 0 < total.search_in_row < total.search < total.plays
    assert 0 < total.row_first < total.row < total.plays
    assert 0 < total.discoveries < total.sessions


def test_each_profile_is_in_its_arm(counts: dict[str, Tally], reported: ExperimentReport) -> None:
    found = reported
    assert (found.experiment, list(found.arms)) == ("two", ["a", "b"])
    for name, arm in found.arms.items():
        mine = [counts[profile] for profile in counts if arm_of(TWO, profile).id == name]
        assert arm.profiles == len(mine) > 0
        assert arm.counts.plays == sum(each.plays for each in mine)
        hits, rows = (sum(getattr(each, n) for each in mine) for n in ("row_first", "row"))
        assert arm.first_of_row.value == pytest.approx(hits / rows, abs=1e-6)
        assert arm.first_of_plays.value == pytest.approx(hits / arm.counts.plays, abs=1e-6)
        passed = sum(each.search_in_row for each in mine)
        assert arm.searched_of_plays.value == pytest.approx(passed / arm.counts.plays, abs=1e-6)
        searched = sum(each.search for each in mine)
        assert arm.searched_of_search.value == pytest.approx(passed / searched, abs=1e-6)
        new, all_ = (sum(getattr(each, n) for each in mine) for n in ("discoveries", "sessions"))
        assert arm.discovery.value == pytest.approx(new / all_, abs=1e-6)
        for share in (arm.first_of_row, arm.first_of_plays, arm.searched_of_plays, arm.discovery):
            assert share.low is not None
            assert share.value is not None
            assert share.high is not None
            assert share.low < share.value < share.high


def test_a_planted_difference_is_found(tmp_path: Path) -> None:
    """In arm a the first tile is right in about 9 of 12 plays from the row, in arm b in 6."""
    events = []
    dealt: dict[str, list[int]] = {"a": [], "b": []}
    for n in range(60):
        story = Story(f"profile-{n}")
        hits = dealt[arm_of(TWO, story.profile_id).id]
        hits.append((9 if hits is dealt["a"] else 6) + (-3, 0, 3)[len(hits) % 3])
        for at in range(12):
            origin = ROW if at < hits[-1] else SECOND
            story.watch(24 * at, f"show-{at % 3}", origin=origin)
        events += story.events
    log = write_events(tmp_path / "log.jsonl", events)
    arms = report_experiment(log, View(experiment=TWO)).arms
    found = {name: arm.first_of_row for name, arm in arms.items()}
    for name, hits in dealt.items():
        assert found[name].value == pytest.approx(sum(hits) / 12 / len(hits), abs=1e-6)
    assert found["b"].high is not None
    assert found["a"].low is not None
    assert found["b"].high < found["a"].low


def test_an_arm_without_a_profile_has_no_share(tmp_path: Path) -> None:
    story = Story()
    story.watch(0, "x", origin=BROWSE, title=Movie(id="x"))
    log = write_events(tmp_path / "log.jsonl", story.events)
    arms = report_experiment(log, View(experiment=TWO)).arms
    mine = arm_of(TWO, "p").id
    other = next(name for name in arms if name != mine)
    assert (arms[other].profiles, arms[other].counts, arms[other].discovery.value) == (
        0,
        Tally(),
        None,
    )
    assert arms[mine].first_of_plays.value == 0.0
    assert arms[mine].first_of_plays.low is None
    assert arms[mine].first_of_row.value is None
    assert "-" in text(report_table(report_experiment(log, View(experiment=TWO))))


def test_the_command(simulated: EventLog, reported: ExperimentReport, tmp_path: Path) -> None:
    path, out = tmp_path / "experiment.json", tmp_path / "out.json"
    path.write_bytes(msgspec.json.encode(TWO))

    def run(*options: object) -> str:
        command = ["report", simulated.path, "--model", "recency", *options]
        result = CliRunner().invoke(build_app(), list(map(str, command)))
        assert result.exit_code == 0, result.output
        return result.output

    told = run("--experiment", path, "--json", out)
    found = msgspec.json.decode(out.read_bytes())
    assert found == msgspec.to_builtins(reported)
    assert f"{100 * found['arms']['a']['first_of_row']['value']:.1f} [" in told
    assert NO_EXPERIMENT in run()


def test_progress_counts_every_record(simulated: EventLog) -> None:
    told: list[int] = []
    report_experiment(simulated, View(), told.append)
    assert told == list(range(1, PASSES * sum(1 for _ in simulated) + 1))


def test_order_of_profiles_is_of_no_account(
    simulated: EventLog, reported: ExperimentReport, tmp_path: Path
) -> None:
    by_profile: dict[str, list[bytes]] = defaultdict(list)
    for record in simulated:
        assert record.value is not None
        by_profile[decode_event(record.value).profile_id].append(record.value)
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"\n".join(v for name in reversed(by_profile) for v in by_profile[name]))
    assert report_experiment(EventLog(path), View(experiment=TWO)) == reported
