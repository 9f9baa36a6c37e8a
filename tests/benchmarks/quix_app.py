"""The job in Quix Streams 3.28, with its own state in RocksDB and its own changelog topic.

At least once and a checkpoint every five seconds, its defaults: between two checkpoints it keeps
what changed in memory, so that a state that changed often goes to the changelog once.
"""

import os

from quixstreams import Application, State, message_context
from quixstreams.models import SerializationContext, Serializer

from benchmarks.jobs import JOBS, Sent
from stream_cw.core.records import Record

KEY = "state"


class RowSerializer(Serializer):
    """Sends the bytes that the job made."""

    def __call__(self, value: Sent, ctx: SerializationContext) -> bytes | None:
        del ctx
        return value.value


job = JOBS[os.environ["PEER_JOB"]]()
app = Application(
    broker_address=os.environ["PEER_BROKERS"],
    consumer_group=os.environ["PEER_GROUP"],
    auto_offset_reset="earliest",
    state_dir=os.environ["PEER_FOLDER"],
    loglevel="WARNING",
)
events = app.topic(os.environ["PEER_EVENTS"], value_deserializer="bytes")
rows = app.topic(os.environ["PEER_ROWS"], value_serializer=RowSerializer())


def take(value: bytes, key: bytes, timestamp: int, headers: object, state: State) -> list[Sent]:
    """Take an event in."""
    place = message_context()
    record = Record(key, value, place.partition, place.offset, timestamp)
    after, sent = job(state.get_bytes(KEY), record)
    if after is None:
        state.delete(KEY)
    else:
        state.set_bytes(KEY, after)
    return sent


def headers_of(sent: Sent, key: bytes, timestamp: int, headers: object) -> list[tuple[str, bytes]]:
    """Send the headers that the job made."""
    return sent.headers


stream = app.dataframe(events)
stream = stream.apply(take, stateful=True, metadata=True, expand=True)
stream = stream.set_headers(headers_of)
stream.to_topic(rows, key=lambda sent: sent.key)

if __name__ == "__main__":
    app.run()
