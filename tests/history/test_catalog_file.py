"""Catalog files: entries as JSON lines or as a table, and recordings of the topic."""

import gzip
from pathlib import Path

import pytest
from catalog_strategies import entries
from hypothesis import given
from hypothesis import strategies as st

from stream_cw.core.catalog import (
    EpisodeEntry,
    MovieEntry,
    Season,
    SeriesEntry,
    decode_catalog_entry,
    encode_catalog_entry,
)
from stream_cw.core.records import Record
from stream_cw.core.works import pack_work, unpack_work
from stream_cw.errors import InputError, LogFormatError
from stream_cw.history.catalog_file import Line, RefusedLine, read_catalog, read_lines, read_works
from stream_cw.history.log import FORMAT, LogHeader, encode_header, encode_record
from stream_cw.history.simulator.catalog import catalog_entry, make_catalog
from stream_cw.history.simulator.demo import demo_log

OLD, NEW = MovieEntry(id="film", kids=False), MovieEntry(id="film", kids=True)
SERIES = SeriesEntry(id="series", seasons=[Season(season=1, episodes=[EpisodeEntry(id="e")])])


def lines_of(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def appended(offset: int) -> int:
    """When the broker appended a record, ms."""
    return 1_700_000_000_000 + offset


def recording(path: Path, *changes: tuple[int, bytes | None, bytes | None]) -> Path:
    """A recording of the topic: offset, key, value."""
    header = LogHeader(stream_cw_log=FORMAT, topic="cw.catalog.v1", epoch="0" * 32, partitions=1)
    records = [Record(key, value, 0, offset, appended(offset)) for offset, key, value in changes]
    return lines_of(path, encode_header(header), *map(encode_record, records))


def found_in(path: Path) -> list[tuple[int, int, str, bool]]:
    """Number, offset, id of each line, and whether it takes away; refused ones as their reason."""
    return [
        (line.number, line.offset, line.error.reason, False)
        if isinstance(line, RefusedLine)
        else (line.number, line.offset, line.id, line.value is None)
        for line in read_lines(path)
    ]


class TestEntries:
    def test_the_last_line_of_an_id_counts(self, tmp_path: Path) -> None:
        values = [encode_catalog_entry(each) for each in (OLD, SERIES, NEW)]
        path = lines_of(tmp_path / "c.jsonl", values[0], b"", values[1], values[2])
        assert found_in(path) == [
            (1, 0, "film", False),
            (3, 1, "series", False),
            (4, 2, "film", False),
        ]
        assert read_catalog(path) == ({"film": pack_work(NEW), "series": pack_work(SERIES)}, 3, 0)
        assert read_catalog(path, 1) == ({"film": pack_work(OLD)}, 1, 0)
        assert read_catalog(path, 0) == ({}, 0, 0)

    def test_a_value_goes_out_as_it_stands(self, tmp_path: Path) -> None:
        """With what this version does not know."""
        value = b'{"kind":"movie", "id":"film","colour":"grey"}'
        (line,) = read_lines(lines_of(tmp_path / "c.jsonl", b"  " + value + b" "))
        assert isinstance(line, Line)
        assert line.value == value

    def test_a_refused_line_names_file_line_and_field(self, tmp_path: Path) -> None:
        good = encode_catalog_entry(OLD)
        path = lines_of(tmp_path / "c.jsonl", good, b'{"kind":"movie","id":"x","kids":"so"}', good)
        assert [each[2] for each in found_in(path)] == ["film", "bad_field", "film"]
        with pytest.raises(InputError, match=r"c\.jsonl, line 2: .*`\$\.kids`"):
            read_catalog(path)

    def test_an_event_log_is_no_catalog(self, tmp_path: Path) -> None:
        demo_log(tmp_path / "log.jsonl")
        with pytest.raises(InputError, match="line 1: "):
            read_catalog(tmp_path / "log.jsonl")

    def test_a_version_that_the_file_does_not_have_is_told(self, tmp_path: Path) -> None:
        path = lines_of(tmp_path / "c.jsonl", encode_catalog_entry(OLD))
        with pytest.raises(InputError, match="version 2 of the catalog wanted, found up to 1"):
            read_catalog(path, 2)

    @given(st.lists(entries, max_size=5))
    def test_works_are_those_of_the_entries(self, tmp_path_factory, made) -> None:
        path = tmp_path_factory.getbasetemp() / "entries.jsonl.gz"
        path.write_bytes(gzip.compress(b"\n".join(map(encode_catalog_entry, made))))
        assert read_works(path) == {entry.id: pack_work(entry) for entry in made}

    def test_the_simulated_catalog_is_read(self, tmp_path: Path) -> None:
        catalog = tmp_path / "catalog.jsonl"
        demo_log(tmp_path / "log.jsonl", catalog)
        works = read_works(catalog)
        assert len(works) == 1_000

    def test_files_may_share_works_that_they_agree_about(self, tmp_path: Path) -> None:
        old = lines_of(tmp_path / "old.jsonl", encode_catalog_entry(OLD))
        more = lines_of(tmp_path / "more.jsonl", *map(encode_catalog_entry, (OLD, SERIES)))
        new = lines_of(tmp_path / "new.jsonl", encode_catalog_entry(NEW))
        assert set(read_works(old, more)) == {"film", "series"}
        assert read_works() == {}
        with pytest.raises(InputError, match=r"new\.jsonl: says other things of film"):
            read_works(old, more, new)


class TestRecording:
    def test_a_recording_is_applied_by_its_offsets(self, tmp_path: Path) -> None:
        """With what workers refuse left out, and records that compaction has removed."""
        film, series = encode_catalog_entry(NEW), encode_catalog_entry(SERIES)
        path = recording(
            tmp_path / "c.jsonl",
            (4, b"film", encode_catalog_entry(OLD)),
            (5, b"series", series),
            (7, b"other", film),
            (9, b"film", None),
            (12, b"film", film),
        )
        old, new, shows = pack_work(OLD), pack_work(NEW), pack_work(SERIES)
        states = {
            0: {},
            4: {},
            5: {"film": old},
            6: {"film": old, "series": shows},
            8: {"film": old, "series": shows},
            10: {"series": shows},
            11: {"series": shows},
            13: {"film": new, "series": shows},
        }
        assert {v: read_catalog(path, v).works for v in states} == states
        assert all(read_catalog(path, v).version == v for v in states)
        assert read_catalog(path) == (states[13], 13, appended(12))
        last_read = {0: None, 4: None, 5: 4, 6: 5, 8: 7, 10: 9, 11: 9, 13: 12}
        times = {v: 0 if offset is None else appended(offset) for v, offset in last_read.items()}
        assert {v: read_catalog(path, v).ts for v in states} == times
        assert [each[2:] for each in found_in(path)][2:4] == [
            ("key_mismatch", False),
            ("film", True),
        ]
        with pytest.raises(InputError, match="version 14 of the catalog wanted, found up to 13"):
            read_catalog(path, 14)

    def test_a_recording_of_another_topic_is_told(self, tmp_path: Path) -> None:
        path = recording(tmp_path / "c.jsonl", (0, b"p", b'{"type":"play"}'))
        with pytest.raises(InputError, match="line 2: "):
            read_catalog(path)

    def test_a_damaged_recording_is_told(self, tmp_path: Path) -> None:
        path = recording(tmp_path / "c.jsonl")
        path.write_bytes(path.read_bytes() + b"{\n")
        with pytest.raises(LogFormatError, match="line 2"):
            read_catalog(path)


class TestTable:
    HEAD = (
        "kind,id,series_id,season,episode,episode_end,special,kids,genres,countries,added_ts,"
        "released_ts,duration_ms,name\n"
    )

    def write(self, path: Path, *rows: str) -> Path:
        path.write_text("\ufeff" + self.HEAD + "\n".join(rows), encoding="utf-8")
        return path

    def test_films_series_and_episodes(self, tmp_path: Path) -> None:
        path = self.write(
            tmp_path / "c.csv",
            'movie,film,,,,,,true,drama crime,,,-1000,5400000,"Of mice, and men"',
            "episode,e2,dark,2,1,2,,,,,,,,",
            "series,dark,,,,,,false,,BR US,1700000000000,,,Dark",
            "",
            "episode,e1,dark,1,,,true,,,,,,,null",
            "episode,e3,dark,2,3,,,,,,,,,",
            "episode,x,alone,,,,,,,,,,,",
        )
        found = {line.number: decode_catalog_entry(line.value) for line in read_lines(path)}  # type: ignore[union-attr]
        assert found == {
            2: MovieEntry(
                id="film",
                kids=True,
                genres=["drama", "crime"],
                released_ts=-1000,
                duration_ms=5_400_000,
                name="Of mice, and men",
            ),
            3: SeriesEntry(
                id="dark",
                kids=False,
                countries=["BR", "US"],
                added_ts=1_700_000_000_000,
                name="Dark",
                seasons=[
                    Season(
                        season=2,
                        episodes=[
                            EpisodeEntry(id="e2", episode=1, episode_end=2),
                            EpisodeEntry(id="e3", episode=3),
                        ],
                    ),
                    Season(season=1, episodes=[EpisodeEntry(id="e1", special=True, name="null")]),
                ],
            ),
            8: SeriesEntry(id="alone", seasons=[Season(episodes=[EpisodeEntry(id="x")])]),
        }

    def test_a_bad_line_takes_its_series_with_it_and_nothing_else(self, tmp_path: Path) -> None:
        path = self.write(
            tmp_path / "c.csv",
            "movie,film,,,,,,yes,,,,,,",
            "movie,other,,,,,,,,,,,,",
            "series,dark,,,,,,,,,,,,",
            "episode,e1,dark,first,,,,,,,,,,",
            "episode,e2,dark,1,,,,,,,,,,",
            "series,twice,,,,,,,,,,,,",
            "series,twice,,,,,,,,,,,,",
            "book,b,,,,,,,,,,,,",
            "movie,film,,1,,,,,,,,,,",
            "movie,film,,,,,,,,,,,,,,,",
            "movie,film,,,,,,,,,,,,,x",
            "episode,e1,,1,,,,,,,,,,",
            "series,good,,,,,,,,,,,,",
        )
        told = {
            line.number: line.error.message if isinstance(line, RefusedLine) else line.id
            for line in read_lines(path)
        }
        assert told == {
            2: "Expected `bool | null`, got `str` - at `$.kids`",
            3: "other",
            4: "series left out: its line 5 is refused",
            5: "Expected `int | null`, got `str` - at `$.season`",
            7: "series left out: its line 8 is refused",
            8: "`id` is that of a series with a line before",
            9: "`kind` wanted movie, series or episode",
            10: "`season` is not of this kind of line",
            11: "film",
            12: "`a cell behind the last column` is not of this kind of line",
            13: "Object missing required field `series_id`",
            14: "good",
        }

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b"", "column `.*` wanted once, found 0"),
            (b"kind,id,colour\n", "column `colour` is not one of a catalog"),
            (b"kind,id,name,name\n", "column `name` wanted once, found 2"),
            (b"kind\n", "column `id` wanted once, found 0"),
            (b"kind,id\nmovie,\xff\n", "wanted CSV in UTF-8"),
            (b'kind,id\nmovie,"f"x\n', "wanted CSV in UTF-8"),
        ],
    )
    def test_what_is_no_such_table_is_told(self, tmp_path: Path, content: bytes, told: str) -> None:
        path = tmp_path / "c.csv"
        path.write_bytes(content)
        with pytest.raises(InputError, match=f"c\\.csv: {told}"):
            list(read_lines(path))


def test_works_of_the_simulated_catalog_know_their_episodes() -> None:
    """The layout on real shows: as many episodes as there are items, by season and number."""
    for show in make_catalog(1, 1_700_000_000_000).shows[:50]:
        work = unpack_work(pack_work(catalog_entry(show)))
        assert work.series == show.series
        assert work.kids == show.kids
        assert len(work.episodes) == (len(show.items) if show.series else 0)
        assert [e.from_s * 1000 for e in work.episodes] == [
            item.release_ts for item in show.items if show.series
        ]
