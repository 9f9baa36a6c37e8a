"""When a profile is forgotten its dead letters go, too: on the topic, and on the broker's disk."""

import asyncio
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource
from worker_support import RUN, forget, last_values, make_events, produce, wait_until, workers
from worker_system import PARTITIONS, System

from stream_cw.broker.contract import topic_names
from stream_cw.broker.process import free_port
from stream_cw.broker.topics import apply_topics
from stream_cw.core.letter_erasure import ORDER_PREFIX
from stream_cw.core.partition import partition_for
from stream_cw.worker import eraser
from stream_cw.worker.eraser import Eraser
from stream_cw.worker.stats import Stats
from tests.conftest import OwnKafka

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

ANN, BOB = b"profile-0", b"profile-1"
HOME = partition_for(ANN, PARTITIONS)
SECRET = b"what-ann-watched"
BLIND = f"""
from stream_cw.worker.eraser import Eraser

Eraser.look = lambda self: None
{RUN}"""
"""A worker that dies before it looks for letters to erase."""


def bad(key: bytes | None, value: bytes | None, partition: int = HOME) -> tuple:
    return key, value, partition


def left(system: System) -> set[bytes | None]:
    """Values of the letters that a compacted topic has."""
    return {
        value
        for key, value in last_values(system.letters()).items()
        if not key.startswith(ORDER_PREFIX)
    }


def test_the_letters_of_a_forgotten_profile_are_erased_whoever_dies(system: System) -> None:
    of_ann = [
        bad(ANN, b'{"1'),
        bad(ANN, b'{"2', 1 - HOME),
        bad(None, b'{"profile_id":"profile-0","a":3}'),
        bad(b"other", b'{"profile_id":"profile-0","a":4}', 1 - HOME),
        bad(ANN, None),
    ]
    of_others = [
        bad(BOB, b'{"5', partition_for(BOB, PARTITIONS)),
        bad(None, b"profile-0 6"),
        bad(b"profile-00", b'{"7'),
    ]
    system.produce([*make_events(2, 20), *of_ann, *of_others])
    first = system.start(code=BLIND)
    system.wait_until_through(first)
    values = {value or b"" for _, value, _ in (*of_ann, *of_others)}
    assert left(system) == values
    system.produce([forget(0, 1), bad(ANN, b'{"8')])
    system.wait_until_through(first)
    first.kill()
    assert left(system) == values | {b'{"8'}
    kept = {value for _, value, _ in of_others} | {b'{"8'}
    second = system.start()
    wait_until(lambda: left(system) == kept, "what a dead worker left is erased")
    assert second.stop()["letters_erased"] == len(of_ann)


def test_a_running_worker_erases_them_and_compaction_takes_the_bytes(
    own_kafka: OwnKafka, prefix: str, tmp_path: Path
) -> None:
    kafka = own_kafka(settings={"log.cleaner.backoff.ms": "200"})
    topics = topic_names(prefix)
    apply_topics(kafka.address, topics, partitions=PARTITIONS)
    with workers(tmp_path, brokers=kafka.address, topic_prefix=prefix) as start:
        system = System(kafka.address, prefix, topics, start)
        worker = system.start()
        system.produce([bad(ANN, b'{"' + SECRET), bad(BOB, b'{"bob', 1 - HOME)])
        system.wait_until_through(worker)
        assert _on_disk(tmp_path, topics.dead_letters, SECRET)
        system.produce([forget(0, 1)])
        wait_until(lambda: left(system) == {b'{"bob'}, "the letter is erased")
        worker.stop()
    # As after a day and an hour; the worker would refuse such settings.
    quick = {"segment.ms": "100", "max.compaction.lag.ms": "100", "file.delete.delay.ms": "0"}
    _set(kafka.address, topics.dead_letters, quick)

    def gone() -> bool:
        produce(kafka.address, topics.dead_letters, 1, [(b"9/9", b"rolls the segment", 0)])
        return not _on_disk(tmp_path, topics.dead_letters, SECRET)

    wait_until(gone, "the bytes are gone")
    assert _on_disk(tmp_path, topics.dead_letters, b'{"bob')


def test_a_broker_that_is_away_ends_no_worker(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eraser, "REST_SECONDS", 0.0)
    failures: list[BaseException] = []

    def tries() -> int:
        return sum("are not erased yet" in record.getMessage() for record in caplog.records)

    async def main() -> None:
        nobody = f"127.0.0.1:{free_port()}"
        looking = Eraser(nobody, "letters", lambda: pytest.fail("sent"), Stats(), failures.append)
        running = asyncio.create_task(looking.run())
        looking.look()
        await asyncio.to_thread(wait_until, lambda: tries() > 1, "another try")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())
    assert not failures


def _on_disk(root: Path, topic: str, found: bytes) -> bool:
    logs = [log for folder in root.glob(f"kafka-*/**/{topic}-0") for log in folder.glob("*.log")]
    assert logs
    return any(found in _bytes(log) for log in logs)


def _bytes(log: Path) -> bytes:
    try:
        return log.read_bytes()
    except FileNotFoundError:  # a segment goes away under the reader
        return b""


def _set(brokers: str, topic: str, settings: dict[str, str]) -> None:
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in settings.items()
    ]
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=entries)
    admin = AdminClient({"bootstrap.servers": brokers, "log_level": 0})
    for answer in admin.incremental_alter_configs([resource]).values():
        answer.result(30)
