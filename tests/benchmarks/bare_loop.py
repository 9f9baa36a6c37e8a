"""The job in a bare loop over confluent-kafka: the limit of what Python can do with it.

States are in a dict, which a crash takes. Ended in order, it leaves them in a file for the next
run, so that it does not begin anew where the others go on.
"""

import os
import signal
from pathlib import Path

import msgspec
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, Producer

from benchmarks.jobs import JOBS
from stream_cw.core.records import Record

AT_ONCE = 2_000
WAIT_SECONDS = 0.01

kept = Path(os.environ["PEER_FOLDER"])
job = JOBS[os.environ["PEER_JOB"]]()
rows = os.environ["PEER_ROWS"]
brokers = {"bootstrap.servers": os.environ["PEER_BROKERS"]}
consumer = Consumer(
    {**brokers, "group.id": os.environ["PEER_GROUP"], "auto.offset.reset": "earliest"}
)
producer = Producer({**brokers, "linger.ms": 5, "queue.buffering.max.messages": 1_000_000})
states: dict[bytes, bytes | None] = {}
stopped = False


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
    """Take events in until it is told to stop."""
    consumer.subscribe([os.environ["PEER_EVENTS"]])
    while not stopped:
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
    producer.flush()
    consumer.close()


def stop(*_: object) -> None:
    """Stop behind the batch that is being worked on."""
    global stopped  # noqa: PLW0603
    stopped = True


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    if kept.exists():
        states = msgspec.msgpack.decode(kept.read_bytes(), type=dict[bytes, bytes | None])
    run()
    kept.write_bytes(msgspec.msgpack.encode(states))
