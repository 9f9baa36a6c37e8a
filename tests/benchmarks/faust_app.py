"""The job as a Faust app, as the guide of faust-streaming writes one: `faust_app.py worker`.

One agent, one table with RocksDB and a changelog, one read, one write and one send for each event.
What its authors advise for throughput is in: raw bytes instead of a codec, uvloop, a producer that
lingers, no web server.
"""

import os
import sys

import faust
from mode.loop import uvloop  # noqa: F401 - takes the place of asyncio's own loop

from benchmarks.jobs import JOBS, PARTITIONS
from stream_cw.core.records import Record

app = faust.App(
    os.environ["PEER_GROUP"],
    broker=f"kafka://{os.environ['PEER_BROKERS']}",
    datadir=os.environ["PEER_FOLDER"],
    store="rocksdb://",
    topic_partitions=PARTITIONS,
    topic_disable_leader=True,
    key_serializer="raw",
    value_serializer="raw",
    producer_linger=0.005,
    producer_max_batch_size=1_000_000,
    web_enabled=False,
)
events = app.topic(os.environ["PEER_EVENTS"], key_type=bytes, value_type=bytes)
rows = app.topic(os.environ["PEER_ROWS"], key_type=bytes, value_type=bytes)
states = app.Table(
    "states",
    key_type=bytes,
    value_type=bytes,
    partitions=PARTITIONS,
    options={"driver": "rocksdict"},
)
job = JOBS[os.environ["PEER_JOB"]]()


@app.agent(events)
async def profiles(stream):
    """Take each event in."""
    async for event in stream.events():
        message = event.message
        stamped = int(message.timestamp * 1000)
        record = Record(message.key, message.value, message.partition, message.offset, stamped)
        after, sent = job(states.get(message.key), record)
        if after is None:
            states.pop(message.key, None)
        else:
            states[message.key] = after
        for key, value, headers in sent:
            await rows.send(key=key, value=value, headers=headers, partition=message.partition)


if __name__ == "__main__":
    sys.argv[1:] = sys.argv[1:] or ["worker", "--without-web", "--loglevel", "warn"]
    app.main()
