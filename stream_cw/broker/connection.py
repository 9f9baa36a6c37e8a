"""How every client connects to the brokers: one description, as librdkafka and aiokafka want it."""

import ssl
from pathlib import Path
from typing import Any, Final, Literal

from msgspec import Struct
from pydantic import SecretStr

Protocol = Literal["PLAINTEXT", "SSL", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256"]


class Connection(Struct, frozen=True, kw_only=True):
    """Addresses of a cluster, and what it asks of its clients; as text it is the addresses alone.

    Attributes
    ----------
    addresses : str
        `host:port`, separated by commas.
    protocol : {"PLAINTEXT", "SSL", "SASL_SSL"}
    mechanism : {"SCRAM-SHA-512", "SCRAM-SHA-256"}
        With `SASL_SSL`.
    username : str
        With `SASL_SSL`.
    password : SecretStr
        With `SASL_SSL`.
    ca_file : Path or None
        PEM certificates that brokers are held to; None: those of the system.
    certificate_file, key_file : Path or None
        PEM certificate of the client, with its chain, and private key.
    key_password : SecretStr or None
        Of the private key.
    """

    addresses: str
    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str = ""
    password: SecretStr = SecretStr("")
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    key_password: SecretStr | None = None

    def __str__(self) -> str:
        return self.addresses


Brokers = str | Connection
"""Addresses alone mean a connection in plain text, as on one machine."""

_LIBRDKAFKA_FILES: Final = {
    "ssl.ca.location": "ca_file",
    "ssl.certificate.location": "certificate_file",
    "ssl.key.location": "key_file",
}


def connection_of(brokers: Brokers) -> Connection:
    """Return the connection that addresses alone mean; another one as it is."""
    return Connection(addresses=brokers) if isinstance(brokers, str) else brokers


def for_librdkafka(brokers: Brokers) -> dict[str, Any]:
    """Return the settings of a client of confluent-kafka; its own log lines are left out."""
    it = connection_of(brokers)
    settings: dict[str, Any] = {"bootstrap.servers": it.addresses, "log_level": 0}
    if it.protocol == "PLAINTEXT":
        return settings
    settings["security.protocol"] = it.protocol.lower()
    settings["ssl.endpoint.identification.algorithm"] = "https"
    for name, attribute in _LIBRDKAFKA_FILES.items():
        if (path := getattr(it, attribute)) is not None:
            settings[name] = str(path)
    if it.key_password is not None:
        settings["ssl.key.password"] = it.key_password.get_secret_value()
    if it.protocol == "SASL_SSL":
        settings["sasl.mechanism"] = it.mechanism
        settings["sasl.username"] = it.username
        settings["sasl.password"] = it.password.get_secret_value()
    return settings


def for_aiokafka(brokers: Brokers) -> dict[str, Any]:
    """Return the arguments of a client of aiokafka."""
    it = connection_of(brokers)
    arguments: dict[str, Any] = {"bootstrap_servers": addresses_of(brokers)}
    if it.protocol == "PLAINTEXT":
        return arguments
    arguments["security_protocol"] = it.protocol
    arguments["ssl_context"] = ssl_context(it)
    if it.protocol == "SASL_SSL":
        arguments["sasl_mechanism"] = it.mechanism
        arguments["sasl_plain_username"] = it.username
        arguments["sasl_plain_password"] = it.password.get_secret_value()
    return arguments


def addresses_of(brokers: Brokers) -> list[str]:
    """Return the addresses, `host:port`, one by one."""
    return [address.strip() for address in str(brokers).split(",")]


def ssl_context(connection: Connection) -> ssl.SSLContext:
    """Make what Python's TLS wants to know: whom to trust, by which name, and who we are.

    Raises
    ------
    OSError
        If a file cannot be read, or does not hold what it should (`ssl.SSLError`).
    """
    context = ssl.create_default_context(cafile=connection.ca_file)
    if connection.certificate_file is not None:
        secret = connection.key_password
        context.load_cert_chain(
            connection.certificate_file,
            connection.key_file,
            # Without any, OpenSSL would ask at the terminal.
            password="" if secret is None else secret.get_secret_value(),
        )
    return context
