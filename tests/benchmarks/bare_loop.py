"""The job in a bare loop over confluent-kafka: states in a dict, which a crash takes. The limit."""

import os
import signal

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, Producer

from benchmarks.jobs import JOBS
from stream_cw.core.records import Record

AT_ONCE = 2_000
WAIT_SECONDS = 0.01

job = JOBS[os.environ["PEER_JOB"]]()
rows = os.environ["PEER_ROWS"]
brokers = {"bootstrap.servers": os.environ["PEER_BROKERS"]}
consumer = Consumer(
    {**brokers, "group.id": os.environ["PEER_GROUP"], "auto.offset.reset": "earliest"}
)
producer = Producer({**brokers, "linger.ms": 5, "queue.buffering.max.messages": 1_000_000})
states: dict[bytes, bytes | None] = {}


def send(*record: object, **fields: object) -> None:
    """Queue a record; wait where the queue is full."""
    while True:
        try:
            producer.produce(*record, **fields)
        except BufferError:
            producer.poll(0.1)
        else:
            return


def run() -> None:
    """Take events in, for ever."""
    consumer.subscribe([os.environ["PEER_EVENTS"]])
    while True:
        for message in consumer.consume(AT_ONCE, WAIT_SECONDS):
            if message.error():
                raise SystemExit(str(message.error()))
            key, place = message.key(), message.partition()
            kind, stamp = message.timestamp()
            stamped = stamp if kind == TIMESTAMP_LOG_APPEND_TIME else None
            record = Record(key, message.value(), place, message.offset(), stamped)
            states[key], sent = job(states.get(key), record)
            for row in sent:
                send(rows, row.value, row.key, place, headers=row.headers)
        producer.poll(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    run()
