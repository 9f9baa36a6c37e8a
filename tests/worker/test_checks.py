"""What a worker refuses before it touches the log."""

import re
from pathlib import Path

import pytest

from stream_cw.config import load_settings
from stream_cw.errors import DataDirLockedError, LogMismatchError, SettingsError
from stream_cw.worker.checks import check_committed, check_marks, check_recovered
from stream_cw.worker.datadir import locked
from stream_cw.worker.mark import Mark

EPOCH = bytes(16)
OTHER = bytes(range(16))


def test_a_committed_offset_lies_within_the_log() -> None:
    for committed in (10, 15, 20):
        check_committed("events", 3, committed, start=10, end=20)
    with pytest.raises(LogMismatchError, match=r"events, partition 3: .* at most 20, .* found 21"):
        check_committed("events", 3, 21, start=10, end=20)
    with pytest.raises(LogMismatchError, match=r"from offset 9 on, .* found from 10 on"):
        check_committed("events", 3, 9, start=10, end=20)


def test_states_belong_to_the_log_that_is_there() -> None:
    for mark in (None, Mark(EPOCH, 9), Mark(EPOCH, 19)):
        check_marks("events", EPOCH, [(1, mark, 10, 20)])
    check_marks("events", EPOCH, [(0, None, 0, 0), (1, Mark(EPOCH, -1), 0, 0)])
    with pytest.raises(LogMismatchError, match=r"partition 1: .* wanted below 20, .* found 20"):
        check_marks("events", EPOCH, [(1, Mark(EPOCH, 20), 10, 20)])
    with pytest.raises(LogMismatchError, match=re.escape(f"found of log {OTHER.hex()}")):
        check_marks("events", EPOCH, [(1, Mark(OTHER, 15), 10, 20)])


def test_no_round_starts_on_states_that_are_older_than_the_changelog() -> None:
    check_recovered("changelog", [(0, None, 0), (1, 16, 17), (2, 17, 17)])
    with pytest.raises(LogMismatchError, match=r"partition 1: .* up to offset 18, ended at 17"):
        check_recovered("changelog", [(0, None, 0), (1, 17, 19)])
    with pytest.raises(LogMismatchError, match=r"partition 0: .* up to offset 0, ended at None"):
        check_recovered("changelog", [(0, None, 1)])


def test_states_that_the_log_no_longer_follows_on_are_refused() -> None:
    """Whatever was committed: a group's offsets expire, too."""
    found = [(0, Mark(EPOCH, 9), 10, 20), (1, Mark(EPOCH, 8), 10, 20)]
    with pytest.raises(LogMismatchError, match=r"partition 1: .* offset 9 on, .* from 10 on"):
        check_marks("events", EPOCH, found)


def test_a_data_directory_is_held_until_its_worker_ends(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "data"),
        pytest.raises(DataDirLockedError, match="found in use by process"),
        locked(tmp_path / "data"),
    ):
        pass
    with locked(tmp_path / "data"):
        pass


def test_settings_come_from_the_environment_and_what_is_given_goes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STREAM_CW_APP_ID", "from-environment")
    monkeypatch.setenv("STREAM_CW_ROUND_RECORDS", "17")
    settings = load_settings(app_id="given", data_dir=None)
    assert (settings.app_id, settings.round_records) == ("given", 17)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ROUND_RECORDS", "many", "STREAM_CW_ROUND_RECORDS: Input should be a valid integer"),
        ("APP_ID", "a b", "STREAM_CW_APP_ID: String should match"),
        ("HEARTBEAT_INTERVAL", "5", "at most half of `session_timeout`"),
        ("LOG_LEVEL", "LOUD", "STREAM_CW_LOG_LEVEL: Input should be"),
    ],
)
def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(f"STREAM_CW_{name}", value)
    with pytest.raises(SettingsError, match=message):
        load_settings()


def test_a_heartbeat_may_take_half_of_the_session_timeout() -> None:
    settings = load_settings(session_timeout=8.0, heartbeat_interval=4.0)
    assert settings.heartbeat_interval == 4.0
    with pytest.raises(SettingsError, match="at most half"):
        load_settings(session_timeout=8.0, heartbeat_interval=4.1)


def test_the_time_to_settle_stays_below_the_session_timeout() -> None:
    settings = load_settings(session_timeout=10.0, rebalance_timeout=5.0)
    assert settings.settle_timeout < 5.0
