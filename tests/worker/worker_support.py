"""Make events, run workers as processes, and read what they wrote."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import msgspec
import rocksdict
from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from stream_cw.broker.cluster import settled
from stream_cw.broker.contract import Topics
from stream_cw.core.events import (
    BaseEvent,
    Episode,
    Event,
    ForgetProfile,
    Play,
    SessionStart,
    Stop,
    encode_event,
)
from stream_cw.core.partition import partition_for
from stream_cw.worker.store import OFFSET_KEY

START = 1_700_000_000_000
RUN = """
from stream_cw.config import load_settings
from stream_cw.worker.run import run_worker

raise SystemExit(run_worker(load_settings()))
"""
"""What a worker's process runs; tests put before it what is to be otherwise."""


def make_events(profiles: int, number: int, seed: int = 1) -> list[Event]:
    """Plays and stops of series, with a session now and then; each profile has two devices."""
    rng = random.Random(seed)
    return list(islice(endless_events(rng, lambda: rng.randrange(profiles)), number))


def endless_events(
    rng: random.Random, next_profile: Callable[[], int], start: int = START
) -> Iterator[Event]:
    """Go on for ever: whose turn it is says the caller, what it does the generator of numbers."""
    clocks: dict[int, int] = {}
    playing: dict[int, Play] = {}
    for number in count():
        p = next_profile()
        clocks[p] = clocks.get(p, start + p * 1000) + rng.randrange(60_000, 3_000_000)
        yield _event(rng, p, clocks[p], playing, number)


def _event(rng: random.Random, p: int, ts: int, playing: dict[int, Play], number: int) -> Event:
    common: dict[str, Any] = {
        "event_id": f"e{number}",
        "profile_id": f"profile-{p}",
        "device_id": f"device-{p}-{rng.randrange(2)}",
        "device_type": "tv",
        "ts": ts,
    }
    open_play = playing.get(p)
    if open_play is not None and rng.random() < 0.8:
        del playing[p]
        common["device_id"] = open_play.device_id
        return Stop(title=open_play.title, position_ms=1_500_000, **common)
    if rng.random() < 0.2:
        return SessionStart(**common)
    show = rng.randrange(30)
    title = Episode(
        id=f"title-{show}-{rng.randrange(8)}",
        series_id=f"series-{show}",
        duration_ms=2_700_000,
    )
    playing[p] = Play(title=title, position_ms=0, **common)
    return playing[p]


def forget(profile: int, number: int, ts: int = START) -> ForgetProfile:
    return ForgetProfile(
        event_id=f"f{number}",
        profile_id=f"profile-{profile}",
        device_id=f"device-{profile}-0",
        device_type="tv",
        ts=ts,
    )


def produce(
    brokers: str,
    topic: str,
    partitions: int,
    events: Iterable[BaseEvent | tuple[bytes | None, bytes | None, int]],
) -> None:
    """Produce events to their partitions; a tuple is a key, a value and a partition as given."""
    producer = Producer(
        {
            "bootstrap.servers": brokers,
            "linger.ms": 5,
            "log_level": 0,
            "message.max.bytes": 2_000_000,  # the broker's own limit is what counts
        }
    )
    failures: list[Any] = []
    for event in events:
        if isinstance(event, tuple):
            key, value, partition = event
        else:
            key, value = event.profile_id.encode(), encode_event(event)
            partition = partition_for(key, partitions)
        while True:
            try:
                producer.produce(
                    topic,
                    key=key,
                    value=value,
                    partition=partition,
                    on_delivery=lambda error, _: failures.append(error) if error else None,
                )
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    assert producer.flush(60) == 0
    assert not failures


Message = tuple[bytes | None, bytes | None, list[tuple[str, bytes]], int, int]


