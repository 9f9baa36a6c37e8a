"""The import of a viewing export: what each row becomes, and what of a file is refused."""

import io
import re
from itertools import pairwise
from pathlib import Path

import pytest
from netflix_rows import HEADER, PHONE, TV, imported, row, write_export

from stream_cw.core.events import Episode, Movie, Play, SessionStart, Stop, Supplemental
from stream_cw.errors import ExportFormatError, InputError, SettingsError
from stream_cw.history.netflix import BadRows, import_netflix, report_lines
from stream_cw.history.titles import short_hash

EIGHT = 1_709_323_200_000
"""2024-03-01 20:00:00 UTC."""
MINUTE = 60_000


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return tmp_path / "ViewingActivity.csv"


def test_a_row_is_a_session_start_a_play_and_a_stop(export: Path) -> None:
    write_export(export, [row(duration="00:30:00", bookmark="00:45:00", country="DE (Germany)")])
    (start, play, stop), report = imported(export)
    assert isinstance(start, SessionStart)
    assert (start.inferred, start.ts, start.device_type) == (True, EIGHT, "tv")
    assert isinstance(play, Play)
    assert (play.ts, play.position_ms, play.autoplay) == (EIGHT, 15 * MINUTE, False)
    assert play.title == Movie(id=short_hash("movie", "A Film"))
    assert (play.country, play.tz_offset_min) == ("DE", 60)
    assert play.device_id == TV.replace(" ", "_")
    assert isinstance(stop, Stop)
    assert (stop.ts, stop.position_ms, stop.title) == (EIGHT + 30 * MINUTE, 45 * MINUTE, play.title)
    assert (report.rows, report.events, report.plays, report.sessions) == (1, 3, 1, 1)
    assert len({start.event_id, play.event_id, stop.event_id}) == 3


def test_the_position_of_a_play_is_never_negative(export: Path) -> None:
    write_export(export, [row(duration="00:30:00", bookmark="00:10:00")])
    (_, play, stop), _ = imported(export)
    assert (play.position_ms, stop.position_ms) == (0, 10 * MINUTE)


@pytest.mark.parametrize("seconds", [1, 59])
def test_a_row_of_less_than_a_minute_is_a_play(export: Path, seconds: int) -> None:
    write_export(export, [row(duration=f"00:00:{seconds:02}")])
    (_, play, stop), report = imported(export)
    assert (type(play), type(stop), report.plays) == (Play, Stop, 1)
    assert (stop.ts - play.ts, stop.position_ms) == (seconds * 1000, seconds * 1000)


def test_no_name_leaves_the_file(export: Path) -> None:
    write_export(
        export,
        [
            row(profile="Annabelle", title="Westwood: Season 1: Pilot (Episode 1)"),
            row("2024-03-02 20:00:00", profile="Annabelle", title="Solaris"),
            row(
                "2024-03-03 20:00:00",
                profile="Annabelle",
                title="Solaris (Trailer)",
                supplemental="TRAILER",
            ),
        ],
    )
    out = io.BytesIO()
    report = import_netflix(export, out, account="someone@example.org")
    told = out.getvalue().decode() + "\n".join(report_lines(report))
    for name in ("Annabelle", "Westwood", "Pilot", "Solaris", "someone"):
        assert name.lower() not in told.lower()


def test_profiles_of_two_exports_never_meet_and_those_of_one_account_do(tmp_path: Path) -> None:
    one = write_export(tmp_path / "1.csv", [row()])
    two = write_export(tmp_path / "2.csv", [row("2024-03-02 20:00:00")])

    def profile(path: Path, account: str | None) -> str:
        return imported(path, account=account)[0][0].profile_id

    assert profile(one, None) != profile(two, None)
    assert profile(one, None) == profile(one, None)
    assert profile(one, "home") == profile(two, "home") != profile(one, "away")


