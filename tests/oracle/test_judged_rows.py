"""What the judge of the push topic takes for a lower version, and what not."""

import pytest
from oracle import Expected, _judge_rows, expected_of
from worker_support import forget, make_events

from stream_cw.core.events import encode_event
from stream_cw.core.records import Record
from stream_cw.core.row import RECENCY
from stream_cw.core.rows import SOURCE_OFFSET, encode_row
from stream_cw.history.log import EventLog
from stream_cw.history.replay import replay

EPOCH = bytes(16)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> EventLog:
    """A profile watches, is forgotten, and watches again."""
    events = make_events(1, 24)
    events.insert(12, forget(0, 0))
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    head = f'{{"stream_cw_log":1,"topic":"t","epoch":"{EPOCH.hex()}","partitions":1}}'
    lines = [
        f'{{"partition":0,"offset":{offset},"key":"profile-0","value":{encode_event(event).decode()}}}'
        for offset, event in enumerate(events)
    ]
    path.write_text("\n".join([head, *lines]) + "\n")
    return EventLog(path)


@pytest.fixture
def rows(log: EventLog) -> list[Record]:
    """All rows and tombstones, as a worker sends them."""
    found = []
    for played in replay(log, {}, view=RECENCY, epoch=EPOCH, partitions=1):
        source = [(SOURCE_OFFSET, b"%d" % played.record.offset)]
        sent = {played.key(device): None for device in played.erased}
        sent |= {played.key(device): encode_row(played.row(device)) for device in played.due}
        found += [Record(key, value, 0, 0, 0, source) for key, value in sent.items()]
    return found


@pytest.fixture
def expected(log: EventLog) -> Expected:
    return expected_of(log, [RECENCY])


def test_all_rows_in_their_order_have_no_lower_one(rows, expected) -> None:
    assert any(row.value is None for row in rows)
    verdict = _judge_rows(rows, expected)
    assert (verdict.lower, verdict.wrong) == (0, [])


def test_versions_begin_anew_where_compaction_took_the_tombstone(rows, expected) -> None:
    verdict = _judge_rows([row for row in rows if row.value is not None], expected)
    assert (verdict.lower, verdict.wrong) == (0, [])


def test_an_older_row_is_lower_on_either_side_of_a_tombstone(rows, expected) -> None:
    key = rows[0].key
    mine = [row for row in rows if row.key == key]
    [at] = [n for n, row in enumerate(mine) if row.value is None]
    assert at > 1
    assert len(mine) - at > 2
    kept = mine[:at] + mine[at + 1 :]
    for swapped in (0, len(kept) - 2):
        late = [*kept[:swapped], kept[swapped + 1], kept[swapped], *kept[swapped + 2 :]]
        assert _judge_rows(late, expected).lower == 1