def read_all(brokers: str, topic: str, partitions: int) -> list[Message]:
    """Read a topic to its end: key, value, headers, partition, offset."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "reader-of-tests",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )
    try:
        consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in range(partitions)])
        found: list[Message] = []
        ended: set[int] = set()  # where somebody still writes, an end is told again and again
        deadline = time.monotonic() + 60
        while len(ended) < partitions:
            assert time.monotonic() < deadline, f"{topic} could not be read in 60 s"
            for message in consumer.consume(1000, timeout=0.2):
                if (error := message.error()) is not None:
                    if error.code() == KafkaError._PARTITION_EOF:
                        ended.add(message.partition())
                    continue
                found.append(
                    (
                        message.key(),
                        message.value(),
                        message.headers() or [],
                        message.partition(),
                        message.offset(),
                    )
                )
        return found
    finally:
        consumer.close()


def last_values(messages: Iterable[Message]) -> dict[bytes, bytes]:
    """What a compacted topic comes to."""
    last: dict[bytes, bytes] = {}
    for key, value, *_ in messages:
        assert key is not None
        if value is None:
            last.pop(key, None)
        else:
            last[key] = value
    return last


def rows_by_device(messages: Iterable[Message]) -> dict[bytes, list[bytes | None]]:
    rows: dict[bytes, list[bytes | None]] = defaultdict(list)
    for key, value, *_ in messages:
        assert key is not None
        rows[key].append(value)
    return rows


def committed(brokers: str, topics: Topics, partitions: int) -> dict[int, int]:
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": topics.app_id, "log_level": 0})
    try:
        asked = [TopicPartition(topics.events, n) for n in range(partitions)]
        try:
            found = settled(lambda: consumer.committed(asked, timeout=20))
            return {place.partition: place.offset for place in found}
        except KafkaException:  # the broker is away
            return dict.fromkeys(range(partitions), OFFSET_INVALID)
    finally:
        consumer.close()


def log_ends(brokers: str, topic: str, partitions: int) -> dict[int, int]:
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "ends", "log_level": 0})
    try:
        places = [TopicPartition(topic, n) for n in range(partitions)]
        return {
            place.partition: settled(partial(consumer.get_watermark_offsets, place, timeout=20))[1]
            for place in places
        }
    finally:
        consumer.close()


def sharing(client: AdminClient, group_id: str) -> int:
    """How many workers hold partitions in a settled group."""
    asked = client.describe_consumer_groups([group_id], request_timeout=10)
    try:
        group = asked[group_id].result(timeout=20)
    except KafkaException:  # nobody has joined yet, or the coordinator is not there
        return 0
    if group.state.name != "STABLE":
        return 0
    return sum(1 for member in group.members if member.assignment.topic_partitions)


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {what}"
        time.sleep(0.05)


class WorkerProcess:
    """A worker in a process of its own."""

    def __init__(self, folder: Path, settings: dict[str, Any], code: str = RUN) -> None:
        self.folder = folder
        self.stats_file = folder / "stats.json"
        self._log = (folder / "log.txt").open("ab")
        self._begins = self._log.tell()
        given = {"data_dir": folder / "data", "stats_file": self.stats_file, **settings}
        environment = {
            **os.environ,
            **{
                f"STREAM_CW_{name.upper()}": str(value)
                for name, value in given.items()
                if value is not None
            },
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=self._log, stderr=self._log
        )

    def log(self) -> str:
        return (self.folder / "log.txt").read_text(errors="replace")

    def stats(self) -> dict[str, int]:
        return json.loads(self.stats_file.read_bytes())

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = 40.0) -> int:
        return self.process.wait(seconds)

    def stop(self) -> dict[str, int]:
        """End it gracefully; one that has only just begun knows no SIGTERM, and is waited for."""
        wait_until(lambda: self._knows_signals() or self.process.poll() is not None, "a start")
        self.send(signal.SIGTERM)
        assert self.wait() == 0, self.log()
        return self.stats()

    def _knows_signals(self) -> bool:
        with (self.folder / "log.txt").open("rb") as log:
            log.seek(self._begins)
            return b"catalog of " in log.read()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(20)

    def close(self) -> None:
        if self.process.poll() is None:
            self.kill()
        self._log.close()


def stored(worker: WorkerProcess) -> dict[bytes, bytes]:
    """What the stores of a worker that has ended hold, marks and places left out."""
    found: dict[bytes, bytes] = {}
    for path in (worker.folder / "data").rglob("*.db"):
        db = rocksdict.Rdict(str(path), options=rocksdict.Options(raw_mode=True))
        found.update({key: value for key, value in db.items() if not key.startswith(b"!")})
        db.close()
    found.pop(OFFSET_KEY, None)
    return found


def end_of(worker: WorkerProcess) -> str:
    """Wait until a worker ends by itself; its last line but the counts."""
    assert worker.wait() == 1, worker.log()
    log = worker.log()
    assert "Traceback" not in log
    errors = [line for line in log.splitlines() if " ERROR stream_cw.worker: " in line]
    assert len(errors) == 1, log
    return errors[0].split(" ERROR stream_cw.worker: ")[1]


@contextmanager
def workers(
    root: Path, *, code: str = RUN, **common: Any
) -> Iterator[Callable[..., WorkerProcess]]:
    """Start workers by name; the same name finds the same folder again.

    They order rows by recency where a test says nothing else: it is the quicker oracle. A setting
    that is None is left at its default.
    """
    started: list[WorkerProcess] = []
    of_all = code

    def start(name: str = "one", *, code: str = of_all, **settings: Any) -> WorkerProcess:
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        worker = WorkerProcess(folder, {"model": "recency", **common, **settings}, code)
        started.append(worker)
        return worker

    try:
        yield start
    finally:
        for worker in started:
            worker.close()


decode_json = msgspec.json.decode