@pytest.mark.parametrize(
    ("attributes", "supplemental", "autoplay"),
    [
        ("Autoplayed: user action: None; ", "", True),
        ("Autoplayed: user action: Unspecified; ", "", True),
        ("Has branched playback; Autoplayed: user action: None; ", "", True),
        ("Autoplayed: user action:None;Has branched playback", "", True),
        ("Autoplayed: user action: User_Interaction; ", "", False),
        ("Autoplayed: user action: Visibility_Timeout; ", "", False),
        ("Has branched playback; ", "", False),
        ("", "", False),
        ("user action: None", "", True),
        ("Comment: None", "", False),
        ("Autoplayed: user action: None; ", "TRAILER", False),
    ],
)
def test_autoplay(export: Path, attributes: str, supplemental: str, autoplay: bool) -> None:
    write_export(export, [row(attributes=attributes, supplemental=supplemental)])
    (_, play, _), report = imported(export)
    assert isinstance(play, Play)
    assert play.autoplay is autoplay
    assert report.autoplayed == autoplay


def test_any_supplemental_type_is_told_apart(export: Path) -> None:
    types = ["TRAILER", "HOOK", "RECAP", "SOMETHING_NEW"]
    write_export(
        export,
        [
            *(row(f"2024-03-0{day} 20:00:00", supplemental=t) for day, t in enumerate(types, 1)),
            row("2024-03-06 20:00:00", supplemental=""),
        ],
    )
    events, report = imported(export)
    plays = [event for event in events if isinstance(event, Play)]
    assert [isinstance(play.title, Supplemental) for play in plays] == [True] * 4 + [False]
    assert (report.supplemental, report.plays) == (4, 1)


