"""Compare topics as wanted with topics as found; no broker is asked here."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

from stream_cw.broker.cluster import Found
from stream_cw.broker.contract import Topics, topics_contract
from stream_cw.broker.identities import Identities, Identity

MISSING: Final = "missing"

MismatchKind = Literal["missing", "shape", "setting", "identity", "record"]


class Mismatch(Struct, frozen=True):
    """One thing of a topic that is not as wanted.

    Attributes
    ----------
    kind : {'missing', 'shape', 'setting', 'identity', 'record'}
        A missing topic, a setting and a missing record are mended by `topics apply`; the shape
        (partitions, replicas) and the identity of a log cannot be.
    topic : str
    what : str
        `topic`, `partitions`, `replication`, the name of a setting, `recorded id`,
        `recorded partitions`, or `record of <app id>`.
    wanted, found : str
    """

    kind: MismatchKind
    topic: str
    what: str
    wanted: str
    found: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"topic {self.topic}: {self.what}: wanted {self.wanted}, found {self.found}"


class Wanted(Struct, frozen=True):
    """A topic as it shall be; with `replication` None the cluster's default will do."""

    name: str
    partitions: int
    replication: int | None
    settings: dict[str, str]


def wanted_topics(
    topics: Topics, *, partitions: int | None = None, replication: int | None = None
) -> list[Wanted]:
    """Say what `topics.yaml` wants of each topic; `partitions` replaces the count named there."""
    contract = topics_contract()
    return [
        Wanted(
            name=getattr(topics, role),
            partitions=spec.partitions or partitions or contract.partitions,
            replication=replication,
            settings={name: str(value) for name, value in spec.config.items()},
        )
        for role, spec in contract.topics.items()
    ]


def compare_topics(wanted: Sequence[Wanted], found: Mapping[str, Found]) -> Iterator[Mismatch]:
    """Yield what differs: missing topics, shapes and settings."""
    for topic in wanted:
        seen = found.get(topic.name)
        if seen is None:
            yield Mismatch("missing", topic.name, "topic", "a topic", MISSING)
            continue
        if seen.partitions != topic.partitions:
            yield _differs("shape", topic.name, "partitions", topic.partitions, seen.partitions)
        if topic.replication not in {None, seen.replication}:
            yield _differs("shape", topic.name, "replication", topic.replication, seen.replication)
        for name, value in topic.settings.items():
            if _parts(have := seen.settings.get(name, MISSING)) != _parts(value):
                yield _differs("setting", topic.name, name, value, have)


def compare_identities(
    topics: Topics, wanted: Identities | None, found: Mapping[str, Found]
) -> Iterator[Mismatch]:
    """Yield how the logs that are there differ from those that were recorded."""
    if wanted is None:
        what = f"record of {topics.app_id}"
        yield Mismatch("record", topics.identities, what, "a record", MISSING)
        return
    there = identities_of(topics, found)
    for name in identified(topics):
        want, have = wanted.get(name), there.get(name)
        if want is None or have is None or want.id != have.id:
            wanted_id, found_id = (side.id if side else MISSING for side in (want, have))
            yield Mismatch("identity", name, "recorded id", wanted_id, found_id)
        elif want.partitions != have.partitions:
            yield _differs(
                "identity", name, "recorded partitions", want.partitions, have.partitions
            )


def identified(topics: Topics) -> tuple[str, str, str]:
    """Name the topics whose identity is recorded: offsets kept in states hold for them alone."""
    return topics.events, topics.rows, topics.changelog


def identities_of(topics: Topics, found: Mapping[str, Found]) -> Identities:
    """Tell the identities of the logs that are there."""
    return {
        name: Identity(found[name].id, found[name].partitions)
        for name in identified(topics)
        if name in found
    }


def _differs(kind: MismatchKind, topic: str, what: str, wanted: object, found: object) -> Mismatch:
    return Mismatch(kind, topic, what, str(wanted), str(found))


def _parts(setting: str) -> list[str]:
    # A broker may tell the parts of a list, such as compact,delete, in another order.
    return sorted(setting.split(","))
