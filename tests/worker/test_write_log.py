"""Which writes a log of writes has: a kill leaves the store as it was after some round."""

import os
import signal
import time
from pathlib import Path

import pytest
import rocksdict
from test_disk import PLACE, after, batch_of, opened, run_until_killed

from stream_cw.worker.disk import open_store, shared_memory
from stream_cw.worker.write_log import WriteLog

BUFFERS = 1 << 20
MUCH, LITTLE = 40, 3
"""Rounds that are more than the buffers hold, and less than a quarter of that."""


def live(path: Path, steps: list[str]) -> None:
    """Write rounds, end intervals, close the store, as the steps say; then end as by a kill."""
    db, log, number = open_store(path, shared_memory(1 << 24, BUFFERS)), WriteLog(BUFFERS), 0
    for step in steps:
        if step.isdigit():
            for number in range(number, number + int(step)):  # noqa: B020 - goes on
                batch = batch_of(number)
                db.write(batch, log.options(batch.size_in_bytes()))
            number += 1
        elif step == "end":
            log.end_interval([db])
        elif step == "wait":
            wait_until_flushed(db)
        else:
            db.close()
    os.kill(os.getpid(), signal.SIGKILL)


def wait_until_flushed(db: rocksdict.Rdict) -> None:
    deadline = time.monotonic() + 30
    # What is flushed counts for the buffers until it is let go: the next write would flush again.
    while (
        db.property_int_value("rocksdb.num-immutable-mem-table")
        or db.property_int_value("rocksdb.size-all-mem-tables") > BUFFERS // 4
    ):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def left_by(path: Path, *steps: str | int) -> int:
    """Number of rounds that are there after a kill; none before them is missing."""
    code = "import sys, test_write_log as t; t.live(t.Path(sys.argv[1]), sys.argv[2:])"
    run_until_killed(code, str(path), *map(str, steps))
    found = opened(path)
    number = int(found[PLACE])
    assert found == after(number)
    return number + 1


def test_what_is_little_is_all_there(tmp_path: Path) -> None:
    assert left_by(tmp_path / "a.db", LITTLE, "end", LITTLE, "end", LITTLE) == 3 * LITTLE


def test_of_what_is_much_the_last_is_left_out(tmp_path: Path) -> None:
    assert 15 <= left_by(tmp_path / "a.db", MUCH) < MUCH


@pytest.mark.parametrize("intervals", [1, 2])
def test_no_more_is_left_out_than_came_behind_the_last_interval(
    tmp_path: Path, intervals: int
) -> None:
    steps = [MUCH, "end", "wait"] * intervals
    assert left_by(tmp_path / "a.db", *steps) == MUCH * intervals
    assert left_by(tmp_path / "b.db", *steps, LITTLE) == MUCH * intervals


def test_behind_a_quiet_interval_the_log_goes_on(tmp_path: Path) -> None:
    quiet = [MUCH, "end", LITTLE, "end"]
    assert left_by(tmp_path / "a.db", *quiet) == MUCH + LITTLE
    assert left_by(tmp_path / "b.db", *quiet, LITTLE) == MUCH + 2 * LITTLE
    assert left_by(tmp_path / "c.db", MUCH, "end", "end", LITTLE) == MUCH + LITTLE


def test_a_store_that_is_closed_has_all(tmp_path: Path) -> None:
    assert left_by(tmp_path / "a.db", MUCH, "close") == MUCH
