"""The whole path on Apache Kafka: what comes out is what the offline replay says, byte for byte."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from oracle import Verdict, judge
from worker_support import WorkerProcess, committed, log_ends, wait_until, workers

from stream_cw.broker.cluster import connect
from stream_cw.broker.contract import Topics, topic_names
from stream_cw.broker.process import Broker
from stream_cw.broker.topics import apply_topics
from stream_cw.clients.replay import replay
from stream_cw.history.netflix import import_netflix
from stream_cw.history.simulator import simulate

PARTITIONS = 4

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

StartWorker = Callable[..., WorkerProcess]


class Scene:
    """A set of topics of its own on a broker, with workers and a log."""

    def __init__(self, broker: Broker, prefix: str, folder: Path) -> None:
        self.broker = broker
        self.folder = folder
        self.topics: Topics = topic_names(prefix)
        self.admin = connect(broker.address)
        apply_topics(broker.address, self.topics, partitions=PARTITIONS)

    def produce(self, log: Path, speed: float | None = None) -> None:
        replay(log, self.broker.address, topic=self.topics.events, speed=speed)

    def done(self) -> int:
        """How many records of the event topic are committed."""
        return sum(
            max(0, offset)
            for offset in committed(self.broker.address, self.topics, PARTITIONS).values()
        )

    def wait_until_done(self) -> None:
        wanted = sum(log_ends(self.broker.address, self.topics.events, PARTITIONS).values())
        wait_until(lambda: self.done() == wanted, f"{wanted} records committed", 120)

    def members(self) -> int:
        """How many workers hold partitions in a settled group."""
        asked = self.admin.describe_consumer_groups([self.topics.app_id])
        try:
            group = asked[self.topics.app_id].result(timeout=20)
        except KafkaException:  # the coordinator is not there yet
            return 0
        if group.state.name != "STABLE":
            return 0
        return sum(1 for member in group.members if member.assignment.topic_partitions)

    def judge(self) -> Verdict:
        return judge(self.broker.address, self.topics, PARTITIONS, self.folder)


@pytest.fixture
def scene(kafka: Broker, prefix: str, tmp_path: Path) -> Scene:
    return Scene(kafka, prefix, tmp_path)


@contextmanager
def started(scene: Scene, prefix: str) -> Iterator[StartWorker]:
    with workers(
        scene.folder / "workers", brokers=scene.broker.address, topic_prefix=prefix
    ) as start:
        yield start


@pytest.fixture
def start(scene: Scene, prefix: str) -> Iterator[StartWorker]:
    with started(scene, prefix) as start:
        yield start


@pytest.fixture(scope="session")
def export_log(export_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "export.jsonl"
    with path.open("wb") as out:
        import_netflix(export_path, out, account="test", tz="America/Sao_Paulo")
    return path


@pytest.fixture(scope="session")
def simulated_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("simulated") / "log.jsonl"
    with path.open("wb") as out:
        simulate(60, 20, 7, out, None, None)
    return path


@pytest.mark.data
def test_the_export_through_two_workers_equals_the_replay(scene, start, export_log, capsys):
    one, two = start("one"), start("two")
    wait_until(lambda: scene.members() == 2, "two workers share the partitions")
    began = time.monotonic()
    scene.produce(export_log)
    scene.wait_until_done()
    seconds = time.monotonic() - began
    stats = [one.stop(), two.stop()]
    verdict = scene.judge()
    with capsys.disabled():
        counts = {
            name: sum(each[name] for each in stats)
            for name in ("events", "rows", "conflated", "held_back")
        }
        print(f"\nexport, 2 workers: {verdict.figures()}; {counts}; {seconds:.1f} s")  # noqa: T201
    assert verdict.holds, verdict
    assert verdict.lower == 0
    assert verdict.dead_letters == 0
    assert all(each["events"] > 0 for each in stats), "both had a share"


@pytest.mark.data
@pytest.mark.parametrize("wipe", [False, True], ids=["directory kept", "directory wiped"])
def test_a_killed_worker_loses_and_doubles_nothing(scene, start, export_log, wipe, capsys):
    one, two = start("one"), start("two")
    wait_until(lambda: scene.members() == 2, "two workers share the partitions")
    producing = threading.Thread(target=scene.produce, args=(export_log,))
    producing.start()
    wait_until(lambda: scene.done() > 3_000, "the worker is in the middle")
    one.kill()
    producing.join()
    if wipe:
        _wipe(one.folder / "data")
    again = start("one")
    wait_until(lambda: scene.members() == 2, "the killed worker is back")
    scene.wait_until_done()
    again.stop()
    two.stop()
    verdict = scene.judge()
    with capsys.disabled():
        print(f"\nkilled, directory {'wiped' if wipe else 'kept'}: {verdict.figures()}")  # noqa: T201
    assert verdict.holds, verdict


def _wipe(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def test_without_the_guard_the_comparison_goes_red(scene, start, simulated_log):
    """The negative control: the oracle sees what a missing guard does."""
    settings = {"unsafe_no_guard": True, "commit_interval": 60}
    one = start("one", **settings)
    scene.produce(simulated_log)
    total = sum(log_ends(scene.broker.address, scene.topics.events, PARTITIONS).values())
    wait_until(lambda: _changelog_records(scene) > total // 20, "states are written")
    one.kill()
    start("one", unsafe_no_guard=True)
    scene.wait_until_done()
    verdict = scene.judge()
    assert not verdict.holds
    assert verdict.states_wrong


def _changelog_records(scene: Scene) -> int:
    return sum(log_ends(scene.broker.address, scene.topics.changelog, PARTITIONS).values())


@pytest.mark.timeout(400)
def test_a_slow_broker_while_a_second_worker_comes_and_goes(
    own_kafka, prefix, tmp_path, simulated_log, capsys
):
    """Rule 4: a round never outlives its assignment, however slowly it is acknowledged."""
    scene = Scene(own_kafka(), prefix, tmp_path)
    ended = threading.Event()
    slowing = threading.Thread(target=_slow_down, args=(scene.broker, ended))
    producing = threading.Thread(target=scene.produce, args=(simulated_log, 20_000.0))
    with started(scene, prefix) as start:
        one = start("one")
        wait_until(lambda: scene.members() == 1, "the first worker works")
        producing.start()
        slowing.start()
        try:
            for _ in range(4):
                two = start("two")
                wait_until(lambda: scene.members() == 2, "the second worker has its share", 120)
                before = scene.done()
                wait_until(lambda before=before: scene.done() > before, "both go on")
                two.send(signal.SIGTERM)
                assert two.wait() == 0, two.log()
        finally:
            ended.set()
            slowing.join()
            producing.join()
        scene.wait_until_done()
        one.stop()
        verdict = scene.judge()
    with capsys.disabled():
        print(f"\nslow broker, four hand-overs: {verdict.figures()}")  # noqa: T201
    assert verdict.holds, verdict


def _slow_down(broker: Broker, ended: threading.Event) -> None:
    """Halt the broker for 1.2 s again and again."""
    while not ended.wait(0.4):
        broker.pause()
        ended.wait(1.2)
        broker.resume()
