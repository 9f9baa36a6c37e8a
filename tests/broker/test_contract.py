"""`schemas/topics.yaml` says what the code relies on."""

import faust
import msgspec
import pytest
import yaml

from stream_cw.broker.contract import (
    Contract,
    Topics,
    schemas_dir,
    topic_names,
    topics_contract,
)
from stream_cw.core.events import MAX_EVENT_BYTES

HEADERS_BYTES = 64 * 1024
RECORD_OVERHEAD = 512


def test_each_topic_has_a_name() -> None:
    assert {"app_id", *topics_contract().topics} == set(Topics.__struct_fields__)


def test_names_without_a_prefix() -> None:
    topics = topic_names()
    assert topics.events == "cw.viewing-events.v1"
    assert topics.changelog == "stream-cw-profiles-changelog"


def test_prefix_stands_before_every_name() -> None:
    plain, prefixed = topic_names(), topic_names("t1.")
    for name in Topics.__struct_fields__:
        assert getattr(prefixed, name) == "t1." + getattr(plain, name)


def test_changelog_is_named_as_faust_names_it() -> None:
    topics = topic_names("t1.", "some-app")
    app = faust.App(topics.app_id, autodiscover=False)
    table = app.Table("profiles", key_type=bytes, value_type=bytes)
    assert topics.changelog == table.changelog_topic.get_topic_name()


def test_events_rows_and_changelog_have_equal_partitions() -> None:
    of_their_own = {
        role for role, spec in topics_contract().topics.items() if spec.partitions is not None
    }
    assert of_their_own == {"catalog", "models", "dead_letters", "identities"}


def test_dead_letters_hold_every_refused_record() -> None:
    topics = topics_contract().topics
    events = topics["events"].config["max.message.bytes"]
    assert topics["dead_letters"].config["max.message.bytes"] == int(events) + HEADERS_BYTES
    assert int(events) > MAX_EVENT_BYTES + RECORD_OVERHEAD


@pytest.mark.parametrize("role", ["rows", "changelog"])
def test_compaction_can_happen_but_not_at_once(role: str) -> None:
    config = topics_contract().topics[role].config
    assert "compact" in str(config["cleanup.policy"]).split(",")
    assert int(config["segment.ms"]) < int(config["max.compaction.lag.ms"])
    assert 0 < int(config["min.compaction.lag.ms"]) < int(config["max.compaction.lag.ms"])
    assert int(config["delete.retention.ms"]) > int(config["max.compaction.lag.ms"])


def test_every_schema_is_there() -> None:
    named = {spec.value for spec in topics_contract().topics.values() if ".json" in spec.value}
    assert named >= {"viewing-events.v1.schema.json", "row-updates.v1.schema.json"}
    assert {name for name in named if not (schemas_dir() / name).is_file()} == set()


@pytest.mark.parametrize("typo", ["partition", "clean", "compatiblity"])
def test_typo_is_refused(typo: str) -> None:
    document = yaml.safe_load((schemas_dir() / "topics.yaml").read_text())
    document["topics"]["events"][typo] = 1
    with pytest.raises(msgspec.ValidationError, match=typo):
        msgspec.convert(document, Contract)
