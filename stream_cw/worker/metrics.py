"""What a worker tells Prometheus: its counts, times, sizes and levels. None names a member."""

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from stream_cw.core.rows import ModelRef
from stream_cw.errors import RefusalReason
from stream_cw.worker.stats import Stats, descriptions

PREFIX: Final = "stream_cw_worker_"

Seen = Literal["event_to_row_seconds", "round_records", "state_bytes"]
Level = Literal["ready", "recovery_records_left", "standby_records_behind", "hand_over_seconds"]

SEEN: Final[dict[Seen, tuple[str, tuple[float, ...]]]] = {
    "event_to_row_seconds": (
        "From the broker's time of the first event that a row shows to the row's acknowledgement.",
        (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
    ),
    "round_records": (
        "Records of a round.",
        (1, 3, 10, 30, 100, 300, 1_000, 3_000),
    ),
    "state_bytes": (
        "Bytes of the largest state of a round.",
        (1_024, 2_048, 4_096, 6_144, 8_192, 10_240, 12_288),
    ),
}
LEVELS: Final[dict[Level, str]] = {
    "ready": "1 while the worker has its partitions and works on them.",
    "recovery_records_left": "Records of the changelog that the recovery under way has to read.",
    "standby_records_behind": "Records of the changelog that standbys have not taken yet.",
    "hand_over_seconds": "From the last hand-over's start, or the worker's, to its next round.",
}
LAG: Final = "Records of a partition of the event topic that are not dealt with yet."
REFUSALS: Final = "Records that became dead letters, by reason."
SHARE: Final = (
    "Share of refused records among a partition's last, where STREAM_CW_REFUSED_LIMIT is set."
)
MODEL: Final = "1 for the model that rows are made with, by id and sha256."


class Metrics:
    """The metrics of one worker.

    Parameters
    ----------
    stats : Stats
        Its counts, read when they are asked for.
    """

    def __init__(self, stats: Stats) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(_Counts(stats))
        self._seen = {
            name: Histogram(PREFIX + name, text, registry=registry, buckets=buckets)
            for name, (text, buckets) in SEEN.items()
        }
        self._levels = {
            name: Gauge(PREFIX + name, text, registry=registry) for name, text in LEVELS.items()
        }
        self._lag = Gauge(PREFIX + "lag_records", LAG, ["partition"], registry=registry)
        self._refusals = Counter(PREFIX + "refusals", REFUSALS, ["reason"], registry=registry)
        self._share = Gauge(PREFIX + "refused_share", SHARE, ["partition"], registry=registry)
        self._model = Gauge(PREFIX + "model", MODEL, ["id", "sha256"], registry=registry)

    def observe(self, name: Seen, value: float) -> None:
        """Note a time or a size."""
        self._seen[name].observe(value)

    def level(self, name: Level, value: float) -> None:
        """Set how much there is of something."""
        self._levels[name].set(value)

    def refused(self, reason: RefusalReason) -> None:
        """Count a dead letter."""
        self._refusals.labels(reason).inc()

    def refused_share(self, partition: int, share: float) -> None:
        """Set the share of refused records among a partition's last."""
        self._share.labels(str(partition)).set(share)

    def forget_shares(self) -> None:
        """Forget the shares: other partitions may come."""
        self._share.clear()

    def lag(self, records: Mapping[int, int]) -> None:
        """Set the lag of the partitions that this worker has, and of no others."""
        self._lag.clear()
        for partition, behind in records.items():
            self._lag.labels(str(partition)).set(behind)

    def model(self, ref: ModelRef) -> None:
        """Say which model rows are made with; a built-in rule has no sha256."""
        self._model.clear()
        self._model.labels(ref.id, ref.sha256 or "").set(1)

    def text(self) -> bytes:
        """Return all in Prometheus' text format."""
        return generate_latest(self._registry)


class _Counts(Collector):
    def __init__(self, stats: Stats) -> None:
        self._stats = stats

    def collect(self) -> Iterator[Metric]:
        for name, text in descriptions().items():
            yield CounterMetricFamily(PREFIX + name, text, value=getattr(self._stats, name))
