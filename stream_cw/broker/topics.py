"""Create and check the topics of a system: `stream-cw topics apply`, and a worker's first look."""

import time
from collections.abc import Iterable, Sequence

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
)
from msgspec import Struct

from stream_cw.broker.cluster import TIMEOUT_S, Found, asked, connect, find_topics
from stream_cw.broker.connection import Brokers
from stream_cw.broker.contract import Topics
from stream_cw.broker.identities import Identities, read_identities, write_identities
from stream_cw.broker.mismatch import (
    Mismatch,
    Wanted,
    compare_identities,
    compare_topics,
    identities_of,
    wanted_topics,
)
from stream_cw.errors import BrokerError, LogMismatchError, TopicMismatchError


def check_topics(
    brokers: Brokers,
    topics: Topics,
    *,
    partitions: int | None = None,
    replication: int | None = None,
) -> list[Mismatch]:
    """Compare the topics of a cluster with what is wanted, and change nothing.

    Parameters
    ----------
    brokers : str or Connection
        Addresses, `host:port`, separated by commas.
    topics : Topics
    partitions : int, optional
        Of events, rows and changelog; as recorded if left out, else as in `topics.yaml`.
    replication : int, optional
        Replicas of each partition; not compared if left out.

    Returns
    -------
    list of Mismatch
        Empty when all is well. Settings that `topics.yaml` does not name are not compared.

    Raises
    ------
    BrokerError
        If no broker answers in time.
    LogMismatchError
        If the record of identities is damaged.
    """
    return _look(connect(brokers), brokers, topics, partitions, replication).mismatches


def apply_topics(
    brokers: Brokers,
    topics: Topics,
    *,
    partitions: int | None = None,
    replication: int | None = None,
    new_log: bool = False,
) -> list[Mismatch]:
    """Create the topics that are missing, mend settings that differ, and record the identities.

    Parameters
    ----------
    brokers, topics, partitions, replication
        As for `check_topics`; without `replication` a new topic takes the cluster's default.
    new_log : bool
        Go on with other logs than those recorded: their identities replace the record.

    Returns
    -------
    list of Mismatch
        What was mended; empty when all was well.

    Raises
    ------
    LogMismatchError
        If a log is not the one recorded, and `new_log` is not set. Nothing is changed.
    TopicMismatchError
        If a topic has other partitions or replicas than wanted. Nothing is changed.
    BrokerError
        If no broker answers in time, or one refuses a change.
    """
    client = connect(brokers)
    seen = _look(client, brokers, topics, partitions, replication)
    if not new_log:
        _refuse(seen.mismatches, "identity", LogMismatchError)
    _refuse(seen.mismatches, "shape", TopicMismatchError)
    missing = {m.topic for m in seen.mismatches if m.kind == "missing"}
    _create(client, brokers, [topic for topic in seen.wanted if topic.name in missing])
    _alter(client, brokers, [m for m in seen.mismatches if m.kind == "setting"])
    identities = identities_of(topics, _settled(client, brokers, seen.wanted))
    if identities != seen.identities:
        write_identities(brokers, topics, identities)
    return seen.mismatches


def verified_topics(brokers: Brokers, topics: Topics) -> Identities:
    """Hold the topics to what is wanted and recorded, as a worker must before it starts.

    Returns
    -------
    Identities
        Of events, rows and changelog: as recorded, and as found.

    Raises
    ------
    LogMismatchError
        If a log is not the one recorded.
    TopicMismatchError
        If a topic is missing or not as wanted, or nothing was recorded.
    BrokerError
        If no broker answers in time.
    """
    seen = _look(connect(brokers), brokers, topics, None, None)
    _refuse(seen.mismatches, "identity", LogMismatchError)
    if seen.mismatches or seen.identities is None:
        raise TopicMismatchError(_lines(seen.mismatches))
    return seen.identities


def recorded(brokers: Brokers, topics: Topics) -> Identities | None:
    """Read what `apply_topics` recorded last for `topics.app_id`; None if it never did.

    Raises
    ------
    BrokerError
        If no broker answers in time.
    LogMismatchError
        If the record is damaged.
    """
    there = find_topics(connect(brokers), brokers, [topics.identities])
    return read_identities(brokers, topics) if there else None


class _Seen(Struct, frozen=True):
    wanted: list[Wanted]
    identities: Identities | None
    mismatches: list[Mismatch]


def _look(
    client: AdminClient,
    brokers: Brokers,
    topics: Topics,
    partitions: int | None,
    replication: int | None,
) -> _Seen:
    found = find_topics(client, brokers, [topic.name for topic in wanted_topics(topics)])
    identities = read_identities(brokers, topics) if topics.identities in found else None
    if partitions is None and identities and topics.events in identities:
        partitions = identities[topics.events].partitions
    wanted = wanted_topics(topics, partitions=partitions, replication=replication)
    differences = compare_topics(wanted, found)
    return _Seen(wanted, identities, [*differences, *compare_identities(topics, identities, found)])


def _refuse(
    mismatches: Iterable[Mismatch], kind: str, error: type[LogMismatchError | TopicMismatchError]
) -> None:
    if refused := [mismatch for mismatch in mismatches if mismatch.kind == kind]:
        raise error(_lines(refused))


def _lines(mismatches: Iterable[Mismatch]) -> str:
    return "\n".join(map(str, mismatches))


def _create(client: AdminClient, brokers: Brokers, wanted: Sequence[Wanted]) -> None:
    if not wanted:
        return
    new = [
        NewTopic(
            topic.name,
            num_partitions=topic.partitions,
            replication_factor=topic.replication or -1,
            config=topic.settings,
        )
        for topic in wanted
    ]
    for name, answer in client.create_topics(new, request_timeout=TIMEOUT_S).items():
        try:
            answer.result()
        except KafkaException as error:
            # Someone else was quicker; whether it is as wanted, the next look will tell.
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise BrokerError(f"{brokers}: {name}: {error.args[0].str()}") from None


def _alter(client: AdminClient, brokers: Brokers, settings: Iterable[Mismatch]) -> None:
    entries: dict[str, list[ConfigEntry]] = {}
    for mismatch in settings:
        entry = ConfigEntry(
            mismatch.what, mismatch.wanted, incremental_operation=AlterConfigOpType.SET
        )
        entries.setdefault(mismatch.topic, []).append(entry)
    if not entries:
        return
    changes = [
        ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=changed)
        for name, changed in entries.items()
    ]
    answers = client.incremental_alter_configs(changes, request_timeout=TIMEOUT_S)
    for resource, answer in answers.items():
        asked(f"{brokers}: {resource.name}", answer.result)


def _settled(client: AdminClient, brokers: Brokers, wanted: Sequence[Wanted]) -> dict[str, Found]:
    # A broker learns of a change a moment after it was accepted.
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        found = find_topics(client, brokers, [topic.name for topic in wanted])
        if not (left := list(compare_topics(wanted, found))):
            return found
        if time.monotonic() > deadline:
            raise BrokerError(f"{brokers}: changes accepted, but not made:\n{_lines(left)}")
        time.sleep(0.05)
