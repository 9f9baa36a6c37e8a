"""Models on their topic: publish, list, roll back."""

from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from msgspec import Struct
from msgspec.structs import replace

from stream_cw.broker.cluster import asked
from stream_cw.broker.connection import Brokers, for_librdkafka
from stream_cw.clients.read import read
from stream_cw.clients.topic import describe
from stream_cw.core.records import Record
from stream_cw.errors import BrokerError, InputError, RefusedModelError
from stream_cw.model.artefact import MAX_ARTEFACT_BYTES, open_envelope, read_manifest
from stream_cw.model.manifest import Manifest
from stream_cw.model.topic import (
    ORDER_HEADER,
    RANKER,
    decode_order,
    encode_order,
    is_kept,
    kept_key,
)

DELIVERY_SECONDS: Final = 15.0


class Published(Struct, frozen=True, kw_only=True):
    """A model that the topic holds.

    Attributes
    ----------
    sha256 : str
    manifest : Manifest
    key : str
        Id of the key that signed it; whether that is trusted, each worker judges by itself.
    data : bytes
        The artefact.
    offset : int
        Of the last record that holds it; of the model in force, of its publication.
    published_ts : int or None
        When that was, ms, by the broker's clock.
    in_force : bool
        It was published last. Workers that refuse it stay with the model before.
    was_in_force : bool
        It is, or was at some time. Else its publication broke off.
    """

    sha256: str
    manifest: Manifest
    key: str
    data: bytes
    offset: int
    published_ts: int | None
    in_force: bool = False
    was_in_force: bool = False


def published(brokers: Brokers, topic: str) -> list[Published]:
    """Read all models that the topic holds.

    Parameters
    ----------
    brokers : str or Connection
    topic : str

    Returns
    -------
    list of Published
        In the order of their first publication, behind them those whose publication broke off. What
        was not put there by `publish`, and so stands under no hash of its own, is left out: workers
        tell what they think of it.

    Raises
    ------
    BrokerError
        If the topic cannot be read.
    TopicMismatchError
        If there is no such topic.
    """
    describe(brokers, topic)
    models: dict[str, Published] = {}
    order: list[str] = []
    current: str | None = None
    for records in read(brokers, topic, 1, from_beginning=True, to_end=True):
        for record in records:
            found = _model_of(record)
            if is_kept(record.key) and found and record.key == kept_key(found.sha256):
                models[found.sha256] = found
            elif record.key == RANKER:
                current = found.sha256 if found else None
                order = [*dict.fromkeys((*decode_order(record.headers), *order))]
                if found and found.sha256 in models:
                    models[found.sha256] = found
                    order = [*dict.fromkeys((*order, found.sha256))]
    were = [models[sha256] for sha256 in order if sha256 in models]
    others = [model for sha256, model in models.items() if sha256 not in order]
    return [
        *(replace(m, in_force=m.sha256 == current, was_in_force=True) for m in were),
        *others,
    ]


def _model_of(record: Record) -> Published | None:
    try:
        envelope = open_envelope(record.value or b"")
        manifest = read_manifest(record.value or b"")
    except RefusedModelError:
        return None
    return Published(
        sha256=envelope.sha256,
        manifest=manifest,
        key=envelope.key,
        data=record.value or b"",
        offset=record.offset,
        published_ts=record.append_ts,
    )


def publish(brokers: Brokers, topic: str, artefact: bytes) -> int:
    """Put a model in force.

    Parameters
    ----------
    brokers : str or Connection
    topic : str
    artefact : bytes
        Signed, as `artefact.sign` makes it.

    Returns
    -------
    int
        The publication's offset. Rows under the model carry it, and one, in their version.

    Raises
    ------
    RefusedModelError
        If it is not an artefact.
    BrokerError
        If the topic cannot be read, or the broker does not acknowledge it in time.
    TopicMismatchError
        If there is no such topic.
    """
    sha256 = open_envelope(artefact).sha256
    before = [model.sha256 for model in published(brokers, topic) if model.was_in_force]
    order = encode_order(dict.fromkeys((*before, sha256)))
    producer = Producer(
        {
            **for_librdkafka(brokers),
            "acks": "all",
            "enable.idempotence": True,
            "message.timeout.ms": int(DELIVERY_SECONDS * 1000),
            "message.max.bytes": 2 * MAX_ARTEFACT_BYTES,
            "batch.num.messages": 1,  # two artefacts in one batch can be more than brokers take
        }
    )
    # Without it the library looks for the partition's leader only half a second later.
    asked(brokers, lambda: producer.list_topics(topic, timeout=DELIVERY_SECONDS))
    # First what keeps it: a model that was in force at any time can be found by its hash.
    _delivered(producer, topic, kept_key(sha256), artefact)
    return _delivered(producer, topic, RANKER, artefact, {ORDER_HEADER: order})


def _delivered(
    producer: Producer,
    topic: str,
    key: bytes,
    value: bytes,
    headers: dict[str, bytes] | None = None,
) -> int:
    answers: list[tuple[KafkaError | None, Message]] = []
    try:
        producer.produce(
            topic,
            key=key,
            value=value,
            partition=0,
            headers=headers,
            on_delivery=lambda error, message: answers.append((error, message)),
        )
        producer.flush()
    except KafkaException as error:
        raise BrokerError(f"topic {topic}: {error.args[0].str()}") from None
    failure, message = answers[0]
    if failure is not None:
        raise BrokerError(f"topic {topic}: the model was not delivered: {failure.str()}")
    offset: int = message.offset()
    return offset


def choose(models: list[Published], which: str | None) -> Published:
    """Find a model by the start of its hash.

    Parameters
    ----------
    models : list of Published
    which : str or None
        None is the model in force.

    Raises
    ------
    InputError
        If no model, or more than one, is meant.
    """
    if which is None:
        found = [model for model in models if model.in_force]
        wanted = "a model in force"
    else:
        found = [model for model in models if model.sha256.startswith(which)]
        wanted = f"one whose hash starts with {which}"
    if len(found) != 1:
        raise InputError(f"models: wanted {wanted}, found {len(found)}")
    return found[0]


def rollback(brokers: Brokers, topic: str, which: str | None = None) -> tuple[Published, int]:
    """Put an earlier model in force again: its artefact is published anew.

    Parameters
    ----------
    brokers : str or Connection
    topic : str
    which : str, optional
        Start of its hash. If left out, the one before the model in force, in the order of first
        publication, so that one rollback after another goes on back; without a model in force, the
        last that was.

    Returns
    -------
    Published, int
        The model, and the new publication's offset.

    Raises
    ------
    InputError
        If there is no such model.
    BrokerError, TopicMismatchError
        As for `published` and `publish`.
    """
    models = published(brokers, topic)
    if which is None:
        were = [model for model in models if model.was_in_force]
        at = next((n for n, model in enumerate(were) if model.in_force), len(were))
        if at == 0:
            raise InputError("models: wanted one that was published before, found none")
        chosen = were[at - 1]
    else:
        chosen = choose(models, which)
    return chosen, publish(brokers, topic, chosen.data)
