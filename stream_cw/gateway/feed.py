"""Where rows come from for those who are told of them, and what they keep to."""

from typing import Final

from msgspec import Struct

from stream_cw.gateway.follow import Progress
from stream_cw.gateway.latest import Latest
from stream_cw.gateway.limits import StreamLimits
from stream_cw.gateway.metrics import Metrics
from stream_cw.gateway.subscribers import Subscribers
from stream_cw.gateway.tokens import Clock

FORMER_LIFE_SECONDS: Final = 3.0
"""A client may know a newer row than a gateway that is behind; for longer, its row was erased."""


class Pace(Struct, frozen=True):
    """Times of streams, in seconds."""

    heartbeat: float
    cut_off: float
    former_life: float = FORMER_LIFE_SECONDS


class Feed(Struct, frozen=True):
    """Where streams have their rows from, and what they keep to."""

    latest: Latest
    subscribers: Subscribers
    progress: Progress
    limits: StreamLimits
    metrics: Metrics
    clock: Clock
    pace: Pace
