"""The newest row of each device: what the tail of the topic comes to, in bounded memory."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from served import Record as PushRecord
from served import a_row
from worker_support import wait_until

from stream_cw.clients.tail import Rows, accept
from stream_cw.core.records import Record
from stream_cw.core.rows import SOURCE_OFFSET, Version, encode_row, row_key
from stream_cw.errors import RefusedRecordError
from stream_cw.gateway.latest import Latest


@pytest.fixture(scope="module")
def latest() -> Iterator[Latest]:
    with Latest(cache_bytes=1_048_576, keep_s=3_600) as latest:
        yield latest


def pushed(key: bytes, value: bytes | None, offset: int = 0, source: int = -1) -> PushRecord:
    return PushRecord(key, value, [(SOURCE_OFFSET, b"%d" % source)], 0, offset)


versions = st.builds(Version, *[st.integers(0, 2)] * 3)
came = st.lists(st.tuples(st.sampled_from(["tv", "phone"]), st.none() | versions), max_size=30)


@given(came=came)
def test_it_comes_to_what_the_tail_comes_to(
    latest: Latest, came: list[tuple[str, Version | None]]
) -> None:
    rows: Rows = {}
    for device in ("tv", "phone"):
        latest.accept(pushed(row_key("ann", device), None))
    for offset, (device, version) in enumerate(came):
        key = row_key("ann", device)
        value = version and encode_row(a_row(1, device=device, version=version))
        update = accept(rows, Record(key, value, 0, offset))
        change = latest.accept(pushed(key, value, offset, source=7))
        assert (change is None) == (update is None)
        if change is not None and update is not None:
            assert change.key == update.key
            assert (change.known and change.known.value) == update.value
            assert change.known is None or latest.get(key) == change.known
            assert change.known is None or change.known.source == 7
    for device in ("tv", "phone"):
        key = row_key("ann", device)
        known = latest.get(key)
        assert (known and known.version) == (rows[key].version if key in rows else None)


def test_the_same_row_may_answer_a_later_event(latest: Latest) -> None:
    key, value = b"cleo/tv", encode_row(a_row(4, profile="cleo"))
    assert latest.accept(pushed(key, value, 0, source=10)) is not None
    for source, news in ((10, False), (9, False), (11, True), (11, False)):
        assert (latest.accept(pushed(key, value, source, source)) is not None) is news
    known = latest.get(key)
    assert known is not None
    assert (known.source, known.name, known.value) == (11, "4.0.0", value)
    lower = encode_row(a_row(3, profile="cleo"))
    assert latest.accept(pushed(key, lower, 20, source=20)) is None


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{}",
        b"not json",
        encode_row(a_row(9, device="phone")),
        encode_row(a_row(9, profile="bob")),
        encode_row(a_row(9)).replace(b'"arm":null', b'"arm"\n:null'),
        encode_row(a_row(9)).replace(b'"arm":null', b'"arm"\r:null'),
        b'{"profile_id":"ann","device_id":"tv","version":{"revision":-1,"catalog":0,"model":0}}',
    ],
)
def test_what_is_not_the_row_of_its_key_changes_nothing(latest: Latest, value: bytes) -> None:
    key = row_key("ann", "tv")
    latest.accept(pushed(key, None))
    latest.accept(pushed(key, encode_row(a_row(1))))
    with pytest.raises(RefusedRecordError):
        latest.accept(pushed(key, value))
    known = latest.get(key)
    assert known is not None
    assert known.name == "1.0.0"


def test_a_row_without_a_source_follows_from_no_event(latest: Latest) -> None:
    change = latest.accept(PushRecord(b"bob/tv", encode_row(a_row(1, profile="bob")), [], 0, 3))
    assert change is not None
    assert change.known is not None
    assert (change.known.source, change.known.offset) == (-1, 3)


def test_its_folder_goes_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Latest(cache_bytes=1_048_576, keep_s=60) as latest:
        latest.accept(pushed(b"ann/tv", encode_row(a_row(1))))
        [folder] = tmp_path.iterdir()
        assert folder.stat().st_mode & 0o077 == 0, "rows are for nobody else"
    assert not list(tmp_path.iterdir())


def test_what_the_topic_keeps_no_longer_is_forgotten() -> None:
    with Latest(cache_bytes=1_048_576, keep_s=1) as latest:
        latest.accept(pushed(b"ann/tv", encode_row(a_row(1))))
        assert latest.get(b"ann/tv") is not None

        def is_forgotten() -> bool:
            latest._db.compact_range(None, None)  # else it goes with the next one
            return latest.get(b"ann/tv") is None

        wait_until(is_forgotten, "its time is over")


FILL = """
import random, resource
from served import Record, a_row, a_tile
from stream_cw.core.rows import encode_row, row_key
from stream_cw.gateway.latest import Latest
with Latest(cache_bytes=8_388_608, keep_s=3_600) as latest:
    def fill(first, last):
        for number in range(first, last):
            profile = f"p{number}" + "".join(random.choices("abcdefghij", k=100))
            row = a_row(1, profile, session_id="".join(random.choices("abcdefghij", k=128)),
                        tiles=[a_tile(random.randrange(10**9), random.randrange(10**9))] * 20)
            latest.accept(Record(row_key(profile, "tv"), encode_row(row), [], 0, 0))
    def resident():
        return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
    fill(0, 15_000)
    before = resident()
    fill(15_000, 60_000)
    print(before, resident())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_does_not_grow_with_the_number_of_devices(show_figure) -> None:
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parent / "worker")])
    done = subprocess.run(
        [sys.executable, "-c", FILL],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    before, after = map(int, done.stdout.split())
    show_figure(
        f"newest rows of 15,000 and of 60,000 devices: {before / 1e6:.0f} and {after / 1e6:.0f} MB"
    )
    assert after - before < 40e6, "45,000 rows of 4 kB are 180 MB"
