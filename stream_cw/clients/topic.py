"""What a client must know of a topic before it reads or writes."""

from stream_cw.broker.cluster import Found, connect, find_topics
from stream_cw.errors import TopicMismatchError


def connection(brokers: str) -> dict[str, str | int]:
    """Return the settings of a connection; the library's own log lines are left out."""
    return {"bootstrap.servers": brokers, "log_level": 0}


def describe(brokers: str, name: str) -> Found:
    """Ask a cluster for a topic.

    Raises
    ------
    BrokerError
        If no broker answers in time.
    TopicMismatchError
        If there is no such topic.
    """
    found = find_topics(connect(brokers), brokers, [name])
    if name not in found:
        raise TopicMismatchError(
            f"topic {name}: wanted on {brokers}, not found; `stream-cw topics apply` makes it"
        )
    return found[name]