def test_a_running_playback_stops_at_the_next_start_of_its_profile_on_its_device(
    export: Path,
) -> None:
    write_export(
        export,
        [
            row("2024-03-01 20:00:00", "01:00:00", "One"),
            row("2024-03-01 20:10:00", "00:20:00", "Two"),
            row("2024-03-01 20:10:00", "00:20:00", "Elsewhere", device=PHONE),
            row("2024-03-01 20:05:00", "00:20:00", "Somebody else's", profile="Ben"),
        ],
    )
    events, report = imported(export)
    on_tv = [
        (type(event).__name__, (event.ts - EIGHT) // MINUTE)
        for event in events
        if event.device_id.startswith("Samsung") and event.profile_id == events[0].profile_id
    ]
    assert on_tv == [("SessionStart", 0), ("Play", 0), ("Stop", 10), ("Play", 10), ("Stop", 30)]
    assert report.moved_stops == 1
    assert events[-1].ts == EIGHT + 30 * MINUTE


def test_of_two_starts_at_one_time_the_longer_playback_lasts(export: Path) -> None:
    long, short = row(duration="00:20:00", title="Long"), row(duration="00:01:00", title="Short")
    for rows in ([long, short], [short, long]):
        write_export(export, rows)
        events, _ = imported(export)
        assert [type(event).__name__ for event in events] == [
            "SessionStart", "Play", "Stop", "Play", "Stop",
        ]  # fmt: skip
        assert [(event.ts - EIGHT) // MINUTE for event in events] == [0, 0, 0, 0, 20]


def test_a_stop_stands_before_the_plays_of_its_time_and_behind_its_own(export: Path) -> None:
    write_export(
        export,
        [
            row("2024-03-01 20:00:00", "00:10:00", "One"),
            row("2024-03-01 20:10:00", "00:00:00", "Nothing seen"),
            row("2024-03-01 20:10:00", "00:05:00", "On the phone", device=PHONE),
        ],
    )
    events, _ = imported(export)
    seen: dict[str, list[str]] = {}
    for event in events:
        if isinstance(event, Play | Stop):
            seen.setdefault(event.title.id, []).append(type(event).__name__)
    assert list(seen.values()) == [["Play", "Stop"]] * 3
    first_stop = next(index for index, event in enumerate(events) if isinstance(event, Stop))
    assert [isinstance(event, Play) for event in events[:first_stop]].count(True) == 1


@pytest.mark.parametrize(("minutes_rested", "sessions"), [(30, 1), (31, 2)])
def test_a_session_starts_after_more_than_half_an_hour_of_rest(
    export: Path, minutes_rested: int, sessions: int
) -> None:
    write_export(
        export,
        [
            row("2024-03-01 19:00:00", "01:00:00", "One"),
            row("2024-03-01 19:10:00", "00:05:00", "Two"),
            row(f"2024-03-01 20:{minutes_rested}:00", "00:05:00", "Three"),
        ],
    )
    events, report = imported(export)
    assert report.sessions == sessions
    assert sum(isinstance(event, SessionStart) for event in events) == sessions


def test_a_session_belongs_to_one_profile_on_one_device(export: Path) -> None:
    write_export(
        export,
        [
            row("2024-03-01 20:00:00"),
            row("2024-03-01 20:01:00", device=PHONE),
            row("2024-03-01 20:02:00", profile="Ben"),
            row("2024-03-01 20:03:00", supplemental="HOOK", profile="Ben"),
        ],
    )
    events, report = imported(export)
    assert report.sessions == 3
    for event, following in pairwise(events):
        if isinstance(event, SessionStart):
            assert isinstance(following, Play)
            assert (event.ts, event.device_id, event.profile_id) == (
                following.ts, following.device_id, following.profile_id,
            )  # fmt: skip


def test_equal_rows_are_kept_once_and_ids_never_repeat(export: Path) -> None:
    same = row(duration="00:20:00")
    longer = row(duration="00:21:00")
    write_export(export, [same, longer, same])
    events, report = imported(export)
    assert (report.repeated, report.plays) == (1, 2)
    assert len({event.event_id for event in events}) == len(events)


def test_latest_bookmark_is_never_read(export: Path, tmp_path: Path) -> None:
    latest = ["00:10:00", "Not latest view", "", 'odd, "quoted"', "02:00:00"]
    rows = [row(f"2024-03-0{day} 20:00:00", latest=text) for day, text in enumerate(latest, 1)]
    write_export(export, rows)
    permuted = [
        [*r[:8], other[8], r[9]] for r, other in zip(rows, [*rows[2:], *rows[:2]], strict=True)
    ]
    other = write_export(tmp_path / "permuted.csv", permuted)
    for account in (None, "home"):
        logs = []
        for path in (export, other):
            out = io.BytesIO()
            import_netflix(path, out, account=account)
            logs.append(out.getvalue())
        assert logs[0] == logs[1] != b""


GERMAN_SUMMER, BRAZIL = "2024-07-01 20:00:00", "BR (Brazil)"


@pytest.mark.parametrize(
    ("start", "country", "tz", "offset"),
    [
        ("2024-03-01 20:00:00", "DE (Germany)", None, 60),
        (GERMAN_SUMMER, "DE (Germany)", None, 120),
        (GERMAN_SUMMER, "DE (Germany)", "America/Sao_Paulo", 120),
        (GERMAN_SUMMER, "IN (India)", None, 330),
        (GERMAN_SUMMER, BRAZIL, None, None),
        (GERMAN_SUMMER, BRAZIL, "America/Sao_Paulo", -180),
        ("2018-12-01 20:00:00", BRAZIL, "America/Sao_Paulo", -120),
        (GERMAN_SUMMER, "", None, None),
        (GERMAN_SUMMER, "", "Asia/Tokyo", 540),
        (GERMAN_SUMMER, "XX (Nowhere)", "Asia/Tokyo", 540),
        ("2023-07-01 20:00:00", "KZ (Kazakhstan)", None, None),
        ("2024-07-01 20:00:00", "KZ (Kazakhstan)", None, 300),
    ],
)
def test_the_offset_of_local_time(
    export: Path, start: str, country: str, tz: str | None, offset: int | None
) -> None:
    write_export(export, [row(start, country=country)])
    events, report = imported(export, tz=tz)
    assert {event.tz_offset_min for event in events} == {offset}
    assert report.without_offset == (offset is None)
    assert any("--tz" in line for line in report_lines(report)) == (offset is None)


def test_the_offset_changes_within_a_playback(export: Path) -> None:
    write_export(export, [row("2024-03-31 00:50:00", "00:30:00")])
    (start, play, stop), _ = imported(export)
    assert (start.tz_offset_min, play.tz_offset_min, stop.tz_offset_min) == (60, 60, 120)


def test_a_zone_that_does_not_exist_is_refused(export: Path) -> None:
    write_export(export, [row()])
    for name in ("Mars/Olympus", "", "../etc/passwd"):
        with pytest.raises(SettingsError, match="tz: wanted"):
            imported(export, tz=name)


def test_bad_rows_are_told_and_left_out(export: Path) -> None:
    good = row("2024-03-05 20:00:00", title="Die Vögel")
    write_export(
        export,
        [
            good,
            row("yesterday"),
            row("1999-12-31 23:59:59"),
            row(duration="half an hour"),
            row(duration="1:75:00"),
            row(duration="169:00:00"),
            row(bookmark="-00:00:01"),
            row(bookmark="168:00:01"),
            row(profile=" "),
            row(title=""),
            good[:9],
            [*good, "more"],
            row(start="2024-03-06 20:00:00"),
        ],
    )
    with export.open("ab") as file:
        file.write(b'Ana,2024-03-01 20:00:00,00:10:00,,"An open quote,,TV,00:10:00,,DE\n')
        file.write(b"Ana,2024-03-01 20:00:00,00:10:00,,Caf\xe9,,TV,00:10:00,,DE\n")
        file.write(b"\n")
        file.write(b"x" * 200_000 + b"\n")
        file.write(b"Ana,2024-03-07 20:00:00,00:10:00,,After all that,,TV,00:10:00,,DE (Germany)")
    events, report = imported(export)
    assert report.rows == 17
    assert report.plays == 3
    assert {reason: bad.count for reason, bad in report.bad_rows.items()} == {
        "bad Start Time": 2,
        "bad Duration": 3,
        "bad Bookmark": 2,
        "no profile": 1,
        "no title": 1,
        "wrong columns": 2,
        "bad quotes": 1,
        "not UTF-8": 1,
        "line too long": 1,
    }
    assert report.bad_rows["no title"] == BadRows(1, ((11, "Title is empty"),))
    assert report.bad_rows["line too long"].first[0][0] == 18
    assert [line for line, _ in report.bad_rows["bad Duration"].first] == [5, 6, 7]
    assert "found 'half an hour'" in report.bad_rows["bad Duration"].first[0][1]
    assert "  line 11: Title is empty" in list(report_lines(report))
    assert events[-1].ts == 1_709_842_200_000


def test_only_the_first_few_bad_rows_of_a_reason_are_kept(export: Path) -> None:
    write_export(export, [row(title="") for _ in range(100)])
    events, report = imported(export)
    assert events == []
    assert report.bad_rows["no title"].count == 100
    assert len(report.bad_rows["no title"].first) == 5


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "found nothing"),
        (b"\n\n", "found nothing"),
        (b"%PDF-1.7\n%\xe2\xe3\n", "found a PDF"),
        (b"PK\x03\x04\x14\x00", "found an archive"),
        (b"\x1f\x8b\x08\x00", "found an archive"),
        ("Profile Name,Start Time\n".encode("utf-16"), "UTF-16"),
        (b"\x89PNG\r\n\x1a\n", "no table in UTF-8"),
        (b"Title,Date\nA Film,1/2/24\n", "NetflixViewingHistory.csv"),
        ("Título,Fecha\n".encode(), "NetflixViewingHistory.csv"),
        (b"Profile Name,Query Typed,Device\n", "without Start Time, Duration"),
        (",".join(HEADER[:8]).encode(), "without Country, Latest Bookmark"),
        (";".join(HEADER).encode(), "without Profile Name"),
        (b"x" * 200_000, "without Profile Name"),
    ],
)
def test_a_file_of_another_kind_is_refused(export: Path, content: bytes, found: str) -> None:
    export.write_bytes(content)
    with pytest.raises(ExportFormatError, match=re.escape(found)) as refused:
        imported(export)
    assert "wanted a header with the columns Profile Name, Start Time" in str(refused.value)
    assert "CONTENT_INTERACTION/ViewingActivity.csv" in str(refused.value)


