"""The worker's settings as Faust takes them."""

from typing import Any, Final

import faust
from faust.types.auth import CredentialsT

from stream_cw.broker.connection import Brokers, addresses_of, connection_of, ssl_context
from stream_cw.config import Settings
from stream_cw.worker.tables import Tables
from stream_cw.worker.topic import Topic

BATCHES_IN_ROUND: Final = 4
"""A fetch brings at most a quarter of a round, so that rounds keep to their limit."""
PRODUCER_BATCH_BYTES: Final = 1_000_000
PRODUCER_TIMEOUT_SECONDS: Final = 30.0


def batch_records(settings: Settings) -> int:
    """Return the most records of a partition that a fetch brings."""
    return max(1, settings.round_records // BATCHES_IN_ROUND)


def faust_settings(settings: Settings, brokers: Brokers, partitions: int) -> dict[str, Any]:
    """Return what Faust's app is to be told."""
    return {
        "broker": [f"kafka://{address}" for address in addresses_of(brokers)],
        "broker_credentials": _credentials(brokers),
        "datadir": settings.data_dir,
        "store": "rocksdb://",
        "Topic": Topic,
        "TableManager": Tables,
        "key_serializer": "raw",
        "value_serializer": "raw",
        "topic_partitions": partitions,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "table_standby_replicas": settings.standbys,
        "consumer_auto_offset_reset": "earliest",
        "consumer_group_instance_id": settings.instance,
        "consumer_max_fetch_size": settings.fetch_bytes,
        "broker_max_poll_records": batch_records(settings),
        "broker_session_timeout": settings.session_timeout,
        "broker_heartbeat_interval": settings.heartbeat_interval,
        "broker_rebalance_timeout": settings.rebalance_timeout,
        "broker_commit_interval": settings.commit_interval,
        "producer_max_batch_size": PRODUCER_BATCH_BYTES,
        "producer_request_timeout": PRODUCER_TIMEOUT_SECONDS,
        # An own wait takes its place: `Consumer.hand_over`, which ends at a deadline.
        "stream_wait_empty": False,
        "web_enabled": False,
    }


def _credentials(brokers: Brokers) -> CredentialsT | None:
    it = connection_of(brokers)
    if it.protocol == "PLAINTEXT":
        return None
    if it.protocol == "SSL":
        return faust.SSLCredentials(ssl_context(it))
    return faust.SASLCredentials(
        mechanism=it.mechanism,
        username=it.username,
        password=it.password.get_secret_value(),
        ssl_context=ssl_context(it),
    )
