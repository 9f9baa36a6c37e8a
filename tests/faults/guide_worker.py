"""A worker as Faust's guide writes one: an event, a write to the table, a send; exactly_once.

It has our topics and our `apply`. Faust's transactions stand where ours has rounds and the guard of
`step`: what comes again is applied again.
"""

import os
from pathlib import Path
from typing import Any, Final

import faust

from stream_cw.broker.contract import Topics, topic_names
from stream_cw.core.apply import apply
from stream_cw.core.codec import decode_state, encode_state
from stream_cw.core.records import Record, admit
from stream_cw.core.row import row
from stream_cw.core.rows import SOURCE_OFFSET, encode_row, row_key
from stream_cw.core.state import Source, live_devices
from stream_cw.worker.checks import check_deployment

CODE: Final = (
    f"import sys; sys.path.append({str(Path(__file__).parent)!r}); "
    "import guide_worker; guide_worker.main()"
)
"""What the worker's process runs."""
DONE: Final = "DONE"
"""Told at each event."""


def main() -> None:
    settings = {
        name.removeprefix("STREAM_CW_").lower(): value
        for name, value in os.environ.items()
        if name.startswith("STREAM_CW_")
    }
    topics = topic_names(settings["topic_prefix"])
    app = build(settings, topics)
    faust.Worker(app, loglevel="INFO").execute_from_commandline()


def build(settings: dict[str, str], topics: Topics) -> faust.App:
    found = check_deployment(settings["brokers"], topics)
    app = faust.App(
        topics.app_id,
        broker=f"kafka://{settings['brokers']}",
        datadir=settings["data_dir"],
        store="rocksdb://?driver=rocksdict",
        processing_guarantee="exactly_once",
        broker_commit_interval=float(settings["commit_interval"]),
        broker_session_timeout=6.0,
        broker_heartbeat_interval=2.0,
        broker_rebalance_timeout=6.0,
        consumer_group_instance_id=settings.get("instance"),
        consumer_auto_offset_reset="earliest",
        topic_partitions=found.partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )
    raw: dict[str, Any] = {"key_type": bytes, "value_type": bytes}
    raw |= {"key_serializer": "raw", "value_serializer": "raw"}
    rows = app.topic(topics.rows, **raw)
    states = app.Table(
        "profiles",
        key_type=bytes,
        value_type=bytes,
        partitions=found.partitions,
        changelog_topic=app.topic(
            topics.changelog, partitions=found.partitions, acks=False, internal=True, **raw
        ),
    )

    @app.agent(app.topic(topics.events, **raw))
    async def profiles(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            taken = admit(
                Record(message.key, message.value, message.partition, message.offset),
                found.partitions,
            )
            before = states.get(message.key)
            state = apply(
                None if before is None else decode_state(before),
                taken,
                Source(found.epoch, message.partition, message.offset),
            )
            assert state is not None, "nobody is forgotten here"
            states[message.key] = encode_state(state)
            for device in live_devices(state):
                await rows.send(
                    key=row_key(taken.profile_id, device),
                    value=encode_row(row(state, taken.profile_id, device)),
                    partition=message.partition,
                    headers=[(SOURCE_OFFSET, b"%d" % message.offset)],
                )
            app.log.info(DONE)

    return app
