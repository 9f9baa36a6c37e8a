"""What a client must know of a topic before it reads or writes."""

from stream_cw.broker.cluster import Found, connect, find_topics
from stream_cw.broker.connection import Brokers
from stream_cw.errors import TopicMismatchError


def describe(brokers: Brokers, name: str) -> Found:
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