def test_a_folder_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportFormatError, match="found a folder"):
        imported(tmp_path)
    with pytest.raises(InputError, match="No such file"):
        imported(tmp_path / "nothing.csv")


def test_a_file_in_another_encoding_is_refused_and_nothing_is_written(export: Path) -> None:
    write_export(export, [row(f"2024-03-0{day} 20:00:00", title="Café") for day in range(1, 9)])
    export.write_bytes(export.read_text("utf-8").encode("latin-1"))
    out = io.BytesIO()
    with pytest.raises(ExportFormatError, match="wanted text in UTF-8, found 8 of 8 rows"):
        import_netflix(export, out)
    assert out.getvalue() == b""


def test_a_byte_order_mark_and_explained_columns_in_another_order_are_read(export: Path) -> None:
    write_export(export, [row()])
    expected, _ = imported(export)
    header = ["Country", "Start Time (UTC)", "duration (H:MM:SS)", "Extra", *HEADER[3:9], HEADER[0]]
    r = row()
    write_export(export, [[r[9], r[1], r[2], "extra", *r[3:9], r[0]]], header)
    export.write_bytes(b"\xef\xbb\xbf" + export.read_bytes().replace(b"\n", b"\r\n"))
    assert imported(export)[0] == expected


def test_progress_is_told_to_the_end(export: Path) -> None:
    write_export(
        export, [row(f"2024-03-01 {n // 60:02}:{n % 60:02}:00", "00:01:00") for n in range(1_200)]
    )
    told: list[tuple[int, int]] = []
    import_netflix(export, io.BytesIO(), progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert len({total for _, total in told}) == 1
    assert told[0][0] < told[-1][0] == told[-1][1]


def test_a_show_has_one_id_in_two_accounts(tmp_path: Path) -> None:
    one = write_export(tmp_path / "1.csv", [row(title="Dark: Staffel 1: Lügen (Folge 2)")])
    two = write_export(
        tmp_path / "2.csv",
        [row(title="Dark: Staffel 3: Déjà-vu (Folge 1)"), row("2024-03-02 20:00:00", title="X")],
    )
    shows = [imported(path, account=None)[0][1].title.series_id for path in (one, two)]  # type: ignore[union-attr]
    assert shows[0] == shows[1]


def test_an_interrupted_import_leaves_no_temporary_file(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setattr("stream_cw.history.external_sort.RUN_LENGTH", 2)
    write_export(export, [row(f"2024-03-0{day} 20:00:00") for day in range(1, 9)])

    class FullDisk(io.BytesIO):
        def write(self, _data: object) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        import_netflix(export, FullDisk())
    assert list(folder.iterdir()) == []


def test_an_episode_is_told_with_its_series_season_and_number(export: Path) -> None:
    write_export(export, [row(title="Dark: Staffel 1: Lügen (Folge 2)")])
    (_, play, _), _ = imported(export)
    assert isinstance(play, Play)
    assert play.title == Episode(
        id=short_hash("episode", "Dark: Staffel 1: Lügen (2)"),
        series_id=short_hash("series", "Dark"),
        season=1,
        episode=2,
    )
