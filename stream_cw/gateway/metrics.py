"""What a gateway counts, for Prometheus."""

from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest

PREFIX: Final = "stream_cw_gateway_"

Count = Literal[
    "answers",
    "problems",
    "events_accepted",
    "events_refused",
    "openings",
    "rows_taken",
    "rows_dropped",
    "rows_erased",
    "rows_refused",
    "rows_sent",
    "rows_skipped",
    "streams_ended",
]
Time = Literal["produce_seconds", "opening_seconds"]
Level = Literal["streams", "ready", "rows_behind"]

COUNTS: Final[dict[Count, tuple[str, tuple[str, ...]]]] = {
    "answers": ("Answers, by way (which of the calls) and status.", ("way", "status")),
    "problems": ("Requests that were refused, by reason.", ("reason",)),
    "events_accepted": ("Events that were produced and acknowledged, those of openings too.", ()),
    "events_refused": ("Events that break the contract, by reason.", ("reason",)),
    "openings": ("Openings, by outcome: fresh, stale, or none: there is no row.", ("outcome",)),
    "rows_taken": ("Rows of the push topic that were newer.", ()),
    "rows_dropped": ("Rows of the push topic that were not newer.", ()),
    "rows_erased": ("Rows of the push topic that were erased.", ()),
    "rows_refused": ("Records of the push topic that are no rows.", ()),
    "rows_sent": ("Rows written to streams.", ()),
    "rows_skipped": ("Rows that slow clients skipped.", ()),
    "streams_ended": ("Streams that ended, by end: gone, cut_off, expired, closed.", ("end",)),
}
"""What each counts, and by which labels."""
TIMES: Final[dict[Time, str]] = {
    "produce_seconds": "Until events were acknowledged.",
    "opening_seconds": "Until an opening was answered: with its row, or at its deadline.",
}
LEVELS: Final[dict[Level, str]] = {
    "streams": "Streams that are open.",
    "ready": "1 while the gateway is ready.",
    "rows_behind": "Records of the push topic that were not read yet.",
}
_BUCKETS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The counts of one gateway; none of them names a member."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._counts = {
            name: Counter(PREFIX + name, text, labels, registry=self._registry)
            for name, (text, labels) in COUNTS.items()
        }
        self._times = {
            name: Histogram(PREFIX + name, text, registry=self._registry, buckets=_BUCKETS)
            for name, text in TIMES.items()
        }
        self._levels = {
            name: Gauge(PREFIX + name, text, registry=self._registry)
            for name, text in LEVELS.items()
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
