"""The commands on dead letters, on Apache Kafka: list, show, send again."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from program import running
from typer.testing import CliRunner, Result
from worker_support import log_ends, read_all

from stream_cw.broker.contract import topic_names
from stream_cw.broker.process import Broker
from stream_cw.broker.topics import apply_topics
from stream_cw.cli import build_app
from stream_cw.clients.letter_replay import read_mended
from stream_cw.core.dead_letter import dead_letter
from stream_cw.core.letter_erasure import erasure_order
from stream_cw.core.partition import partition_for
from stream_cw.core.records import Record
from stream_cw.errors import InputError, RefusalReason, RefusedRecordError

PARTITIONS = 3
HOSTILE = b'\x1b]0;owned\x07{"a":"\xff\xc2\x9b2J\xe2\x80\xae'
GOOD = {
    "type": "session_start",
    "event_id": "e1",
    "profile_id": "p1",
    "device_id": "tv",
    "device_type": "tv",
    "ts": 1_700_000_000_000,
}
Run = Callable[..., Result]


def an_event(**changes: object) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


class Drawer:
    """Topics of one test, with letters put there as a worker would."""

    def __init__(self, brokers: str, prefix: str) -> None:
        self.brokers, self.prefix = brokers, prefix
        self.topics = topic_names(prefix)
        apply_topics(brokers, self.topics, partitions=PARTITIONS)

    def put(self, key: bytes, value: bytes | None, headers: Any = None) -> None:
        producer = Producer({"bootstrap.servers": self.brokers, "log_level": 0})
        producer.produce(self.topics.dead_letters, value, key, 0, headers=headers)
        assert producer.flush(30) == 0

    def refuse(
        self,
        partition: int,
        offset: int,
        value: bytes | None,
        *,
        key: bytes | None = b"p1",
        reason: RefusalReason = "bad_json",
        max_bytes: int = 1_000_000,
    ) -> None:
        error = RefusedRecordError(reason, "broken at byte 7")
        record = Record(key, value, partition, offset)
        self.put(*dead_letter(record, self.topics.events, error, max_bytes))

    def sent(self) -> list[tuple[bytes | None, bytes | None, int]]:
        events = read_all(self.brokers, self.topics.events, PARTITIONS)
        return [(key, value, partition) for key, value, _, partition, _ in events]

    def letters_end(self) -> int:
        return log_ends(self.brokers, self.topics.dead_letters, 1)[0]


@pytest.fixture
def drawer(kafka: Broker, prefix: str) -> Drawer:
    return Drawer(kafka.address, prefix)


@pytest.fixture
def run(drawer: Drawer, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in [name for name in os.environ if name.startswith("STREAM_CW_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STREAM_CW_BROKERS", drawer.brokers)
    monkeypatch.setenv("STREAM_CW_TOPIC_PREFIX", drawer.prefix)

    def invoke(*arguments: object, stdin: bytes = b"") -> Result:
        return CliRunner().invoke(build_app(), ["dlq", *map(str, arguments)], input=stdin)

    return invoke


def origins(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [json.loads(line)["origin"] for line in result.stdout.splitlines()]


@pytest.mark.kafka
class TestOnKafka:
    def test_each_letter_is_listed_once(self, drawer: Drawer, run: Run) -> None:
        for _ in range(3):
            drawer.refuse(1, 7, b"{", key=None)
        drawer.refuse(0, 7, None, reason="empty")
        drawer.refuse(1, 8, HOSTILE, key=HOSTILE, reason="bad_utf8")
        drawer.refuse(2, 9, b"x" * 500, max_bytes=100, reason="too_large")
        drawer.put(b"stranger", b"no letter")
        listed = run("list", "--json")
        assert listed.stderr == "records of the topic that are no dead letters: 1\n"
        told = [json.loads(line) for line in listed.stdout.splitlines()]
        hostile = r'\x1b]0;owned\x07{"a":"\xff\u009b2J\u202e'
        assert [(one["origin"], one["reason"], one["key"], one["bytes"]) for one in told] == [
            ("1:7", "bad_json", None, 1),
            ("0:7", "empty", "p1", 0),
            ("1:8", "bad_utf8", hostile, len(HOSTILE)),
            ("2:9", "too_large", "p1", 500),
        ]
        assert [one["cut"] for one in told] == [False, False, False, True]
        assert {one["topic"] for one in told} == {drawer.topics.events}
        plain = run("list").stdout.splitlines()
        assert re.fullmatch(
            r"1:7  bad_json  20\S+\+00:00  1 bytes  key none  broken at byte 7", plain[0]
        )
        between = told[2]["refused_ms"]
        assert origins(run("list", "--json", "--filter", f"after={between}"))[:1] == ["1:8"]
        before = ("list", "--json", "--filter", f"before={between}", "--filter", "partition=1")
        assert origins(run(*before)) == ["1:7"]
        assert origins(run("list", "--json", "--filter", f"key={hostile}")) == ["1:8"]
        assert origins(run("list", "--json", "--filter", "key=")) == ["1:7"]
        two = ("--filter", "reason=empty", "--filter", "reason=too_large")
        assert origins(run("list", "--json", *two)) == ["0:7", "2:9"]
        wrong = run("list", "--filter", "reason=nonsense")
        assert wrong.exit_code == 2

    def test_what_is_gone_is_neither_listed_nor_shown_nor_sent(
        self, drawer: Drawer, run: Run
    ) -> None:
        drawer.refuse(1, 7, an_event(), reason="wrong_partition")
        drawer.refuse(0, 7, an_event(profile_id="p2"), key=None, reason="key_mismatch")
        drawer.refuse(0, 8, an_event(profile_id="p3"), key=b"p3")
        drawer.refuse(0, 9, an_event(profile_id="p4"), key=b"p4")
        drawer.put(*erasure_order(b"p1", 2, 5))
        drawer.put(*erasure_order(b"p2", 2, 6))
        drawer.put(b"0/8/p3", None)
        assert origins(run("list", "--json")) == ["0:9"]
        shown = run("show", "1:7")
        assert (shown.exit_code, shown.stdout) == (1, "")
        assert "no dead letter of 1:7" in shown.stderr
        mended = b'{"origin":"1:7","value":' + an_event() + b"}\n"
        assert run("replay", "--mend", "-", stdin=mended).exit_code == 1
        assert run("replay").stdout == "1 sent, 0 still refused\n"
        assert [key for key, *_ in drawer.sent()] == [b"p4"]

    def test_a_letter_is_shown_escaped_and_written_raw(
        self, drawer: Drawer, run: Run, tmp_path: Path
    ) -> None:
        drawer.refuse(1, 8, HOSTILE + b"\n", key=None, reason="bad_utf8")
        raw = tmp_path / "raw"
        shown = run("show", "1:8", "--raw", raw)
        assert shown.exit_code == 0
        assert raw.read_bytes() == HOSTILE + b"\n"
        lines = shown.stdout.splitlines()
        assert lines[0] == f"origin   {drawer.topics.events} 1:8"
        assert "reason   bad_utf8: broken at byte 7" in lines
        assert "key      none" in lines
        assert "header   cw-origin-offset: 8" in lines
        assert any(line.startswith("today    still refused: bad_utf8: ") for line in lines)
        assert lines[-2:] == [
            f"value    {len(HOSTILE) + 1} bytes",
            r'\x1b]0;owned\x07{"a":"\xff\u009b2J\u202e\n',
        ]
        assert all(line.isprintable() for line in lines)
        assert run("show", "1-8").exit_code == 2

    def test_a_terminal_gets_a_table_and_nothing_of_the_bytes(self, drawer: Drawer) -> None:
        drawer.refuse(1, 8, HOSTILE, key=b"\x1b[2J[red]k[/red]", reason="bad_utf8")
        place = ("--brokers", drawer.brokers, "--prefix", drawer.prefix)
        with running("dlq", "list", *place, terminal=True) as program:
            assert program.end() == 0
        assert r"1:8" in program.text
        assert r"\x1b[2J[red]k[/red]" in program.text
        assert "\x1b[2J" not in program.text
        with running("dlq", "show", "1:8", *place, terminal=True) as program:
            assert program.end() == 0
        assert "value " in program.text
        assert "\x1b" not in program.text

    def test_a_dry_run_tells_and_sends_nothing(self, drawer: Drawer, run: Run) -> None:
        good = an_event(profile_id="p5")
        drawer.refuse(0, 1, good, key=b"p5", reason="wrong_partition")
        drawer.refuse(0, 2, b"{", key=b"p5")
        drawer.refuse(0, 3, an_event(), key=b"p5", reason="key_mismatch")
        drawer.refuse(0, 4, good, key=b"p5", max_bytes=20, reason="too_large")
        before = drawer.letters_end()
        told = run("replay", "--dry-run").stdout.splitlines()
        home = partition_for(b"p5", PARTITIONS)
        assert told[0] == f"0:1  taken: partition {home}, key p5, {len(good)} bytes"
        assert told[1].startswith("0:2  still refused: bad_json: ")
        assert told[2].startswith("0:3  still refused: key_mismatch: ")
        assert told[3] == f"0:4  still refused: too_large: {len(good)} bytes, the letter is cut"
        assert told[4] == "1 would be sent, 3 still refused; nothing was sent"
        assert drawer.sent() == []
        assert drawer.letters_end() == before

    def test_what_is_taken_today_is_sent_as_it_was_and_once(self, drawer: Drawer, run: Run) -> None:
        values = {f"p{n}": an_event(profile_id=f"p{n}") + b" " for n in range(150)}
        for number, (profile, value) in enumerate(values.items()):
            drawer.refuse(number % PARTITIONS, number, value, key=profile.encode())
        drawer.refuse(0, 999, b"{")
        done = run("replay", "--filter", "partition=0", "--filter", "key=p3", "--filter", "key=p4")
        assert done.stdout == "1 sent, 0 still refused\n"
        done = run("replay")
        assert done.exit_code == 0
        assert done.stdout.splitlines()[0].startswith("0:999  still refused: bad_json")
        assert done.stdout.splitlines()[1] == "149 sent, 1 still refused"
        wanted = [
            (profile.encode(), value, partition_for(profile.encode(), PARTITIONS))
            for profile, value in values.items()
        ]
        assert sorted(drawer.sent()) == sorted(wanted)
        assert run("replay").stdout.splitlines()[-1] == "0 sent, 1 still refused"
        assert len(drawer.sent()) == 150
        assert origins(run("list", "--json")) == ["0:999"]

    def test_mended_records_are_sent_in_their_place(
        self, drawer: Drawer, run: Run, tmp_path: Path
    ) -> None:
        for offset in range(4):
            drawer.refuse(1, offset, b"{")
        value = an_event(profile_id="p9")
        lines = [
            b'{"origin":"1:2","value": ' + value + b" }",
            b"",
            b'{"origin":"1:0","key":"p1","value":{"type":"play"}}',
            b'{"origin":"1:1","key":"other","value":' + value + b"}",
        ]
        path = tmp_path / "mended.jsonl"
        path.write_bytes(b"\n".join(lines))
        dry = run("replay", "--mend", path, "--dry-run").stdout.splitlines()
        assert dry[0].startswith("1:2  taken: ")
        assert drawer.sent() == []
        done = run("replay", "--mend", path).stdout.splitlines()
        assert done[0].startswith("1:0  still refused: bad_field: ")
        assert done[1].startswith("1:1  still refused: key_mismatch: ")
        assert done[2] == "1 sent, 2 still refused"
        assert drawer.sent() == [(b"p9", value, partition_for(b"p9", PARTITIONS))]
        assert origins(run("list", "--json")) == ["1:0", "1:1", "1:3"]
        again = run("replay", "--mend", path)
        assert again.exit_code == 1
        assert "no dead letter of 1:2" in again.stderr
        assert run("replay", "--mend", path, "--filter", "partition=1").exit_code == 2
        assert len(drawer.sent()) == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"{", "line 2: "),
        (b'{"origin":"1:0"}', "value"),
        (b'{"origin":"1","value":{}}', "wanted PARTITION:OFFSET"),
        (b'{"origin":"1:2","value":{},"vaule":1}', "vaule"),
        (b'{"origin":"1:1","value":{}}', "1:1 stands twice"),
    ],
)
def test_a_line_that_mends_nothing_is_named(line: bytes, told: str) -> None:
    with pytest.raises(InputError) as wrong:
        read_mended([b'{"origin":"1:1","value":{}}\n', line], "mended.jsonl")
    assert str(wrong.value).startswith("mended.jsonl, line 2: ")
    assert told in str(wrong.value)
