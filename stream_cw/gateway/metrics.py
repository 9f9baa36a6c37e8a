"""What a gateway counts, for Prometheus."""

from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest

PREFIX: Final = "stream_cw_gateway_"

Count = Literal[
    # Answers, by `way` (which of the calls) and `status`.
    "answers",
    # Requests that were refused, by `reason`: what is wrong with a token, say.
    "problems",
    # Events that were produced and acknowledged, those of openings too.
    "events_accepted",
    # Events that break the contract, by `reason`.
    "events_refused",
    # Openings, by `outcome`: fresh, stale, or none where there is no row at all.
    "openings",
    # Records of the push topic: taken; dropped as not newer; erased; refused, which are no rows.
    "rows_taken",
    "rows_dropped",
    "rows_erased",
    "rows_refused",
    # Rows written to streams, and those that a slow client skipped.
    "rows_sent",
    "rows_skipped",
    # Streams that ended, by `end`: gone, cut_off, expired, closed.
    "streams_ended",
]

Time = Literal[
    # Seconds until events were acknowledged.
    "produce_seconds",
    # Seconds until an opening was answered: with its row, or at its deadline.
    "opening_seconds",
]

Level = Literal[
    # Streams that are open.
    "streams",
    # 1 while the gateway is ready.
    "ready",
    # Records of the push topic that were not read yet.
    "rows_behind",
]

LABELS: Final[dict[Count, tuple[str, ...]]] = {
    "answers": ("way", "status"),
    "problems": ("reason",),
    "events_accepted": (),
    "events_refused": ("reason",),
    "openings": ("outcome",),
    "rows_taken": (),
    "rows_dropped": (),
    "rows_erased": (),
    "rows_refused": (),
    "rows_sent": (),
    "rows_skipped": (),
    "streams_ended": ("end",),
}
_TIMES: Final[tuple[Time, ...]] = ("produce_seconds", "opening_seconds")
_LEVELS: Final[tuple[Level, ...]] = ("streams", "ready", "rows_behind")
_BUCKETS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The counts of one gateway; none of them names a member."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._counts = {
            name: Counter(PREFIX + name, name, labels, registry=self._registry)
            for name, labels in LABELS.items()
        }
        self._times = {
            name: Histogram(PREFIX + name, name, registry=self._registry, buckets=_BUCKETS)
            for name in _TIMES
        }
        self._levels = {
            name: Gauge(PREFIX + name, name, registry=self._registry) for name in _LEVELS
        }

    def count(self, name: Count, amount: int = 1, **labels: str) -> None:
        """Add to a count."""
        counter = self._counts[name]
        (counter.labels(**labels) if labels else counter).inc(amount)

    def observe(self, name: Time, seconds: float) -> None:
        """Note how long something took."""
        self._times[name].observe(seconds)

    def level(self, name: Level, value: float) -> None:
        """Set how much there is of something."""
        self._levels[name].set(value)

    def text(self) -> bytes:
        """Return all counts in Prometheus' text format."""
        return generate_latest(self._registry)
