"""Questions to a cluster: which topics it has, and what it says of them."""

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from typing import Final, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicCollection, Uuid
from confluent_kafka.admin import AdminClient, ConfigResource
from msgspec import Struct

from stream_cw.broker.connection import Brokers, for_librdkafka
from stream_cw.errors import BrokerError

TIMEOUT_S: Final = 15.0
"""How long a broker may take to answer."""
_TRY_S: Final = 2.0
"""How long one try to connect may take: what brokers refused is heard of between two."""
_REFUSALS: Final = (KafkaError._AUTHENTICATION, KafkaError._SSL)
"""A client that hears of these tries again for ever, and is refused for ever."""
STILL_SETTLING: Final = (
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.OFFSET_NOT_AVAILABLE,
)
"""Refusals of a cluster that still finds out which broker answers for what."""

NO_GROUP: Final = KafkaError.GROUP_AUTHORIZATION_FAILED
"""Told to a consumer that may not join its group; one that only looks never asked to."""

_T = TypeVar("_T")
_MASK: Final = (1 << 64) - 1


class Found(Struct, frozen=True):
    """A topic as the cluster describes it.

    Attributes
    ----------
    id : str
        32 hexadecimal digits; a topic that is made again under its name has another.
    partitions, replication : int
    settings : dict
        As far as the broker tells: the embedded one tells only what was set.
    """

    id: str
    partitions: int
    replication: int
    settings: dict[str, str]


def connect(brokers: Brokers) -> AdminClient:
    """Connect to a cluster, and see that it answers.

    Raises
    ------
    BrokerError
        If none of the brokers answers in time, or one refuses who asks or cannot be trusted.
    """
    heard: dict[int, KafkaError] = {}

    def note(error: KafkaError) -> None:
        heard[error.code()] = error

    # A client that goes away with a question open waits for ever: each has its answer in time.
    limits = {"socket.timeout.ms": int(1000 * TIMEOUT_S), "error_cb": note}
    client = AdminClient({**for_librdkafka(brokers), **limits})
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            client.list_topics(timeout=_TRY_S)
        except KafkaException as error:
            client.poll(0)
            refusal = next((heard[code] for code in _REFUSALS if code in heard), None)
            if refusal or time.monotonic() > deadline:
                told = refusal or heard.get(KafkaError._TRANSPORT) or error.args[0]
                raise BrokerError(f"{brokers}: {' '.join(told.str().split())}") from None
        else:
            return client


def asked(brokers: Brokers, ask: Callable[[], _T]) -> _T:
    """Ask a broker; what the client library raises becomes a BrokerError."""
    try:
        return ask()
    except KafkaException as error:
        raise BrokerError(f"{brokers}: {error.args[0].str()}") from None


def settled(ask: Callable[[], _T]) -> _T:
    """Ask a cluster, and again while it is still settling.

    Raises
    ------
    KafkaException
        If it refuses for another reason, or has not settled in time.
    """
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in STILL_SETTLING or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def find_topics(client: AdminClient, brokers: Brokers, names: Collection[str]) -> dict[str, Found]:
    """Describe topics; those that the cluster does not have are left out.

    Raises
    ------
    BrokerError
        If the broker refuses or does not answer in time.
    """
    topics = client.describe_topics(TopicCollection(list(names)), request_timeout=TIMEOUT_S)
    described = _there(brokers, topics)
    if not described:
        return {}
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in described]
    answers = client.describe_configs(resources, request_timeout=TIMEOUT_S)
    settings = _there(brokers, {resource.name: answer for resource, answer in answers.items()})
    return {
        name: Found(
            id=_hex(described[name].topic_id),
            partitions=len(described[name].partitions),
            replication=min(len(partition.replicas) for partition in described[name].partitions),
            settings={key: entry.value for key, entry in entries.items()},
        )
        for name, entries in settings.items()
    }


def _there(brokers: Brokers, answers: Mapping[str, Future[_T]]) -> dict[str, _T]:
    there = {}
    for name, answer in answers.items():
        try:
            there[name] = answer.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise BrokerError(f"{brokers}: {name}: {error.args[0].str()}") from None
    return there


def _hex(identity: Uuid) -> str:
    high, low = identity.get_most_significant_bits(), identity.get_least_significant_bits()
    return f"{high & _MASK:016x}{low & _MASK:016x}"
