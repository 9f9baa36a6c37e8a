from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from stream_cw.broker.process import Broker
from stream_cw.core.events import Movie, Progress, encode_event

BEGIN = 1_700_000_000_000

MakeTopic = Callable[..., str]


@pytest.fixture
def make_topic(kafka: Broker, prefix: str) -> MakeTopic:
    """Create a topic of the test's own: `make_topic("events", partitions=3)`."""

    def make(name: str, *, partitions: int = 3, broker: Broker = kafka, **settings: str) -> str:
        create_topic(broker, prefix + name, partitions, **settings)
        return prefix + name

    return make


def create_topic(broker: Broker, name: str, partitions: int, **settings: str) -> None:
    config = {"message.timestamp.type": "LogAppendTime"}
    config |= {key.replace("_", "."): value for key, value in settings.items()}
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic(name, partitions, 1, config=config)])[name].result(20)


def write_log(path: Path, profiles: int, events: int) -> Path:
    """Write a plain log in which the profiles take turns, a second of event time apart."""
    movie = Movie(id="film", duration_ms=6_000_000)
    with path.open("wb") as file:
        for number in range(events):
            event = Progress(
                event_id=f"e{number}",
                profile_id=f"profile-{number % profiles}",
                device_id="tv",
                device_type="tv",
                ts=BEGIN + number * 1000,
                title=movie,
                position_ms=number,
            )
            file.write(encode_event(event) + b"\n")
    return path
