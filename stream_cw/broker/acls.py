"""Who may do what on a cluster: the rights of each role, as `schemas/acls.yaml` has them."""

from collections.abc import Iterable
from functools import cache
from typing import Literal

import msgspec
import yaml
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)
from msgspec import Struct

from stream_cw.broker.cluster import TIMEOUT_S, asked, connect
from stream_cw.broker.connection import Brokers
from stream_cw.broker.contract import Topics, schemas_dir
from stream_cw.errors import SettingsError

Operation = Literal[
    "READ", "WRITE", "CREATE", "DESCRIBE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"
]  # as Kafka's tools write them
EVERY_HOST = "*"


class Role(Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `acls.yaml`; the file's head says what the fields mean."""

    does: str
    topics: dict[str, list[Operation]]
    group: list[Operation] = []


class Right(Struct, frozen=True):
    """An operation that is allowed on one topic or group."""

    operation: Operation
    kind: Literal["topic", "group"]
    name: str

    def __str__(self) -> str:
        return f"{self.operation} {self.kind} {self.name}"


@cache
def roles() -> dict[str, Role]:
    """Read `acls.yaml`."""
    text = (schemas_dir() / "acls.yaml").read_bytes()
    return msgspec.convert(yaml.safe_load(text), dict[str, Role])


def rights_of(role: str, topics: Topics) -> list[Right]:
    """List what a role needs on the topics of a system.

    Raises
    ------
    SettingsError
        If there is no such role.
    """
    found = roles().get(role)
    if found is None:
        raise SettingsError(f"role: wanted one of {', '.join(roles())}, found {role!r}")
    rights = [
        Right(operation, "topic", getattr(topics, topic))
        for topic, operations in found.topics.items()
        for operation in operations
    ]
    return [*rights, *(Right(operation, "group", topics.app_id) for operation in found.group)]


def grant(brokers: Brokers, principal: str, rights: Iterable[Right]) -> None:
    """Allow a principal what is listed, from every host; to grant twice does no harm.

    Parameters
    ----------
    brokers : str or Connection
        Of somebody who may alter the cluster.
    principal : str
        As Kafka names it, such as `User:gateway`.
    rights : iterable of Right

    Raises
    ------
    BrokerError
        If no broker answers in time, or one refuses.
    """
    client = connect(brokers)
    bindings = [_binding(principal, right) for right in rights]
    for right, answer in client.create_acls(bindings, request_timeout=TIMEOUT_S).items():
        asked(f"{brokers}: {right.name}", answer.result)


def _binding(principal: str, right: Right) -> AclBinding:
    return AclBinding(
        ResourceType[right.kind.upper()],
        right.name,
        ResourcePatternType.LITERAL,
        principal,
        EVERY_HOST,
        AclOperation[right.operation],
        AclPermissionType.ALLOW,
    )
