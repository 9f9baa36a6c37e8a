"""A trace goes from the record of an event to that of its row."""

from collections.abc import Sequence

import pytest
from confluent_kafka import Producer
from worker_system import PARTITIONS, System

from stream_cw.core.events import Event, Movie, Play, encode_event
from stream_cw.core.partition import partition_for
from stream_cw.core.records import Record
from stream_cw.core.row import RECENCY
from stream_cw.core.rows import decode_row, row_key
from stream_cw.core.trace import TRACEPARENT, trace_of
from stream_cw.worker.held import Held
from stream_cw.worker.output import Output, put_out
from stream_cw.worker.sending import Outgoing
from stream_cw.worker.stats import Stats
from stream_cw.worker.work import Partition, Work

START = 1_700_000_000_000
TRACES = [b"00-%032x-%016x-01" % (number, number) for number in range(1, 4)]


def an_event(number: int) -> Event:
    return Play(
        event_id=f"e{number}",
        profile_id="ann",
        device_id="tv",
        device_type="tv",
        ts=START + number,
        title=Movie(id=f"m{number}"),
        position_ms=60_000,
    )


def sent(traces: Sequence[bytes | None]) -> list[Outgoing]:
    """Work on one round of events, and give what goes to the push topic."""
    work = Work(Partition(bytes(16), 0, 1), mark=-1, lookup=lambda _: None)
    for number, trace in enumerate(traces):
        headers = () if trace is None else ((TRACEPARENT, trace),)
        work.take(Record(b"ann", encode_event(an_event(number)), 0, number, None, headers))
    output = Output.of(work)
    for _ in put_out(
        output, work, topic="events", held=Held(1), view=RECENCY, now_ms=0, stats=Stats()
    ):
        pass
    return output.rows


def traces_of(record: Outgoing) -> list[bytes]:
    return [value for name, value in record.headers if name == TRACEPARENT]


def test_a_row_names_the_trace_of_its_event() -> None:
    [row] = sent([TRACES[0]])
    assert traces_of(row) == [TRACES[0]]


def test_of_conflated_rows_the_last_event_names_the_trace() -> None:
    [row] = sent(TRACES)
    assert traces_of(row) == [TRACES[-1]]


def test_a_row_without_a_trace_takes_none_of_another_event() -> None:
    [row] = sent([TRACES[0], None])
    assert traces_of(row) == []


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"x",
        TRACES[0] + b"\n",
        TRACES[0].upper().replace(b"1", b"A"),
        TRACES[0] + b"-more",
        b"ff" + TRACES[0][2:],
        b"00-" + b"0" * 32 + TRACES[0][35:],
        TRACES[0][:36] + b"0" * 16 + b"-01",
    ],
)
def test_a_malformed_trace_goes_no_further(value: bytes) -> None:
    assert trace_of([(TRACEPARENT, value)]) is None


def test_two_traces_are_none() -> None:
    assert trace_of([("other", b"x"), (TRACEPARENT, TRACES[0])]) == TRACES[0]
    assert trace_of([(TRACEPARENT, TRACES[0]), (TRACEPARENT, TRACES[1])]) is None
    assert trace_of([(TRACEPARENT, None)]) is None


@pytest.mark.kafka
def test_a_trace_goes_through_a_worker(system: System) -> None:
    producer = Producer({"bootstrap.servers": system.brokers, "acks": "all", "log_level": 0})
    for number, trace in enumerate(TRACES):
        producer.produce(
            system.topics.events,
            key=b"ann",
            value=encode_event(an_event(number)),
            partition=partition_for(b"ann", PARTITIONS),
            headers=[(TRACEPARENT, trace), ("other", b"stays behind")],
        )
    assert producer.flush(60) == 0
    worker = system.start()
    system.wait_until_through(worker)
    worker.stop()
    rows = [(decode_row(value), headers) for _, value, headers, *_ in system.rows() if value]
    assert rows
    for row, headers in rows:
        assert row_key(row.profile_id, row.device_id) == b"ann/tv"
        number = int(row.cause.event_id.removeprefix("e"))
        assert [(k, v) for k, v in headers if not k.startswith("cw-")] == [
            (TRACEPARENT, TRACES[number])
        ]
