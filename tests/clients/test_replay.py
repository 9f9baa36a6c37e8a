"""A log that is replayed and recorded is the same log, whatever interrupts it."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict, deque
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from stream_cw.broker import cluster
from stream_cw.broker.cluster import settled
from stream_cw.broker.process import Broker
from stream_cw.clients import delivery
from stream_cw.clients.pace import paced
from stream_cw.clients.progress import Progress, load, progress_path, save
from stream_cw.clients.record import record
from stream_cw.clients.replay import replay
from stream_cw.core.partition import partition_for
from stream_cw.core.records import MAX_AHEAD_MS, Record
from stream_cw.errors import BrokerError, InputError, TopicMismatchError
from stream_cw.history.log import FORMAT, EventLog, LogHeader, encode_header, encode_record
from tests.clients.conftest import BEGIN, MakeTopic, create_topic, write_log
from tests.conftest import OwnKafka

RECENT_IDS = 256
"""What a profile's state remembers: repeats beyond that would count twice."""


def recorded(brokers: str, topic: str, folder: Path) -> list[Record]:
    path = folder / "back.jsonl"
    with path.open("wb") as out:
        report = record(brokers, out, topic=topic)
    records = list(EventLog(path))
    assert len(records) == report.records
    return records


def by_partition(records: list[Record]) -> dict[int, list[tuple[bytes | None, bytes | None]]]:
    found = defaultdict(list)
    for one in records:
        found[one.partition].append((one.key, one.value))
    return dict(found)


def appended(brokers: str, topic: str, partitions: int) -> int:
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "count"})
    places = [TopicPartition(topic, number) for number in range(partitions)]
    ends = [settled(partial(consumer.get_watermark_offsets, place, timeout=20)) for place in places]
    consumer.close()
    return sum(end for _, end in ends)


