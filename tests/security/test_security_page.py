"""docs/security.md says of settings, rights and limits what holds."""

import re
from pathlib import Path

import pytest

from stream_cw.broker.acls import Role, rights_of, roles
from stream_cw.broker.contract import topic_names, topics_contract
from stream_cw.config import variable
from stream_cw.core.catalog import MAX_CATALOG_BYTES
from stream_cw.core.decoding import MAX_DEPTH
from stream_cw.core.events import MAX_EVENT_BYTES
from stream_cw.core.limits import STATE_BYTES
from stream_cw.core.rows import MAX_ROW_BYTES
from stream_cw.errors import SettingsError
from stream_cw.gateway.claims import MAX_PROFILES, MAX_TOKEN_BYTES
from stream_cw.gateway.events import MAX_EVENTS
from stream_cw.gateway.keys import MAX_KEYS_BYTES
from stream_cw.gateway.limits import MAX_BODY_BYTES
from stream_cw.gateway.opening import MAX_OPENING_BYTES
from stream_cw.gateway.tickets import MAX_TICKET_BYTES
from stream_cw.history import catalog_table, log, viewing_file
from stream_cw.model.artefact import MAX_ARTEFACT_BYTES
from stream_cw.model.keys import MAX_KEY_BYTES
from stream_cw.operator_files import MAX_FILE_BYTES
from stream_cw.security import MAX_SECRET_BYTES, SecuritySettings

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
LIMITS = {
    "an event": MAX_EVENT_BYTES,
    "JSON of every topic: nesting": MAX_DEPTH,
    "a catalog entry": MAX_CATALOG_BYTES,
    "a signed model": MAX_ARTEFACT_BYTES,
    "a row, as clients read it": MAX_ROW_BYTES,
    "a body of HTTP": MAX_BODY_BYTES,
    "the body of an opening": MAX_OPENING_BYTES,
    "events in a request": MAX_EVENTS,
    "a token": MAX_TOKEN_BYTES,
    "profiles in a token": MAX_PROFILES,
    "a ticket of a stream": MAX_TICKET_BYTES,
    "a file of policy, placement or experiment": MAX_FILE_BYTES,
    "a key file of models": MAX_KEY_BYTES,
    "a key file of tokens": MAX_KEYS_BYTES,
    "a file with a password": MAX_SECRET_BYTES,
    "a line of an event log, or of a catalog file": log.MAX_LINE_BYTES,
    "a line of a catalog table": catalog_table.MAX_LINE_LENGTH,
    "a line of a viewing export": viewing_file.MAX_LINE_BYTES,
    "what is kept of a profile": STATE_BYTES,
}


def table(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    _, below = PAGE.read_text().split(f"\n## {heading}\n")
    rows = re.findall(r"^\|(.*)\|$", below.split("\n## ")[0], re.MULTILINE)
    return [[cell.strip() for cell in row.split(" | ")] for row in rows[2:]]


def test_the_settings() -> None:
    assert table("How brokers are spoken to") == [
        [f"`{variable(SecuritySettings, name)}`", field.description]
        for name, field in SecuritySettings.model_fields.items()
    ]


def test_the_rights() -> None:
    assert table("Roles and their rights") == [
        [name, role.does, told(role)] for name, role in roles().items()
    ]


def told(role: Role) -> str:
    rights = [f"{topic}: {', '.join(allowed)}" for topic, allowed in role.topics.items()]
    return "; ".join([*rights, *([f"its group: {', '.join(role.group)}"] if role.group else [])])


def test_the_limits() -> None:
    rows = table("Limits on what comes in")
    found = {what: int(limit.split()[0].replace(",", "")) for what, limit, _ in rows}
    assert found == LIMITS


def test_rights_are_on_the_topics_of_the_system() -> None:
    topics = topic_names("a.", "b")
    rights = [right for role in roles() for right in rights_of(role, topics)]
    spec = topics_contract().topics
    assert {right.name for right in rights if right.kind == "topic"} == {
        "a." + spec[role].name.format(app_id="b") for role in spec
    }
    assert {right.name for right in rights if right.kind == "group"} == {"a.b"}


def test_an_unknown_role_is_named() -> None:
    with pytest.raises(SettingsError, match=r"wanted one of producer, worker, .*found 'nobody'"):
        rights_of("nobody", topic_names())
