"""Event logs on disk: a recording gives back every record as it was."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_cw.core.partition import partition_for
from stream_cw.core.records import Record
from stream_cw.errors import LogFormatError
from stream_cw.history.log import FORMAT, EventLog, LogHeader, encode_header, encode_record

HEADER = LogHeader(stream_cw_log=FORMAT, topic="events", epoch="0" * 32, partitions=4)

values = (
    st.none()
    | st.binary(max_size=50)
    | st.sampled_from(
        [
            b"",
            b"{}",
            b'{"profile_id":"p"}',
            b'{\n"profile_id": "p"}',
            b'{"a":"\xff"}',
            b'{"a":1}x',
            b"[1]",
            b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}",
            b'{"a":1' + b"0" * 500 + b"}",
            '{"ä":"\u2028"}'.encode(),
        ]
    )
)
records = st.builds(
    Record,
    key=st.none() | st.binary(max_size=20) | st.just(b"profile"),
    value=values,
    partition=st.integers(0, 3),
    offset=st.integers(0, 2**40),
    append_ts=st.none() | st.integers(0, 2**45),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(records, max_size=8))
def test_a_recording_gives_back_its_records(tmp_path_factory, written):
    path = tmp_path_factory.mktemp("log") / "recording.jsonl"
    lines = [encode_header(HEADER), *map(encode_record, written)]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    log = EventLog(path)
    assert log.header == HEADER
    assert list(log) == written


def test_a_plain_log_is_dealt_to_the_partitions_of_its_keys(tmp_path):
    path = tmp_path / "plain.jsonl.gz"
    with gzip.open(path, "wb") as file:
        file.write(b'{"profile_id":"a"}\n\n{"profile_id":"b"}\n{"profile_id":"a"}\nnot json\n')
    log = EventLog(path, partitions=4)
    assert log.header is None
    found = list(log)
    assert [record.key for record in found] == [b"a", b"b", b"a", b""]
    assert [record.partition for record in found] == [
        partition_for(key, 4) for key in (b"a", b"b", b"a", b"")
    ]
    of_a = [record.offset for record in found if record.key == b"a"]
    assert of_a == sorted(set(of_a))
    assert all(record.append_ts is None for record in found)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"stream_cw_log":99,"topic":"t","epoch":"","partitions":1}\n', "format 99"),
        (b'{"stream_cw_log":1}\n', "line 1"),
        (encode_header(HEADER) + b'\n{"partition":0}\n', "line 2"),
        (encode_header(HEADER) + b'\n{"partition":0,"offset":0,"value_b64":"%"}\n', "line 2"),
        (encode_header(HEADER) + b'\n{"partition":0,"offset":0,"val', "line 2"),
    ],
)
def test_a_damaged_recording_is_refused_with_its_line(tmp_path, content, message):
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    with pytest.raises(LogFormatError, match=message):
        list(EventLog(path))
