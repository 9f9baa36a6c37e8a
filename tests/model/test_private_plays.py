"""Training data know nothing of what is private: with or without it, the same samples."""

from pathlib import Path

from small_logs import Story, write_events

from stream_cw.core.events import Event, SetRecording
from stream_cw.history.log import EventLog
from stream_cw.model.dataset import DataSet, make_dataset
from stream_cw.model.labels import sessions
from stream_cw.model.viewings import arrivals, collect

PRIVATE = ("secret", "b")


def story(*, recording: bool | None) -> list[Event]:
    """Some evenings; between them two of a new show and a known one, unless recording is None."""
    told = Story()
    for day, show in enumerate(("a", "b", "a")):
        told.open(24 * day)
        told.watch(24 * day + 0.1, show)
    told.tell(SetRecording, 72, "phone", recording=recording is not False)
    if recording is not None:
        for number, show in enumerate(PRIVATE):
            told.open(73 + 2 * number, "phone")
            told.watch(73.1 + 2 * number, show, "phone")
    told.tell(SetRecording, 80, "phone", recording=True)
    for day, show in enumerate(("a", "b"), start=4):
        told.open(24 * day)
        told.watch(24 * day + 0.1, show)
    return told.events


def log_of(folder: Path, events: list[Event]) -> EventLog:
    return write_events(folder / "log.jsonl", events)


def content(log: EventLog) -> DataSet:
    return make_dataset([log])


def test_private_sessions_are_no_samples_and_no_history(tmp_path: Path) -> None:
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    told = log_of(tmp_path / "with", story(recording=False))
    plain = log_of(tmp_path / "without", story(recording=None))
    for mine, theirs in zip(sessions(told), sessions(plain), strict=True):
        assert (mine.ts, mine.target, mine.kind, mine.gap_ms, mine.switched, mine.history) == (
            *(theirs.ts, theirs.target, theirs.kind),
            *(theirs.gap_ms, theirs.switched, theirs.history),
        )
    private, known = content(told), content(plain)
    for name in ("show", "session", "target", "kind", "ts", "known_ts", "shows", "history"):
        assert getattr(private, name).tolist() == getattr(known, name).tolist(), name


def test_the_same_sessions_recorded_are_samples(tmp_path: Path) -> None:
    """Else nothing would have been left out."""
    log = log_of(tmp_path, story(recording=True))
    assert [s.target for s in sessions(log)] == ["a", "b", "a", *PRIVATE, "a", "b"]


def test_no_playback_goes_on_across_the_switch(tmp_path: Path) -> None:
    told = Story()
    told.play(0, "a")
    told.tell(SetRecording, 0.001, "tv", recording=False)
    told.tell(SetRecording, 0.5, "tv", recording=True)
    told.stop(0.6, "a")
    profiles = collect(arrivals((log_of(tmp_path, told.events),)))
    (viewing,) = profiles["p"].played
    assert viewing.lasting_ts is None
    assert list(sessions(log_of(tmp_path, told.events))) == []
