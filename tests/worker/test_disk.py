"""Stores on disk: one that lost part of a file is made anew, or is as it was after some round."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import rocksdict

from stream_cw.errors import CorruptStateError
from stream_cw.worker.disk import noted, open_store, shared_memory

ROUNDS = 300
KEYS = 50
PLACE = b"place"


def a_round(number: int) -> dict[bytes, bytes]:
    """A value of each of some keys says which round wrote it."""
    touched = (b"key-%d" % ((number * 7 + k) % KEYS) for k in range(20))
    return {PLACE: b"%d" % number, **dict.fromkeys(touched, b"%d:" % number + b"x" * 3_000)}


def batch_of(number: int) -> rocksdict.WriteBatch:
    batch = rocksdict.WriteBatch(raw_mode=True)
    for key, value in a_round(number).items():
        batch.put(key, value)
    return batch


def after(number: int) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for each in range(number + 1):
        found |= a_round(each)
    return found


def write(path: Path) -> Iterator[int]:
    """Write rounds; the store is closed at the end."""
    db = open_store(path, shared_memory(1 << 24, 1 << 20))
    for number in range(ROUNDS):
        db.write(batch_of(number))
        yield number
    db.close()


def write_until_killed(path: Path) -> None:
    """Write rounds, and end as a kill would when two logs of writes are there."""
    for number in write(path):
        if number > ROUNDS // 2 and sum(log.stat().st_size > 0 for log in path.glob("*.log")) > 1:
            os.kill(os.getpid(), signal.SIGKILL)


def run_until_killed(code: str, *arguments: str) -> None:
    """Run code that may import the tests here, and that ends as by a kill."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", code, *arguments]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store as a killed worker leaves it, with more than one log of writes."""
    path = tmp_path_factory.mktemp("store") / "killed.db"
    run_until_killed(
        "import sys, test_disk as t; t.write_until_killed(t.Path(sys.argv[1]))", str(path)
    )
    return path


def opened(path: Path) -> dict[bytes, bytes]:
    db = open_store(path, shared_memory(1 << 24, 1 << 20))
    try:
        return dict(db.items())
    finally:
        db.close()


def damages(path: Path) -> list[tuple[str, float | None]]:
    """Each file, and how much of it is left; None: it is gone, but for a log that others follow."""
    files = sorted(file.name for file in path.iterdir() if file.stat().st_size)
    older = [name for name in files if name.endswith(".log")][:-1]
    return [
        (name, share)
        for name in files
        for share in (0.0, 0.3, 0.9, None)
        if share is not None or name not in older
    ]


def test_a_store_that_lost_part_of_a_file_is_never_in_between(killed: Path, tmp_path: Path) -> None:
    """Truncated or missing, whichever file it is: the store is new, or as after some round."""
    made_anew = 0
    for number, (name, share) in enumerate(damages(killed)):
        path = tmp_path / f"{number}.db"
        shutil.copytree(killed, path)
        if share is None:
            (path / name).unlink()
        else:
            os.truncate(path / name, int((path / name).stat().st_size * share))
        found = opened(path)
        if found:
            assert found == after(int(found[PLACE])), (name, share)
        else:
            made_anew += 1
        assert opened(path) == found
    assert made_anew > 5


def test_what_is_set_aside_stays_once(killed: Path, tmp_path: Path) -> None:
    path = tmp_path / "profiles-3.db"
    for _ in range(2):
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(killed, path)
        (path / "CURRENT").write_bytes(b"")
        assert opened(path) == {}
    assert sorted(found.name for found in tmp_path.iterdir()) == [
        "profiles-3.damaged",
        "profiles-3.db",
    ]
    assert (tmp_path / "profiles-3.damaged" / "CURRENT").read_bytes() == b""


def test_damage_that_is_found_later_counts_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "profiles-3.db"
    assert list(write(path))[-1] == ROUNDS - 1
    for table in path.glob("*.sst"):
        content = bytearray(table.read_bytes())
        content[: len(content) // 2] = os.urandom(len(content) // 2)
        table.write_bytes(content)
    db = open_store(path, shared_memory(1 << 24, 1 << 20))
    with pytest.raises(Exception, match="Corruption") as found:
        read_all(db)
    assert isinstance(noted(found.value, path), CorruptStateError)
    db.close()
    assert opened(path) == {}
    assert not path.with_suffix(".unfit").exists()


def read_all(db: rocksdict.Rdict) -> None:
    for key in after(ROUNDS - 1):
        db.get(key)


def test_an_error_that_is_no_damage_takes_nothing_away(killed: Path, tmp_path: Path) -> None:
    path = tmp_path / "profiles-3.db"
    shutil.copytree(killed, path)
    error = OSError("IO error: No space left on device")
    assert noted(error, path) is error
    assert opened(path)