@pytest.mark.kafka
def test_a_plain_log_comes_back_by_key_and_in_order(
    kafka: Broker, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = make_topic("events", partitions=3)
    log = write_log(tmp_path / "log.jsonl", profiles=17, events=2_000)
    seen = []
    report = replay(log, kafka.address, topic=topic, watch=lambda one, _: seen.append(one))

    back = recorded(kafka.address, topic, tmp_path)
    assert by_partition(back) == by_partition(list(EventLog(log, partitions=3)))
    assert all(partition_for(one.key or b"", 3) == one.partition for one in back)
    assert all(one.append_ts is not None and one.append_ts > BEGIN for one in back)
    assert len(seen) == report.records == report.acknowledged == 2_000
    assert sum(report.ends.values()) == 2_000
    assert not progress_path(log).exists()


@pytest.mark.kafka
def test_a_recording_goes_out_exactly_as_it_was(
    kafka: Broker, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = make_topic("events", partitions=2)
    odd: list[tuple[bytes | None, bytes | None]] = [
        (b"profile-1", b'{"type":"play"'),
        (b"\xff\xfe", b"\xc3\x28 not UTF-8"),
        (None, b"no key"),
        (b"", b""),
        (b"profile-1", None),
        (b"profile-1", b'{"a": 1,\n "b":\t2}'),
        (b"profile-2", b'{"ts":1e999}'),
        (b"profile-2", b"x" * 900_000),
    ]
    path = tmp_path / "recording.jsonl"
    with path.open("wb") as file:
        header = LogHeader(stream_cw_log=FORMAT, topic="other", epoch="0" * 32, partitions=2)
        file.write(encode_header(header) + b"\n")
        for partition in (1, 0):  # each key in both: one of the two is the wrong partition
            for offset, (key, value) in enumerate(odd):
                file.write(encode_record(Record(key, value, partition, offset, 1)) + b"\n")
    replay(path, kafka.address, topic=topic)
    assert by_partition(recorded(kafka.address, topic, tmp_path)) == {0: odd, 1: odd}


@pytest.mark.kafka
def test_a_recording_needs_as_many_partitions(
    kafka: Broker, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = make_topic("events", partitions=2)
    path = tmp_path / "recording.jsonl"
    header = LogHeader(stream_cw_log=FORMAT, topic=topic, epoch="0" * 32, partitions=4)
    path.write_bytes(encode_header(header) + b"\n")
    with pytest.raises(TopicMismatchError, match=r"wanted 4 partitions.*found 2"):
        replay(path, kafka.address, topic=topic)


@pytest.mark.kafka
@pytest.mark.parametrize(("number", "profiles"), [(signal.SIGINT, 40), (signal.SIGKILL, 1)])
def test_an_interrupted_replay_goes_on(
    kafka: Broker, make_topic: MakeTopic, tmp_path: Path, number: signal.Signals, profiles: int
) -> None:
    topic = make_topic("events", partitions=2)
    log = write_log(tmp_path / "log.jsonl", profiles=profiles, events=60_000)
    code = (
        "import sys, time; from pathlib import Path; from stream_cw.clients.replay import replay;"
        "slowly = lambda *_: time.sleep(1e-4);"  # so that it is not through when the signal comes
        "replay(Path(sys.argv[1]), sys.argv[2], topic=sys.argv[3], watch=slowly)"
    )
    command = [sys.executable, "-c", code, str(log), kafka.address, topic]
    for least in (4_000, 20_000):  # two interrupts: the second run resumes before it is ended
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        try:
            deadline = time.monotonic() + 60
            while appended(kafka.address, topic, 2) < least and time.monotonic() < deadline:
                assert process.poll() is None, process.stderr and process.stderr.read()
            process.send_signal(number)
            process.communicate(timeout=30)
            assert process.returncode == -number
        finally:
            process.kill()
            process.wait()
    assert progress_path(log).exists()
    report = replay(log, kafka.address, topic=topic)

    assert 0 < report.resumed < report.records == 60_000
    assert_no_loss(recorded(kafka.address, topic, tmp_path), list(EventLog(log, partitions=2)))
    assert not progress_path(log).exists()


def assert_no_loss(back: list[Record], wanted: list[Record]) -> None:
    """Each profile's records are all there and in order once repeats of recent ids are dropped."""
    remembered: dict[bytes | None, deque[bytes | None]] = defaultdict(
        lambda: deque(maxlen=RECENT_IDS)
    )
    kept = defaultdict(list)
    for one in back:
        recent = remembered[one.key]
        if one.value not in recent:
            recent.append(one.value)
            kept[one.key].append(one.value)
    source = defaultdict(list)
    for one in wanted:
        source[one.key].append(one.value)
    assert kept == source


@pytest.mark.kafka
def test_a_refused_record_is_an_error_and_the_prefix_is_kept(
    kafka: Broker, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = make_topic("events", partitions=1, max_message_bytes="2000")
    log = write_log(tmp_path / "log.jsonl", profiles=3, events=500)
    lines = log.read_bytes().splitlines()
    lines[300] = lines[300][:-1] + b',"more":"' + os.urandom(4_000).hex().encode() + b'"}'
    log.write_bytes(b"\n".join(lines))
    with pytest.raises(BrokerError, match="not delivered"):
        replay(log, kafka.address, topic=topic)
    back = recorded(kafka.address, topic, tmp_path)
    # What came behind the refused one did not overtake it.
    assert [one.value for one in back] == lines[: len(back)]
    assert len(back) <= 300
    if progress_path(log).exists():
        assert json.loads(progress_path(log).read_bytes())["acknowledged"] <= len(back)


@pytest.mark.kafka
def test_a_broker_that_falls_silent_is_an_error_and_the_replay_goes_on_later(
    own_kafka: OwnKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = own_kafka()
    create_topic(broker, "events", 1)
    log = write_log(tmp_path / "log.jsonl", profiles=1, events=1_000)

    def halt(_one: Record, acknowledged: int) -> None:
        if acknowledged > 400:
            monkeypatch.setattr(delivery, "STALLED_SECONDS", 1.0)
            monkeypatch.setattr(delivery, "INTERRUPT_SECONDS", 0.2)
            broker.pause()

    with pytest.raises(BrokerError, match="no acknowledgement for 1 s"):
        replay(log, broker.address, topic="events", watch=halt)
    broker.resume()
    monkeypatch.undo()
    report = replay(log, broker.address, topic="events")
    assert report.resumed > 0
    assert_no_loss(recorded(broker.address, "events", tmp_path), list(EventLog(log)))


@pytest.mark.kafka
def test_a_missing_topic_is_named(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.jsonl", profiles=1, events=1)
    with pytest.raises(TopicMismatchError, match=rf"topic {prefix}none: wanted .* not found"):
        replay(log, kafka.address, topic=f"{prefix}none")
    with pytest.raises(TopicMismatchError, match=rf"topic {prefix}none: wanted .* not found"):
        record(kafka.address, io.BytesIO(), topic=f"{prefix}none")


def test_no_broker_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "TIMEOUT_S", 0.5)
    log = write_log(tmp_path / "log.jsonl", profiles=1, events=1)
    with pytest.raises(BrokerError, match=r"127\.0\.0\.1:9: "):
        replay(log, "127.0.0.1:9", topic="events")


def test_progress_of_another_log_or_topic_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.progress"
    assert load(path, "log", "epoch") == 0
    save(path, Progress(log="log", epoch="epoch", acknowledged=7))
    assert load(path, "log", "epoch") == 7
    with pytest.raises(InputError, match="another log"):
        load(path, "other", "epoch")
    with pytest.raises(InputError, match="another topic"):
        load(path, "log", "other")
    path.write_bytes(b"{")
    with pytest.raises(InputError, match="remove it"):
        load(path, "log", "epoch")


def test_the_pace_follows_event_time(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.jsonl", profiles=1, events=4)  # a second apart
    first, second, third, fourth = EventLog(log)
    unreadable = Record(b"p", b"{", 0, 0)
    append_ts = BEGIN - MAX_AHEAD_MS - 1
    ahead = Record(fourth.key, fourth.value, 0, 3, append_ts)  # refused, so not waited for
    now = 100.0

    def wait(seconds: float) -> None:
        nonlocal now
        now += min(seconds, 0.03)

    records = [first, second, unreadable, third, second, ahead]
    times = [round(now - 100, 6) for _ in paced(records, 10.0, clock=lambda: now, wait=wait)]
    assert times == [0, 0.1, 0.1, 0.2, 0.2, 0.2]
