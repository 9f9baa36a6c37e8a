"""A row is replayed with the commands: the log, the artefact that it names, and its version."""

import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from signed_models import a_payload
from typer.testing import CliRunner, Result
from worker_support import make_events
from worker_system import System

from stream_cw.cli import build_app
from stream_cw.core.rows import ModelRef, decode_row
from stream_cw.model.keys import public_path

Run = Callable[..., Result]


@pytest.fixture
def run(system: System, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in [name for name in os.environ if name.startswith("STREAM_CW_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STREAM_CW_BROKERS", system.brokers)
    monkeypatch.setenv("STREAM_CW_TOPIC_PREFIX", system.prefix)

    def invoke(*arguments: object) -> Result:
        done = CliRunner().invoke(build_app(), list(map(str, arguments)))
        assert done.exit_code == 0, done.output
        return done

    return invoke


def publish(run: Run, folder: Path, name: str, *, oldest_first: bool) -> None:
    file = folder / f"{name}.json"
    file.write_bytes(a_payload(name, oldest_first=oldest_first))
    run("model", "publish", file, "--key", folder / "key")


def lines_by_model(system: System) -> dict[tuple[ModelRef, int], set[bytes]]:
    """Rows on the topic as an offline replay writes them, by the model and its version."""
    found: dict[tuple[ModelRef, int], set[bytes]] = defaultdict(set)
    for key, value, *_ in system.rows():
        assert key is not None
        assert value is not None
        row = decode_row(value)
        found[row.model, row.version.model].add(b'{"key":"%s","row":%s}' % (key, value))
    return found


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_rows_under_kept_artefacts_are_replayed_byte_by_byte(
    system: System, run: Run, tmp_path: Path
) -> None:
    run("model", "keygen", tmp_path / "key")
    publish(run, tmp_path, "newest-first", oldest_first=False)
    worker = system.start(model_keys=public_path(tmp_path / "key"))
    system.produce(make_events(20, 300))
    system.wait_until_through(worker)
    worker.stop()
    publish(run, tmp_path, "oldest-first", oldest_first=True)  # both are known by their hash alone
    worker = system.start(model_keys=public_path(tmp_path / "key"))
    system.produce(make_events(20, 300, seed=2))
    system.wait_until_through(worker)
    worker.stop()
    log, artefact, rows = tmp_path / "log.jsonl", tmp_path / "artefact.json", tmp_path / "rows"
    run("record", "-o", log)
    found = lines_by_model(system)
    assert {model.id for model, _ in found} == {"newest-first", "oldest-first"}
    for (model, version), lines in found.items():
        run("model", "export", model.sha256, "-o", artefact)
        version_of = ["--model", artefact, "--model-version", version]
        run("replay", log, "--offline", "-o", rows, *version_of)
        assert len(lines) > 20
        assert lines <= set(rows.read_bytes().splitlines())
