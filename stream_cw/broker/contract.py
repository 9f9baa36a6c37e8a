"""The topics as `schemas/topics.yaml` describes them, and the names of one set of them."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec
import yaml
from msgspec import Struct
from msgspec.structs import replace

DEFAULT_APP_ID: Final = "stream-cw"


class Topics(Struct, frozen=True, kw_only=True):
    """The names that one system uses on a cluster; see `topics.yaml` for what each topic holds.

    Attributes
    ----------
    app_id : str
        Consumer group of the workers, and start of the changelog's name.
    events, rows, catalog, models, dead_letters, changelog, identities : str
        Topics.
    """

    app_id: str
    events: str
    rows: str
    catalog: str
    models: str
    dead_letters: str
    changelog: str
    identities: str


class TopicSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of `topics.yaml`; the file's head says what the fields mean."""

    name: str
    holds: str
    key: str
    value: str
    config: dict[str, str | int | float]
    partitions: int | None = None
    producers: list[str]
    consumers: list[str]
    compatibility: str


class Contract(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `topics.yaml`; each topic's `config` has the defaults in it."""

    partitions: int
    defaults: dict[str, str | int | float]
    topics: dict[str, TopicSpec]


@cache
def topics_contract() -> Contract:
    """Read `topics.yaml`: a spec for each field of `Topics` that is a topic."""
    text = (schemas_dir() / "topics.yaml").read_bytes()
    contract = msgspec.convert(yaml.safe_load(text), Contract)
    complete = {
        role: replace(spec, config={**contract.defaults, **spec.config})
        for role, spec in contract.topics.items()
    }
    return replace(contract, topics=complete)


def topic_ms(role: str, setting: str) -> int:
    """Read a time that the contract sets for a topic, ms."""
    return int(topics_contract().topics[role].config[setting])


def schemas_dir() -> Path:
    """Folder of the contracts: inside the package when installed, beside it in a checkout."""
    packaged = Path(str(files("stream_cw"))) / "schemas"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "schemas"


def topic_names(prefix: str = "", app_id: str = DEFAULT_APP_ID) -> Topics:
    """Name a set of topics.

    Parameters
    ----------
    prefix : str
        Stands before every name and the app id, so that several systems can share a cluster.
    app_id : str
        What the workers of one system have in common.
    """
    names = {
        role: prefix + spec.name.format(app_id=app_id)
        for role, spec in topics_contract().topics.items()
    }
    return msgspec.convert({"app_id": prefix + app_id, **names}, Topics)
