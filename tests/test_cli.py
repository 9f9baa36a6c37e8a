"""The command line: help, exit statuses, and errors without a traceback."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import typer
from confluent_kafka import Producer
from pydantic_settings import BaseSettings
from typer.testing import CliRunner, Result

from stream_cw import __version__
from stream_cw.broker import cluster, identities, topics
from stream_cw.broker.contract import topic_names
from stream_cw.broker.process import Broker
from stream_cw.cli import INTERRUPTED, build_app
from stream_cw.cli.options import parse_speed, written
from stream_cw.clients.progress import progress_path
from stream_cw.config import Settings, variable
from stream_cw.core.rows import decode_row, encode_row
from stream_cw.gateway.settings import GatewaySettings
from stream_cw.history.log import EventLog
from tests.clients.conftest import write_log
from tests.clients.test_tail import a_row

COMMANDS = [
    ["import"],
    ["import", "netflix"],
    ["simulate"],
    ["replay"],
    ["dataset"],
    ["train"],
    ["sweep"],
    ["baselines"],
    ["evaluate"],
    ["gateway"],
    ["compare"],
    ["report"],
    ["record"],
    ["topics"],
    ["topics", "acls"],
    ["topics", "apply"],
    ["catalog"],
    ["catalog", "import"],
    ["catalog", "export"],
    ["catalog", "announce"],
    ["model"],
    ["model", "keygen"],
    ["model", "publish"],
    ["model", "list"],
    ["model", "show"],
    ["model", "export"],
    ["model", "rollback"],
    ["dlq"],
    ["dlq", "list"],
    ["dlq", "show"],
    ["dlq", "replay"],
    ["worker"],
    ["tail"],
    ["token"],
    ["broker"],
    ["demo"],
    ["compile"],
]

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in [name for name in os.environ if name.startswith("STREAM_CW_")]:
        monkeypatch.delenv(name)
    runner = CliRunner()
    return lambda *arguments: runner.invoke(build_app(), list(map(str, arguments)))


def told(result: Result) -> str:
    """The one line that an error is told in."""
    assert result.exit_code == 1, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0]


@pytest.mark.parametrize("command", [[], *COMMANDS], ids=" ".join)
def test_every_command_has_help(run: Run, command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0, result.output
    assert "Usage:" in result.output


def test_no_command_is_left_out_of_the_help_test() -> None:
    root = typer.main.get_command(build_app())
    found = []
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        found.append([name])
        found += [[name, sub] for sub in getattr(command, "commands", {})]
    assert sorted(found) == sorted(COMMANDS)


@pytest.mark.parametrize(("command", "kind"), [("worker", Settings), ("gateway", GatewaySettings)])
def test_help_explains_every_setting(run: Run, command: str, kind: type[BaseSettings]) -> None:
    output = run(command, "--help").output
    for name, field in kind.model_fields.items():
        assert f" {variable(kind, name)} (" in output
        assert field.description
        assert field.description in output
        assert field.description in output


def test_help_is_quick_because_it_imports_no_framework() -> None:
    code = (
        "import sys; from stream_cw.cli import build_app; build_app();"
        "heavy = {'faust', 'aiokafka', 'confluent_kafka', 'pydantic', 'rocksdict'};"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_version(run: Run) -> None:
    assert run("--version").output == f"stream-cw {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["sing"],
        ["replay", "nowhere.jsonl", "--offline", "-o", "rows"],
        ["replay", __file__],
        ["replay", __file__, "--offline"],
        ["replay", __file__, "--offline", "-o", "rows", "--to", "127.0.0.1:9"],
        ["replay", __file__, "--to", "127.0.0.1:9", "--model-version", "0"],
        ["replay", __file__, "--offline", "-o", "rows", "--model-version", "-1"],
        ["replay", __file__, "--to", "127.0.0.1:9", "-o", "rows"],
        ["replay", __file__, "--to", "127.0.0.1:9", "--policy", "plex"],
        ["replay", __file__, "--to", "127.0.0.1:9", "--placement", __file__],
        ["replay", __file__, "--to", "127.0.0.1:9", "--experiment", __file__],
        ["replay", __file__, "--to", "127.0.0.1:9", "--speed", "quick"],
        ["replay", __file__, "--to", "127.0.0.1:9", "--speed", "-1x"],
        ["simulate"],
        ["simulate", "-o", "log", "--profiles", "0"],
        ["topics", "apply", "--partitions", "many"],
        ["broker", "pigeon"],
    ],
    ids=" ".join,
)
def test_a_wrong_usage_is_2(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output


def test_speeds() -> None:
    assert parse_speed("max") is None
    assert parse_speed("60x") == 60.0
    assert parse_speed("0.5") == 0.5
    for wrong in ("", "x", "0x", "nan", "inf", "60xx"):
        with pytest.raises(typer.BadParameter):
            parse_speed(wrong)


def test_errors_are_one_line(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (cluster, identities, topics):
        monkeypatch.setattr(module, "TIMEOUT_S", 0.5)
    log = write_log(tmp_path / "log.jsonl", profiles=1, events=2)
    nobody = "127.0.0.1:9"
    assert told(run("import", "netflix", log, "-o", tmp_path / "x")).startswith("stream-cw: ")
    for command in (
        ["replay", log, "--to", nobody],
        ["record", "--from", nobody, "-o", tmp_path / "back"],
        ["topics", "apply", "--brokers", nobody],
        ["tail", "--brokers", nobody],
    ):
        assert told(run(*command)).startswith(f"stream-cw: {nobody}: ")
    assert "No such file" in told(run("simulate", "-o", tmp_path / "no" / "log"))
    monkeypatch.setenv("STREAM_CW_SESSION_TIMEOUT", "soon")
    assert "STREAM_CW_SESSION_TIMEOUT" in told(run("worker"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.jsonl"]


def test_a_damaged_recording_is_one_line(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b'{"stream_cw_log":99,"topic":"t","epoch":"","partitions":1}\n')
    line = told(run("replay", log, "--offline", "-o", tmp_path / "rows"))
    assert "log.jsonl" in line
    assert not (tmp_path / "rows").exists()


def test_simulate_then_replay_offline(run: Run, tmp_path: Path) -> None:
    log, rows = tmp_path / "log.jsonl.gz", tmp_path / "rows.jsonl"
    extra = ["--truth", tmp_path / "truth", "--catalog", tmp_path / "catalog"]
    result = run("simulate", "--profiles", 2, "--days", 3, "--seed", 7, "-o", log, *extra)
    assert result.exit_code == 0, result.output
    events = len(list(EventLog(log)))
    assert f"{events:,} events of 2 profiles in 3 days" in result.output
    assert (tmp_path / "truth").stat().st_size
    assert (tmp_path / "catalog").stat().st_size

    result = run("replay", log, "--offline", "-o", rows)
    assert result.exit_code == 0, result.output
    lines = [msgspec.json.decode(line) for line in rows.read_bytes().splitlines()]
    assert f"{events:,} records of 2 profiles" in result.output
    assert f"{len(lines):,} rows" in result.output
    decode_row(msgspec.json.encode(lines[-1]["row"]))
    assert len(list(tmp_path.iterdir())) == 4


def test_a_file_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"before")

    def fail() -> None:
        with written(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_bytes() == b"before"
    with written(path) as file:
        file.write(b"whole")
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.kafka
def test_topics_replay_and_record(run: Run, kafka: Broker, prefix: str, tmp_path: Path) -> None:
    own = ["--prefix", prefix]
    there = ["--brokers", kafka.address, *own]
    check = run("topics", "apply", "--check", *there)
    assert check.exit_code == 1
    assert f"{prefix}cw.viewing-events.v1" in check.output
    applied = run("topics", "apply", "--partitions", 2, *there)
    assert applied.exit_code == 0, applied.output
    assert "mended: " in applied.output
    check = run("topics", "apply", "--check", *there)
    assert (check.exit_code, check.output) == (0, "all topics are as wanted\n")

    log, back = write_log(tmp_path / "log.jsonl", profiles=5, events=300), tmp_path / "back.jsonl"
    replayed = run("replay", log, "--to", kafka.address, "--speed", "1000000x", *own)
    assert replayed.exit_code == 0, replayed.output
    assert "300 of 300 records acknowledged" in replayed.output
    recorded = run("record", "--from", kafka.address, "-o", back, *own)
    assert recorded.exit_code == 0, recorded.output
    assert f"300 records written to {back}" in recorded.output

    def by_partition(path: Path) -> list[tuple[int, int, bytes | None]]:
        return sorted((r.partition, r.offset, r.value) for r in EventLog(path, partitions=2))

    assert by_partition(back) == by_partition(log)


@pytest.mark.kafka
def test_tail_prints_the_bytes_of_the_rows(kafka: Broker, prefix: str) -> None:
    names = topic_names(prefix)
    topics.apply_topics(kafka.address, names, partitions=1)
    rows = [encode_row(a_row(revision)) for revision in (1, 2)]
    producer = Producer({"bootstrap.servers": kafka.address})
    for value in (rows[0], rows[1], rows[0]):
        producer.produce(names.rows, value, b"profile-1/tv", partition=0)
    producer.produce(names.rows, None, b"profile-1/tv", partition=0)
    assert producer.flush(30) == 0
    command = ["tail", "--json", "--from-beginning", "--profile", "profile-1"]
    command += ["--brokers", kafka.address, "--prefix", prefix]
    process = subprocess.Popen(
        [sys.executable, "-m", "stream_cw.cli", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert lines == [b'{"key":"profile-1/tv","row":%s}\n' % value for value in (*rows, b"null")]
    assert (process.returncode, output, errors) == (INTERRUPTED, b"", b"")


@pytest.mark.kafka
def test_ctrl_c_is_130_and_a_replay_goes_on(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    program = [sys.executable, "-m", "stream_cw.cli"]
    apply = ["topics", "apply", "--brokers", kafka.address, "--prefix", prefix]
    subprocess.run([*program, *apply], check=True, capture_output=True)
    log = write_log(tmp_path / "log.jsonl", profiles=3, events=2_000)
    command = [*program, "replay", str(log), "--to", kafka.address, "--prefix", prefix]
    process = subprocess.Popen(
        [*command, "--speed", "20x"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 60
        while not progress_path(log).exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == INTERRUPTED
    assert b"Traceback" not in output + errors
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "records of an interrupted run" in done.stdout
    assert "of 2,000 records acknowledged" in done.stdout
