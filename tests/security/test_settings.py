"""Security settings: what goes together, what a refusal says, and that no secret is told."""

import secrets
import ssl
from pathlib import Path

import pytest
import typer
from authority import Authority

from stream_cw.broker.connection import (
    Connection,
    for_aiokafka,
    for_librdkafka,
)
from stream_cw.cli import build_app
from stream_cw.errors import SettingsError
from stream_cw.security import MAX_SECRET_BYTES, secured

PASSWORD = secrets.token_urlsafe(24)


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def test_without_settings_all_is_in_plain_text() -> None:
    connection = secured("one:9092, two:9092")
    assert str(connection) == "one:9092, two:9092"
    for brokers in (connection, str(connection)):
        assert for_librdkafka(brokers) == {"bootstrap.servers": str(connection), "log_level": 0}
        assert for_aiokafka(brokers) == {"bootstrap_servers": ["one:9092", "two:9092"]}


def test_a_user_with_a_password(authority: Authority) -> None:
    connection = secured(
        "one:9093",
        protocol="SASL_SSL",
        username="worker",
        password=PASSWORD,
        ca_file=authority.certificate,
    )
    assert for_librdkafka(connection) == {
        "bootstrap.servers": "one:9093",
        "log_level": 0,
        "security.protocol": "sasl_ssl",
        "ssl.endpoint.identification.algorithm": "https",
        "ssl.ca.location": str(authority.certificate),
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "worker",
        "sasl.password": PASSWORD,
    }
    arguments = for_aiokafka(connection)
    context = arguments.pop("ssl_context")
    assert arguments == {
        "bootstrap_servers": ["one:9093"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "worker",
        "sasl_plain_password": PASSWORD,
    }
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert [dict(pair for (pair,) in ca["subject"]) for ca in context.get_ca_certs()] == [
        {"commonName": "authority"}
    ]


def test_a_certificate_whose_key_has_a_password(authority: Authority, tmp_path: Path) -> None:
    files = authority.sign("gateway", password=PASSWORD)
    password_file = tmp_path / "password"
    password_file.write_text(PASSWORD + "\r\n")
    connection = secured(
        "one:9094",
        protocol="SSL",
        ca_file=authority.certificate,
        certificate_file=files.certificate,
        key_file=files.key,
        key_password_file=password_file,
    )
    settings = for_librdkafka(connection)
    assert settings["security.protocol"] == "ssl"
    assert settings["ssl.certificate.location"] == str(files.certificate)
    assert settings["ssl.key.location"] == str(files.key)
    assert settings["ssl.key.password"] == PASSWORD
    assert not [name for name in settings if name.startswith("sasl")]
    assert for_aiokafka(connection)["security_protocol"] == "SSL"
    assert PASSWORD not in repr(connection)


@pytest.mark.parametrize("password", [None, "another one"])
def test_a_key_that_its_password_does_not_open(
    authority: Authority, tmp_path: Path, password: str | None
) -> None:
    """Without any, OpenSSL would ask at the terminal, and wait."""
    files = authority.sign("closed", password=PASSWORD)
    password_file = None
    if password is not None:
        password_file = tmp_path / "password"
        password_file.write_text(password)
    with pytest.raises(SettingsError, match="STREAM_CW_SECURITY_KEY_FILE") as refused:
        secured(
            "one:9094",
            protocol="SSL",
            certificate_file=files.certificate,
            key_file=files.key,
            key_password_file=password_file,
        )
    assert "another one" not in str(refused.value)


def test_a_password_from_a_file_and_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    password_file = tmp_path / "password"
    password_file.write_text(f" {PASSWORD} \n")
    monkeypatch.setenv("STREAM_CW_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("STREAM_CW_SECURITY_USERNAME", "worker")
    found = secured("one:9093", password_file=password_file)
    assert found.password.get_secret_value() == f" {PASSWORD} "
    monkeypatch.setenv("STREAM_CW_SECURITY_PASSWORD", PASSWORD)
    found = secured("one:9093")
    assert found.password.get_secret_value() == PASSWORD
    assert PASSWORD not in f"{found} {found!r}"


USER = {"protocol": "SASL_SSL", "username": "u", "password": PASSWORD}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"protocol": "SASL_PLAINTEXT"}, "STREAM_CW_SECURITY_PROTOCOL"),
        ({"protocol": "SASL_SSL"}, "`username`"),
        ({"protocol": "SASL_SSL", "username": "u"}, "`password` or `password_file`"),
        ({**USER, "password_file": "p"}, "`password` or `password_file`"),
        ({**USER, "username": ""}, "STREAM_CW_SECURITY_USERNAME"),
        ({**USER, "password": ""}, "STREAM_CW_SECURITY_PASSWORD"),
        ({**USER, "mechanism": "PLAIN"}, "STREAM_CW_SECURITY_MECHANISM"),
        ({**USER, "protocol": "SSL"}, "`password` goes with"),
        ({"password": PASSWORD}, "`password` goes with"),
        ({"ca_file": "ca"}, "`ca_file` goes with"),
        ({"protocol": "SSL", "certificate_file": "c"}, "`certificate_file` and `key_file`"),
        ({"protocol": "SSL", "key_password_file": "k"}, "`key_password_file` goes with"),
        ({"protocol": "SSL", "ca_file": "gone"}, "STREAM_CW_SECURITY_CA_FILE: gone: No such"),
        ({**USER, "ca_file": __file__}, "STREAM_CW_SECURITY_CA_FILE: wanted PEM"),
        (
            {"protocol": "SASL_SSL", "username": "u", "password_file": "gone"},
            "STREAM_CW_SECURITY_PASSWORD_FILE: gone: No such",
        ),
        (
            {"protocol": "SASL_SSL", "username": "u", "password_file": "/dev/null"},
            "STREAM_CW_SECURITY_PASSWORD_FILE: /dev/null: wanted 1 to",
        ),
    ],
)
def test_what_does_not_go_together_is_named(given: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as refused:
        secured("one:9093", **given)
    assert named in str(refused.value)
    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize("size", [MAX_SECRET_BYTES, MAX_SECRET_BYTES + 1])
def test_a_file_that_is_no_password(tmp_path: Path, size: int) -> None:
    path = tmp_path / "password"
    path.write_text("x" * size)
    given = {"protocol": "SASL_SSL", "username": "u", "password_file": path}
    if size <= MAX_SECRET_BYTES:
        assert len(secured("one:9093", **given).password) == size
    else:
        with pytest.raises(SettingsError, match="found more"):
            secured("one:9093", **given)


def test_no_command_has_an_option_for_a_secret() -> None:
    """Everybody on a machine sees the options of its processes."""
    options: list[str] = []

    def collect(command: object) -> None:
        options.extend(option for each in command.params for option in each.opts)  # type: ignore[attr-defined]
        for below in getattr(command, "commands", {}).values():
            collect(below)

    collect(typer.main.get_command(build_app()))
    assert "--brokers" in options
    assert not [
        option for option in options if any(w in option for w in ("password", "secret", "token"))
    ]


def test_addresses_alone_are_a_connection_in_plain_text() -> None:
    assert Connection(addresses="one:9092") == secured("one:9092")
